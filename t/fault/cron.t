#!/usr/bin/perl
# The same as t/fault/crash, from outside: a whole site behind nginx, its trigger calling
# /cron/send, and kill -9 of its cron workers, and of memcached, while it sends through the
# strict fake.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Sending;
use Test::More;
use Time::HiRes qw(sleep);

my $kills = 10;
my $s = Sending->start(people => $ENV{CRASH_PEOPLE} // 3000, rate => 800);
my $site = $s->{site};
$s->send;
my $killed = 0;
for my $n (1 .. $kills) {
	sleep 0.15 + rand 0.35;
	$s->resume;
	last if $s->campaign->{status} eq 'completed';
	$killed += kill KILL => $site->workers('cron');
	if ($n == $kills / 2) {
		my $memcached = $site->process(qr/memcached/);
		kill KILL => $memcached if $memcached;
	}
}
note("count kills $killed");
ok($killed > 0, "cron workers were killed ($killed)");
# one worker sends at a time, at most 128 calls at once
$s->exact($kills * 128, "workers and memcached killed");
done_testing;
