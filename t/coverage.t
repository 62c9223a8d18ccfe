#!/usr/bin/perl
# Runs after t/http: every route of web/routes.c was answered well by some test there, as a
# page and in the API where it is offered in both, and every change was written into the audit
# log.  MAILLAYER_COVERAGE names the file in which
# t/lib/Site.pm noted the routes of each site it stopped.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';
use Source;
use Test::More;

my $file = $ENV{MAILLAYER_COVERAGE};
plan skip_all => 'MAILLAYER_COVERAGE is not set: this runs after t/http' if !$file;
open my $f, '<', $file or BAIL_OUT("$file: $!");
chomp(my @lines = <$f>);
my %seen = map { $_ => 1 } @lines;
cmp_ok(scalar keys %seen, '>', 50, 'routes were noted');
for my $r (Source::routes()) {
	ok($seen{"$r->{method} $r->{pattern}"}, "page $r->{method} $r->{pattern}") if !$r->{api_only};
	ok($seen{"$r->{method} /api/v1$r->{pattern}"}, "API $r->{method} $r->{pattern}")
	    if !$r->{page_only} && !$r->{raw};
}
is(join("\n", grep { /^unwritten / } sort keys %seen), '', 'every change stood in the audit log');
done_testing;
