#!/usr/bin/perl
# How the program is built and started: flags, the binary itself, the sandbox of its units.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Temp qw(tempdir);
use Test::More;

my $top = abs_path(dirname(__FILE__) . '/..');
my $build = $ENV{MAILLAYER_BUILD} // "$top/build";
my $program = "$build/maillayer";
plan skip_all => 'the program is not built' unless -x $program;
plan skip_all => 'a build with sanitizers is not what is installed' if `nm -D $program` =~ /__asan_init/;

sub slurp { my ($file) = @_; open my $f, '<', $file or return ''; local $/; return scalar <$f> // '' }

# ---- flags ----
my ($harden) = slurp("$build/Makefile") =~ /^HARDEN = (.*)/m;
my ($cflags) = slurp("$build/Makefile") =~ /^CFLAGS = (.*)/m;
my $flags = " $harden $cflags ";
my $clang = `sed -n 's/^CC = //p' $build/Makefile` =~ /clang/;
for my $flag (qw(-O2 -Wall -Wextra -Wformat=2 -Wconversion -Wimplicit-fallthrough -Werror=format-security -Werror=implicit
	-Werror=incompatible-pointer-types -Werror=int-conversion -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong
	-fstack-clash-protection -fcf-protection=full -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing -fPIE),
	$clang ? () : qw(-Wtrampolines -Wbidi-chars=any -ftrivial-auto-var-init=zero)) {
	ok(index($flags, " $flag ") >= 0, "it is compiled with $flag");
}

# ---- the binary ----
my $elf = `readelf -W -h -l -d $program`;
like($elf, qr/Type:\s+DYN/, 'the program can be loaded anywhere (PIE)');
like($elf, qr/GNU_RELRO/, 'what the loader has filled in is read-only ...');
like($elf, qr/\(FLAGS\)\s+BIND_NOW|FLAGS_1.*\bNOW\b/, '... all of it, at once (full RELRO)');
my ($stack) = $elf =~ /GNU_STACK\s+(.*)/;
unlike($stack // 'E', qr/\bRWE\b|^E/, 'the stack cannot be executed');
unlike($elf, qr/LOAD\s.*\bRWE\b/, 'nothing is both written and executed');
unlike($elf, qr/RPATH|RUNPATH|TEXTREL/, 'no path of its own for libraries, no relocations in code');
my $symbols = `nm -D --undefined-only $program`;
like($symbols, qr/__stack_chk_fail/, 'stacks have canaries');
like($symbols, qr/__\w+_chk\b/, 'calls of libc are checked (FORTIFY)');

# ---- the units ----
my @wanted = (qw(NoNewPrivileges=yes ProtectSystem=strict PrivateTmp=yes PrivateDevices=yes ProtectProc=invisible MemoryDenyWriteExecute=yes
	RestrictNamespaces=yes LockPersonality=yes CapabilityBoundingSet= SystemCallFilter=@system-service UMask=0077 LimitCORE=0 MemoryMax=1G
	IPAddressDeny=169.254.0.0/16), 'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6');
my $dir = tempdir(CLEANUP => 1);
my $analyze = system('command -v systemd-analyze >/dev/null') == 0;
for my $unit (glob "$top/systemd/*.service") {
	my $name = basename($unit);
	my $text = slurp($unit);
	my @missing = grep { $text !~ /^\Q$_\E$/m } @wanted;
	is("@missing", '', "$name has every rule of the sandbox");
	SKIP: {
		skip 'systemd-analyze is not there', 2 unless $analyze;
		my $copy = "$dir/" . $name =~ s/@\./\@web./r;
		open my $f, '>', $copy or die;
		print $f $text =~ s{/usr/local/bin/maillayer}{$program}gr;
		close $f;
		my ($score) = `systemd-analyze security --offline=true --no-pager $copy 2>&1` =~ /exposure level for \S+: ([\d.]+)/;
		cmp_ok($score // 10, '<=', 2, '... its exposure is ' . ($score // 'not known'));
		is(join('', grep { !/network-online|memcached|postgresql|maillayer-migrate|SYSTEMD_|refuse|Failed to prepare/ } `systemd-analyze verify --man=no $copy 2>&1 | grep -F $copy`), '', '... and it can be read');
	}
}
done_testing;
