#!/usr/bin/perl
# Who is in a brand, with which role: as page and as API, through nginx.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Site;

my $site = Site->start;
$site->sign_in;
my $b = $site->api(POST => '/brands', { name => 'Nordlicht' })->{json}{id};
my $other = $site->api(POST => '/brands', { name => 'Other' })->{json}{id};
my %jar = (admin => [ $site->{cookies}, $site->{csrf} ]);
for my $who (qw(ines tomasz)) {
	my ($status, $text) = $site->command([ 'user', 'create', '--password-stdin', '--email', "$who\@nordlicht.example" ],
		"a password of $who\n");
	is($status, 0, "$who gets an account") or diag $text;
	$site->{cookies} = {};
	my $r = $site->request(POST => '/sign-in', headers => { 'content-type' => 'application/x-www-form-urlencoded' },
		content => Site::form({ email => "$who\@nordlicht.example", password => "a password of $who" }));
	is($r->{status}, 303, 'and signs in');
	$jar{$who} = [ $site->{cookies}, Site::csrf_of($site->get('/brands')) ];
}
sub as { @$site{qw(cookies csrf)} = @{ $jar{ $_[0] } } }

# ---- taking people in ----
as('admin');
my $r = $site->get("/brands/$b/members");
like($r->{content}, qr/Nobody is in this brand/, 'a brand made by a key has nobody');
$r = $site->post("/brands/$b/members", { email => 'nobody@nordlicht.example', role => 'editor' });
is($r->{status}, 422, 'who has no account cannot be taken in');
like($r->{content}, qr/Nobody has an account.*Invite them/s, 'and it says what to do');
like($r->{content}, qr/value="nobody\@nordlicht.example"/, 'with the typed address');
is($site->post("/brands/$b/members", { email => 'ines@nordlicht.example', role => 'king' })->{status}, 422, 'nor as a king');
is($site->post("/brands/$b/members", { email => 'ines@nordlicht.example', role => 'owner' }, no_csrf => 1)->{status}, 403,
	'nor without the token');
$r = $site->post("/brands/$b/members", { email => 'INES@nordlicht.example', role => 'owner' });
is($r->{headers}{location}, "/brands/$b/members", 'an account can');
$r = $site->api(POST => "/brands/$b/members", { email => 'tomasz@nordlicht.example', role => 'viewer' });
is($r->{status}, 201, 'by the API as well');
my $tomasz = $r->{json}{user_id};
my ($ines) = map { $_->{user_id} } grep { $_->{role} eq 'owner' } @{ $site->api(GET => "/brands/$b/members")->{json}{items} };

# ---- a viewer ----
as('tomasz');
is($site->get('/')->{headers}{location}, "/brands/$b", 'a member is sent to their brand');
$r = $site->get("/brands/$b");
is($r->{status}, 200, 'and sees it');
unlike($r->{content}, qr/New campaign|Import a file/, 'but is not offered what they may not do');
unlike($r->{content}, qr{/brands/$b/keys}, 'nor the keys');
is($site->get("/brands/$b/keys")->{status}, 403, 'which they may not see');
like($site->get("/brands/$b/settings")->{content}, qr/Your role in this brand is viewer/, 'and is told why');
is($site->post("/brands/$b/lists", { name => 'X' })->{status}, 403, 'nor may they write');
is($site->get("/brands/$b/members")->{status}, 403, 'nor look at the team');
is($site->get("/brands/$other")->{status}, 404, 'and of another brand they know nothing');
like($site->get("/brands/$b/provider")->{content}, qr/Owners and admins of this brand can change/, 'delivery is shown without its form');
is($site->request(GET => '/api/v1/me')->{json}{brands}[0]{role}, 'viewer', 'the API tells the role');

# ---- an admin and the owner ----
as('ines');
is($site->post("/brands/$b/members/$tomasz", { _method => 'PATCH', role => 'admin' })->{status}, 303, 'an owner makes an admin');
as('tomasz');
is($site->get("/brands/$b/members")->{status}, 200, 'who sees the team at once');
$r = $site->post("/brands/$b/members/$ines", { _method => 'PATCH', role => 'viewer' });
is($r->{status}, 422, 'but does not change an owner');
like($r->{content}, qr/Only an owner changes an owner/, 'as it says');
is($site->post("/brands/$b/members/$tomasz", { _method => 'PATCH', role => 'owner' })->{status}, 422, 'nor becomes one');
is($site->post("/brands/$b/members/$ines", { _method => 'DELETE' })->{status}, 422, 'nor removes one');
as('ines');
$r = $site->post("/brands/$b/members/$ines", { _method => 'DELETE' });
is($r->{status}, 422, 'the last owner stays');
like($r->{content}, qr/is the only owner/, 'as it says');
is($site->post("/brands/$b/members/$tomasz", { _method => 'DELETE' })->{status}, 303, 'others can be removed');
is($site->post("/brands/$b/members/$tomasz", { _method => 'DELETE' })->{status}, 404, 'once');
as('tomasz');
is($site->get("/brands/$b")->{status}, 404, 'and see nothing from then on');
is($site->api(PATCH => "/brands/$other/members/$ines", { role => 'viewer' })->{status}, 404, 'nobody is changed through another brand');
is($site->api(GET => "/brands/$b/members", undef, key => $site->key(brand => $other))->{status}, 404, 'nor seen');
is($site->api(GET => "/brands/$b/members", undef, key => '')->{status}, 401, 'nor without a key');

# ---- adding without asking is for who administers the accounts ----
is($site->post("/brands/$b/members", { email => 'tomasz@nordlicht.example', role => 'viewer' })->{status}, 404, 'a stranger adds nobody');
as('ines');
$r = $site->post("/brands/$b/members", { email => 'tomasz@nordlicht.example', role => 'viewer' });
is($r->{status}, 403, 'nor does an owner');
like($r->{content}, qr/Invite them instead/, 'who is told what to do');

# ---- leaving ----
$r = $site->get("/brands/$b/leave");
like($r->{content}, qr/You are the only owner/, 'the only owner is told before they try');
is($site->post("/brands/$b/leave", {})->{status}, 422, 'and stays');
is($site->api(POST => "/brands/$b/members", { email => 'tomasz@nordlicht.example', role => 'editor' })->{status}, 201, 'somebody else comes');
is($site->api(POST => "/brands/$b/leave", {})->{status}, 403, 'a key cannot leave');
as('admin');
like($site->get("/brands/$b/leave")->{content}, qr/You are not in the team/, 'nor who only administers the server');

# ---- handing over ----
as('tomasz');
is($site->get("/brands/$b/members/$ines/owner")->{status}, 403, 'an editor hands nothing over');
is($site->post("/brands/$b/members/$tomasz/owner", {})->{status}, 403, 'nor takes it');
as('ines');
$r = $site->get("/brands/$b/members/$tomasz/owner");
is($r->{status}, 200, 'an owner is asked first');
like($r->{content}, qr/becomes owner.*You become admin/s, 'and told what happens');
is($site->post("/brands/$b/members/$tomasz/owner", {})->{headers}{location}, "/brands/$b/members", 'then it happens');
my %role = map { $_->{user_id} => $_->{role} } @{ $site->api(GET => "/brands/$b/members")->{json}{items} };
is("$role{$tomasz} $role{$ines}", 'owner admin', 'in both roles');
is($site->get("/brands/$b/members/$tomasz/owner")->{status}, 403, 'at once');
like($site->get("/brands/$b/members")->{content}, qr/Leave…/, 'who is no owner is offered to leave');
$r = $site->post("/brands/$b/leave", {});
is($r->{headers}{location}, '/brands', 'and leaves');
is($site->get("/brands/$b")->{status}, 404, 'and sees it no more');
is($site->api(POST => "/brands/$b/members", { email => 'ines@nordlicht.example', role => 'viewer' })->{status}, 201, 'comes back');
is($site->api(POST => "/brands/$b/members/$ines/owner", {})->{json}{role}, 'owner', 'and is made owner by a key');
is($site->api(POST => "/brands/$b/members/987654/owner", {})->{status}, 404, 'who is not there is not');

is($site->api(PATCH => "/brands/$b/members/$tomasz", { role => 'viewer' })->{status}, 200, 'there are two owners, so one may be less');
as('tomasz');
$r = $site->request(POST => "/api/v1/brands/$b/leave", headers => { 'content-type' => 'application/json', 'x-csrf-token' => $site->{csrf} }, content => '{}');
is($r->{status}, 204, 'a person leaves by the API as well');

# ---- in words ----
my @lines = map { $_->{words} } @{ $site->api(GET => "/brands/$b/audit?action=member&limit=100")->{json}{items} };
for my $want ('took tomasz@nordlicht.example into the team as viewer',
	'changed the role of tomasz@nordlicht.example from viewer to admin',
	'removed tomasz@nordlicht.example, who was admin, from the team',
	'handed the brand over to tomasz@nordlicht.example', 'left the team') {
	ok((grep { $_ eq $want } @lines), "the audit log says: $want");
}
done_testing;
