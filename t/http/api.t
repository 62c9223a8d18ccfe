#!/usr/bin/perl
# doc/api.md: its examples run in their order against a new site. The status is the one that is
# written there, and every name of a JSON answer is; each route of the API is described.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use File::Temp qw(tempdir);
use JSON::PP;
use Site;
use Source;
use Test::More;

my $doc = Site::slurp("$Site::top/doc/api.md");
my $site = Site->start;
my $work = tempdir('maillayer-api-XXXXXX', TMPDIR => 1, CLEANUP => 1);

# ---- the routes ----

my (%offered, %raw);
for my $r (Source::routes()) {
	next if $r->{page_only};
	($r->{raw} ? \%raw : \%offered)->{"$r->{method} $r->{pattern}"} = 1;
}
cmp_ok(scalar keys %offered, '>', 50, 'the route table is understood');
my %described;
while ($doc =~ m{\b((?:GET|POST|PUT|PATCH|DELETE) /[a-z_./{}]*)}g) {
	$described{ $1 =~ s/\{\w+\}/{}/gr } = 1;
}
is(join("\n", grep { !$described{$_} } sort keys %offered), '', 'each route of the API is described');
my %exists = (%offered, map { s/\{\*\}/{}/r => 1 } keys %raw);
is(join("\n", grep { !$exists{$_} } sort keys %described), '', 'and none that is not there');

# ---- the examples ----

# The triggers of ./run would do what the document does by hand.
my @triggers = grep { Site::command_line($_) =~ m{build-aux/trigger} } Site::children($site->{pid});
is(scalar @triggers, 2, 'the triggers are found');
END { kill CONT => @triggers if @triggers }
kill STOP => @triggers;
$site->command([qw(user create --email ada@holm.example --password-stdin)], "correct horse battery\n");
$ENV{URL} = "$site->{url}/api/v1";
$ENV{SITE} = $site->{url};
$ENV{AUTH} = 'Authorization: Bearer ' . $site->key;
$ENV{CRON} = 'Authorization: Bearer ' . $site->secret;
open my $script, '>', "$work/curl.sh" or die;
print $script "cd $work\n", 'curl() { command curl -q -s --noproxy "*" -o out -D head -w "%{http_code}" "$@"; }', "\n";
close $script;

# Names that one has and the other has not; "…" in the document stands for others.
sub differ {
	my ($shown, $real, $at) = @_;
	if (ref $shown eq 'HASH' && ref $real eq 'HASH') {
		my @odd = map { "$at.$_ is not answered" } grep { $_ ne "\x{2026}" && !exists $real->{$_} } sort keys %$shown;
		push @odd, map { "$at.$_ is not described" } grep { !exists $shown->{$_} } sort keys %$real
		    unless $shown->{"\x{2026}"};
		return @odd, map { differ($shown->{$_}, $real->{$_}, "$at.$_") } sort keys %$shown;
	}
	return differ($shown->[0], $real->[0], "$at\[0]")
	    if ref $shown eq 'ARRAY' && ref $real eq 'ARRAY' && @$shown && @$real;
	return "$at is another kind" if defined $shown && defined $real && ref $shown ne ref $real
	    && !JSON::PP::is_bool($shown) && !JSON::PP::is_bool($real);
	return;
}

my $n = 0;
while ($doc =~ /^```sh\n(.*?)^```\n(?:```http\n(\d+)[^\n]*\n(.*?)^```\n)?/msg) {
	my ($command, $status, $answer) = ($1, $2, $3);
	my ($line) = $command =~ /^(.*)$/m;
	$command =~ s/\b20\d\d(?=-\d\d-\d\d \d\d:)/1901 + (gmtime)[5]/e;	# a schedule stays in the future
	open my $sh, '>', "$work/run.sh" or die;
	print $sh $command;
	close $sh;
	unlink "$work/out";
	my $got = `bash -c '. $work/curl.sh && . ./run.sh'`;
	if (!defined $status) {
		is($?, 0, $line);
		next;
	}
	$n++;
	my $body = Site::slurp("$work/out");
	is($got, $status, $line) or diag $body;
	my ($shown) = $answer =~ /^(\{.*)/ms or next;
	my $json = JSON::PP->new->utf8->allow_nonref;
	my @odd = differ(eval { $json->decode($shown) } // "no JSON: $@", eval { $json->decode($body) }, 'answer');
	is(join("\n", @odd), '', '... and the answer has the names that are shown');
}
cmp_ok($n, '>=', scalar(keys %offered), 'there is an example for each route');
kill CONT => splice @triggers;
undef $site;
done_testing;
