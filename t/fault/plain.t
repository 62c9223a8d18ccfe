#!/usr/bin/perl
# A plain build has no failpoint: nothing in the environment can end it.  The build with
# --enable-failpoints has them, so that this test can fail.
# t/fault/long: sqlite only, there is no database in it.
use strict;
use warnings;
use FindBin;
use Test::More;

my $top = "$FindBin::Bin/../..";

sub points {
	my ($program) = @_;
	open my $in, '<:raw', $program or return;
	local $/;
	my %seen = map { $_ => 1 } <$in> =~ /failpoint ([a-z]+\.[a-z]+)\0/g;
	return sort keys %seen;
}

my $plain = "$top/build/maillayer";
my $armed = "$top/build-san/maillayer";
ok(-x $plain, 'the plain program is there');
is(join(' ', points($plain)), '', 'and has no failpoint');
open my $in, '<:raw', $plain or die;
my $all = do { local $/; <$in> };
unlike($all, qr/MAILLAYER_FAILPOINT/, 'nor does it know the variable');
my @points = points($armed);
cmp_ok(scalar @points, '>=', 12, "the build for tests has " . @points . ": @points");
like(`$top/t/fault/seeded --check 2>&1`, qr/^\d+ defects can be planted$/, 'every defect of t/fault/seeded still has its place');
done_testing;
