#!/usr/bin/perl
# API keys: made, used, ended and revoked, on the page, by the API and by command; never to be
# found anywhere.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Site;

my $site = Site->start;
$site->sign_in;
my $b = $site->api(POST => '/brands', { name => 'Nordlicht', time_zone => 'Europe/Berlin' })->{json}{id};
my $other = $site->api(POST => '/brands', { name => 'Other' })->{json}{id};
my @secrets;

# ---- the page ----
my $r = $site->get("/brands/$b/keys");
like($r->{content}, qr/name="scopes" value="transactional"/, 'the page offers every scope');
like($r->{content}, qr/name="expires".*After a year.*name="expires_on"/s, 'and ends');
$r = $site->post("/brands/$b/keys", { name => '', scopes => [ 'read', 'write' ], expires => '30', expires_on => '' });
is($r->{status}, 200, 'a key without a name is made');
my ($key) = $r->{content} =~ /value="(ml_[\w-]{43})"/ or BAIL_OUT($r->{content});
push @secrets, $key;
like($r->{content}, qr/may read and write, until/, 'it says what it may and until when');
like($r->{headers}{'cache-control'}, qr/no-store/, 'the page with it is kept nowhere');
$r = $site->get("/brands/$b/keys");
unlike($r->{content}, qr/\Q$key\E/, 'it is shown once');
utf8::decode($r->{content});
like($r->{content}, qr/Key ml_.{6}…/, 'then only its beginning');
like($r->{content}, qr/never/, 'it was never used');
$r = $site->post("/brands/$b/keys", { scopes => 'read', expires => 'date', expires_on => '2020-01-01' });
is($r->{status}, 422, 'a day that is over is refused');
like($r->{content}, qr/from today on.*value="2020-01-01"|value="2020-01-01".*from today on/s, 'at its place');
is($site->post("/brands/$b/keys", { scopes => '', expires => 'never' })->{status}, 422, 'so is a key that may nothing');

# ---- use ----
$r = $site->api(GET => '/me', undef, key => $key);
is($r->{json}{key}{scopes}, 'read,write', 'the key tells what it may');
is($r->{json}{key}{brand_id}, $b, 'and where');
my ($shown) = grep { $_->{scopes} eq 'read,write' } @{ $site->api(GET => "/brands/$b/keys")->{json}{items} };
like($shown->{last_used_at}, qr/^20\d\d-/, 'when it was used last is shown');
my $used = $shown->{last_used_at};
$site->api(GET => '/me', undef, key => $key) for 1 .. 3;
($shown) = grep { $_->{id} == $shown->{id} } @{ $site->api(GET => "/brands/$b/keys")->{json}{items} };
is($shown->{last_used_at}, $used, 'and written down at most once a minute');
is($site->api(POST => "/brands/$b/lists", { name => 'A' }, key => $key)->{status}, 201, 'it writes');
my $campaign = $site->api(POST => "/brands/$b/campaigns", { name => 'C', subject => 'S', html => '<p>x</p>' })->{json}{id};
$r = $site->api(POST => "/brands/$b/campaigns/$campaign/pause", {}, key => $key);
is($r->{status}, 403, 'but does not send');
like($r->{json}{detail}, qr/has not the scope “send”/, 'as it says');
is($site->api(GET => "/brands/$other", undef, key => $key)->{status}, 404, 'another brand is not there');

# ---- a key gives no more than it has ----
$r = $site->api(POST => "/brands/$b/keys", { name => 'child', scopes => 'read' }, key => $key);
is($r->{status}, 403, 'a key makes no others');
like($r->{json}{detail}, qr/has not the scope “manage”/, 'unless it may manage');
$r = $site->post("/brands/$b/keys", { name => 'Boss', scopes => [ 'read', 'write', 'manage' ], expires => '30' });
my ($boss) = $r->{content} =~ /value="(ml_[\w-]{43})"/ or BAIL_OUT($r->{content});
push @secrets, $boss;
$r = $site->api(POST => "/brands/$b/keys", { name => 'more', scopes => 'read,write,send' }, key => $boss);
is($r->{status}, 422, 'a key makes none that may more');
$r = $site->api(POST => "/brands/$b/keys", { name => 'Web shop', scopes => [ 'read', 'write' ], expires => '2099-01-01' }, key => $boss);
is($r->{status}, 422, 'nor one for a hundred years');
$r = $site->api(POST => "/brands/$b/keys", { name => 'Web shop', scopes => ['read'], expires => '31' }, key => $boss);
is($r->{status}, 422, 'nor one that ends after it');
like($r->{json}{errors}{expires}, qr/ends no later than it/, 'as it says');
$r = $site->api(POST => "/brands/$b/keys", { name => 'With the boss', scopes => ['read'] }, key => $boss);
is($r->{status}, 201, 'one that may less is made');
push @secrets, $r->{json}{key};
my $child = $secrets[-1];
my ($parent) = grep { $_->{name} eq 'Boss' } @{ $site->api(GET => "/brands/$b/keys")->{json}{items} };
is($r->{json}{expires_at}, $parent->{expires_at}, 'which ends when the other does');
is($site->api(DELETE => "/brands/$b/keys/$parent->{id}")->{status}, 200, 'the key that made it is revoked');
is($site->api(GET => '/me', undef, key => $child)->{status}, 401, 'and with it what it made');
$r = $site->api(POST => "/brands/$b/keys", { name => 'Web shop', scopes => ['read'], expires => '7' });
is($r->{status}, 201, 'another one is made');
push @secrets, $r->{json}{key};
my $shop = $r->{json}{id};

# ---- a key is lowered with its user, and cannot raise them ----
my $link = $site->api(POST => "/brands/$b/invitations", { email => 'adam@example.com', role => 'admin' })->{json}{url};
{
	local @$site{qw(cookies csrf)} = ({}, '');
	$site->request(POST => $link, headers => { 'content-type' => 'application/x-www-form-urlencoded' },
		content => Site::form([ name => 'Adam', password => 'a password of adam' ]));
	$site->{csrf} = Site::csrf_of($site->get('/brands'));
	unlike($site->get("/brands/$b/keys")->{content}, qr/value="manage"/, 'an admin is not offered the scope manage');
	is($site->post("/brands/$b/keys", { scopes => [ 'read', 'manage' ], expires => '30' })->{status}, 422, 'nor given it');
	$r = $site->post("/brands/$b/keys", { scopes => [ 'read', 'write' ], expires => '30' });
}
my ($adams) = $r->{content} =~ /value="(ml_[\w-]{43})"/ or BAIL_OUT($r->{content});
push @secrets, $adams;
my ($adam) = map { $_->{user_id} } grep { $_->{email} eq 'adam@example.com' } @{ $site->api(GET => "/brands/$b/members")->{json}{items} };
for my $try ([ POST => "members/$adam/owner", {} ], [ PATCH => "members/$adam", { role => 'owner' } ],
	[ POST => 'invitations', { email => 'adam+2@example.com', role => 'owner' } ], [ POST => 'keys', { scopes => 'read,manage' } ]) {
	is($site->api($try->[0] => "/brands/$b/$try->[1]", $try->[2], key => $adams)->{status}, 403, "the key of an admin: $try->[0] $try->[1] is refused");
}
is($site->api(PATCH => "/brands/$b", { name => 'Nordlicht' }, key => $adams)->{status}, 200, 'it may what an admin may');
$site->api(PATCH => "/brands/$b/members/$adam", { role => 'viewer' });
is($site->api(PATCH => "/brands/$b", { name => 'Nordlicht' }, key => $adams)->{status}, 403, 'and not when he is a viewer');
is($site->api(GET => "/brands/$b", undef, key => $adams)->{status}, 200, 'who may still look');
$site->api(DELETE => "/brands/$b/members/$adam");
is($site->api(GET => '/me', undef, key => $adams)->{status}, 401, 'once he is out, his key is nothing');
is((grep { ($_->{user} // '') eq 'adam@example.com' } @{ $site->api(GET => "/brands/$b/keys")->{json}{items} })[0]{state}, 'suspended', 'and is shown so');

# ---- revoked ----
is($site->api(DELETE => "/brands/$other/keys/$shop")->{status}, 404, 'another brand does not revoke it');
is($site->post("/brands/$b/keys/$shop", { _method => 'DELETE' })->{status}, 303, 'a click does');
is($site->api(GET => '/me', undef, key => $secrets[-1])->{status}, 401, 'at once');
like($site->get("/brands/$b/keys")->{content}, qr/revoked/i, 'and the page shows it');

# ---- by command ----
my ($status, $text) = $site->command([ qw(key create --scopes), 'read,transactional', '--brand', $b, '--name', 'By hand', '--expires', '30' ]);
is($status, 0, 'a command makes one');
like($text, qr/^ml_[\w-]{43}\n$/, 'and prints it');
push @secrets, $text =~ /(\S+)/;
is($site->api(GET => '/me', undef, key => $secrets[-1])->{json}{key}{scopes}, 'read,transactional', 'which works');
($status, $text) = $site->command([ qw(key create --all --expires soon) ]);
is($status, 1, 'an end that is none is refused');
like($text, qr/expires: Give its last day/, 'as it says');
($status, $text) = $site->command([qw(key list)]);
my ($id) = $text =~ /^(\d+)\tbrand $b\tml_\S+\tread,transactional\tactive\tmade \S+\tused 20\S+\tends 20\S+\ttest\@example.com\tBy hand$/m;
ok($id, 'a command lists them') or diag $text;
like($text, qr/^\d+\tall\t/m, 'also those for all brands');
unlike(($site->command([ qw(key list --brand), $other ]))[1], qr/By hand/, 'or those of a brand');
is(($site->command([ qw(key revoke --id), $id ]))[0], 0, 'a command revokes');
is($site->api(GET => '/me', undef, key => $secrets[-1])->{status}, 401, 'at once');
is(($site->command([qw(key revoke --id 99999)]))[0], 1, 'what is not there is told');
my @words = map { "$_->{actor} $_->{words}" } @{ $site->api(GET => "/brands/$b/audit?action=api_key&limit=100")->{json}{items} };
ok((grep { $_ eq 'Command line revoked the API key “By hand”' } @words), 'the audit log has what commands do');
ok((grep { $_ eq 'Test Person revoked the API key “Web shop”' } @words), 'and what people do');

# ---- nowhere ----
push @secrets, $site->key;
my $logs = join '', map { $site->log($_) } qw(web track cron nginx memcached);
my $db = $site->dump;
cmp_ok(length $db, '>', 10_000, 'the database is there');
for my $secret (@secrets) {
	my $core = substr $secret, 3;
	ok(index($logs, $core) < 0, 'a key is in no log');
	ok(index($db, $core) < 0, 'nor in the database');
}
is(scalar(grep { ($_->{level} // '') =~ /error|fatal/ || $_->{event} eq 'audit.missing' } $site->events('web')), 0, 'nothing went wrong');
done_testing;
