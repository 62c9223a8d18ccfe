#!/usr/bin/perl
# A pool has as many workers as are needed: few when nothing is to do, more while connections wait.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Site;
use Test::More;
use Time::HiRes qw(sleep time);

my $site = Site->start;
my ($port) = $site->{url} =~ /:(\d+)/;
my @held;

sub workers { return scalar(() = $site->workers('web')) }

# Each keeps a worker for ten seconds: a request whose head does not come.
sub hold {
	my ($n) = @_;
	for (1 .. $n) {
		my $s = IO::Socket::UNIX->new(Peer => "$site->{state}/run/web.sock") or die;
		print $s pack('CCnnCCnCx5', 1, 1, 1, 8, 0, 0, 1, 0);
		$s->flush;
		push @held, $s;
	}
}

sub seconds {
	my $from = time;
	my $r = $site->get('/healthz');
	return $r->{status} == 200 ? time - $from : 1e9;
}

# ---- more, and fewer ----
is(workers(), 2, 'two workers wait for requests');
like($site->get('/metrics')->{content}, qr/^maillayer_workers\{process="web"\} 2$/m, '... and are told of');
$site->get('/healthz') for 1 .. 50;
is(workers(), 2, 'one request after another needs no more');
hold(7);
cmp_ok(seconds(), '<', 3, 'seven workers are busy: the next request is served soon');
ok($site->until_true(3, sub { workers() == 8 }), '... by one that was added') or diag workers();
cmp_ok(seconds(), '<', 1, '... and so is every other') for 1 .. 5;
hold(1);
sleep 0.5;
is(workers(), 8, 'all busy: there are never more than the configuration says');
my $late = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or die;
print $late "GET /healthz HTTP/1.0\r\n\r\n";
$late->flush;
ok(!IO::Select->new($late)->can_read(0.5), '... and the next one waits');
close shift @held;
ok(IO::Select->new($late)->can_read(3), '... until a worker is free');

# ---- a new set ----
my %before = map { $_ => 1 } $site->workers('web');
kill HUP => $site->supervisor('web');
ok($site->until_true(5, sub { $site->events('web', 'pool.reloaded') }), 'SIGHUP while they are busy');
cmp_ok(seconds(), '<', 2, '... the new workers serve');
close $_ for splice @held;
ok($site->until_true(15, sub { !grep { $before{$_} } $site->workers('web') }), '... and the old ones leave');
ok($site->until_true(25, sub { workers() == 2 }), 'nothing to do: two are left') or diag workers();
like($site->get('/metrics')->{content}, qr/^maillayer_workers\{process="web"\} 2$/m, '... and are told of');
is((() = grep { $_->{event} =~ /^worker\./ } $site->events('web')), 0, 'none of them is said to have died');

# ---- a burst ----
my $select = IO::Select->new;
for (1 .. 64) {
	my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or die;
	print $s "GET /sign-in HTTP/1.0\r\n\r\n";
	$s->flush;
	$select->add($s);
}
my ($good, $end) = (0, time + 20);
while ($select->count && time < $end) {
	for my $s ($select->can_read(1)) {
		local $/;
		$good++ if (<$s> // '') =~ m{\AHTTP/1\.\d 200 };
		$select->remove($s);
	}
}
is($good, 64, '64 connections at once are all answered');

# ---- killed while they start ----
my %old = map { $_ => 1 } $site->workers('web');
hold(7);
my $killed = 0;
$end = time + 2;
while (time < $end) {
	$killed += kill KILL => grep { !$old{$_} } $site->workers('web');
}
cmp_ok($killed, '>', 0, "workers are killed as soon as they are there ($killed)");
cmp_ok($killed, '<', 60, '... and not replaced faster and faster');
ok($site->until_true(40, sub { seconds() < 2 }), '... afterwards everything is served');
close $_ for splice @held;

# ---- the end ----
hold(3);
$site->stop;
my @end = grep { /^pool\.(stopped|killing)$/ } map { $_->{event} } $site->events('web');
is("@end", 'pool.stopped', 'SIGTERM lets busy workers finish, and ends without killing one');
done_testing;
