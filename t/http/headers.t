#!/usr/bin/perl
# The headers of every kind of answer, exactly; and what changes where the public address is https.
use strict;
use warnings;
use File::Basename qw(basename dirname);
use lib dirname(__FILE__) . '/../lib';
use Site;
use Test::More;

my $policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    . "form-action 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'";
my %always = ('x-content-type-options' => 'nosniff', 'referrer-policy' => 'no-referrer', 'cross-origin-opener-policy' => 'same-origin',
	'permissions-policy' => 'camera=(), geolocation=(), microphone=(), payment=()');

my $site = Site->start;
my $b = '/brands/' . $site->api(POST => '/brands', { name => 'Acme', from_name => 'Acme', from_email => 'news@acme.example',
	postal_address => 'Quay 1', time_zone => 'UTC' })->{json}{id};
my $c = $site->api(POST => "$b/campaigns", { name => 'C', subject => 'S', html => '<p>x</p>' })->{json}{id};
$site->api(POST => "$b/campaigns/$c/test", { emails => ['ann@example.com'] });
my $mail = $site->api(GET => "$b/outbox")->{json}{items}[0]{id};
$site->sign_in;

sub looks {
	my ($name, $r, %o) = @_;
	my $h = $r->{headers};
	is($r->{status}, $o{status} // 200, "$name: $r->{status}");
	my @bad = grep { ($h->{$_} // '') ne $always{$_} } sort keys %always;
	is("@bad", '', '... with the headers of every answer, each once');
	is($h->{'content-security-policy'} // '', $o{policy} // $policy, '... its policy') unless exists $o{policy} && !defined $o{policy};
	is($h->{'cache-control'} // '', $o{cache} // 'no-store', '... how long it is kept');
	ok(!defined $h->{'strict-transport-security'}, '... no HSTS over plain http');
	unlike(join(' ', map { ref ? @$_ : $_ } values %$h), qr{nginx/\d|Maillayer/|PHP|libfcgi}, '... no version');
	like($h->{'content-type'} // '', $o{type} // qr{^text/html; charset=utf-8$}, '... its type') if $r->{status} !~ /^30/;
}
my $frame = qr/^sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; /;
looks('a page', $site->get($b));
looks('the sign-in page', $site->get('/sign-in', no_cookies => 1));
looks('a page that is not there', $site->get("$b/lists/77"), status => 404);
looks('a form with an error', $site->post("$b/lists", { name => '' }), status => 422);
looks('a form without its token', $site->post("$b/lists", { name => 'x' }, no_csrf => 1), status => 403);
looks('a method that is not known', $site->request(PUT => '/brands'), status => 405);
looks('an address that cannot be read', $site->get('/brands/%ff'), status => 400);
looks('a redirect', $site->get('/brands', no_cookies => 1), status => 303);
looks('the API', $site->api(GET => $b), type => qr{^application/json$});
looks('an error of the API', $site->api(GET => "$b/lists/77"), status => 404, type => qr{^application/problem\+json$});
looks('the API without a key', $site->api(GET => $b, undef, key => ''), status => 401, type => qr{^application/problem\+json$});
looks('an export', $site->get("$b/subscribers.csv"), type => qr{^text/csv; charset=utf-8$}, policy => "default-src 'none'; sandbox");
looks('leaving', $site->get('/u/' . 'x' x 43, headers => { accept => 'text/html' }), status => 404);
for my $of ("$b/campaigns/$c/preview", "$b/outbox/$mail/html") {
	my $r = $site->get($of);
	like($r->{headers}{'content-security-policy'}, $frame, "the author's HTML ($of) is in a sandbox");
	unlike($r->{headers}{'content-security-policy'}, qr/allow-(scripts|same-origin|forms|top)|script-src/, '... in which no script runs and which has no origin');
	looks('... otherwise the same', $r, policy => undef);
}
my ($css) = map { basename($_) } glob "$Site::top/assets/dist/*.css";
SKIP: {
	skip 'assets are not built', 6 unless $css;
	looks('an asset', $site->get("/assets/$css"), policy => undef, cache => 'public, max-age=31536000, immutable', type => qr{^text/css});
}
my $r = $site->get('/assets/none.css');
is($r->{status}, 404, 'an asset that is not there');
is($r->{headers}{'x-content-type-options'}, 'nosniff', '... has the headers too');
$site->{cookies} = {};
my $form = Site::form([ email => 'test@example.com', password => 'correct horse battery' ]);
my $cookies = sub { my $c = $_[0]->request(POST => '/sign-in', no_cookies => 1, headers => { 'content-type' => 'application/x-www-form-urlencoded' },
	content => $form)->{headers}{'set-cookie'}; return join "\n", ref $c ? @$c : $c // '' };
like($cookies->($site), qr/^ml_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax(; Max-Age=\d+)?$/m, 'over plain http a cookie is Lax and no script sees it');

# ---- the public address is https, as behind nginx with a certificate ----
my $safe = Site->start(env => { MAILLAYER_SERVER_PUBLIC_URL => 'https://mail.example.com' });
$safe->user;
my $set = $cookies->($safe);
like($set, qr/^__Host-ml_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure(; Max-Age=\d+)?$/m, 'over https a cookie has the prefix __Host- and is Secure');
unlike($set, qr/^ml_session=/m, '... and there is no weaker one');
unlike($set, qr/Domain=/i, '... nor one for other hosts');
my ($value) = $set =~ /__Host-ml_session=([\w-]+)/;
my $with = sub { return $safe->get('/brands', no_cookies => 1, headers => { cookie => "$_[0]=$value" })->{status} };
is($with->('__Host-ml_session'), 200, '... it signs in');
is($with->('ml_session'), 303, '... and one without the prefix does not: a neighbour could have set it');
done_testing;
