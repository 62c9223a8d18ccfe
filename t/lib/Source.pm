package Source;
# Our own C, read for the checks of t/lint: files, text without comments, functions.

use strict;
use warnings;
use File::Find;
use File::Basename qw(dirname);
use Cwd qw(abs_path);

my $root = dirname(dirname(dirname(abs_path(__FILE__))));
my $skip = qr{^(?:\.git|build.*|node_modules|dist|autom4te\.cache|state)$};

sub root { return $root }

# Paths from the root that match a pattern, sorted.
sub files {
	my ($pattern) = @_;
	my @found;
	find({
		no_chdir => 1,
		preprocess => sub { return grep { $_ !~ $skip } @_ },
		wanted => sub {
			my $path = $File::Find::name;
			substr($path, 0, length($root) + 1) = "" if length $path > length $root;
			push @found, $path if -f $File::Find::name && $path =~ $pattern;
		},
	}, $root);
	return sort @found;
}

sub text {
	my ($path) = @_;
	open(my $f, '<:raw', "$root/$path") or die "$path: $!\n";
	local $/;
	my $text = <$f>;
	return defined $text ? $text : '';
}

# The same text with comments, and unless $strings what stands in quotes, as spaces: lines and
# columns stay.
sub code {
	my ($text, $strings) = @_;
	my $blank = sub { my $s = shift; $s =~ tr/\n\t/ /c; return $s };
	$text =~ s{(/\*.*?\*/|//[^\n]*)|"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)+)'}{
		defined $1 ? $blank->($1)
		: $strings ? $&
		: defined $2 ? '"' . $blank->($2) . '"'
		: "'" . $blank->($3) . "'"
	}gse;
	return $text;
}

# The functions of a text from code(): {name, first, last (lines, from 1), parameters}.  A function's
# braces stand alone in the first column.
sub functions {
	my ($code) = @_;
	my @lines = split /\n/, $code, -1;
	my @found;
	for (my $i = 0; $i < @lines; $i++) {
		next if $lines[$i] ne '{';
		my $from = $i;
		$from-- while $from > 0 && $lines[$from - 1] =~ /\S/ &&
		    $lines[$from - 1] !~ /[;}]\s*$|^#/;
		my $head = join ' ', @lines[$from .. $i - 1];
		my $to = $i;
		$to++ while $to < $#lines && $lines[$to] ne '}';
		my ($name, $list) = $head =~ /(\w+)\s*\(((?:[^()]|\([^()]*\))*)\)\s*$/;
		push @found, {
			name => defined $name ? $name : '?', first => $from + 1, last => $to + 1,
			body => $i + 1, parameters => count($list),
		};
		$i = $to;
	}
	return @found;
}

sub count {
	my ($list) = @_;
	return 0 if !defined $list || $list =~ /^\s*(?:void)?\s*$/;
	$list =~ s/\([^()]*\)//g;
	return 1 + ($list =~ tr/,//);
}

# Width of a line in columns: tabs go to the next multiple of 8, UTF-8 counts by character.
sub width {
	my ($line) = @_;
	my $w = 0;
	utf8::decode($line);
	$w += $_ eq "\t" ? 8 - $w % 8 : 1 for split //, $line;
	return $w;
}

# The route table: {method, pattern, handler, page, access, page_only, api_only, raw}.
sub routes {
	my @found;
	for (split /\n/, text('src/web/routes.c')) {
		my @c = /^\t\{ ([A-Z]+),\s*"([^"]+)", (\w+), (NULL|"[^"]*"), (\w+), \w+, ([\w| ]+) \},$/
		    or next;
		my %route = map { $_ => shift @c } qw(method pattern handler page access);
		$route{lc $_} = $c[0] =~ /ROUTE_$_/ ? 1 : 0 for qw(PAGE_ONLY API_ONLY RAW);
		push @found, \%route;
	}
	return @found;
}

# What only pages send, by "METHOD /pattern" as the route table has it: lists of names.
sub page_takes {
	return map { /^\t\{ (\w+),\s*"([^"]+)", "([^"]*)" \},$/ ? ("$1 $2" => [ split ' ', $3 ]) : () } split /\n/, text('src/web/takes.c');
}

1;
