#!/usr/bin/perl
# nginx is reloaded, its workers are killed, and triggers give up waiting, while a slice is sending:
# the slice goes on or stops cleanly; no cron worker dies of it, nobody is in doubt.
use strict;
use warnings;
use FindBin;
use IO::Select;
use IO::Socket::INET;
use lib "$FindBin::Bin/../lib";
use Sending;
use Test::More;
use Time::HiRes qw(sleep);

my $s = Sending->start(people => 1000, rate => 100);
my $site = $s->{site};
my $master = $site->process(qr/nginx/) or BAIL_OUT('no nginx');
my ($port) = $site->{url} =~ /:(\d+)/;
# the first slice is asked for by a trigger of our own
my $usual = $site->process(qr{build-aux/trigger \d+ send});
kill STOP => $usual;
$s->send;
my $trigger = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or BAIL_OUT('no nginx');
print $trigger "POST /cron/send HTTP/1.0\r\nAuthorization: Bearer ", $site->secret, "\r\nContent-Length: 0\r\n\r\n";
$trigger->flush;
$s->under_way(50);
ok(!IO::Select->new($trigger)->can_read(0), 'a trigger waits for its slice');
ok(close $trigger, 'and goes away before its answer');
kill CONT => $usual;
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
is((() = grep { $_->{event} =~ /^worker\./ } $site->events('cron')), 0, 'no cron worker died of it');
is((grep { $_->{level} eq 'error' } $site->events('cron')), 0, 'nor was there an error');
done_testing;
