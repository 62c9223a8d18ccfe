#!/usr/bin/perl
# A Supabase of one's own: inside a private network, over plain http, under another name than browsers
# use, with tokens that name another issuer or none, and with a provider that was made there.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/../lib";
use GoTrue;
use JSON::PP;
use Site;
use Test::More;

my $named = 'https://login.example/auth/v1';
for my $issuer ($named, 'none') {
	my $port = Site::free_port();
	my $fake = GoTrue->start(alg => 'ES256', site_port => $port, issuer => $issuer);
	my $browser = $fake->{url} =~ s/127\.0\.0\.1/localhost/r;
	my %inside = (MAILLAYER_SECURITY_ALLOW_LOOPBACK_HTTP => 'false', MAILLAYER_SUPABASE_ALLOW_PRIVATE => 'kong, 127.0.0.1',
		MAILLAYER_SUPABASE_BROWSER_URL => "$browser/", MAILLAYER_SUPABASE_PROVIDERS => 'custom:acme, google',
		MAILLAYER_SUPABASE_SELF_REGISTER => 'true');
	my $env = $fake->env(%inside, MAILLAYER_SUPABASE_ISSUER => $issuer);
	my $site = Site->start(port => $port, env => $env);
	$fake->people({ name => 'Ines Halvorsen', email => 'ines@nordlicht.example' });
	$site->user;

	my $r = $site->get('/auth/custom:acme');
	is($r->{status}, 303, "issuer $issuer: the way goes to a provider that was made there");
	like($r->{headers}{location}, qr{^\Q$browser\E/auth/v1/authorize\?provider=custom%3Aacme&}, 'by the name that browsers know');
	$r = $fake->walk($site, 'ines@nordlicht.example', '/auth/custom:acme');
	is($r->{status}, 303, 'and lets in who comes back') or diag $r->{content};
	is($site->get('/brands')->{status}, 200, 'who is signed in');
	my $token = $fake->ask(POST => '/_token', { email => 'ines@nordlicht.example' })->{access_token};
	is($site->api(GET => '/me', undef, key => $token)->{json}{user}{email}, 'ines@nordlicht.example', 'their token is one for the API');
	my $other = $fake->ask(POST => '/_token', { email => 'ines@nordlicht.example', claims => { iss => 'https://other.example/auth/v1' } })->{access_token};
	is($site->api(GET => '/me', undef, key => $other)->{status}, 401, 'that of another issuer is not');
	{
		local @ENV{ keys %$env } = values %$env;
		like(($site->command(['doctor']))[1], qr/^ok\s+supabase\b.*answers/m, 'the doctor is content');
	}
	undef $site;

	# the configuration as if it were a project of Supabase's own
	$site = Site->start(port => $port, env => $fake->env(%inside));
	$r = $fake->walk($site, 'ines@nordlicht.example');
	isnt($r->{status}, 303, 'without the issuer nobody is let in');
	is((grep { $_->{event} eq 'supabase.odd' } $site->events('web'))[0]{why}, 'access token: another issuer', 'and the log says why');
}
done_testing;
