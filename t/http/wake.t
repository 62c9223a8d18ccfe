#!/usr/bin/perl
# Who changes something wakes the triggers, who only reads does not; a trigger with nothing to do
# sleeps, and starts no process.
use strict;
use warnings;
use Fcntl;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Site;
use Test::More;
use Time::HiRes qw(sleep);

my $site = Site->start;
my %trigger = map { $_ => $site->process(qr{build-aux/trigger \d+ $_}) } qw(send jobs);
ok($trigger{send} && $trigger{jobs}, 'two triggers');
sub asked { return scalar(() = grep { ($_->{route} // '') eq '/cron/jobs' } $site->events('cron', 'request')) }

# ---- nothing to do ----
sleep 2;
my $before = asked();
sleep 6;
cmp_ok(asked() - $before, '<=', 1, 'with nothing to do a trigger asks rarely');
is((() = map { Site::children($_) } values %trigger), 0, '... and has no process beside it');

# ---- woken ----
END { kill CONT => grep { $_ } values %trigger }
kill STOP => values %trigger;
my %pipe;
for (keys %trigger) {
	sysopen $pipe{$_}, "$site->{state}/wake-$_", O_RDWR | O_NONBLOCK or die "wake-$_: $!";
}

# The bytes that wait for each, taken.
sub woken {
	my %n;
	for (sort keys %pipe) {
		my $bytes = '';
		$n{$_} = sysread($pipe{$_}, $bytes, 100) // 0;
	}
	return "send $n{send} jobs $n{jobs}";
}

sub brand { return $site->api(POST => '/brands', { name => 'Acme', from_name => 'Acme', from_email => 'news@acme.example',
	postal_address => '1 Road', time_zone => 'UTC' }) }
woken();
$site->get('/healthz');
$site->api(GET => '/me');
is(woken(), 'send 0 jobs 0', 'who reads wakes nobody');
is($site->api(POST => '/brands', {})->{status}, 422, 'a change that is refused');
is(woken(), 'send 0 jobs 0', '... wakes nobody');
is(brand()->{status}, 201, 'a change');
ok($site->until_true(3, sub { woken() eq 'send 1 jobs 1' }), '... wakes both');
brand() for 1 .. 3;
sleep 0.3;
is(woken(), 'send 1 jobs 1', 'three changes wake once');
kill CONT => values %trigger;
$before = asked();
brand();
ok($site->until_true(8, sub { asked() > $before }), 'woken, the trigger asks');
done_testing;
