#!/usr/bin/perl
# make dist, a build of the tarball outside its tree, make install, and what was installed works.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;

my $top = abs_path(dirname(__FILE__) . '/..');
my $build = $ENV{MAILLAYER_BUILD} // "$top/build";
my $dir = tempdir(CLEANUP => 1);

sub run_ok {
	my ($name, $command) = @_;
	my $status = system "($command) >$dir/out 2>&1";
	ok($status == 0, $name) or do {
		open my $f, '<', "$dir/out";
		my @lines = <$f>;
		diag @lines > 30 ? @lines[-30 .. -1] : @lines;
	};
	return $status == 0;
}

# In a build of its own, so that the flags of a developer's do not matter.
run_ok('make dist', "mkdir $dir/a && cd $dir/a && $top/configure -q && make -s dist") or BAIL_OUT('no dist');
my ($tarball) = glob "$dir/a/maillayer-*.tar.gz";
ok($tarball, 'gives a tarball');
run_ok('it unpacks', "mkdir $dir/b && tar -xf $tarball -C $dir/b");
my ($source) = glob "$dir/b/maillayer-*";
ok(-f "$source/$_", "$_ is in it") for qw(run LICENSE sql/sqlite/0001_start.sql
	sql/postgres/0001_start.sql templates/layout.html assets/dist/manifest.json nginx/maillayer.conf);
run_ok('it configures outside its tree', "mkdir $dir/c && cd $dir/c && $source/configure -q --prefix=/usr");
run_ok('it builds without a warning', "cd $dir/c && make -s -j2 && ! grep -n 'warning:' $dir/out");
run_ok('it installs', "cd $dir/c && make -s install DESTDIR=$dir/root");
my $program = "$dir/root/usr/bin/maillayer";
run_ok('the program runs', "$program version");
ok(-f "$dir/root/usr/share/maillayer/$_", "$_ is installed")
    for qw(sql/sqlite/0001_start.sql templates/layout.html assets/dist/manifest.json);
ok(-s "$dir/root/usr/$_", "$_ is installed") for qw(share/man/man1/maillayer.1 share/doc/maillayer/maillayer.ini
	share/doc/maillayer/operating.md share/doc/maillayer/api.md lib/systemd/system/maillayer-work@.timer);
my $unit = `grep -h ^ExecStart= $dir/root/usr/lib/systemd/system/*.service`;
is(() = $unit =~ m{^ExecStart=/usr/bin/maillayer }mg, 3, 'the units start the program that was installed');
like(`cat $dir/root/usr/share/maillayer/nginx/maillayer.conf`, qr{^\troot /usr/share/maillayer;}m, '... nginx finds its files');
@ENV{qw(MAILLAYER_SERVER_STATE_DIR MAILLAYER_SERVER_SHARE_DIR)} = ("$dir/example", "$dir/root/usr/share/maillayer");
my $example = "--config $dir/root/usr/share/doc/maillayer/maillayer.ini 2>&1";
$example = `$program migrate $example && $program doctor $example`;
like($example, qr{"public_url":"https://mail\.example\.com"}, '... and the example of a configuration is accepted') or diag $example;
delete @ENV{qw(MAILLAYER_SERVER_STATE_DIR MAILLAYER_SERVER_SHARE_DIR)};
open my $ini, '>', "$dir/m.ini" or die;
print $ini "[server]\nstate_dir = $dir/state\nshare_dir = $dir/root/usr/share/maillayer\n";
close $ini;
mkdir "$dir/state";
run_ok('and migrates a new database', "$program migrate --config $dir/m.ini");
run_ok('and makes a user', "printf 'correct horse battery\\n' | $program user create"
	. " --config $dir/m.ini --email a\@x.example --password-stdin --admin");
run_ok('it uninstalls', "cd $dir/c && make -s uninstall DESTDIR=$dir/root && test ! -e $program"
	. " && test ! -e $dir/root/usr/lib/systemd/system/maillayer\\@.service");
done_testing;
