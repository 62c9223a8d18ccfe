#!/usr/bin/perl
# The same as t/fault/crash, from outside: a whole site behind nginx, its trigger calling
# /cron/send, and kill -9 of its cron workers, and of memcached, while it sends through the
# strict fake.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp qw(tempdir);
use JSON::PP;
use Site;
use Test::More;
use Time::HiRes qw(sleep);

my $people = $ENV{CRASH_PEOPLE} // 3000;
my $kills = 10;
my $dir = tempdir('maillayer-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $pid = open(my $fake, '-|', 'node', "$Site::top/t/fake/ses.mjs", '--ledger', "$dir/ledger")
    or plan skip_all => 'node cannot run the fake of Amazon SES';
my ($port) = (<$fake> // '') =~ /port (\d+)/ or plan skip_all => 'the fake of Amazon SES does not start';
my $owner = $$;
END {	# names $fake, or it would be closed, and its end waited for, before
	local $?;
	if ($fake && $owner == $$) { kill TERM => $pid; close $fake }
}

my $site = Site->start;
my $b = $site->api(POST => '/brands', { name => 'Storm', from_name => 'Storm',
	from_email => 'news@storm.example', postal_address => 'Road 1', time_zone => 'UTC' })->{json}{id};
my $base = "/brands/$b";
my $list = $site->api(POST => "$base/lists", { name => 'All' })->{json}{id};
my $csv = join '', "email,first_name\n", map { "p$_\@x.example,N$_\n" } 1 .. $people;
my $edge = 'XxXxMaillayerXxXx';
my $body = join '', map { "--$edge\r\nContent-Disposition: form-data; name=\"$_->[0]\"$_->[1]\r\n\r\n$_->[2]\r\n" }
    [ 'mapping', '', '{"email":"email","first_name":"first_name"}' ], [ 'lists', '', $list ],
    [ 'existing', '', 'update' ], [ 'file', '; filename="people.csv"', $csv ];
my $r = $site->api(POST => "$base/imports", "$body--$edge--\r\n",
	headers => { 'content-type' => "multipart/form-data; boundary=$edge" });
is($r->{status}, 201, 'the file is taken') or BAIL_OUT($r->{content});
my $import = $r->{json}{id};
ok($site->until_true(60, sub { $site->api(GET => "$base/imports/$import")->{json}{state} eq 'done' }),
	'the people are imported');
$r = $site->api(PUT => "$base/provider", { kind => 'ses', region => 'eu-central-1', mode => 'single',
	access_key_id => 'AKIDEXAMPLE', secret_access_key => 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
	endpoint => "http://127.0.0.1:$port", configuration_set => '', rate => 800 });
is($r->{status}, 200, 'the provider is set') or diag($r->{content});
my $id = $site->api(POST => "$base/campaigns", { name => 'Storm', subject => 'Hi {{ first_name }}',
	html => '<p>Hi {{ first_name }}</p><a href="https://shop.example/">Shop</a>', text => '',
	lists => [ $list ] })->{json}{id};
$r = $site->api(POST => "$base/campaigns/$id/send", {});
is($r->{status}, 200, 'the campaign is sent') or diag($r->{content});

sub campaign { return $site->api(GET => "$base/campaigns/$id")->{json} }
my $killed = 0;
for my $n (1 .. $kills) {
	sleep 0.15 + rand 0.35;
	last if campaign()->{status} ne 'sending';
	$killed += kill KILL => $site->workers('cron');
	if ($n == $kills / 2) {
		my $memcached = $site->process(qr/memcached/);
		kill KILL => $memcached if $memcached;
	}
}
ok($killed > 0, "cron workers were killed ($killed)");
my $done = $site->until_true(120, sub { my $c = campaign(); $c->{status} eq 'completed' && $c });
ok($done, 'the campaign is completed all the same') or diag(encode_json(campaign()));
my %n = %{ $done->{counts} // {} };
my %times;
open my $ledger, '<', "$dir/ledger" or die;
$times{ decode_json($_)->{to}[0] }++ while <$ledger>;
is($n{audience}, $people, 'everybody is in the audience');
is($n{accepted} + $n{doubt}, $people, "accepted and in doubt are all ($n{doubt} in doubt)");
is((grep { $_ > 1 } values %times), 0, 'nobody was accepted twice');
ok(keys %times >= $n{accepted}, 'the fake accepted what we call accepted');
is((grep { !/^p\d+\@x\.example$/ } keys %times), 0, 'and nobody else');
done_testing;
