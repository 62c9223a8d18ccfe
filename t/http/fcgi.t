#!/usr/bin/perl
# FastCGI as a broken or hostile peer speaks it, straight to the socket: no worker dies.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use IO::Socket::UNIX;
use Site;
use Test::More;

my $site = Site->start;
my $socket = "$site->{state}/run/web.sock";
my @key = (HTTP_AUTHORIZATION => 'Bearer ' . $site->key);

sub talk {
	my ($bytes, $shut) = @_;
	my $s = IO::Socket::UNIX->new(Peer => $socket) or return;
	$s->timeout(5);
	local $SIG{PIPE} = 'IGNORE';
	print $s $bytes;
	$s->flush;
	shutdown $s, 1 if $shut // 1;
	local $SIG{ALRM} = sub { die "slow\n" };
	alarm 15;
	local $/;
	my $answer = eval { <$s> };
	alarm 0;
	return $answer // '';
}

sub record {
	my ($type, $content, %o) = @_;
	return pack('CCnnCC', $o{version} // 1, $type, $o{id} // 1, $o{length} // length $content, $o{pad} // 0, 0)
	    . $content . "\0" x ($o{pad} // 0);
}

sub pair {
	my ($name, $value) = @_;
	my $length = sub { $_[0] < 128 ? chr $_[0] : pack 'N', $_[0] | 0x80000000 };
	return $length->(length $name) . $length->(length $value) . $name . $value;
}

sub params {
	my %p = (REQUEST_METHOD => 'GET', REQUEST_URI => '/healthz', @_);
	return join '', map { pair($_, $p{$_}) } sort keys %p;
}

my $begin = record(1, pack('nCx5', 1, 0));
my $keep = record(1, pack('nCx5', 1, 1));

sub request {
	my ($params, $body) = @_;
	return $begin . record(4, $params) . record(4, '') . (length($body // '') ? record(5, $body) : '') . record(5, '');
}

like(talk(request(params())), qr/Status: 200 OK.*ok\n/s, 'a plain request is answered');
like(talk($keep . record(4, params()) . record(4, '') . record(5, '')), qr/Status: 200/,
	'a peer that wants to keep its connection is answered, and the connection closed');
like(talk(request(params(REQUEST_ID => "a\nb"))), qr/Status: 200/, 'a bad request id is replaced');
unlike($site->log('web'), qr/a\\nb/, '... and not logged');
like(talk(request(params(REQUEST_METHOD => 'BREW'))), qr/Status: 405/, 'an unknown method is 405');
like(talk(request(params(REQUEST_URI => 'http://x/'))), qr/Status: 400/, 'a target that is no path is 400');
like(talk(request(params(REQUEST_URI => '/' . 'a' x 20000))), qr/Status: 431/, 'a target too long is 431');
like(talk(request(params(REQUEST_METHOD => 'POST', REQUEST_URI => '/api/v1/brands', CONTENT_LENGTH => '2000000',
	CONTENT_TYPE => 'application/json', @key), 'x' x 1000)), qr/Status: 413/, 'a length over the limit is 413');
like(talk(request(params(REQUEST_METHOD => 'POST', REQUEST_URI => '/api/v1/brands', CONTENT_LENGTH => '50',
	CONTENT_TYPE => 'application/json', @key), '{}')), qr/Status: 400/, 'a body shorter than its length is 400');
like(talk(request(params(REQUEST_METHOD => 'POST', REQUEST_URI => '/api/v1/brands', CONTENT_LENGTH => '-1',
	CONTENT_TYPE => 'application/json', @key), '{}')), qr/Status: 400/, 'a negative length is 400');
like(talk(request(params(HTTP_COOKIE => 'ml_session=' . 'x' x 12_300))), qr/Status: 431/, 'a header too long is 431');
like(talk(request(params(HTTP_COOKIE => "ml_session=\xff\xfe", HTTP_USER_AGENT => "\xff"))), qr/Status: 200/,
	'headers that are no UTF-8 do no harm');

talk('');
talk("\0" x 100);
talk('GET / HTTP/1.1' . "\r\n\r\n");
talk($begin);
talk($begin . record(4, "\xff\xff\xff\xff\xff\xff\xff\xff"));
talk($begin . record(4, params(), length => 65535));
talk(record(9, ''));
talk(record(1, pack('nCx5', 2, 0)) . record(4, params()) . record(4, '') . record(5, ''));
talk($begin . $begin . record(4, params()) . record(4, ''));
talk(record(4, params(), version => 7));
srand 1;
for (1 .. 200) {
	my $bytes = request(params(HTTP_X => 'y' x int rand 300), 'z' x int rand 300);
	substr $bytes, rand(length $bytes), 1 + rand 4, join '', map { chr rand 256 } 1 .. rand 6 for 1 .. 3;
	talk($bytes);
}
# Lengths that libfcgi would believe, and abort.
for my $n ([ 0x7fffffff, 0x7fffffff ], [ 0x7fffffff, 1 ], [ 0x40000000, 0x40000000 ], [ 0x64e4e4e4, 0x64e4e4e4 ], [ 0x0fffffff, 0 ], [ 5, 0x7fffffff ]) {
	my $lengths = pack 'NN', map { $_ | 0x80000000 } @$n;
	talk($begin . record(4, "${lengths}NAME") . record(4, ''));
	talk($begin . record(4, params() . $lengths) . record(4, ''));
	talk($begin . record(9, $lengths, id => 0) . record(4, params()) . record(4, ''));
	talk($begin . record(8, "\0\0\0$lengths", id => 0) . record(4, params()) . record(4, ''));
}
# Slowly, in pieces: nginx does not, but it is a request.
{
	my $s = IO::Socket::UNIX->new(Peer => $socket) or die;
	for my $piece (request(params()) =~ /(.{1,12})/gs) {
		print $s $piece;
		$s->flush;
		select undef, undef, undef, 0.02;
	}
	local $/;
	like(scalar <$s>, qr/Status: 200 OK/, 'a request that comes in pieces is answered');
}
is($site->get('/healthz')->{status}, 200, 'after 200 broken requests the pool answers');
is(scalar(grep { $_->{event} =~ /^worker\./ } $site->events('web')), 0, '... and no worker died');

# ---- a socket given as file descriptor 0 ----
my $own = "$site->{state}/run/own.sock";
my $listener = IO::Socket::UNIX->new(Local => $own, Listen => 8) or die "$own: $!";
my $pid = fork // die "fork: $!";
if ($pid == 0) {
	open STDIN, '<&', $listener or die;
	open STDERR, '>', "$site->{state}/log/own.log";
	exec "$site->{build}/maillayer", 'web', '--config', "$site->{state}/maillayer.ini";
}
close $listener;
$socket = $own;
like(talk(request(params())), qr/Status: 200 OK/, 'a pool serves the socket it is given as fd 0');
kill 'TERM', $pid;
waitpid $pid, 0;
is($? >> 8, 0, '... and ends well');
ok(-S $own, '... leaving the socket to whom it belongs');

# ---- a socket in use ----
my $text = `$site->{build}/maillayer web --config $site->{state}/maillayer.ini 2>&1 </dev/null`;
is($? >> 8, 1, 'a second pool on one socket is refused');
like($text, qr/Another process answers there/, '... with a sentence');
is($site->get('/healthz')->{status}, 200, '... and the first goes on');

done_testing;
