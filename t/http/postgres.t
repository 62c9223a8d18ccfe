#!/usr/bin/perl
# The way from a brand to sent mail with everything in PostgreSQL, and a database that goes away.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Site;

plan skip_all => 'MAILLAYER_TEST_PG is not set' if !$ENV{MAILLAYER_TEST_PG};
my $site = Site->start(postgres => 1);

# Cuts every connection, as a restart of the server does.
sub cut {
	$site->sql('SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity'
	    . ' WHERE datname = current_database() AND pid <> pg_backend_pid()');
}

ok(!glob("$site->{state}/*.db"), 'there is no SQLite file');
my $b = $site->api(POST => '/brands', { name => 'Post', from_name => 'Post', from_email => 'hi@post.example',
	postal_address => 'Road 1, Town', time_zone => 'UTC' })->{json}{id};
ok($b, 'a brand is made');
my $list = $site->api(POST => "/brands/$b/lists", { name => 'Readers' })->{json}{id};
ok($list, 'a list');
is($site->api(POST => "/brands/$b/fields", { key => 'city', label => 'City', type => 'text' })->{status}, 201, 'a field');
is($site->api(POST => "/brands/$b/lists", { name => 'Readers' })->{status}, 409, 'a second list of that name is a conflict');
my $r = $site->api(POST => "/brands/$b/subscribers", { email => 'Ann@post.example', first_name => 'Ann',
	fields => { city => "L'Aquila" }, tags => ['vip'], lists => [$list] });
is($r->{status}, 201, 'a subscriber');
$r = $site->api(GET => "/brands/$b/subscribers/$r->{json}{id}");
is($r->{json}{fields}{city}, "L'Aquila", 'whose field comes back');

# ---- import ----
my $csv = "email,first_name,city\n" . join '', map { "p$_\@post.example,P$_,City$_\n" } 1 .. 3000;
my ($type, $body) = Site::multipart(
	file => { name => 'people.csv', type => 'text/csv', data => $csv . "nonsense,X,Y\n" },
	mapping => '{"email":"email","first_name":"first_name","city":"city"}', lists => $list, existing => 'update');
$r = $site->api(POST => "/brands/$b/imports", $body, headers => { 'content-type' => $type });
is($r->{status}, 201, 'an import is taken') or diag($r->{content});
my $import = $r->{json}{id};
$site->until_true(60, sub {
	$site->cron('jobs');
	$r = $site->api(GET => "/brands/$b/imports/$import");
	return $r->{json}{state} =~ /done|failed/;
});
is($r->{json}{state}, 'done', 'it is done');
is_deeply([ @{ $r->{json}{counts} }{qw(rows new invalid)} ], [ 3001, 3000, 1 ], 'with the right counts');

# ---- send ----
cut();
$r = $site->api(POST => "/brands/$b/campaigns", { name => 'First', subject => 'Hello {{ first_name }}', lists => [$list],
	html => '<p>Hello {{ first_name }} of {{ city }}, <a href="https://post.example/x">read</a></p>' });
is($r->{status}, 201, 'after the database was restarted a campaign is made') or diag($r->{content});
my $c = $r->{json}{id};
is($site->api(POST => "/brands/$b/campaigns/$c/send", {})->{status}, 200, 'it is sent');
my $cuts = 0;
$site->until_true(120, sub {
	cut() if $cuts++ < 3;
	$site->cron('send');
	$r = $site->api(GET => "/brands/$b/campaigns/$c");
	return ($r->{json}{status} // '') eq 'completed';
});
is($r->{json}{status}, 'completed', 'though the connections are cut it completes') or diag($r->{content});
my $counts = $r->{json}{counts} // {};
is($counts->{audience}, 3001, 'for everybody');
is($counts->{accepted} + $counts->{doubt}, 3001, 'with the sum kept');
is($site->sql('SELECT count(*) = count(DISTINCT to_email) FROM outbox_messages'), 't', 'and nobody twice');
is($site->get('/readyz')->{status}, 200, 'all is ready');
done_testing();
