#!/usr/bin/perl
# The clock of a whole site jumps by two hours and back, in the middle of a slice that is throttled
# now and then (libfaketime): nobody twice, nothing waits for a time that was wrong.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp qw(tempdir);
use Sending;
use Test::More;

my ($lib) = glob '/usr/lib/*/faketime/libfaketime.so.1' or plan skip_all => 'libfaketime is not installed';
my $dir = tempdir('maillayer-XXXXXX', TMPDIR => 1, CLEANUP => 1);
sub set {
	my ($offset) = @_;
	open my $f, '>', "$dir/clock.new" or die "clock: $!";
	print $f "$offset\n";
	close $f;
	rename "$dir/clock.new", "$dir/clock" or die "clock: $!";
}

set('+0');
my $s = Sending->start(people => 1500, rate => 120, fake => ['--anytime'], site => { env => { LD_PRELOAD => $lib,
	FAKETIME_TIMESTAMP_FILE => "$dir/clock", FAKETIME_NO_CACHE => 1, FAKETIME_DONT_FAKE_MONOTONIC => 1 } });
my $site = $s->{site};
# its next try is at a time two hours away, which will never have been
$s->script([ { at => 100, do => { status => 429, type => 'TooManyRequestsException', message => 'slow down' } } ]);
$s->send;
$s->under_way(50);
my @seen;
for my $offset ('+2h', '-2h', '+2h', '+0') {
	last if $s->campaign->{status} ne 'sending';
	set($offset);
	my $before = keys %{ $s->accepted };
	push @seen, $offset;
	ok($site->until_true(20, sub { keys %{ $s->accepted } > $before + 20 }), "it goes on at $offset");
	$s->campaign; # whoever answers writes a line of that hour
}
is("@seen", '+2h -2h +2h +0', 'the clock jumped in the middle of it');
$s->exact(0, 'a clock that jumps', 100);
my %hours = map { substr($_->{time}, 11, 2) => 1 } $site->events('web');
cmp_ok(scalar keys %hours, '>=', 3, 'its own log has the hours ' . join ' ', sort keys %hours);
done_testing;
