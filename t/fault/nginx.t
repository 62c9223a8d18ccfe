#!/usr/bin/perl
# nginx is reloaded, its workers are killed, and triggers give up waiting, while a slice is sending:
# the slice goes on or stops cleanly; no cron worker dies of it, nobody is in doubt.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Sending;
use Test::More;
use Time::HiRes qw(sleep);

my $s = Sending->start(people => 1000, rate => 200);
my $site = $s->{site};
$s->send;
$s->under_way(50);
my @cron = sort $site->workers('cron');
my $master = $site->process(qr/nginx/) or BAIL_OUT('no nginx');
my $trigger = $site->process(qr{trigger .*/cron/send});
sub waiting { return grep { Site::command_line($_) =~ /curl/ } Site::children($trigger) }
ok($site->until_true(5, \&waiting), 'a trigger waits for its slice');
ok(kill(KILL => waiting()), 'and goes away before its answer');
my ($reloads, $killed) = (0, 0);
for (1 .. 6) {
	$reloads += kill HUP => $master;
	sleep 0.2;
	$killed += kill KILL => Site::children($master);
	sleep 0.2;
}
ok($reloads == 6 && $killed >= 6, "nginx was reloaded $reloads times, $killed of its workers killed");
ok(keys %{ $s->accepted } < $s->{people}, 'all in the middle of it');
$s->exact(0, 'nginx restarted');
is_deeply([ sort $site->workers('cron') ], \@cron, 'no cron worker died of it');
is((grep { $_->{level} eq 'error' } $site->events('cron')), 0, 'nor was there an error');
done_testing;
