#!/usr/bin/perl
# Many pixels on a disk whose sync is slow: one sync serves many, no picture leaves before its open
# is on the disk, whoever is killed when; and a full disk costs the count, never the picture.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use Site;
use Test::More;
use Time::HiRes qw(sleep time);

my $dir = tempdir('maillayer-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $log = "$dir/syncs";
system('cc', '-shared', '-fPIC', '-O1', '-o', "$dir/slow.so", "$FindBin::Bin/slow_sync.c", '-ldl') == 0
	or plan skip_all => 'there is no compiler';
my $site = Site->start(env => { LD_PRELOAD => "$dir/slow.so", SLOW_SYNC_LOG => $log, SLOW_SYNC_MS => 200 });
my ($port) = $site->{url} =~ /:(\d+)/;

my $brand = $site->api(POST => '/brands', { name => 'Acme', from_name => 'Acme', from_email => 'news@acme.example',
	postal_address => '1 Road', time_zone => 'UTC' })->{json}{id};
my $b = "/brands/$brand";
my $list = $site->api(POST => "$b/lists", { name => 'All' })->{json}{id};
$site->api(POST => "$b/subscribers", { email => 'p@x.example', lists => [$list] });
my $c = $site->api(POST => "$b/campaigns", { name => 'C', subject => 'S', html => '<p>Hi</p>', lists => [$list] })->{json}{id};
is($site->api(POST => "$b/campaigns/$c/send", {})->{status}, 200, 'a campaign is sent');
ok($site->until_true(20, sub { $site->api(GET => "$b/campaigns/$c")->{json}{status} eq 'completed' }), '... to its end');
my $mail = $site->api(GET => "$b/outbox")->{json}{items}[0]{id};
my ($pixel) = $site->api(GET => "$b/outbox/$mail")->{json}{html} =~ m{(/t/o/[\w-]+)};
sub opens { return $site->api(GET => "$b/campaigns/$c/report")->{json}{stats}{opens} }

# So many at once; those that were answered, and those that got the picture.
sub begin {
	my ($n) = @_;
	my $all = IO::Select->new;
	for (1 .. $n) {
		my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or die;
		print $s "GET $pixel HTTP/1.0\r\nUser-Agent: Mozilla/5.0 (X11; Linux) Firefox/128.0\r\n\r\n";
		$s->flush;
		$all->add($s);
	}
	return $all;
}

sub pictures {
	my ($all) = @_;
	my ($n, $end) = (0, time + 30);
	while ($all->count && time < $end) {
		for my $s ($all->can_read(1)) {
			local $/;
			$n++ if (<$s> // '') =~ m{\AHTTP/1\.\d 200 .*image/gif}s;
			$all->remove($s);
		}
	}
	return $n;
}

sub syncs { return split /\n/, -e $log ? Site::slurp($log) : '' }

# struct spool_record: 40 bytes and the User-Agent.
my ($agent) = Site::slurp("$FindBin::Bin/../../src/model/event.h") =~ /AGENT_MAX = (\d+)/;
my $record = 40 + $agent;

# The records that a power cut now would leave.
sub durable {
	my (%bytes, $sum);
	/^(\S+) (\d+)$/ and $bytes{$1} = $2 > ($bytes{$1} // 0) ? $2 : $bytes{$1} for syncs();
	$sum += $_ / $record for values %bytes;
	return $sum;
}

my $answered = pictures(begin(60));
is($answered, 60, '60 pixels at once are answered');
cmp_ok(scalar(() = syncs()), '<=', 15, '... with one sync for many: ' . (() = syncs()));
is(durable(), 60, '... and each is on the disk');
ok($site->until_true(15, sub { opens() == 60 }), '... and counted');

# A busy machine may have taken none of them when its workers are killed, or answered all: then it is tried again.
my ($refused, $rounds) = (0, 0);
while ($rounds < 5 || !$refused && $rounds < 25) {
	$rounds++;
	my $all = begin(20);
	sleep 0.05 + 0.09 * (1 + $rounds % 5);
	kill KILL => $site->workers('track');
	my $n = pictures($all);
	$answered += $n;
	$refused += 20 - $n;
	ok($site->until_true(10, sub { pictures(begin(1)) == 1 }), 'workers killed in the middle: new ones serve');
	$answered++;
	sleep 1;
}
cmp_ok($refused, '>', 0, "some were not answered ($refused)");
cmp_ok(durable(), '>=', $answered, "each of the $answered that were is on the disk");
ok($site->until_true(20, sub { opens() >= $answered }), '... and counted') or diag opens();
cmp_ok(opens(), '<=', 60 + $rounds * 21, '... once');

open my $full, '>', "$log.full" or die;
is(pictures(begin(5)), 5, 'the disk is full: the picture comes all the same');
ok((grep { $_->{events} } $site->events('track', 'track.lost')), '... and what may be lost is logged');
unlink "$log.full";
my $before = durable();
is(pictures(begin(5)), 5, 'there is room again');
is(durable(), $before + 5, '... and they are on the disk');
is((() = grep { $_->{event} eq 'worker.ended' } $site->events('track')), 0, 'no worker ended by itself');
done_testing;
