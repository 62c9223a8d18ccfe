#!/usr/bin/perl
# Campaigns that follow another one: to those who did not open it, to those left when it was cancelled.
use strict;
use warnings;
use utf8;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use HTTP::Tiny;
use JSON::PP;
use Site;
use Test::More;

my $site = Site->start;
$site->sign_in;
my $brand = $site->api(POST => '/brands', { name => 'Acme', from_name => 'Acme', from_email => 'news@example.com',
	postal_address => 'Quay 1, Holm', time_zone => 'Europe/Berlin' })->{json}{id};
my $other = $site->api(POST => '/brands', { name => 'Other' })->{json}{id};
my $list = $site->api(POST => "/brands/$brand/lists", { name => 'News' })->{json}{id};
my %id;
for (qw(anna ben carl dora)) {
	$id{$_} = $site->api(POST => "/brands/$brand/subscribers", { email => "$_\@example.com", lists => [$list] })->{json}{id};
}
my $r = $site->api(POST => "/brands/$brand/campaigns", { name => 'December', subject => 'Hello',
	html => '<p>Hi</p>', lists => [$list] });
my $one = "/brands/$brand/campaigns/$r->{json}{id}";
sub sent { my ($c) = @_; $site->until_true(20, sub { $site->cron('send'); $site->api(GET => $c)->{json}{status} eq 'completed' }) }
sub people { my ($c) = @_; join ' ', sort map { $_->{email} =~ /(\w+)@/ } @{ $site->api(GET => "$c/recipients")->{json}{items} } }

is($site->api(POST => "$one/follow", { audience => 'unopened' })->{status}, 409, 'a draft has nothing to follow');
$site->api(POST => "$one/send", {});
sent($one);
is(people($one), 'anna ben carl dora', 'four got it');

# ---- to those who did not open ----
my ($mail) = grep { encode_json($_) =~ /anna\@example/ } @{ $site->api(GET => "/brands/$brand/outbox")->{json}{items} };
my ($pixel) = encode_json($site->api(GET => "/brands/$brand/outbox/$mail->{id}")->{json}) =~ m{(/t/o/[\w-]+)};
ok($pixel, 'the mail has a pixel') and $site->get($pixel);
$site->until_true(20, sub { $site->cron('jobs'); $site->api(GET => $one)->{json}{stats}{opened} == 1 });
is($site->api(GET => $one)->{json}{stats}{opened}, 1, 'Anna opened it');
like($site->get($one)->{content}, qr/Resend to 3 non-openers/, 'the report offers it to the others');
$r = $site->api(POST => "$one/follow", { audience => 'unopened' });
is($r->{status}, 201, 'a campaign follows') or diag $r->{content};
is($r->{json}{status}, 'draft', '... as a draft');
is($r->{json}{name}, 'December (not opened)', '... named so');
is($r->{json}{parent_id}, $site->api(GET => $one)->{json}{id}, '... linked');
is($r->{json}{audience_kind}, 'unopened', '... to those');
my $two = "/brands/$brand/campaigns/$r->{json}{id}";
is($site->api(GET => "$two/checklist")->{json}{reach}, 3, '... three');
like($site->get("$two/audience")->{content}, qr/This audience cannot be changed/, 'its audience is fixed');
is($site->api(PATCH => $two, { lists => [$list] })->{status}, 422, '... for the API too');
is($site->api(PATCH => $two, { subject => 'Again' })->{status}, 200, 'its content is not');
like($site->get("$two/send")->{content}, qr/Send to 3 people/, 'it can be sent');
$r = $site->api(PATCH => "/brands/$brand/subscribers/$id{ben}", { status => 'unsubscribed' });
is($r->{status}, 200, 'one leaves meanwhile') or diag $r->{content};
$site->api(POST => "$two/send", {});
sent($two);
is(people($two), 'carl dora', 'who did not open it gets it, unless unsubscribed meanwhile');
like($site->get($two)->{content}, qr/those who got .+December.+ and did not open it/, 'its report says to whom');
like($site->get("/brands/$brand/campaigns")->{content}, qr/Who did not open an earlier campaign/, '... and the index');
is($site->api(POST => "/brands/$other/campaigns/1/follow", { audience => 'unopened' })->{status}, 404, "another brand's is 404");
is($site->api(POST => "$one/follow", { audience => 'lists' })->{status}, 422, 'lists are not to follow');
is($site->api(POST => "$one/follow", { audience => 'unsent' })->{status}, 409, 'nobody was left of a completed one');

# ---- to those left ----
my $pid = open(my $fake, '-|', 'node', "$Site::top/t/fake/ses.mjs") or die;
my ($port) = (<$fake> // '') =~ /port (\d+)/;
SKIP: {
	skip 'node cannot run the fake of Amazon SES', 13 unless $port;
	$r = $site->api(PUT => "/brands/$brand/provider", { kind => 'ses', region => 'eu-central-1', mode => 'single',
		endpoint => "http://127.0.0.1:$port", access_key_id => 'AKIDEXAMPLE',
		secret_access_key => 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' });
	is($r->{status}, 200, 'the brand sends by SES') or diag $r->{content};
	HTTP::Tiny->new->put("http://127.0.0.1:$port/_script", { content => encode_json([ { do => { status => 429,
		type => 'TooManyRequestsException', message => 'Daily message quota exceeded' } } ]) });
	$r = $site->api(POST => "/brands/$brand/campaigns", { name => 'January', subject => 'Hello', html => '<p>Hi</p>',
		lists => [$list] });
	my $three = "/brands/$brand/campaigns/$r->{json}{id}";
	$site->api(POST => "$three/send", {});
	$site->until_true(20, sub { $site->cron('send'); $site->api(GET => $three)->{json}{status} eq 'paused' });
	like($site->get($three)->{content}, qr/daily quota.*goes on by itself at/s, 'the quota is used up, and the page says until when');
	like($site->get($three)->{content}, qr/Edit what is left/, 'what is left can be edited');
	like($site->get("$three/content")->{content}, qr/for the 3 who have not got it/, '... on a page that says whom it concerns');
	my $v = $site->api(GET => $three)->{json}{version};
	$r = $site->api(PATCH => $three, { subject => 'Better', version => $v });
	ok($r->{status} == 200 && $r->{json}{version} == $v + 1, '... and its version rises') or diag $r->{content};
	is($r->{json}{status}, 'paused', '... while it stays paused');
	is($site->api(PATCH => $three, { lists => [$list] })->{status}, 422, '... but not the audience');
	is($site->api(PATCH => $three, { track_opens => JSON::PP::false })->{status}, 422, '... nor what is counted');
	like($site->get($three)->{content}, qr/Stay paused/, '... which can be stopped');
	$site->post("$three/pause", {});
	is($site->api(GET => $three)->{json}{resume_at}, undef, '... by hand');
	$r = $site->api(POST => "$three/cancel", {});
	is($r->{json}{counts}{cancelled}, 3, 'a campaign is cancelled');
	like($site->get($three)->{content}, qr/Send to the 3 not yet sent/, 'the report offers it to those left');
	$r = $site->post("$three/follow", { audience => 'unsent' });
	my ($four) = ($r->{headers}{location} // '') =~ m{^(.*)/content};
	is($site->api(GET => "$four/checklist")->{json}{reach}, 3, 'a campaign follows to exactly those');
}
my ($status, $text) = $site->command([qw(check ledger)]);
is($status, 0, 'the checker finds nothing') or diag $text;
kill TERM => $pid;
done_testing;
