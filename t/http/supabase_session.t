#!/usr/bin/perl
# Sessions that began at Supabase, over time: one renewal for all, an end there is an end here, and
# a Supabase that is silent keeps nobody out before its word has run out.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/../lib";
use GoTrue;
use JSON::PP;
use Site;
use Test::More;
use Time::HiRes qw(sleep time);

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

# A token of 64 seconds is renewed when four of them have gone by.
my $port = Site::free_port();
my $fake = GoTrue->start(alg => 'ES256', site_port => $port, exp => 64);
my $site = Site->start(port => $port, env => $fake->env(MAILLAYER_SUPABASE_SELF_REGISTER => 'true'));
$fake->people({ name => 'Ines Halvorsen', email => 'ines@nordlicht.example' },
	{ name => 'Ada Lovelace', email => 'ada@nordlicht.example' }, { name => 'Cy', email => 'cy@nordlicht.example' });
sub fresh { $site->{cookies} = {} }
sub enter {
	my ($who) = @_;
	fresh();
	my $r = $fake->walk($site, $who);
	is($r->{status}, 303, "$who comes in by themselves") or diag($r->{content});
	$site->{csrf} = Site::csrf_of($site->get('/brands'));
	return { %{ $site->{cookies} } };
}

# ---- one renewal for all ----
my $ines = enter('ines@');
is($fake->stats->{refresh}, 0, 'a new token is not renewed');
sleep 4.3;
my @kids = map {
	my $pid = fork // die;
	if (!$pid) {
		my $r = HTTP::Tiny->new(max_redirect => 0)->get("$site->{url}/brands", { headers => { cookie => "ml_session=$ines->{ml_session}" } });
		require POSIX;
		POSIX::_exit($r->{status} == 200 ? 0 : 1);
	}
	$pid;
} 1 .. 12;
my $bad = 0;
for (@kids) { waitpid $_, 0; $bad++ if $? }
is($bad, 0, 'twelve requests at once, when the token is about to end, are all answered');
is($fake->stats->{refresh}, 1, 'and it is renewed once');
is($fake->stats->{reused}, 0, 'no refresh token is used twice');
sleep 4.3;
is($site->get('/brands')->{status}, 200, 'and again, when the next is about to end');
is($fake->stats->{refresh}, 2, 'with the next refresh token');

# ---- silent ----
$fake->ask(PUT => '/_mode', { status => 503 });
sleep 4.3;
my $r = $site->get('/brands');
is($r->{status}, 200, 'while Supabase is silent a person stays');
like($r->{content}, qr/Supabase, where you signed in, cannot be reached\. You stay signed in for 1 more minute\./, 'and is told for how long');
$r = $site->get('/brands');
like($r->{content}, qr/cannot be reached/, 'on the next page, too');
my @asked = $site->events('web', 'supabase.failed');
is(scalar @asked, 1, 'although Supabase is asked once in a while only') or diag(explain(\@asked));
fresh();
is($site->get('/sign-in')->{status}, 200, 'everybody else signs in here');
$site->user;
$site->sign_in;
is($site->get('/brands')->{status}, 200, 'with a password');
unlike($site->get('/brands')->{content}, qr/cannot be reached/, 'and reads nothing of it');
$fake->ask(PUT => '/_mode', {});
$site->{cookies} = { %$ines };
ok($site->until_true(20, sub { my $r = $site->get('/brands'); $r->{status} == 200 && $r->{content} !~ /cannot be reached/ || (sleep 1 and 0) }),
	'when it answers again the session goes on as if nothing had been');

# ---- an end there ----
my $ada = enter('ada@');
$fake->ask(POST => '/_end', { email => 'ada@nordlicht.example' });
is($site->get('/brands')->{status}, 200, 'a session that ended at Supabase is good here until the token is about to end');
sleep 4.3;
$r = $site->get('/brands');
is($r->{headers}{location}, '/sign-in?next=%2Fbrands', 'then it ends here');
like($site->get('/sign-in')->{content}, qr/Your session ended at Supabase\. Sign in again\./, 'with a sentence');
$site->{cookies} = { %$ada };
is($site->get('/brands')->{status}, 303, 'for good');
enter('cy@');
$fake->ask(POST => '/_ban', { email => 'cy@nordlicht.example' });
sleep 4.3;
is($site->get('/brands')->{status}, 303, 'who is banned there is out');
is($fake->walk($site, 'cy@')->{status}, 403, 'and does not come in again');

# ---- somebody else's refresh token, or none that can be opened ----
{
	my $mine = enter('ada@');
	$fake->ask(PUT => '/_mode', { answer => { user => { id => '11111111-1111-4111-8111-111111111111' } } });
	sleep 4.3;
	$r = $site->get('/brands');
	is($r->{status}, 200, 'an answer that does not fit itself changes nothing');
	like($r->{content}, qr/cannot be reached/, 'it is like none');
	$fake->ask(PUT => '/_mode', {});
}
undef $site;
undef $fake;

# ---- what Supabase said runs out ----
$port = Site::free_port();
$fake = GoTrue->start(alg => 'HS256', site_port => $port, exp => 4, flow => 2);
$site = Site->start(port => $port, env => $fake->env(MAILLAYER_SUPABASE_SELF_REGISTER => 'true', MAILLAYER_SECURITY_KEY_RATE => 5));
$fake->people({ name => 'Ines Halvorsen', email => 'ines@nordlicht.example' });
{
	fresh();
	my $back = $fake->agree($site, 'ines@');
	sleep 3;
	$r = $site->get($back);
	is($r->{status}, 403, 'who takes too long at the provider begins again');
	like($r->{content}, qr/This sign-in took too long\. Begin again\./, 'and reads that');
}
{
	my $token = $fake->token('ines@nordlicht.example', exp => 60);
	$fake->walk($site, 'ines@');
	my @status = map { $site->api(GET => '/me', undef, key => $token)->{status} } 1 .. 6;
	is("@status", '200 200 200 200 200 429', 'tokens of one person have the limit of a key');
}
$ines = enter('ines@');
$fake->ask(PUT => '/_mode', { close => JSON::PP::true });
sleep 5;
$r = $site->get('/brands');
is($r->{status}, 503, 'when what it said has run out and it is silent, a page is not shown');
like($r->{content}, qr/Supabase, where you signed in, cannot be reached, and what it last said about you has run out\. Reload/, 'but why');
ok($r->{headers}{'retry-after'}, 'and when to come again');
is($site->api(GET => '/me', undef, key => '', headers => { cookie => "ml_session=$ines->{ml_session}" })->{status}, 503, 'so is the API');
is($site->get('/sign-in')->{status}, 200, 'what is for everybody is there');
is($site->get('/healthz')->{status}, 200, 'health, too');
$fake->ask(PUT => '/_mode', {});
ok($site->until_true(20, sub { $site->get('/brands')->{status} == 200 || (sleep 1 and 0) }), 'when it answers again so are the pages, without signing in');
my %mine = %{ $site->{cookies} };
my @trips = map { fresh(); [ $fake->agree($site, 'ines@'), $site->{cookies}{ml_trip} ] } 1 .. 13;
$site->{cookies} = { %mine };
$fake->ask(PUT => '/_mode', { hang => JSON::PP::true });
sub come_back {
	my ($to, $trip) = @{ $_[0] };
	return HTTP::Tiny->new(max_redirect => 0, timeout => 30, local_address => "127.0.7.$_[1]")->get("$site->{url}$to", { headers => { cookie => "ml_trip=$trip" } })->{status};
}
is(come_back(shift @trips, 1), 503, 'one that hangs is given up after a while');
my $hung = $fake->stats->{hung};
@kids = map {
	my $n = $_;
	my $pid = fork // die;
	if (!$pid) {
		require POSIX;
		POSIX::_exit(come_back($trips[$n], $n + 2) == 503 ? 0 : 1);
	}
	$pid;
} 0 .. $#trips;
$bad = 0;
for (@kids) { waitpid $_, 0; $bad++ if $? }
is($bad, 0, 'then twelve people read at once that it cannot be reached');
cmp_ok($fake->stats->{hung} - $hung, '<=', 2, 'while one of them waits for it, and the workers are there for everybody else');
my $begin = time;
is($site->post('/sign-out', {})->{status}, 303, 'signing out does not wait for one that hangs');
cmp_ok(time - $begin, '<', 8, 'for long');
$site->{cookies} = { %$ines };
is($site->get('/brands')->{status}, 303, 'and it is an end');
done_testing();
