#!/usr/bin/perl
# A bounded storm of odd requests through nginx and of broken FastCGI at the sockets: no error of
# ours, no dead worker, nobody waits.  ODD_SEED is another storm, ODD_REQUESTS and ODD_RECORDS a longer
# one (make check-long: 10,000 and 1,000).
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use IO::Socket::INET;
use IO::Socket::UNIX;
use Site;
use Source;
use Test::More;
use Time::HiRes qw(time);

my $seed = $ENV{ODD_SEED} // 20261124;
srand $seed;
diag "ODD_SEED=$seed" if $ENV{ODD_REQUESTS};
my $requests = $ENV{ODD_REQUESTS} // 2000;
my $records = $ENV{ODD_RECORDS} // 300;
my $site = Site->start(args => ['--with-demo']);
$site->sign_in;
my $key = $site->key;
my $cookie = join '; ', map { "$_=$site->{cookies}{$_}" } keys %{ $site->{cookies} };

sub any { return $_[ rand @_ ] }
my @odd = ('', '0', '-1', '1', '2', '99999999999999999999', '9223372036854775807', '9223372036854775808', '1e9', '0x10', '%00',
	'%0d%0aX:%20y', '%ff%fe', '%c0%ae%c0%ae', '..%2f..', "'%20OR%201=1--", '%22%3E%3Cscript%3E', '{{7*7}}', '%25s%25n', 'a' x 300,
	'%F0%9F%92%A9', '[]', '%5B%5D=1', '%E2%80%AE', 'null', 'true', 'NaN', '{}', '%7B%7B', "\xff\xfe", "a\tb");
my @names = qw(q cursor limit list lists status tag state campaign subscriber part view show as tab name email subject html text
	from_email from_name reply_to fields fields[city] fields[][] map[0] map[] mapping existing send_at zone version _method csrf kind
	region endpoint rate mode role scopes emails first_name custom id brand_id on_doubt track_opens choices key label type password next);
my @types = ('application/x-www-form-urlencoded', 'application/json', 'multipart/form-data; boundary=b', 'multipart/form-data',
	'text/plain', '', 'application/json; charset=utf-16', 'multipart/form-data; boundary="' . 'x' x 80 . '"', "application/\xff");
my @routes = Source::routes();
# a name that a route does not know is refused at once: most bodies have only those it knows
my %takes = $site->takes;
my %of_page = Source::page_takes();
$_ = [ keys %$_ ] for values %takes;
push @{ $takes{$_} }, @{ $of_page{$_} } for keys %of_page;
my @own;
sub a_name { return @own && rand() < 0.97 ? any(@own) . (rand() < 0.05 ? any('[city]', '[0]') : '') : any(@names) }

sub odd_path {
	my ($route) = @_;
	my $path = $route->{pattern};
	$path =~ s/\{\*?\}/rand() < 0.9 ? 1 : any(@odd)/ge;
	$path = "/api/v1$path" if rand() < 0.5;
	substr $path, rand length $path, 1, any('', '/', '//', '.', '%', '%2', '%zz', ';', '\\', '#', '?', '~') if rand() < 0.15;
	$path .= '?' . join '&', map { a_name() . any('=', '', '==') . any(@odd) } 1 .. rand 4 if rand() < 0.5;
	return $path;
}

sub odd_json {
	my ($depth) = @_;
	my $r = rand;
	return any('null', 'true', '1', '-1', '1e999', '""', '"a"', '"\u0000"', '"\ud800"', '"' . 'x' x 500 . '"', '123456789012345678901', '[', '}', '"')
	    if $r < 0.6 || $depth > 6;
	return '[' . join(',', map { odd_json($depth + 1) } 0 .. rand 4) . ']' if $r < 0.8;
	return '{' . join(',', map { '"' . a_name() . '":' . odd_json($depth + 1) } 0 .. rand 6) . '}';
}

sub odd_body {
	my ($type) = @_;
	my $r = rand;
	return '' if $r < 0.1;
	return join '', map { chr rand 256 } 0 .. rand 300 if $r < 0.2;
	return '{' . join(',', map { '"' . a_name() . '":' . odd_json(1) } 0 .. rand 8) . '}' if $type =~ /json/;
	return '[' x 5000 if $r < 0.22;
	if ($type =~ /multipart/) {
		my $b = join '', map { "--b\r\nContent-Disposition: form-data; name=\"" . a_name() . '"'
		    . any('', '; filename="a.csv"', '; filename*=UTF-8\'\'%00', '; filename="', "\0") . any("\r\n\r\n", "\n\n", "\r\n") . any(@odd) . any("\r\n", "\n", '') } 0 .. rand 5;
		return $b . any("--b--\r\n", '--b', '');
	}
	return join '&', map { a_name() . any('=', '=', '') . any(@odd) } 0 .. rand 8;
}

# One request; the status, or why there is none.
sub ask {
	my ($text, $end) = @_;	# end: nothing more will come
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $site->{port}, Timeout => 5) or return 'no connection';
	local $SIG{PIPE} = 'IGNORE';
	local $SIG{ALRM} = sub { die "slow\n" };
	alarm 15;
	my $answer = eval {
		print $s $text;
		$s->flush;
		shutdown $s, 1 if $end;
		local $/;
		scalar <$s>;
	};
	alarm 0;
	return $@ ? 'hangs' : ($answer // '') =~ m{^HTTP/1\.[01] (\d+)} ? $1 : 'nothing';
}

# Bytes that are hardly HTTP: nginx has to answer or to hang up.
sub odd_bytes {
	my $line = any('GET /healthz HTTP/1.1', 'GET /healthz', 'GET  /healthz  HTTP/1.1', "GET\t/healthz\tHTTP/1.1", 'GET http://localhost/healthz HTTP/1.1', 'CONNECT x:443 HTTP/1.1',
		'OPTIONS * HTTP/1.1', 'GET /healthz HTTP/9.9', 'GET /healthz HTTP/1.1\r', "GET /he\x00althz HTTP/1.1", 'G' x 9000 . ' / HTTP/1.1', 'GET /' . 'x' x 9000 . ' HTTP/1.1',
		'PRI * HTTP/2.0', "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 'TRACE / HTTP/1.1', 'POST /api/v1/brands HTTP/1.1', 'POST /sign-in HTTP/1.1', 'POST /u/x HTTP/1.1');
	my @head = map { any('Host: localhost', 'Host: localhost', 'Host: a b', 'Host:', "Host: x\r\nHost: y", 'Content-Length: 5', 'Content-Length: 5, 6', 'Content-Length: -1', 'Content-Length: 99999999999999999999',
		"Content-Length: 3\r\nContent-Length: 4", 'Transfer-Encoding: chunked', "Transfer-Encoding: chunked\r\nContent-Length: 4", 'Transfer-Encoding: xchunked', "X: a\x00b", ' folded: x', 'No colon here',
		'X: ' . 'y' x 9000, ': empty name', "X\x01: y", 'Expect: 200-maybe', 'Upgrade: h2c', 'Connection: close, X', "X: a\nY: b", 'Cookie: ' . 'c=d; ' x 500) } 0 .. rand 5;
	my $body = any('', 'hello', "5\r\nhello\r\n0\r\n\r\n", "FFFFFFFFFFFFFFFFF\r\nx", "5;ext=\x00\r\nhel", "-1\r\n\r\n", "0\r\n\r\nGET /admin HTTP/1.1\r\nHost: x\r\n\r\n", "\xff" x 50);
	return join(any("\r\n", "\r\n", "\r\n", "\n"), $line, @head, 'Connection: close', '', '') . $body;
}

my (%seen, @bad, $slowest);
$slowest = 0;
my @pools = qw(web track cron);
my $begin = time;
for my $n (1 .. $requests) {
	if (rand() < 0.15) {
		my $bytes = odd_bytes();
		my $from = time;
		my $status = ask($bytes, 1);
		$slowest = time - $from if time - $from > $slowest;
		$seen{$status}++;
		push @bad, "$status: " . substr $bytes, 0, 200 if $status eq 'hangs' || $status eq 'no connection' || $status =~ /^5/ && $status !~ /^50[15]$/;
		next;
	}
	my $route = any(@routes);
	@own = @{ $takes{"$route->{method} $route->{pattern}"} // [] };
	my $method = rand() < 0.8 ? $route->{method} : any(qw(GET POST PUT PATCH DELETE HEAD OPTIONS BREW get));
	my $path = odd_path($route);
	# they would end what the others of this storm stand on
	next if $path =~ m{sign-out|/keys/|/cron/|/members/} || $path =~ m{^(/api/v1)?/sign-in} && $method ne 'GET';
	my $type = rand() < 0.6 ? $types[ $path =~ /^.api/ ? 1 : 0 ] : any(@types);
	my $body = $method =~ /^(POST|PUT|PATCH|DELETE)$/ ? odd_body($type) : '';
	my @head = ('Host: localhost', 'Connection: close');
	push @head, rand() < 0.8 ? "Cookie: $cookie" : 'Cookie: ' . any('ml_session=', 'ml_session=%00', ';;;=', 'a=b; ' x 200) if $path !~ /^.api/;
	push @head, rand() < 0.8 ? "Authorization: Bearer $key" : any('Authorization: Basic x', 'Authorization: Bearer') if $path =~ /^.api/;
	push @head, "Content-Type: $type", 'Content-Length: ' . length $body if length $body;
	push @head, "X-CSRF-Token: $site->{csrf}" if rand() < 0.8;
	push @head, any('Accept: text/html', 'Accept: */*', 'HX-Request: true', "User-Agent: \xff\xfe<script>", 'Referer: ' . 'r' x 3000,
		'Origin: null', 'X-Forwarded-For: 1.2.3.4', 'Idempotency-Key: ' . any('x', 'y' x 500, '%00'), 'Range: bytes=0-', 'Expect: 100-continue',
		'Accept-Encoding: gzip', 'If-None-Match: *', 'Transfer-Encoding: identity') if rand() < 0.3;
	my $from = time;
	my $status = ask(join("\r\n", "$method $path HTTP/1.1", @head, '', '') . $body);
	my $took = time - $from;
	$slowest = $took if $took > $slowest;
	$seen{$status}++;
	push @bad, "$status: $method $path ($type) " . substr $body, 0, 200
	    if $status !~ /^\d+$/ && $status ne 'nothing' || $status =~ /^5/ && $status ne '505' && !($status eq '501' && "@head" =~ /Transfer-Encoding/);
}
diag join ' ', map { "$_: $seen{$_}" } sort keys %seen if $ENV{ODD_REQUESTS};
is(join("\n", map { s/([^ -~\n])/sprintf '\\x%02x', ord $1/ger } @bad), '', "$requests odd requests: no error of ours");
cmp_ok($seen{200} // 0, '>', $requests / 20, '... some were answered well');
cmp_ok($slowest, '<', 5, '... nobody waited');

# ---- connections that stop in the middle ----
my @half = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $site->{port}) } 1 .. 50;
for my $n (0 .. $#half) {
	print { $half[$n] } substr "POST /api/v1/brands HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer $key\r\nContent-Length: 500\r\n\r\n{\"name\":", 0, 10 + 3 * $n;
	$half[$n]->flush;
}
my $from = time;
is($site->get('/healthz')->{status}, 200, '50 that stop in the middle hold nobody up');
cmp_ok(time - $from, '<', 2, '... at all');
close $_ for @half;

# ---- slow ones: a byte now and then ----
my @slow = grep { $_ } map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $site->{port}) } 1 .. 100;
my @words = map { "POST /api/v1/brands HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer $key\r\nContent-Length: " . (50 + $_) . "\r\nX-Slow: " } 0 .. $#slow;
my $worst = 0;
for my $round (0 .. 15) {
	for my $n (0 .. $#slow) {
		local $SIG{PIPE} = 'IGNORE';
		syswrite $slow[$n], $round ? 'x' : $words[$n];
	}
	my $from = time;
	my $status = $site->get('/readyz')->{status};
	$worst = time - $from if time - $from > $worst || $status != 200;
	$worst = 99 if $status != 200;
	select undef, undef, undef, 0.1;
}
is(scalar @slow, 100, '100 that send a byte now and then');
cmp_ok($worst, '<', 2, '... hold nobody up');
close $_ for @slow;

# ---- FastCGI that is none ----
sub record {
	my ($type, $content) = @_;
	return pack('CCnnCC', 1, $type, 1, length $content, 0, 0) . $content;
}
sub params {
	my (%p) = @_;
	return join '', map { pack('NN', length($_) | 0x80000000, length($p{$_}) | 0x80000000) . $_ . $p{$_} } sort keys %p;
}
my @hang;
for my $n (1 .. $records) {
	my $pool = $pools[ $n % 3 ];
	my $s = IO::Socket::UNIX->new(Peer => "$site->{state}/run/$pool.sock") or next;
	my $bytes = record(1, pack('nCx5', any(1, 1, 1, 2, 3, 99), any(0, 1))) . record(4, params(REQUEST_METHOD => any('GET', 'POST', ''),
		REQUEST_URI => any('/healthz', '/', '/cron/send', '/t/o/x', '/t/c/' . 'y' x 500, '/api/v1/me', '/u/x', ''), any(@names) => any(@odd),
		CONTENT_LENGTH => any('', 0, 10, -1, 'x', 4_000_000_000), CONTENT_TYPE => any(@types), BODY_REFUSED => any('', 1)))
	    . record(4, '') . record(5, 'z' x rand 200) . record(5, '');
	substr $bytes, rand length $bytes, 1 + rand 3, join '', map { chr rand 256 } 0 .. rand 4 for 1 .. rand 5;
	local $SIG{PIPE} = 'IGNORE';
	print $s $bytes;
	$s->flush;
	shutdown $s, 1;
	local $SIG{ALRM} = sub { die "slow\n" };
	alarm 5;
	eval { local $/; scalar <$s> };
	alarm 0;
	push @hang, $n if $@;
}
is("@hang", '', "$records broken FastCGI requests: none hangs");
is($site->get('/healthz')->{status}, 200, '... the pools answer');
cmp_ok(time - $begin, '<', 120, '... and it took not long') if !$ENV{ODD_REQUESTS};

for my $name (@pools) {
	is((() = grep { $_->{event} =~ /^worker\./ } $site->events($name)), 0, "no worker of $name died");
}
is_deeply([ map { $_->{event} } grep { ($_->{level} // '') =~ /^(error|fatal)$/ } map { $site->events($_) } @pools ], [],
	'nothing in the logs is an error');
done_testing;
