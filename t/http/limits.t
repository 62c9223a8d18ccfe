#!/usr/bin/perl
# Limits of requests: API keys, triggers, exports, tests, guessing; by IPv6 /64; nothing forged
# helps; without memcached too. And of sizes: address, headers, fields, depth, body.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Fcntl qw(:flock);
use IO::Socket::INET;
use IO::Socket::UNIX;
use HTTP::Tiny;
use JSON::PP;
use POSIX ();
use Site;
use Test::More;

my $site = Site->start(env => { MAILLAYER_SECURITY_KEY_RATE => 120, MAILLAYER_SECURITY_CRON_RATE => 6 });
my @triggers = grep { Site::command_line($_) =~ m{build-aux/trigger} } Site::children($site->{pid});
END { kill CONT => @triggers if @triggers }
kill STOP => @triggers;
my $form = { 'content-type' => 'application/x-www-form-urlencoded' };

# All counts begin anew, and there is time left in the minute they belong to.
sub fresh {
	sleep 1 while time % 60 > 45;
	return if !-S "$site->{state}/run/memcached.sock" || ($site->{env}{MAILLAYER_MEMCACHED_SERVERS} // 'x') eq '';
	my $s = IO::Socket::UNIX->new(Peer => "$site->{state}/run/memcached.sock") or die "memcached: $!";
	print $s "flush_all\r\n";
	is(scalar <$s>, "OK\r\n", '-- counts begin anew');
}

sub limited {
	my ($r, $name) = @_;
	is($r->{status}, 429, $name);
	like($r->{headers}{'retry-after'}, qr/^[1-9]\d*$/, '... with the seconds to wait');
	cmp_ok($r->{headers}{'retry-after'} // 0, '<=', 60 * 60, '... which are not too many');
}

# As nginx speaks to the application, from any address.
sub fastcgi {
	my ($ip, $method, $uri, $body, %more) = @_;
	my $s = IO::Socket::UNIX->new(Peer => "$site->{state}/run/web.sock") or die "web.sock: $!";
	my $record = sub { pack('CCnnCC', 1, $_[0], 1, length $_[1], 0, 0) . $_[1] };
	my $size = sub { $_[0] < 128 ? chr $_[0] : pack 'N', $_[0] | 0x80000000 };
	my %p = (REQUEST_METHOD => $method, REQUEST_URI => $uri, REMOTE_ADDR => $ip, SERVER_PROTOCOL => 'HTTP/1.1',
		CONTENT_LENGTH => length($body // ''), CONTENT_TYPE => 'application/x-www-form-urlencoded', %more);
	print $s $record->(1, pack('nCx5', 1, 0)),
	    $record->(4, join '', map { $size->(length $_) . $size->(length $p{$_}) . $_ . $p{$_} } sort keys %p),
	    $record->(4, ''), (length($body // '') ? $record->(5, $body) : ()), $record->(5, '');
	local $/;
	my ($status) = (<$s> // '') =~ /Status: (\d+)/;
	return $status;
}

# ---- a key ----
my $brand = $site->api(POST => '/brands', { name => 'Acme', from_name => 'A', from_email => 'a@acme.example',
	postal_address => 'Quay 1', time_zone => 'UTC' })->{json}{id};
my $key = $site->key(brand => $brand);
fresh();
my %got;
$got{ $site->api(GET => '/me', undef, key => $key)->{status} }++ for 1 .. 125;
is("$got{200} $got{429}", '120 5', 'a key may ask 120 times a minute');
my $r = $site->api(GET => '/me', undef, key => $key);
limited($r, 'then it waits');
like($r->{json}{detail}, qr/120 times a minute/, '... and is told why');
is($site->api(GET => '/me')->{status}, 200, 'another key does not');

# ---- the trigger ----
fresh();
%got = ();
$got{ $site->cron('send')->{status} }++ for 1 .. 8;
is("$got{200} $got{429}", '6 2', 'six triggers a minute');
limited($site->cron('send'), 'then it waits');
is($site->cron('jobs')->{status}, 200, 'the other kind has its own');
is($site->request(POST => '/cron/send')->{status}, 404, 'without the secret nothing is told');
fresh();
open my $lock, '>>', "$site->{state}/cron-send.0.lock" or die;
flock $lock, LOCK_EX or die;
$r = $site->cron('send');
limited($r, 'one works at a time');
is($site->cron('jobs')->{status}, 200, 'of each kind');
close $lock;
is($site->cron('send')->{status}, 200, 'and then the next');

# ---- exports ----
$site->api(POST => "/brands/$brand/subscribers", { email => 'p@x.example' });
my $other = $site->api(POST => '/brands', { name => 'Other' })->{json}{id};
my $campaign = $site->api(POST => "/brands/$brand/campaigns", { name => 'C', subject => 'S', html => '<p>x</p>' })->{json}{id};
my @locks = map { open my $l, '>>', "$site->{state}/export-$brand.$_.lock" or die; $l } 0, 1;
flock $_, LOCK_EX for @locks;
for my $path ("/brands/$brand/subscribers.csv", "/brands/$brand/audit.csv", "/brands/$brand/campaigns/$campaign/recipients.csv") {
	limited($site->api(GET => $path), "two exports of a brand at a time: $path");
}
is($site->api(GET => "/brands/$other/subscribers.csv")->{status}, 200, 'other brands do not wait');
close pop @locks;
is($site->api(GET => "/brands/$brand/subscribers.csv")->{status}, 200, 'nor does this one when one is done');

# ---- tests of a mail ----
fresh();
%got = ();
$got{ $site->api(POST => "/brands/$brand/campaigns/$campaign/test", { emails => ['p@x.example'] })->{status} }++ for 1 .. 32;
is("$got{200} $got{429}", '30 2', 'thirty tests in ten minutes');

# ---- guessing, from where it comes ----
fresh();
my $bad = 'ml_' . 'x' x 43;
%got = ();
$got{ $site->api(GET => '/me', undef, key => $bad, headers => { 'x-forwarded-for' => "203.0.113.$_", 'x-real-ip' => "203.0.113.$_",
	forwarded => "for=203.0.113.$_" })->{status} }++ for 1 .. 14;
is("$got{401} $got{429}", '10 4', 'ten wrong keys a minute, whatever the request says of where it comes from');
limited($site->api(GET => '/me', undef, key => $bad), 'then they wait');
my @auth = (HTTP_AUTHORIZATION => "Bearer $bad");
%got = ();
$got{ fastcgi("2001:db8:1:2::$_", GET => '/api/v1/me', undef, @auth) }++ for 1 .. 14;
is("$got{401} $got{429}", '10 4', 'who has a /64 of IPv6 is one');
is(fastcgi('2001:db8:1:3::1', GET => '/api/v1/me', undef, @auth), 401, 'the next /64 is another');
is(fastcgi('::ffff:127.0.0.1', GET => '/api/v1/me', undef, @auth), 429, 'IPv4 written as IPv6 is IPv4');
fresh();
%got = ();
$got{ fastcgi("2001:db8:9:9:$_\::1", POST => '/sign-in', "email=a$_%40x.example&password=wrong+one") }++ for 1 .. 7;
is("$got{422} $got{429}", '5 2', 'signing in: five a minute from one place');
$r = $site->request(POST => '/sign-in', content => 'email=a%40x.example&password=wrong', headers => { %$form, 'x-forwarded-for' => '198.51.100.7' });
is($r->{status}, 422, 'another place is another');
my ($line) = grep { $_->{event} eq 'sign_in.refused' } reverse $site->events('web');
is($line->{ip}, '127.0.0.1', 'and it is nginx that says which');

# ---- sizes ----
sub raw {
	my ($head, $body) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $site->{port}, Timeout => 10) or die;
	local $SIG{PIPE} = 'IGNORE';
	print $s "$head\r\n", $body // '';
	local $/;
	my ($status) = (<$s> // '') =~ m{^HTTP/1.1 (\d+)};
	return $status // 'nothing';
}
my $tail = "Host: localhost\r\nConnection: close\r\n";
is(raw("GET /healthz?" . 'x' x 8000 . " HTTP/1.1\r\n$tail"), 200, 'an address of 8 KB');
is(raw("GET /healthz?" . 'x' x 8300 . " HTTP/1.1\r\n$tail"), 431, 'not more');
is(raw("GET /healthz HTTP/1.1\r\n${tail}X: " . 'x' x 8000 . "\r\n"), 200, 'headers of 8 KB');
is(raw("GET /healthz HTTP/1.1\r\n$tail" . join '', map { "X$_: " . 'x' x 11_000 . "\r\n" } 1 .. 6), 431, 'not of 66 KB');
fresh();
sub lists { my ($body, $type) = @_; return $site->api(POST => "/brands/$brand/lists", $body, headers => { 'content-type' => $type }) }
is(lists(join('&', 'name=A', map { "description=$_" } 1 .. 255), 'application/x-www-form-urlencoded')->{status}, 201, '256 fields');
is(lists(join('&', 'name=B', map { "description=$_" } 1 .. 256), 'application/x-www-form-urlencoded')->{status}, 413, 'not 257');
for my $n (64, 65) {
	my ($type, $body) = Site::multipart(name => "M$n", map { (description => $_) } 1 .. $n - 1);
	is(lists($body, $type)->{status}, $n == 64 ? 201 : 413, "$n parts");
}
for my $depth (31, 33) {
	my $body = '{"name":"D' . $depth . '","description":' . '[' x ($depth - 1) . ']' x ($depth - 1) . '}';
	is(lists($body, 'application/json')->{status}, $depth < 33 ? 422 : 400, "JSON $depth deep is " . ($depth < 33 ? 'read' : 'not'));
}
is(lists('{"name":"' . 'x' x (1024 * 1024) . '"}', 'application/json')->{status}, 413, 'a body above 1 MiB');

# ---- without memcached: the processes of this host count together, to the same numbers ----
kill CONT => splice @triggers;
undef $site;
$site = Site->start(env => { MAILLAYER_MEMCACHED_SERVERS => '', MAILLAYER_SERVER_WEB_WORKERS => 6 });
%got = ();
fresh();
$got{ fastcgi('192.0.2.1', GET => '/api/v1/me', undef, @auth) }++ for 1 .. 14;
is_deeply(\%got, { 401 => 10, 429 => 4 }, 'wrong keys are limited without memcached, as with it') or diag explain \%got;
%got = ();
fresh();
$got{ fastcgi('192.0.2.2', POST => '/sign-in', 'email=a%40x.example&password=wrong+one') }++ for 1 .. 7;
is_deeply(\%got, { 422 => 5, 429 => 2 }, 'and so is signing in, from one place') or diag explain \%got;
$site->user;
is(fastcgi("192.0.2.$_", POST => '/sign-in', 'email=test%40example.com&password=wrong+one'), 422, 'a stranger tries an account') for 3, 3;
$site->sign_in;
is($site->get('/brands')->{status}, 200, 'who knows the password gets in');

# ---- clicks: all are answered, those over the limit are not counted ----
$brand = $site->api(POST => '/brands', { name => 'Acme', from_name => 'A', from_email => 'a@acme.example',
	postal_address => 'Quay 1', time_zone => 'UTC' })->{json}{id};
my $list = $site->api(POST => "/brands/$brand/lists", { name => 'All' })->{json}{id};
$site->api(POST => "/brands/$brand/subscribers", { email => 'p@x.example', lists => [$list] });
$campaign = $site->api(POST => "/brands/$brand/campaigns", { name => 'C', subject => 'S', lists => [$list],
	html => '<p><a href="https://one.example/">One</a></p>' })->{json}{id};
$site->api(POST => "/brands/$brand/campaigns/$campaign/send", {});
my $mail = $site->until_true(30, sub { $site->api(GET => "/brands/$brand/outbox")->{json}{items}[0] });
my ($click) = $site->api(GET => "/brands/$brand/outbox/$mail->{id}")->{json}{html} =~ m{(/t/c/[\w-]+)};
my ($all, $good, $begin, @pipes) = (400, 0, time);
for (1 .. 8) {
	my $pid = open(my $pipe, '-|') // die "fork: $!";
	push @pipes, $pipe;
	next if $pid;
	my $http = HTTP::Tiny->new(max_redirect => 0, agent => 'Mozilla/5.0 (X11; rv:128.0) Gecko Firefox/128.0');
	my $n = grep { $http->get("$site->{url}$click")->{status} == 302 } 1 .. $all / 8;
	syswrite STDOUT, "$n\n";
	POSIX::_exit(0);
}
$good += <$_> for @pipes;
my $most = 61 + 20 * (time - $begin + 1);
is($good, $all, 'every click is answered');
my $clicks = sub { $site->api(GET => "/brands/$brand/campaigns/$campaign/report")->{json}{stats}{clicks} };
ok($site->until_true(20, sub { $clicks->() >= 60 }), 'those within the limit are counted');
sleep 3;
cmp_ok($clicks->(), '<=', $most, "and of $all no more than 20 a second and a burst of 60");
done_testing;
