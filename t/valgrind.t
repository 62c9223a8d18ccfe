#!/usr/bin/perl
# Memcheck over programs that together touch every layer, in the plain build: no error, no leak.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;

my $top = dirname(__FILE__) . '/..';
my $build = $ENV{MAILLAYER_BUILD} // "$top/build";
my $dir = tempdir(CLEANUP => 1);
plan skip_all => 'valgrind is not installed' if system('command -v valgrind >/dev/null');
delete $ENV{MAILLAYER_TEST_PG};		# SQLite will do here

sub clean {
	my ($name, @command) = @_;
	my $log = "$dir/log";
	my $status = system "valgrind --quiet --error-exitcode=9 --leak-check=full "
	    . "--errors-for-leak-kinds=definite --log-file=$log @command >$dir/out 2>&1";
	ok($status == 0, "$name is clean") or do {
		open my $f, '<', $log;
		diag $_ while <$f>;
	};
}

clean($_, "$build/$_") for qw(t/base/buf t/base/json t/base/form t/base/text t/db/stmt t/http/body
	t/http/router t/repo/event t/service/subscriber t/send/compose t/view/html);

open my $t, '>', "$dir/page.html" or die;
print $t '{% for p in people %}{{ p.name | upcase | escape }}: {{ p.n | times: 3 }}{% endfor %}';
close $t;
open my $d, '>', "$dir/data.json" or die;
print $d '{"people":[{"name":"a<b","n":2},{"name":"c","n":4}]}';
close $d;
clean('render', "$build/maillayer render $dir/page.html --data $dir/data.json --html");
done_testing;
