#!/usr/bin/perl
# Mails in doubt, decided by a person: the pages that ask, the API, and that it is done once.
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
my $pid = open(my $fake, '-|', 'node', "$Site::top/t/fake/ses.mjs") or die;
my ($port) = (<$fake> // '') =~ /port (\d+)/ or plan skip_all => 'node cannot run the fake of Amazon SES';
my $http = HTTP::Tiny->new;
sub script { $http->put("http://127.0.0.1:$port/_script", { content => encode_json($_[0]) }) }
sub accepted { decode_json($http->get("http://127.0.0.1:$port/_stats")->{content})->{accepted} }

my $brand = $site->api(POST => '/brands', { name => 'Acme', from_name => 'Acme', from_email => 'news@example.com',
	postal_address => 'Quay 1, Holm', time_zone => 'Europe/Berlin' })->{json}{id};
my $other = $site->api(POST => '/brands', { name => 'Other' })->{json}{id};
my $list = $site->api(POST => "/brands/$brand/lists", { name => 'News' })->{json}{id};
$site->api(POST => "/brands/$brand/subscribers", { email => "p$_\@example.com", lists => [$list] }) for 1 .. 5;
my $r = $site->api(PUT => "/brands/$brand/provider", { kind => 'ses', region => 'eu-central-1', mode => 'single',
	endpoint => "http://127.0.0.1:$port", access_key_id => 'AKIDEXAMPLE',
	secret_access_key => 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' });
is($r->{status}, 200, 'a brand sends by SES') or diag $r->{content};
$r = $site->api(POST => "/brands/$brand/campaigns", { name => 'December', subject => 'Hello',
	html => '<p>Hi</p>', lists => [$list] });
my $id = $r->{json}{id};
my $one = "/brands/$brand/campaigns/$id";
sub campaign { $site->api(GET => $one)->{json} }
sub send_out { my ($status) = @_; $site->until_true(30, sub { $site->cron('send'); campaign()->{status} eq $status }) }

script([ { do => 'drop' } ]);
$r = $site->api(POST => "$one/send", {});
is($r->{status}, 200, 'it is sent') or diag $r->{content};
send_out('completed');
script([]);
is(campaign()->{counts}{doubt}, 5, 'all are in doubt');
is(accepted(), 5, '... though Amazon has them');
my @rows = @{ $site->api(GET => "$one/recipients?state=doubt")->{json}{items} };

# ---- asking ----
$r = $site->get("$one/recipients?state=doubt");
like($r->{content}, qr{doubt\?action=resend&(?:amp;)?ids=$rows[0]{id}"}, 'each row can be sent again');
like($r->{content}, qr{doubt\?action=give_up&(?:amp;)?all=1"}, '... all can be given up');
$r = $site->get("$one/doubt?action=resend&ids=$rows[0]{id}");
is($r->{status}, 200, 'a page asks before');
like($r->{content}, qr/Send again to \Q$rows[0]{email}\E.*may get it twice/s, '... and names whom, and what can happen');
like($r->{content}, qr/goes back to sending/, '... and what the campaign does');
like($site->get("$one/doubt?action=give_up&all=1")->{content}, qr/Don.+t send again to 5 people/, '... for all too');
is($site->get("$one/doubt?action=guess&all=1")->{status}, 404, 'an unknown question has no page');
is($site->get("$one/doubt?action=resend&ids=99999")->{status}, 404, '... nor has an unknown recipient');

# ---- what is refused ----
$r = $site->api(POST => "$one/doubt", { ids => [ $rows[0]{id} ] });
ok($r->{status} == 422 && $r->{json}{errors}{action}, 'the API wants an action') or diag $r->{content};
$r = $site->api(POST => "$one/doubt", { action => 'resend' });
ok($r->{status} == 422 && $r->{json}{errors}{ids}, '... and recipients');
$r = $site->api(POST => "$one/doubt", { action => 'resend', ids => [1], all => JSON::PP::true });
ok($r->{status} == 422 && $r->{json}{errors}{ids}, '... not both');
is($site->api(POST => "/brands/$other/campaigns/$id/doubt", { action => 'resend', all => JSON::PP::true })->{status}, 404,
	"another brand's is 404");
is($site->api(POST => "$one/doubt", { action => 'resend', all => JSON::PP::true },
	key => $site->key(scopes => 'read,write'))->{status}, 403, 'a key that may not send does not decide');
is(campaign()->{counts}{doubt}, 5, 'nothing was decided by that');

# ---- deciding ----
$r = $site->api(POST => "$one/doubt", { action => 'resend', ids => [ $rows[0]{id}, $rows[1]{id} ] });
is($r->{status}, 200, 'two are sent again') or diag $r->{content};
is($r->{json}{decided}, 2, '... two');
is($r->{json}{status}, 'sending', '... so the campaign is sending');
is($r->{json}{resends}, 2, '... and they are counted');
is($site->api(POST => "$one/doubt", { action => 'resend', ids => [ $rows[0]{id} ] })->{json}{decided}, 0,
	'a second click decides nothing');
like($site->get("$one/recipients?state=doubt")->{content}, qr/Send all 3 again/,
	'the page of those in doubt offers it for the rest');
send_out('completed');
is(campaign()->{counts}{accepted}, 2, 'both are accepted');
is(accepted(), 7, '... once more each');
like($site->get($one)->{content}, qr/2 people were sent the mail again/, 'the report tells');
$r = $site->post("$one/doubt", { action => 'give_up', ids => $rows[2]{id} });
is($r->{status}, 303, 'one is given up by the page');
is($site->post("$one/doubt", { action => 'give_up', all => 1 })->{status}, 303, '... and all the others');
$r = campaign();
is($r->{counts}{given_up}, 3, 'they are given up');
is($r->{counts}{doubt}, 0, '... nobody is in doubt any more');
ok($r->{adds_up}, '... and it adds up');
is(accepted(), 7, 'nothing left by that');
like($site->get("$one/doubt?action=resend&all=1")->{content}, qr/Nobody is in doubt/, 'the page says so');

# ---- who was given up ----
$r = $site->api(POST => "$one/doubt", { action => 'give_up', state => 'given_up', all => JSON::PP::true });
ok($r->{status} == 422 && $r->{json}{errors}{state}, 'who is given up cannot be given up');
$r = $site->api(POST => "$one/doubt", { action => 'resend', state => 'gone', all => JSON::PP::true });
ok($r->{status} == 422 && $r->{json}{errors}{state}, '... an unknown state is refused');
is($site->api(POST => "$one/doubt", { action => 'resend', ids => [ $rows[2]{id} ] })->{json}{decided}, 0,
	'... and without the state nobody is meant');
like($site->get("$one/recipients?state=given_up")->{content}, qr{doubt\?action=resend&(?:amp;)?state=given_up&(?:amp;)?all=1".*Send all 3 again}s,
	'their page offers to send them again');
$r = $site->get("$one/doubt?action=resend&state=given_up&all=1");
like($r->{content}, qr/Send again to 3 people/, '... and asks before');
like($r->{content}, qr/name="state" value="given_up"/, '... about them');
$r = $site->api(POST => "$one/doubt", { action => 'resend', state => 'given_up', ids => [ $rows[2]{id} ] });
is($r->{json}{decided}, 1, 'one is sent again by the API') or diag $r->{content};
is($site->post("$one/doubt", { action => 'resend', state => 'given_up', all => 1 })->{status}, 303, '... the others by the page');
send_out('completed');
$r = campaign();
is($r->{counts}{accepted}, 5, 'all are accepted then');
is($r->{resends}, 5, '... and counted as sent again, for they were in doubt');
is(accepted(), 10, '... once more each');
my ($status, $text) = $site->command([qw(check ledger)]);
is($status, 0, 'the checker finds nothing') or diag $text;

kill TERM => $pid;
done_testing;
