#!/usr/bin/perl
# Invitations: by mail and by link, who may take them, how they end.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Site;

my $site = Site->start;
$site->sign_in;
my $b = $site->api(POST => '/brands', { name => 'Nordlicht', from_name => 'N', from_email => 'n@nordlicht.example',
	postal_address => 'Quay 1', time_zone => 'UTC' })->{json}{id};
my $other = $site->api(POST => '/brands', { name => 'Other' })->{json}{id};
my %jar = (admin => [ $site->{cookies}, $site->{csrf} ]);
sub as { @$site{qw(cookies csrf)} = $_[0] ? @{ $jar{ $_[0] } } : ({}, '') }

sub account {
	my ($who) = @_;
	my ($status, $text) = $site->command([ 'user', 'create', '--password-stdin', '--name', ucfirst $who,
		'--email', "$who\@nordlicht.example" ], "a password of $who\n");
	BAIL_OUT($text) if $status;
	as('');
	$site->request(POST => '/sign-in', headers => { 'content-type' => 'application/x-www-form-urlencoded' },
		content => Site::form({ email => "$who\@nordlicht.example", password => "a password of $who" }));
	$jar{$who} = [ $site->{cookies}, Site::csrf_of($site->get('/brands')) ];
}
account($_) for qw(ines tomasz);
is($site->api(POST => "/brands/$b/members", { email => 'ines@nordlicht.example', role => 'admin' })->{status}, 201, 'Ines is admin');

# ---- by link ----
as('ines');
my $page = $site->get("/brands/$b/members");
like($page->{content}, qr/Invite a colleague/, 'the page of the team invites');
unlike($page->{content}, qr/name="role" value="owner"/, 'an admin is not offered to make an owner');
my $r = $site->post("/brands/$b/invitations", { email => 'eva@nordlicht.example', role => 'owner', by_mail => 0 });
is($r->{status}, 422, 'nor may');
like($r->{content}, qr/You are admin here and cannot make somebody owner/, 'as it says');
$r = $site->post("/brands/$b/invitations", { email => 'eva at nordlicht', role => 'editor', by_mail => 0 });
is($r->{status}, 422, 'what is no address is refused');
like($r->{content}, qr/value="eva at nordlicht"/, 'with what was typed');
is($site->post("/brands/$b/invitations", { email => 'eva@nordlicht.example', role => 'editor' }, no_csrf => 1)->{status}, 403, 'nothing without the token');
$r = $site->post("/brands/$b/invitations", { email => 'Eva@nordlicht.example', role => 'editor', by_mail => 0 });
is($r->{status}, 200, 'a link is shown');
my ($link) = $r->{content} =~ m{value="\Q$site->{url}\E(/invitations/[A-Za-z0-9_-]{43})"} or BAIL_OUT($r->{content});
like($site->get("/brands/$b/members")->{content}, qr/Eva\@nordlicht.example.*by link.*from Ines/s, 'the invitation stands on the page');
unlike($site->get("/brands/$b/members")->{content}, qr/\Q$link\E/, 'but its link does not');
like($site->request(GET => "/api/v1/brands/$b/invitations")->{json}{items}[0]{expires_at}, qr/Z$/, 'the API lists it too');

# ---- who opens it ----
as('');
$r = $site->get($link);
is($r->{status}, 200, 'the link opens without an account');
like($r->{content}, qr/Join Nordlicht.*Ines invites you.*editor/s, 'and says which brand, who, and as what');
like($r->{content}, qr/Eva\@nordlicht.example/, 'and for whom');
unlike($r->{content}, qr/name="email"/, 'the address is fixed');
is($r->{headers}{'referrer-policy'}, 'no-referrer', 'the link goes nowhere else');
is($site->get('/invitations/' . 'x' x 43)->{status}, 404, 'another word is not one');
as('tomasz');
$r = $site->get($link);
like($r->{content}, qr/invitation is for.*Eva\@nordlicht.example.*you are signed in as tomasz/s, 'somebody else is told');
is($site->post($link, {})->{status}, 403, 'and does not get in');
is($site->get("/brands/$b")->{status}, 404, 'really not');

# ---- without an account ----
as('');
sub take { return $site->request(POST => $_[0], headers => { 'content-type' => 'application/x-www-form-urlencoded', %{ $_[2] // {} } },
	content => Site::form($_[1])) }
$r = take($link, { name => 'Eva', password => 'short' });
is($r->{status}, 422, 'a bad password is refused');
like($r->{content}, qr/use at least 10/, 'at its place');
like($r->{content}, qr/value="Eva"/, 'with what was typed');
is(take($link, { name => 'Eva', password => 'a password of eva' }, { origin => 'https://evil.example' })->{status}, 403, 'another site takes nothing');
is(take($link, { name => 'Eva', password => 'a password of eva', email => 'mallory@nordlicht.example' })->{status}, 422,
	'the address is not asked for');
$r = take($link, { name => 'Eva', password => 'a password of eva' });
is($r->{headers}{location}, "/brands/$b", 'a good one makes the account and joins');
$jar{eva} = [ $site->{cookies}, Site::csrf_of($site->get("/brands/$b")) ];
my $me = $site->request(GET => '/api/v1/me')->{json};
is($me->{user}{email}, 'Eva@nordlicht.example', 'with the address of the invitation');
is($me->{user}{name}, 'Eva', 'their name');
is($me->{user}{admin}, JSON::PP::false, 'no power over the server');
is("$me->{brands}[0]{id} $me->{brands}[0]{role}", "$b editor", 'and the role');
is(scalar @{ $me->{brands} }, 1, 'in this brand only');
is($site->get($link)->{status}, 404, 'the link works once');
like($site->get($link)->{content}, qr/not good any more/, 'and says so');

# ---- with an account, by mail ----
as('ines');
$r = $site->post("/brands/$b/invitations", { email => 'tomasz@nordlicht.example', role => 'viewer', by_mail => 1 });
is($r->{status}, 303, 'an invitation goes by mail');
as('admin');
my ($mail) = grep { $_->{subject} =~ /invites you/ } @{ $site->request(GET => "/api/v1/brands/$b/outbox")->{json}{items} };
is($mail->{subject}, 'Ines invites you to Nordlicht', 'which says what it is');
my $html = $site->get("/brands/$b/outbox/$mail->{id}/html")->{content};
my ($sent) = $html =~ m{\Q$site->{url}\E(/invitations/[A-Za-z0-9_-]{43})} or BAIL_OUT($html);
like($html, qr/as viewer/, 'and as what');
as('');
$r = $site->get($sent);
like($r->{content}, qr/There is an account for/, 'who has an account signs in first');
like($r->{content}, qr{/sign-in\?next=%2Finvitations%2F}, 'and comes back');
is(take($sent, { name => 'T', password => 'a password of mallory' })->{status}, 403, 'nobody makes a second account');
as('tomasz');
like($site->get($sent)->{content}, qr/Join as tomasz/, 'signed in, one click is left');
is($site->request(POST => $sent, headers => { origin => 'https://evil.example', 'content-type' => 'application/x-www-form-urlencoded' }, content => 'x=1')->{status}, 403, 'of theirs');
is($site->post($sent, {})->{headers}{location}, "/brands/$b", 'and they are in');
is($site->get("/brands/$b")->{status}, 200, 'at once');
is($site->get("/brands/$b/members")->{status}, 403, 'as a viewer');

# ---- again, and taken back ----
as('ines');
is($site->post("/brands/$b/invitations", { email => 'TOMASZ@nordlicht.example', role => 'editor', by_mail => 0 })->{status}, 422, 'who is in is not invited');
$r = $site->api(POST => "/brands/$b/invitations", { email => 'otto@nordlicht.example', role => 'editor' });
is($r->{status}, 201, 'the API invites');
my ($id, $url) = @{ $r->{json} }{qw(id url)};
like($url, qr{/invitations/.{43}$}, 'and gives the link');
my ($first) = $url =~ m{(/invitations/.*)};
$r = $site->api(POST => "/brands/$b/invitations/$id/renew", {});
is($r->{status}, 201, 'it is renewed');
my ($second) = $r->{json}{url} =~ m{(/invitations/.*)};
is($site->get($first)->{status}, 404, 'the old link ends');
as('');
is($site->get($second)->{status}, 200, 'the new one is good');
is($site->api(DELETE => "/brands/$other/invitations/$id")->{status}, 404, 'another brand does not take it back');
is($site->api(POST => "/brands/$other/invitations/$id/renew", {})->{status}, 404, 'nor renews it');
is($site->api(DELETE => "/brands/$b/invitations/$id")->{status}, 204, 'the brand does');
is($site->get($second)->{status}, 404, 'then the link ends');
is($site->api(DELETE => "/brands/$b/invitations/$id")->{status}, 404, 'once');

as('ines');
$r = $site->post("/brands/$b/invitations", { email => 'otto@nordlicht.example', role => 'editor', by_mail => 0 });
($id) = map { $_->{id} } grep { $_->{email} =~ /^otto/ } @{ $site->api(GET => "/brands/$b/invitations")->{json}{items} };
like($site->post("/brands/$b/invitations/$id/renew", {})->{content}, qr{value="http[^"]*/invitations/.{43}"}, 'a click renews it too');
is($site->post("/brands/$b/invitations/$id", { _method => 'DELETE' })->{status}, 303, 'and another takes it back');
as('');

# ---- who loses the role loses what they gave ----
$r = $site->request(POST => "/api/v1/brands/$b/invitations", headers => { 'content-type' => 'application/json',
	'x-csrf-token' => $jar{ines}[1], cookie => join '; ', map { "$_=$jar{ines}[0]{$_}" } keys %{ $jar{ines}[0] } },
	content => '{"email":"paul@nordlicht.example","role":"admin"}', no_cookies => 1);
is($r->{status}, 201, 'Ines invites an admin');
my ($paul) = $r->{json}{url} =~ m{(/invitations/.*)};
is($site->get($paul)->{status}, 200, 'whose link is good');
my ($ines) = map { $_->{user_id} } grep { $_->{email} =~ /^ines/ } @{ $site->api(GET => "/brands/$b/members")->{json}{items} };
is($site->api(PATCH => "/brands/$b/members/$ines", { role => 'editor' })->{status}, 200, 'Ines is no admin any more');
is($site->get($paul)->{status}, 404, 'so the link ends');

# ---- not too many mails, not too many guesses ----
my @status = map { $site->api(POST => "/brands/$b/invitations", { email => 'victim@nordlicht.example', role => 'viewer', by_mail => 1 })->{status} } 1 .. 6;
is("@status", '201 201 201 201 429 429', 'an address gets four mails a day');
$r = $site->api(POST => "/brands/$other/invitations", { email => 'victim@nordlicht.example', role => 'viewer', by_mail => 1 });
is($r->{status}, 429, 'from all brands together');
like($r->{headers}{'retry-after'}, qr/^\d+$/, 'with the seconds to wait');
is($site->api(POST => "/brands/$b/invitations", { email => 'victim@nordlicht.example', role => 'viewer' })->{status}, 201, 'a link is made all the same');
@status = map { $site->get('/invitations/' . sprintf '%043d', $_)->{status} } 1 .. 25;
is($status[-1], 429, 'who guesses is stopped');

# ---- nowhere to be found ----
my @lines = map { $_->{words} } @{ $site->api(GET => "/brands/$b/audit?action=invitation&limit=200")->{json}{items} };
for my $want ('invited Eva@nordlicht.example as editor', 'accepted the invitation and is editor now', 'invited otto@nordlicht.example as editor again',
	'revoked the invitation of otto@nordlicht.example') {
	ok((grep { $_ eq $want } @lines), "the audit log says: $want");
}
my $logs = join '', map { $site->log($_) } qw(web track cron);
my $db = $site->dump;
cmp_ok(length $db, '>', 10_000, 'the database is there');
for my $word (map { m{([^/]+)$} } $link, $second, $paul) {
	unlike($logs, qr/\Q$word\E/, 'the link is not in the logs');
	ok(index($db, $word) < 0, 'nor in the database');
}
is(scalar(grep { ($_->{level} // '') =~ /error|fatal/ || $_->{event} eq 'audit.missing' } $site->events('web')), 0, 'nothing went wrong');
done_testing;
