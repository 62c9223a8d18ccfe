#!/usr/bin/perl
# First account, signing in and out, who may come in: through nginx.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Site;

my $site = Site->start;
my $form = { 'content-type' => 'application/x-www-form-urlencoded' };
my $mail = 'ines@nordlicht.example';
my $password = 'four words do well';

sub send_form {
	my ($path, $pairs, %headers) = @_;
	return $site->request(POST => $path, headers => { %$form, %headers }, content => Site::form($pairs));
}

# ---- before there is anybody ----
my $r = $site->get('/');
is($r->{status}, 303, 'a stranger is sent to sign in');
is($r->{headers}{location}, '/sign-in', 'and comes back to the start');
$r = $site->get('/brands/7?x=1');
is($r->{headers}{location}, '/sign-in?next=%2Fbrands%2F7%3Fx%3D1', 'or to where they wanted to go');
$r = $site->api(GET => '/me', undef, key => '');
is($r->{status}, 401, 'the API answers 401');
like($r->{headers}{'content-type'}, qr{^application/problem\+json}, 'as problem+json');
is($r->{headers}{'www-authenticate'}, 'Bearer', 'and says how');
$r = $site->get('/sign-in');
is($r->{status}, 200, 'the sign-in page is there');
like($r->{content}, qr/Nobody has an account here yet/, 'and says that there is no account yet');

# ---- the one-time link ----
my ($link) = $site->output =~ m{(/setup/[A-Za-z0-9_-]+)};
ok($link, './run prints a link for the first account');
is($site->get('/setup/' . 'x' x 43)->{status}, 404, 'another word is not it');
$r = $site->get($link);
is($r->{status}, 200, 'the link shows a form');
$r = send_form($link, { email => 'ines at nordlicht', name => 'Ines <b>', password => 'short' });
is($r->{status}, 422, 'a bad form comes back');
like($r->{content}, qr/value="ines at nordlicht"/, 'with the typed address');
like($r->{content}, qr/value="Ines &lt;b&gt;"/, 'and the typed name, escaped');
like($r->{content}, qr/use at least 10/, 'and a sentence at the password');
unlike($r->{content}, qr/value="short"/, 'but never the password');
$r = send_form($link, { email => $mail, password => $password }, origin => 'https://evil.example');
is($r->{status}, 403, 'another site cannot use the link');
$r = send_form($link, { email => $mail, name => 'Ines Halvorsen', password => $password });
is($r->{status}, 303, 'a good form makes the account');
is($r->{headers}{location}, '/brands/new', 'and goes on to the first brand');
my $set = join "\n", map { ref $_ ? @$_ : $_ } $r->{headers}{'set-cookie'};
like($set, qr/^ml_session=[A-Za-z0-9_-]{43}; .*HttpOnly; SameSite=Lax/m, 'signed in');
is($site->get($link)->{status}, 404, 'the link works once');
$r = $site->get('/brands/new');
is($r->{status}, 200, 'the new person sees pages');
like($r->{content}, qr/Ines Halvorsen/, 'with their name');
unlike($r->{content}, qr/style=/, 'without style attributes');
like($r->{headers}{'content-security-policy'}, qr/default-src 'none'/, 'under a strict policy');

# ---- signing out ----
my %jar = %{ $site->{cookies} };
is(send_form('/sign-out', {})->{status}, 403, 'signing out takes the token');
is($site->get('/brands')->{status}, 200, 'and without it nothing happens');
my $csrf = Site::csrf_of($site->get('/brands'));
$r = send_form('/sign-out', { csrf => $csrf });
is($r->{status}, 303, 'signing out works');
is($site->get('/brands')->{status}, 303, 'and ends the session');
$site->{cookies} = {%jar};
is($site->get('/brands')->{status}, 303, 'in the browser and on the server');
$site->{cookies} = {};

# ---- signing in ----
$r = send_form('/sign-in', { email => $mail, password => 'wrong' });
is($r->{status}, 422, 'a wrong password is refused');
like($r->{content}, qr/Email and password don/, 'with a sentence');
like($r->{content}, qr/value="\Q$mail\E"/, 'and the typed address');
my $unknown = send_form('/sign-in', { email => 'nobody@nordlicht.example', password => 'wrong' });
is($unknown->{status}, 422, 'an unknown account too');
my ($a) = $r->{content} =~ /id="e-password">(.*)/;
my ($b) = $unknown->{content} =~ /id="e-password">(.*)/;
is($b, $a, 'in the same words');
$r = send_form('/sign-in', { email => uc $mail, password => $password, next => '//evil.example/' },
	origin => $site->{url});
is($r->{status}, 303, 'the right password gets in, however the address is written');
is($r->{headers}{location}, '/', 'and never to another site');
my $first = $site->{cookies}{ml_session};
$r = $site->get('/sign-in?next=/brands/new');
is($r->{headers}{location}, '/brands/new', 'who is signed in goes on');
$r = send_form('/sign-in', { email => $mail, password => $password, next => '/brands/new' });
is($r->{headers}{location}, '/brands/new', 'signing in goes where one wanted to go');
isnt($site->{cookies}{ml_session}, $first, 'with a new session');
my $new = $site->{cookies}{ml_session};
$site->{cookies}{ml_session} = $first;
is($site->get('/brands')->{status}, 303, 'the one before has ended');
$site->{cookies}{ml_session} = $new;

# ---- who am I ----
$r = $site->request(GET => '/api/v1/me');
is($r->{status}, 200, 'the API knows a session too');
is($r->{json}{user}{email}, $mail, 'and says who');
is($r->{json}{key}, undef, 'not a key');
$r = $site->api(GET => '/me');
is($r->{json}{user}, undef, 'a key is nobody');
is($r->{json}{key}{scopes}, 'read,write,send,manage', 'but may do something');
$r = $site->request(POST => '/api/v1/brands', headers => { 'content-type' => 'application/json' },
	content => '{"name":"X"}');
is($r->{status}, 403, 'a session on the API takes the token as well');

# ---- limits ----
$site->{cookies} = {};
for (1 .. 11) {
	$r = send_form('/sign-in', { email => 'x@nordlicht.example', password => 'wrong' });
	last if $r->{status} == 429;
}
is($r->{status}, 429, 'too many tries are refused');
like($r->{headers}{'retry-after'}, qr/^\d+$/, 'with the seconds to wait');
like($r->{content}, qr/Too many tries\. Wait \d+ (seconds|minutes)/, 'and a sentence');
is($site->api(GET => '/me', undef, key => 'ml_' . 'x' x 43)->{status}, 401, 'a wrong key is refused');
for (1 .. 22) {
	$r = $site->api(GET => '/me', undef, key => 'ml_' . 'y' x 43);
	last if $r->{status} == 429;
}
is($r->{status}, 429, 'many wrong keys are limited');
is($site->api(GET => '/me')->{status}, 200, 'a good key from the same place is not');

my $log = $site->log('web');
unlike($log, qr/\Q$password\E/, 'the log holds no password');
unlike($log, qr/\Q$new\E/, 'and no session');
is($site->get('/no/such/page')->{status}, 404, 'what is not there is 404');
done_testing;
