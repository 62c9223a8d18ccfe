#!/usr/bin/perl
# Signing in through Supabase Auth, through nginx: who comes in and who does not; what happens when
# Supabase ends a session, turns its keys or is silent; its tokens for the API, and forged ones.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Digest::SHA qw(sha256);
use GoTrue;
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use Site;
use Test::More;
use Time::HiRes qw(sleep time);

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my $port = Site::free_port();
my $fake = GoTrue->start(alg => 'ES256', site_port => $port);
my $env = $fake->env;
my $site = Site->start(port => $port, env => $env);
$ENV{$_} = $env->{$_} for keys %$env;	# of the commands
$fake->people(
	{ name => 'Ines Halvorsen', email => 'ines@nordlicht.example' },
	{ name => 'Bo Unconfirmed', email => 'bo@nordlicht.example', confirmed => JSON::PP::false },
	{ name => 'Nobody Asked', email => 'nobody@elsewhere.example' },
	{ name => 'Test Person', email => 'test@example.com' },
	{ name => "Long\tName" . 'x' x 200, email => 'odd@nordlicht.example' },
	{ name => 'Ada Lovelace', email => 'ada@nordlicht.example' },
);
my $brand = $site->api(POST => '/brands', { name => 'Nordlicht' })->{json}{id};
my $other = $site->api(POST => '/brands', { name => 'Another' })->{json}{id};
sub invite {
	my ($email, $role) = @_;
	my $r = $site->api(POST => "/brands/$brand/invitations", { email => $email, role => $role });
	is($r->{status}, 201, "$email is invited as $role") or diag($r->{content});
}
# A browser without cookies, on another machine: so the limits of an address are not met.
my $machine = 1;
sub fresh {
	$site->{cookies} = {};
	$site->{http} = HTTP::Tiny->new(max_redirect => 0, timeout => 60, local_address => '127.0.9.' . ++$machine);
}
sub why { my ($r) = @_; my ($p) = $r->{content} =~ m{<p class="mb-3">(.*?)</p>}s; return $p // $r->{content} }
sub users { my ($s, $text) = $site->command([qw(user list)]); return $text }

# ---- the sign-in page, and the way there ----
{
	my $page = $site->get('/sign-in?next=/brands')->{content};
	like($page, qr{href="/auth/google\?next=%2Fbrands"}, 'the sign-in page offers what is configured');
	like($page, qr{href="/auth/github\?}, 'all of it');
	unlike($page, qr{/auth/azure}, 'and no more');
	like($page, qr{name="password"}, 'beside the local form');
	is($site->get('/auth/gitlab')->{status}, 404, 'another provider is not there');
	is($site->get('/api/v1/auth/google')->{status}, 404, 'nor is the way for the API');

	my $r = $site->get('/auth/google?next=/brands');
	is($r->{status}, 303, 'the way goes to Supabase');
	my $to = $r->{headers}{location};
	like($to, qr{^\Q$fake->{url}\E/auth/v1/authorize\?provider=google&redirect_to=http%3A%2F%2F127\.0\.0\.1%3A$port%2Fauth%2Fcallback&code_challenge=[\w-]{43}&code_challenge_method=s256$},
		'with our address and a challenge');
	my $cookie = $r->{headers}{'set-cookie'};
	like($cookie, qr/^ml_trip=[\w-]+; /, 'the verifier is sealed in a cookie');
	like($cookie, qr/HttpOnly/, 'which scripts do not see');
	like($cookie, qr/SameSite=Lax/, 'nor forms of other sites');
	like($cookie, qr/Max-Age=600\b/, 'and which lasts ten minutes');
	is($site->get('/auth/google?next=https://evil.example/')->{status}, 303, 'an address of another site as the target');
	fresh();
}

# ---- who is not let in ----
{
	my $r = $fake->walk($site, 'nobody@');
	is($r->{status}, 403, 'who is not invited does not come in');
	like(why($r), qr/^Nobody has invited nobody\@elsewhere\.example\. Ask somebody/, 'and reads why, and what to do');
	ok(!$site->{cookies}{ml_session}, 'without a session');
	unlike(users(), qr/nobody\@/, 'nor an account');
	is($fake->stats->{sessions}, 0, 'and the session at Supabase is ended');

	invite('bo@nordlicht.example', 'owner');
	$r = $fake->walk($site, 'bo@');
	is($r->{status}, 403, 'an invitation is nothing for an address that is not confirmed');
	like(why($r), qr/^bo\@nordlicht\.example is not confirmed/, 'which is said');

	$site->user;	# test@example.com, with a password
	invite('test@example.com', 'viewer');
	$r = $fake->walk($site, 'test@example.com');
	is($r->{status}, 403, 'an account with a password is not taken over by its address');
	like(why($r), qr/^test\@example\.com has an account here .* Sign in with its password/, 'which is said, with what to do');
}

# ---- who is ----
my $session;
{
	fresh();
	invite('ines@nordlicht.example', 'editor');
	my $r = $fake->walk($site, 'ines@', '/auth/google?next=/brands');
	is($r->{status}, 303, 'who is invited comes in') or diag(why($r));
	is($r->{headers}{location}, '/brands', 'where they wanted to go');
	ok(!$site->{cookies}{ml_trip}, 'and the cookie of the trip is gone');
	is($fake->stats->{sessions}, 1, 'with a session at Supabase');
	my $me = $site->get('/api/v1/me')->{json};
	is($me->{user}{email}, 'ines@nordlicht.example', 'as they are called there');
	is($me->{user}{name}, 'Ines Halvorsen', 'with their name');
	ok(!$me->{user}{admin}, 'not as an administrator, whatever the metadata says');
	is_deeply([ map { [ @$_{qw(id role)} ] } @{ $me->{brands} } ], [ [ $brand, 'editor' ] ], 'in the brand of the invitation, with its role');
	is($site->get("/brands/$other")->{status}, 404, 'and in no other');
	is($site->get("/brands/$brand/settings")->{status}, 403, 'nor above the role');
	is(scalar @{ $site->api(GET => "/brands/$brand/invitations")->{json}{items} }, 2, 'the invitation is used up');
	$session = { %{ $site->{cookies} } };

	fresh();
	$r = $fake->walk($site, 'ines@', '/auth/github');
	is($r->{status}, 303, 'the next time by another provider');
	is($site->get('/api/v1/me')->{json}{user}{id}, $me->{user}{id}, 'they are the same');
	my @actions = map { $_->{action} } @{ $site->api(GET => '/audit')->{json}{items} };
	ok((grep { $_ eq 'user.join' } @actions) && (grep { $_ eq 'invitation.accept' } @actions), 'the audit log has it');

	invite('odd@nordlicht.example', 'viewer');
	fresh();
	is($fake->walk($site, 'odd@')->{status}, 303, 'an odd name keeps nobody out');
	is($site->get('/api/v1/me')->{json}{user}{name}, '', 'but is not copied');
	$fake->{people}[4]{name} = 'Ötzi ' . 'é' x 200;
	$fake->people;
	fresh();
	$fake->walk($site, 'odd@');
	is(length $site->get('/api/v1/me')->{json}{user}{name} // '', 0, 'and what is there stays');
}

# ---- codes ----
{
	fresh();
	my $back = $fake->agree($site, 'ines@');
	my %trip = %{ $site->{cookies} };
	fresh();
	my $r = $site->get($back);
	is($r->{status}, 400, 'a code without the cookie of the trip is nothing');
	like(why($r), qr/^This sign-in was begun in another browser/, 'which is said');
	$site->get('/auth/google');
	$r = $site->get($back);
	is($r->{status}, 403, 'nor with the one of another trip');
	like(why($r), qr/^This sign-in was begun in another browser/, 'as Supabase found out');
	$site->{cookies} = { %trip };
	is($site->get($back)->{status}, 303, 'with its own it is');
	$site->{cookies} = { %trip };
	$r = $site->get($back);
	is($r->{status}, 403, 'once');
	like(why($r), qr/^This sign-in was used already/, 'and not again');
	for my $bad (substr($trip{ml_trip}, 1), $trip{ml_trip} . 'A', 'x', 'A' x 200) {
		$site->{cookies} = { ml_trip => $bad };
		is($site->get($back)->{status}, 400, 'a cookie that was changed is none');
	}
	fresh();
	for my $query ('', '?code=', '?code=' . 'x' x 600, '?code[]=1', '?state=1', '?code=a&code=b') {
		$site->get('/auth/google');
		my $status = $site->get("/auth/callback$query")->{status};
		is($status, 403, "what is no code is refused: '$query'");
	}
}

# ---- errors that come back ----
{
	fresh();
	my $r = $fake->walk($site, 'Deny');
	is($r->{status}, 403, 'who denies it at the provider');
	like(why($r), qr/^The provider did not let you in, or you did not agree/, 'reads that');
	unlike($r->{content}, qr/denied<|&lt;b/, 'and no text of others');
	for ([ 'flow_state_expired', qr/took too long/ ], [ 'user_banned', qr/banned/ ], [ 'signup_disabled', qr/no new users/ ],
	    [ 'something_new', qr/refused this sign-in \(something_new\)/ ], [ '<script>', qr/refused this sign-in\.$/ ], [ 'x' x 100, qr/refused this sign-in\.$/ ]) {
		my ($code, $words) = @$_;
		$site->get('/auth/google');
		$r = $site->get('/auth/callback?error=server_error&error_code=' . Site::escape($code) . '&error_description=Call+0800');
		is($r->{status}, 403, "the error $code is one");
		like(why($r), $words, 'in words of ours');
		unlike($r->{content}, qr/0800|<script>/, 'only');
	}
	fresh();
	is($site->get('/auth/callback?error=access_denied')->{status}, 400, 'also for who never began');
}

# ---- signing out ----
{
	$site->{cookies} = { %$session };
	$site->{csrf} = Site::csrf_of($site->get('/brands'));
	my $before = $fake->stats;
	is($site->post('/sign-out', {})->{status}, 303, 'signing out');
	is($fake->stats->{logout}, $before->{logout} + 1, 'tells Supabase');
	is($fake->stats->{sessions}, $before->{sessions} - 1, 'which ends the session there');
	$site->{cookies} = { %$session };
	is($site->get('/brands')->{headers}{location}, '/sign-in?next=%2Fbrands', 'and the session here is dead');
	for my $mode ({ status => 503 }, { close => JSON::PP::true }, { status => 401 }) {
		fresh();
		is($fake->walk($site, 'ines@')->{status}, 303, 'in again') or last;
		$site->{csrf} = Site::csrf_of($site->get('/brands'));
		my %mine = %{ $site->{cookies} };
		$fake->ask(PUT => '/_mode', $mode);
		is($site->post('/sign-out', {})->{status}, 303, 'signing out never fails: ' . encode_json($mode));
		$site->{cookies} = { %mine };
		is($site->get('/brands')->{status}, 303, 'and ends the session here');
		$fake->ask(PUT => '/_mode', {});
	}
}

# ---- linking ----
{
	fresh();
	$site->sign_in;
	my %local = %{ $site->{cookies} };
	like($site->get('/account')->{content}, qr{href="/account/link"}, 'the page of the account offers to link');
	is($site->post('/account/link', { current_password => 'wrong' })->{status}, 422, 'which wants the password');
	my $page = $site->post('/account/link', { current_password => 'correct horse battery' });
	is($page->{status}, 200, 'and then asks which provider') or diag($page->{content});
	my ($link) = $page->{content} =~ m{href="(/auth/google\?[^"]*link=[^"]+)"};
	$link =~ s/&amp;/&/g;
	unlike($site->get('/account/link')->{content}, qr/link=/, 'not without the password');
	(my $wrong = $link) =~ s/(link=\d+-)(.)/$1 . ($2 eq 'A' ? 'B' : 'A')/e;
	is($site->get($wrong)->{status}, 403, 'the link is of that page');
	$site->{cookies} = { ml_session => $session->{ml_session} };
	is($site->get($link)->{status}, 403, 'and of that session');
	$site->{cookies} = { %local };
	my $back = $fake->agree($site, 'test@example.com', $link);
	$site->{cookies} = { ml_trip => $site->{cookies}{ml_trip} };
	is($site->get($back)->{status}, 403, 'who signed out meanwhile links nothing');
	$site->{cookies} = { %local };
	is($fake->walk($site, 'ines@', $link)->{status}, 403, 'a person of another account is not linked');
	my $r = $fake->walk($site, 'test@example.com', $link);
	is($r->{headers}{location}, '/account', 'one of none is') or diag(why($r));
	$page = $site->get('/account')->{content};
	like($page, qr/From now on you can sign in with this as well/, 'which is said');
	like($page, qr/End the link/, 'and can be ended');
	fresh();
	is($fake->walk($site, 'test@example.com')->{status}, 303, 'from now on they sign in with it');
	is($site->get('/api/v1/me')->{json}{user}{admin}, JSON::PP::true, 'to their account');
	my %linked = %{ $site->{cookies} };
	$site->{cookies} = { %local };
	is($site->post('/account/link', { _method => 'DELETE' })->{status}, 303, 'the link is ended');
	is($site->get('/account')->{status}, 200, 'this session goes on');
	$site->{cookies} = { %linked };
	is($site->get('/account')->{status}, 303, 'the others are over');
	fresh();
	is($fake->walk($site, 'test@example.com')->{status}, 403, 'and nobody comes in by it');
	fresh();
	$fake->walk($site, 'ines@');
	$site->{csrf} = Site::csrf_of($site->get('/brands'));
	is($site->post('/account/link', { _method => 'DELETE' })->{status}, 409, 'who has no password keeps the link');
}

# ---- disabled here ----
{
	fresh();
	$fake->walk($site, 'odd@');
	my $id = $site->get('/api/v1/me')->{json}{user}{id};
	my $t = $fake->token('odd@nordlicht.example');
	is($site->api(GET => '/me', undef, key => $t)->{status}, 200, 'a person and their token');
	is($site->api(PATCH => "/users/$id", { disabled => JSON::PP::true })->{status}, 200, 'are disabled here');
	is($site->get('/brands')->{status}, 303, 'their session ends at once');
	my $r = $site->api(GET => '/me', undef, key => $t);
	is($r->{status}, 403, 'so does the token');
	like($r->{json}{detail}, qr/is disabled here/, 'which is said');
	$r = $fake->walk($site, 'odd@');
	is($r->{status}, 403, 'and they do not come in again');
	like(why($r), qr/^This account is disabled/, 'but read why');
}

# ---- silent from the start ----
{
	fresh();
	for my $mode ({ status => 502 }, { close => JSON::PP::true }, { answer => { access_token => 'x.y.z' } },
	    { answer => { user => { id => '00000000-0000-4000-8000-000000000000' } } }, { answer => { refresh_token => '' } }) {
		my $back = $fake->agree($site, 'ines@');
		$fake->ask(PUT => '/_mode', $mode);
		my $r = $site->get($back);
		ok($r->{status} == 503 && why($r) =~ /^Supabase(?:, where you sign in, cannot be reached| answered something)/,
			'a person reads that Supabase does not answer: ' . encode_json($mode)) or diag("$r->{status} " . why($r));
		ok(!$site->{cookies}{ml_session}, 'and is not signed in');
		$fake->ask(PUT => '/_mode', {});
		ok($site->until_true(10, sub { fresh(); $fake->walk($site, 'ines@')->{status} == 303 || (sleep 0.5 and 0) }), 'but soon after it answers again');
		fresh();
	}
}

# ---- the doctor ----
{
	my ($status, $text) = $site->command(['doctor']);
	like($text, qr/^ok +supabase +\Q$fake->{url}\E\/auth\/v1 answers, ES256$/m, 'the doctor finds Supabase well') or diag($text);
	like($text, qr/"anon_key": ?"\(set\)"/, 'and does not show the key');
	unlike($text, qr/\Q$fake->{project}{anon_key}\E|\Q$fake->{project}{secret}\E/, 'anywhere');
	local $ENV{MAILLAYER_SUPABASE_PROVIDERS} = 'google, gitlab';
	($status, $text) = $site->command(['doctor']);
	like($text, qr/^FAIL +supabase +The provider gitlab is not switched on/m, 'it sees a provider that is off');
	for ([ ALGORITHM => 'RS256', qr/has no key of RS256/ ], [ ANON_KEY => 'wrong', qr/answers 401: is anon_key right/ ],
	    [ ANON_KEY => $fake->{project}{service_key}, qr/anon_key is not the public key/ ], [ URL => 'http://127.0.0.1:9', qr/does not answer/ ]) {
		my ($key, $value, $words) = @$_;
		local $ENV{"MAILLAYER_SUPABASE_$key"} = $value;
		($status, $text) = $site->command(['doctor']);
		like($text, qr/^FAIL +supabase +.*$words/m, "and a wrong $key") or diag($text);
	}
	local @ENV{qw(MAILLAYER_SUPABASE_ALGORITHM MAILLAYER_SUPABASE_JWT_SECRET)} = ('HS256', 'x' x 40);
	($status, $text) = $site->command(['doctor']);
	like($text, qr/^FAIL +supabase +jwt_secret did not sign anon_key/m, 'and a secret of another project');
	is($status, 1, 'which is an exit status of 1');
}

# ---- its tokens for the API ----
{
	fresh();
	invite('ada@nordlicht.example', 'viewer');
	my $t = $fake->token('ada@nordlicht.example');
	my $r = $site->api(GET => '/me', undef, key => $t);
	is($r->{status}, 403, 'a token of somebody without an account does not make one');
	like($r->{json}{detail}, qr/has no account here\. Sign in with a browser first/, 'and says so');
	is($fake->walk($site, 'ada@')->{status}, 303, 'they sign in once');
	fresh();
	$r = $site->api(GET => '/me', undef, key => $t);
	is($r->{status}, 200, 'then the token is taken') or diag($r->{content});
	is($r->{json}{user}{email}, 'ada@nordlicht.example', 'as that person');
	is($site->api(GET => "/brands/$brand", undef, key => $t)->{status}, 200, 'in their brand');
	is($site->api(GET => "/brands/$other", undef, key => $t)->{status}, 404, 'not in others');
	is($site->api(POST => "/brands/$brand/lists", { name => 'x' }, key => $t)->{status}, 403, 'with their role');
	is($site->request(GET => '/brands', no_cookies => 1, headers => { authorization => "Bearer $t" })->{status}, 303, 'but for no page');

	my ($h, $p, $s) = split /\./, $t;
	is($site->api(GET => '/me', undef, key => "$h.$p." . ($s =~ /^A/ ? 'B' : 'A') . substr $s, 1)->{status}, 401,
		'a token that was good does not make its copy with another signature good');
	is($site->api(GET => '/me', undef, key => $_)->{status}, 401, 'the keys of the project are nobody')
	    for @{ $fake->{project} }{qw(anon_key service_key)};
	is($site->api(GET => '/me', undef, key => $fake->token('ada@nordlicht.example', exp => 3))->{status}, 200, 'a short one');

	my ($made) = $site->api(POST => "/brands/$brand/lists", { name => 'by Ines' }, key => $fake->token('ines@nordlicht.example'));
	is($made->{status}, 201, 'an editor writes with theirs, from wherever') or diag($made->{content});

	$fake->ask(POST => '/_rotate', {});
	my $before = $fake->stats->{jwks};
	my $new = $fake->token('ada@nordlicht.example');
	is($site->api(GET => '/me', undef, key => $t)->{status}, 200, 'after a change of keys the old one is good');
	# the keys were fetched less than a minute ago
	$site->until_true(70, sub { $site->api(GET => '/me', undef, key => $new)->{status} == 200 || (sleep 4 and 0) });
	is($site->api(GET => '/me', undef, key => $new)->{status}, 200, 'and the new one, soon');
	cmp_ok($fake->stats->{jwks} - $before, '<=', 2, 'for which they were fetched once a minute at most');
}
done_testing();
