#!/usr/bin/perl
# A person's own account: password, second factor, sessions, a link by mail; and the people
# of the installation. Through nginx.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/../lib";
use IO::Socket::UNIX;
use Digest::SHA qw(hmac_sha1 sha256_hex);
use Test::More;
use Site;

$ENV{MAILLAYER_MAIL_SYSTEM_FROM} = 'accounts@nordlicht.example';
my $site = Site->start;
my $mail = 'test@example.com';
my $password = 'correct horse battery';
my @secrets = ($password);

# A browser of its own: cookies and token of forms; sign_in and the rest as Site's.
sub browser {
	my $b = bless { %$site, cookies => {}, csrf => '', pid => undef, owner => 0 }, 'Site';
	return $b;
}
sub enter {
	my ($b, $email, $pw) = @_;
	my $r = $b->request(POST => '/sign-in', headers => { 'content-type' => 'application/x-www-form-urlencoded' },
		content => Site::form({ email => $email, password => $pw }));
	$b->{csrf} = Site::csrf_of($b->get('/account')) if $r->{status} == 303;
	return $r;
}
sub reread { $_[0]{csrf} = Site::csrf_of($_[0]->get('/account')) }
sub cookie { $_[0]{cookies}{ml_session} }

# The limit by address is five a minute, and all of these come from one: a server that forgot.
sub forget_limits {
	my $s = IO::Socket::UNIX->new("$site->{state}/run/memcached.sock") or die "memcached: $!";
	print $s "flush_all\r\n";
	is(scalar <$s>, "OK\r\n", '# the counters are emptied');
}

sub base32 {
	my ($s) = @_;
	my $bits = join '', map { sprintf '%05b', index('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', $_) } split //, $s;
	return pack 'B*', substr $bits, 0, 8 * int(length($bits) / 8);
}
sub totp {
	my ($secret, $step) = @_;
	my $mac = hmac_sha1(pack('Q>', $step), base32($secret));
	my $at = ord(substr $mac, -1) & 15;
	return sprintf '%06d', (unpack('N', substr $mac, $at, 4) & 0x7fffffff) % 1_000_000;
}
sub step { int(time / 30) }

$site->user;
my $admin = browser();
forget_limits();
is(enter($admin, $mail, $password)->{status}, 303, 'signed in');

# ---- no brand: no mail ----
my $stranger = browser();
my $r = $stranger->get('/forgot');
is($r->{status}, 200, 'a page for who forgot their password');
like($r->{content}, qr/cannot send mail yet.*maillayer user reset-link/s, 'says what to do where no brand can send');
like($stranger->get('/sign-in')->{content}, qr{href="/forgot"}, 'the sign-in page leads there');
$r = $admin->post('/installation/test', {});
is($r->{status}, 422, 'a test mail cannot be sent');
like($r->{content}, qr/No brand is set up/, 'and the page says why');

$r = $site->api(POST => '/brands', { name => 'Nordlicht', from_name => 'Nordlicht', from_email => 'hello@nordlicht.example' });
is($r->{status}, 201, 'a brand');
my $brand = $r->{json}{id};
$r = $site->api(GET => '/installation');
ok($r->{json}{system_mail}{can_send} && $r->{json}{system_mail}{outbox} && !$r->{json}{system_mail}{chosen},
	'it sends the installation\'s mail, into its outbox');
is($admin->post('/installation', { _method => 'PATCH', system_brand => 99 })->{status}, 422, 'an unknown brand is refused');
is($admin->post('/installation', { _method => 'PATCH', system_brand => $brand })->{status}, 303, 'the brand is chosen');
ok($site->api(GET => '/installation')->{json}{system_mail}{chosen}, 'and kept');
is($admin->post('/installation/test', {})->{status}, 303, 'a test mail leaves');
like($admin->get('/installation')->{content}, qr/outbox/, 'the page says where it stays');

# ---- who sees the mails ----
my $outbox = sub { $_[0]->request(GET => "/api/v1/brands/$brand/outbox")->{json}{items} };
my $mails = $outbox->($admin);
is($mails->[0]{subject}, 'A test of this server’s own mail', 'an administrator finds it in the outbox');
like($mails->[0]{from}, qr/Nordlicht.*<accounts\@nordlicht\.example>/, 'from the address of the configuration');
is(scalar @{ $site->api(GET => "/brands/$brand/outbox")->{json}{items} }, 0, 'an API key does not');
is($site->api(GET => "/brands/$brand/outbox/$mails->[0]{id}")->{status}, 404, 'neither listed nor by its number');
my $colleague = 'mina@nordlicht.example';
my ($status, $text) = $site->command([qw(user create --password-stdin --email), $colleague], "$password\n");
is($status, 0, 'a colleague');
my ($cid) = $text =~ /(\d+)/;
is($site->api(POST => "/brands/$brand/members", { email => $colleague, role => 'owner' })->{status}, 201, 'owner of the brand');
my $mina = browser();
is(enter($mina, $colleague, $password)->{status}, 303, 'signed in');
is(scalar @{ $outbox->($mina) }, 0, 'not even an owner of the brand sees those mails');
for my $view ('', '/html', '/raw') {
	is($mina->get("/brands/$brand/outbox/$mails->[0]{id}$view")->{status}, 404, "nor at its address$view");
}

# ---- a link by mail ----
sub ask {
	my ($b, $email) = @_;
	return $b->request(POST => '/forgot', headers => { 'content-type' => 'application/x-www-form-urlencoded' },
		content => Site::form({ email => $email }));
}
my $known = ask($stranger, uc $mail);
my $unknown = ask($stranger, 'nobody@example.com');
is($known->{status}, 303, 'asking for a link');
is_deeply([ @$unknown{qw(status content)}, $unknown->{headers}{location} ], [ @$known{qw(status content)}, $known->{headers}{location} ],
	'answers the same for who has no account');
like($stranger->get('/forgot?asked=1')->{content}, qr/a link is in the outbox now/, 'and says what comes next');
my $found = $site->until_true(5, sub {
	my ($m) = grep { $_->{subject} eq 'Choose a new password' } @{ $outbox->($admin) };
	return $m;
});
is($found->{to}, $mail, 'the mail goes to the account\'s address');
is(scalar(grep { $_->{to} eq 'nobody@example.com' } @{ $outbox->($admin) }), 0, 'nobody gets none');
my $html = $admin->request(GET => "/api/v1/brands/$brand/outbox/$found->{id}")->{json}{html};
my ($link) = $html =~ m{href="\Q$site->{url}\E(/reset/[A-Za-z0-9_-]{43})"};
ok($link, 'with a link of 256 bits');
my ($word) = $link =~ m{/reset/(.*)};
push @secrets, $word;
is(ask($stranger, 'ines at nordlicht')->{status}, 422, 'what is no address gets a sentence');

is($stranger->get('/reset/' . 'x' x 43)->{status}, 404, 'another word is not it');
is($stranger->get($link)->{status}, 200, "the link shows a form, look $_") for 1 .. 3;
is($stranger->request(HEAD => $link)->{status}, 200, 'and a scanner changes nothing');
my $choose = sub {
	my ($b, $pw, %h) = @_;
	return $b->request(POST => $link, headers => { 'content-type' => 'application/x-www-form-urlencoded', %h },
		content => Site::form({ password => $pw }));
};
is($choose->($stranger, 'a whole new word', origin => 'https://evil.example')->{status}, 403, 'another site cannot use it');
$r = $choose->($stranger, 'short');
is($r->{status}, 422, 'a short password is refused');
like($r->{content}, qr/use at least 10/, 'with a sentence');
is($admin->get('/account')->{status}, 200, 'so far the session lives');
my $second = 'a whole new word';
push @secrets, $second;
$r = $choose->($stranger, $second);
is($r->{status}, 303, 'a good one is set');
is($r->{headers}{location}, '/sign-in', 'and one signs in with it');
is($admin->get('/account')->{status}, 303, 'every session has ended');
is($admin->request(GET => '/api/v1/me')->{status}, 401, 'also for the API');
is($choose->($stranger, 'yet another one')->{status}, 404, 'the link works once');
is($stranger->get($link)->{status}, 404, 'and is gone');
ask($stranger, $mail) for 1 .. 4;
my $limit;
for (1 .. 10) {
	$limit = ask($stranger, "x$_\@example.com");
	last if $limit->{status} == 429;
}
is($limit->{status}, 429, 'ten an hour from an address');
like($limit->{headers}{'retry-after'}, qr/^\d+$/, 'with the seconds to wait');

# ---- fixation, and the password of the account page ----
forget_limits();
my $other = browser();
$admin->{cookies}{ml_session} = 'f' x 43;
is(enter($admin, $mail, $second)->{status}, 303, 'signed in with the new password');
isnt(cookie($admin), 'f' x 43, 'under an id of ours, not the one that was planted');
is(enter($other, $mail, $second)->{status}, 303, 'and in another browser');
my @subjects = map { $_->{subject} } @{ $outbox->($admin) };
is(scalar(grep { $_ eq 'Your password was changed' } @subjects), 1, 'a notice was sent');
is(scalar(grep { $_ eq 'Choose a new password' } @subjects), 3, 'and three links an hour, no more');
my $page = $admin->get('/account');
is($page->{status}, 200, 'the account page');
is(scalar(() = $page->{content} =~ /<strong class="fw5">Firefox on Linux/g), 2, 'names both devices');
my $old = cookie($admin);
$r = $admin->post('/account/password', { current_password => 'wrong', password => 'a third password' });
is($r->{status}, 422, 'a wrong current password is refused');
like($r->{content}, qr/not your current password/, 'in words');
is($other->get('/account')->{status}, 200, 'and nothing ended');
my $third = 'a third password';
push @secrets, $third;
is($admin->post('/account/password', { current_password => $second, password => $third })->{status}, 303, 'the right one changes it');
isnt(cookie($admin), $old, 'this browser gets a new id');
is($admin->get('/account')->{status}, 200, 'and stays signed in');
is($other->get('/account')->{status}, 303, 'the other browser is signed out');
is($other->request(GET => '/api/v1/me')->{status}, 401, 'for the API too');
$stranger->{cookies}{ml_session} = $old;
is($stranger->get('/account')->{status}, 303, 'the id before is dead');
is($admin->post('/account/password', { current_password => $third, password => $second })->{status}, 403,
	'so is the token of forms before');
reread($admin);
is($site->request(POST => '/account/password', headers => { authorization => 'Bearer ' . $site->key })->{status}, 303,
	'a key on a page is nobody');
is($site->api(PATCH => '/me', { name => 'X' })->{status}, 403, 'a key has no account to change');
is($site->api(GET => '/account/sessions')->{status}, 403, 'nor sessions');
is($site->api(POST => '/account/password', { current_password => $third, password => $second })->{status}, 404,
	'and no way to a password');

# ---- name ----
$r = $admin->post('/account', { _method => 'PATCH', name => 'Ines <b>' });
is($r->{status}, 303, 'the name is saved');
like($admin->get('/account')->{content}, qr/id="f-name"[^>]* value="Ines &lt;b&gt;"/, 'shown at once, escaped');
is($admin->post('/account', { _method => 'PATCH', name => 'x' x 101 })->{status}, 422, 'too long a name is refused');
my %api = ('content-type' => 'application/json', 'x-csrf-token' => $admin->{csrf});
$r = $admin->request(PATCH => '/api/v1/me', headers => \%api, content => '{"name":"Ines Halvorsen"}');
is($r->{json}{user}{name}, 'Ines Halvorsen', 'the API renames too');

# ---- second factor ----
$page = $admin->get('/account/second-factor');
my ($setup) = $page->{content} =~ /name="setup" value="([^"]+)"/;
my ($groups) = $page->{content} =~ m{id="secret">([A-Z2-7 ]+)<};
(my $secret = $groups) =~ tr/ //d;
push @secrets, $secret, $groups, $setup;
is(length $secret, 32, 'a secret of 160 bits, in groups');
like($page->{content}, qr{<svg class="qr".*<path d="M\d+ \d+h7v1h-7z}, 'and as a QR code');
unlike($page->{content}, qr/<script(?![^>]*src=)|style=/, 'without script or style in the page');
$r = $admin->post('/account/second-factor', { setup => $setup, code => '000000', current_password => $third });
is($r->{status}, 422, 'a wrong code is refused');
like($r->{content}, qr/\Q$groups\E/, 'and the secret stays');
is($admin->post('/account/second-factor', { setup => 'AAAA', code => totp($secret, step()), current_password => $third })->{status},
	422, 'a secret that is not ours is refused');
is($admin->post('/account/second-factor', { setup => $setup, code => totp($secret, step()), current_password => 'wrong' })->{status},
	422, 'a wrong password is refused');
$old = cookie($admin);
my $used = step();
$r = $admin->post('/account/second-factor', { setup => $setup, code => totp($secret, $used), current_password => $third });
is($r->{status}, 200, 'with both it is on');
my @codes = $r->{content} =~ /^([a-z2-7]{4}(?:-[a-z2-7]{4}){3})/mg;
is(scalar @codes, 10, 'ten recovery codes are shown');
push @secrets, @codes;
isnt(cookie($admin), $old, 'the session has another id');
reread($admin);
unlike($admin->get('/account/second-factor')->{content}, qr/\Q$groups\E/, 'the secret is never shown again');

forget_limits();
$r = enter($other, $mail, $third);
is($r->{headers}{location}, '/sign-in/code', 'the password alone leads to a second step');
is($other->get('/account')->{status}, 303, 'and is no session');
my $pending = $other->{cookies}{ml_pending};
ok($pending, 'but a word for this browser');
push @secrets, $pending;
is($stranger->get('/sign-in/code')->{headers}{location}, '/sign-in', 'another browser has nothing to answer');
my $code = sub {
	my ($b, $c) = @_;
	return $b->request(POST => '/sign-in/code', headers => { 'content-type' => 'application/x-www-form-urlencoded' },
		content => Site::form({ code => $c }));
};
is($code->($other, totp($secret, $used))->{status}, 422, 'the code that was used is refused');
is($code->($other, '12345')->{status}, 422, 'half a code too');
my $now = $used + 1;	# of now or of the step after, as fast as this goes
$r = $code->($other, totp($secret, $now));
is($r->{status}, 303, 'the code of now lets in');
is($other->get('/account')->{status}, 200, 'with a session');
ok(!$other->{cookies}{ml_pending}, 'and the word is taken away');
$stranger->{cookies} = { ml_pending => $pending };
is($code->($stranger, totp($secret, $now))->{status}, 422, 'the same code lets nobody else in');
$r = $code->($stranger, $codes[0]);
is($r->{status}, 303, 'a recovery code does');
like($stranger->get('/account')->{content}, qr/You used a recovery code; 9 are left/, 'and says how many are left');
forget_limits();
my $third_browser = browser();
enter($third_browser, $mail, $third);
is($code->($third_browser, $codes[0])->{status}, 422, 'it works once');

# ---- sessions ----
reread($admin);
$r = $admin->request(GET => '/api/v1/account/sessions');
is(scalar @{ $r->{json}{items} }, 3, 'three sessions are listed');
my @mine = grep { $_->{current} } @{ $r->{json}{items} };
is(scalar @mine, 1, 'one is this one');
is_deeply([ @{ $mine[0] }{qw(device ip)} ], [ 'Firefox on Linux', '127.0.0.1' ], 'with device and address');
my ($theirs) = grep { !$_->{current} } @{ $mina->request(GET => '/api/v1/account/sessions')->{json}{items} },
	{ id => $mina->request(GET => '/api/v1/account/sessions')->{json}{items}[0]{id} };
is($admin->post("/account/sessions/$theirs->{id}", { _method => 'DELETE' })->{status}, 404, 'a session of somebody else is not there');
is($mina->get('/account')->{status}, 200, 'and goes on');
my ($one) = grep { !$_->{current} } @{ $r->{json}{items} };
is($admin->post("/account/sessions/$one->{id}", { _method => 'DELETE' })->{status}, 303, 'one of the others is ended');
is(scalar @{ $admin->request(GET => '/api/v1/account/sessions')->{json}{items} }, 2, 'and gone');
$r = $admin->request(DELETE => '/api/v1/account/sessions', headers => { 'x-csrf-token' => $admin->{csrf} });
is($r->{json}{ended}, 1, 'the rest is ended at once, by the API');
is($other->get('/account')->{status}, 303, 'their cookies');
is($stranger->get('/account')->{status}, 303, 'are dead');
is($admin->get('/account')->{status}, 200, 'this one is not');
$r = $admin->request(DELETE => "/api/v1/account/sessions/$mine[0]{id}", headers => { 'x-csrf-token' => 'x' x 43 });
is($r->{status}, 403, 'without the token nothing ends');
$r = $mina->request(GET => '/api/v1/account/sessions');
my ($mine) = grep { $_->{current} } @{ $r->{json}{items} };
my $csrf = Site::csrf_of($mina->get('/account'));
$r = $mina->request(DELETE => "/api/v1/account/sessions/$mine->{id}", headers => { 'x-csrf-token' => $csrf });
is($r->{status}, 204, 'a person ends one session by the API, be it this one');
is($mina->get('/account')->{status}, 303, 'and is signed out');
is(enter($mina, $colleague, $password)->{status}, 303, 'they come back');

# ---- off again ----
$r = $admin->post('/account/recovery-codes', { current_password => $third });
my @new = $r->{content} =~ /^([a-z2-7]{4}(?:-[a-z2-7]{4}){3})/mg;
is(scalar @new, 10, 'ten other recovery codes');
push @secrets, @new;
is($admin->post('/account/second-factor', { _method => 'DELETE', code => $new[1], current_password => 'wrong' })->{status},
	422, 'turning it off takes the password');
is($admin->post('/account/second-factor', { _method => 'DELETE', code => $codes[1], current_password => $third })->{status},
	422, 'and a code that is good');
is($admin->post('/account/second-factor', { _method => 'DELETE', code => $new[1], current_password => $third })->{status},
	303, 'with both it is off');
reread($admin);

# ---- people of the installation ----
is($mina->get('/users')->{status}, 403, 'only administrators see the people');
is($mina->get('/installation')->{status}, 403, 'and the installation');
like($admin->get('/users')->{content}, qr/\Q$colleague\E/, 'who has an account');
is($admin->post("/users/$cid", { _method => 'PATCH', disabled => 1 })->{status}, 303, 'a person is disabled');
is($mina->get('/account')->{status}, 303, 'and signed out at once');
is($mina->request(GET => '/api/v1/me')->{status}, 401, 'everywhere');
forget_limits();
is(enter(browser(), $colleague, $password)->{status}, 422, 'and cannot sign in');
is($admin->post("/users/$cid/reset-link", {})->{status}, 409, 'and gets no link');
is($admin->post("/users/$cid", { _method => 'PATCH', disabled => 0 })->{status}, 303, 'enabled again');
is(enter($mina, $colleague, $password)->{status}, 303, 'they sign in');
$old = cookie($mina);
is($admin->post("/users/$cid", { _method => 'PATCH', admin => 1 })->{status}, 303, 'and become an administrator');
is($mina->get('/account')->{status}, 303, 'under a new session only');
is(enter($mina, $colleague, $password)->{status}, 303, 'which they begin');
isnt(cookie($mina), $old, 'with another id');
is($mina->get('/users')->{status}, 200, 'and see the people');
$r = $admin->post("/users/$cid/reset-link", {});
($link) = $r->{content} =~ m{\Q$site->{url}\E(/reset/[A-Za-z0-9_-]{43})};
ok($link, 'a link for a new password');
push @secrets, $link =~ m{/reset/(.*)};
is($stranger->get($link)->{status}, 200, 'that works');
my ($me) = map { $_->{id} } grep { $_->{email} eq $mail } @{ $site->api(GET => '/users')->{json}{items} };
is($site->api(PATCH => "/users/$cid", { admin => JSON::PP::false() })->{status}, 200, 'no longer one, by the API');
$r = $admin->post("/users/$me", { _method => 'PATCH', disabled => 1 });
is($r->{status}, 422, 'the last administrator stays');
like($r->{content}, qr/is the only administrator/, 'and the page says why');
($status, $text) = $site->command([qw(user disable --email), $colleague]);
is($status, 0, 'an operator disables too');
($status, $text) = $site->command([qw(user list)]);
like($text, qr/\Q$colleague\E.*disabled/, 'and sees it');
($status, $text) = $site->command([qw(user demote --email), $mail]);
is($status, 1, 'but not the last administrator');
($status, $text) = $site->command([qw(user reset-link --email), $mail]);
like($text, qr{^\Q$site->{url}\E/reset/[A-Za-z0-9_-]{43}$}m, 'and prints a link');
push @secrets, $text =~ m{/reset/(\S+)};
($status, $text) = $site->command([qw(user reset-link --email nobody@example.com)]);
is($status, 1, 'for who has an account');

# ---- signed out while typing ----
$r = $stranger->request(POST => '/account/recovery-codes', headers => { 'content-type' => 'application/x-www-form-urlencoded' },
	content => Site::form({ code => $new[2], setup => $setup, current_password => $third, note => 'a long note of mine' }));
is($r->{status}, 401, 'who was signed out is told so');
like($r->{content}, qr/a long note of mine/, 'and gets back what they wrote');
unlike($r->{content}, qr/\Q$new[2]\E|\Q$setup\E|\Q$third\E/, 'but no code, secret or password');

# ---- nothing of it is written down ----
push @secrets, map { cookie($_) // () } $admin, $other, $mina;
my $written = join "\n", map { $site->log($_) } qw(web cron track);
my ($db) = glob "$site->{state}/*.db";
my $dump = `sqlite3 '$db' .dump 2>/dev/null`;
cmp_ok(length $dump, '>', 10_000, 'the database can be read');
$dump =~ s/^INSERT INTO outbox_messages.*$//mg;	# the mails themselves
for my $place ([ log => $written ], [ database => $dump ]) {
	my ($name, $where) = @$place;
	my $hex = uc $where;
	my @in = grep { index($where, $_) >= 0 || index($hex, uc unpack 'H*', $_) >= 0 } @secrets;
	is(scalar @in, 0, "no password, word, secret, code or cookie is in the $name") or diag "@in";
}
my @events = map { $_->{event} } $site->events('web');
for my $event (qw(user.reset_asked user.reset_password user.password user.second_factor_on user.second_factor_off
	user.recovery_codes user.disable user.enable user.promote user.demote user.reset_link installation.update installation.test_mail session.end session.end_others user.rename user.sign_in)) {
	ok(scalar(grep { $_ eq $event } @events), "$event is in the log, and so in audit_log");
	cmp_ok(index($dump, "'$event'"), '>', 0, "$event is in audit_log");
}
done_testing;
