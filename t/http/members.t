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
like($r->{content}, qr/Nobody has an account.*maillayer user create/s, 'and it says what to do');
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
done_testing;
