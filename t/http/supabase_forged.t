#!/usr/bin/perl
# Hundreds of forged tokens (t/fake/forge.mjs) at the running API, for each algorithm: none is
# taken, in whatever order, and the good ones among them are.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/../lib";
use GoTrue;
use JSON::PP;
use Site;
use Test::More;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

# Each few tokens come from another machine: so no limit answers in place of the check.
my ($machine, $used) = (0, 99);
sub http {
	if ($used++ > 6) {
		$used = 0;
		$machine++;
	}
	return HTTP::Tiny->new(max_redirect => 0, timeout => 30, local_address => '127.0.8.' . (1 + $machine % 250));
}

sub status {
	my ($site, $token) = @_;
	my $r = http()->get("$site->{url}/api/v1/me", { headers => { authorization => "Bearer $token" } });
	return "$r->{status} " . (eval { decode_json($r->{content})->{detail} } // '');
}

# What a header cannot hold stays out of HTTP; the C test has it.
sub fits { $_[0]{token} =~ /^[!-~][ -~]{0,8100}$/ }

for my $alg (qw(ES256 RS256 HS256)) {
	my $port = Site::free_port();
	my $fake = GoTrue->start(alg => $alg, site_port => $port);
	my $site = Site->start(port => $port, env => $fake->env(MAILLAYER_SUPABASE_SELF_REGISTER => 'true', MAILLAYER_SECURITY_KEY_RATE => 0));
	$fake->people({ name => 'Ines Halvorsen', email => 'ines@nordlicht.example' });
	$fake->ask(PUT => '/_mode', { traps => JSON::PP::true });
	is($fake->walk($site, 'ines@')->{status}, 303, "$alg: Ines has an account");
	my $good = $fake->token('ines@nordlicht.example');
	like(status($site, $good), qr/^200 /, 'and a token');
	my @all = grep { fits($_) } @{ $fake->ask(GET => '/_forged?email=ines@nordlicht.example') };
	cmp_ok(scalar(grep { !$_->{good} } @all), '>=', 150, 'there are ' . @all . ' others');
	my $before = $fake->stats->{jwks};
	for my $t (@all) {
		my $got = status($site, $t->{token});
		$t->{good} ? like($got, qr/^200 /, "$alg: taken: $t->{name}")
		    : like($got, qr/^401 (?:This token is not|This API key is not|Send an API key)/, "$alg: refused: $t->{name}");
	}
	like(status($site, $good), qr/^200 /, 'after all of them the good one is good');
	cmp_ok($fake->stats->{jwks} - $before, '<=', 2, 'no crowd of unknown kids makes us fetch the keys again and again');
	is(scalar(grep { $_->{status} >= 500 && $_->{route} ne '/readyz' } $site->events('web', 'request')), 0, 'and nothing broke');
	is(scalar(grep { /\Q$good\E/ } $site->log('web')), 0, 'no token is in the log');
}
done_testing();
