#!/usr/bin/perl
# What goes wrong in the hands of people and programs, as page and as API, through nginx: files,
# addresses, forms, senders, two clicks at once, a database that is busy, no memcached.
use strict;
use warnings;
use utf8;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use Encode qw(encode encode_utf8 decode_utf8);
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Site;
use Test::More;
use Time::HiRes qw(sleep time);

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);
my $site = Site->start;
$site->sign_in;
my $brand = $site->api(POST => '/brands', { name => 'Acme', from_name => 'Acme', from_email => 'news@acme.example',
	postal_address => 'Quay 1', time_zone => 'UTC' })->{json}{id};
my $b = "/brands/$brand";
my $r;

# ---- files ----
sub upload {
	my ($data, %o) = @_;
	my ($type, $body) = Site::multipart(%o, file => { name => 'people.csv', type => 'text/csv', data => $data });
	return $site->api(POST => "$b/imports", $body, headers => { 'content-type' => $type });
}
sub finished {
	my ($id) = @_;
	my $i;
	$site->until_true(30, sub {
		$site->cron('jobs');
		$i = $site->api(GET => "$b/imports/$id")->{json};
		return $i->{state} =~ /done|failed|cancelled/;
	});
	return $i;
}
sub imported {
	my ($data, %o) = @_;
	my $r = upload($data, %o);
	is($r->{status}, 201, 'it is taken') or diag $r->{content};
	return finished($r->{json}{id});
}
sub person {
	my ($email) = @_;
	return $site->api(GET => "$b/subscribers?q=$email")->{json}{items}[0];
}
sub reasons {
	my ($i) = @_;
	my $r = $site->api(GET => "$b/imports/$i->{id}/refused.csv");
	is($r->{headers}{'content-type'}, 'text/csv; charset=utf-8', 'its refused rows are a CSV file');
	return decode_utf8($r->{content});
}

$site->api(POST => "$b/fields", { key => 'city', label => 'City' });
for (
	[ 'a BOM' => "\xEF\xBB\xBFemail,first_name,city\nbom\@x.example,Zo\xC3\xAB,K\xC3\xB6ln\n", 'bom' ],
	[ 'CRLF' => "email,first_name,city\r\ncrlf\@x.example,Zo\xC3\xAB,K\xC3\xB6ln\r\n", 'crlf' ],
	[ 'Latin-1' => encode('latin1', "email;first_name;city\nlatin\@x.example;Zoë;Köln\n"), 'latin' ],
	[ 'UTF-16' => encode('UTF-16', "email\tfirst_name\tcity\nwide\@x.example\tZoë\tKöln\n"), 'wide' ],
	[ 'no line end at its end' => encode_utf8("email,first_name,city\nbare\@x.example,Zoë,Köln"), 'bare' ]) {
	my ($what, $data, $who) = @$_;
	my $i = imported($data);
	is($i->{counts}{new}, 1, "a file with $what loses nobody");
	is(join(' ', person("$who\@x.example")->{first_name}, person("$who\@x.example")->{fields}{city}), 'Zoë Köln', '... nor a letter');
}
is_deeply(imported('email,first_name,' . join(',', map { "c$_" } 1 .. 198) . "\n" . 'many@x.example,M' . ',x' x 198 . "\n")->{counts}{new},
	1, '200 columns are read');
my $i = imported("email,first_name\nbig\@x.example," . 'x' x 1_000_000 . "\ngood1\@x.example,G\n");
is("$i->{counts}{new} $i->{counts}{invalid}", '1 1', 'a cell of 1 MB costs its own row only');
my $why = reasons($i);
like($why, qr/^1,"[^"]*(?:long|at most|characters|KB)/m, '... with a reason') or diag substr $why, 0, 300;
ok(length $why < 200_000, '... and is not sent back whole');
$i = imported(qq{email,first_name\nb1\@x.example,"open\nb2\@x.example,B\nb3\@x.example,"a" b\nb4\@x.example,D\n});
is($i->{counts}{rows}, $i->{counts}{new} + $i->{counts}{invalid}, 'a broken quote: every row is counted');
cmp_ok($i->{counts}{invalid}, '>=', 1, '... the broken one as such');
ok(person('b4@x.example'), '... and a good row after it is kept');
like(reasons($i), qr/quot/i, '... the reason names it');

# ---- addresses ----
$site->api(POST => "$b/subscribers", { email => 'gone@x.example', status => 'unsubscribed' });
my @rows = (
	[ 'no-at.example', qr/no \@/ ],
	[ 'two words@x.example', qr/space/ ],
	[ 'jörg@x.example', qr/Amazon/ ],
	[ 'a@b@x.example', qr/\@/ ],
	[ 'dot..dot@x.example', qr/./ ],
	[ '@x.example', qr/./ ],
	[ 'x@', qr/./ ],
	[ 'x@-bad-.example', qr/./ ],
	[ 'x' x 65 . '@x.example', qr/./ ],
	[ '', qr/./ ],
);
$i = imported(encode_utf8(join "\n", 'email', (map { qq("$_->[0]") } @rows), 'UPPER@X.EXAMPLE', 'upper@x.example',
	'idn@bücher.example', 'gone@x.example', '  padded@x.example  ', ''));
is_deeply($i->{counts}, { rows => @rows + 5, new => 3, updated => 0, unchanged => 1, suppressed => 1, unsubscribed => 0,
	invalid => scalar @rows },
	'bad addresses are refused, the others kept, each counted once') or diag explain $i->{counts};
my @why = split /\r\n/, reasons($i);
for my $n (0 .. $#rows) {
	my ($line) = grep { /^@{[ $n + 1 ]},/ } @why;
	like($line // '', $rows[$n][1], "“$rows[$n][0]” has a reason");
}
is(person('upper@x.example')->{email}, 'UPPER@x.example', 'upper case is kept, once');
like(person('idn@')->{email}, qr/^idn\@(xn--bcher-kva|bücher)\.example$/, 'an IDN address is taken');
is($site->api(POST => "$b/subscribers", { email => 'idn@xn--bcher-kva.example' })->{status}, 409, '... and is the same in ASCII');
is(person('gone@x.example')->{status}, 'unsubscribed', 'an import brings nobody back');
$r = $site->post("$b/subscribers", { email => 'two words@x.example' });
is($r->{status}, 422, 'the page refuses a bad address');
like($r->{content}, qr/value="two words\@x.example".*space|space.*value="two words\@x.example"/s, '... at its field, keeping it');

# ---- too large ----
my $cookie = join '; ', map { "$_=$site->{cookies}{$_}" } keys %{ $site->{cookies} };
# Says that so many bytes follow, and sends none: nobody should wait for them.
sub announce {
	my ($path, $bytes, @headers) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $site->{port}, Timeout => 10) or die;
	print $s join("\r\n", "POST $path HTTP/1.1", 'Host: localhost', "Content-Length: $bytes", 'Connection: close', @headers, '', '');
	local $SIG{ALRM} = sub { die "no answer\n" };
	alarm 15;
	my $answer = '';
	# nginx lingers for what was announced: the end of the answer is known by its length
	eval {
		1 while ($answer !~ /^Content-Length: (\d+)\r\n.*?\r\n\r\n/ms || length($answer) - $+[0] < $1)
		    && sysread $s, $answer, 65536, length $answer;
	};
	alarm 0;
	return $answer;
}
my $key = $site->key;
for ([ "$b/lists", 1_100_000, 1 ], [ "$b/campaigns", 9_000_000, 8 ], [ "$b/imports", 107_000_000, 100 ]) {
	my ($path, $bytes, $mb) = @$_;
	my $answer = announce($path, $bytes, "Cookie: $cookie", 'Content-Type: application/x-www-form-urlencoded', 'Accept: text/html');
	like($answer, qr{^HTTP/1.1 413}, "page $path: more than $mb MB are refused");
	like($answer, qr/Content-Type: text\/html.*larger than $mb MB.*href="\Q$b\E"/s, '... by a page that says so, with a way back');
	$answer = announce("/api/v1$path", $bytes, "Authorization: Bearer $key", 'Content-Type: application/json');
	like($answer, qr{^HTTP/1.1 413.*application/problem\+json.*"type":"too_large".*larger than $mb MB}s, '... and by the API as JSON');
}
is($site->post("$b/lists", { name => 'x' x 1_040_000 })->{status}, 422, 'a large one within the limit is read');

# ---- two clicks at once ----
sub at_once {
	my @ask = @_;
	my @out = map {
		my $ask = $_;
		my $pid = open(my $out, '-|') // die "fork: $!";
		if (!$pid) { print $ask->(); close STDOUT; POSIX::_exit(0) }
		$out;
	} @ask;
	return sort map { local $/; my $o = $_; scalar <$o> } @out;
}
my $list = $site->api(POST => "$b/lists", { name => 'Clicks' })->{json}{id};
$site->api(POST => "$b/subscribers", { email => "click$_\@x.example", lists => [$list] }) for 1 .. 5;
sub campaign {
	my (%o) = @_;
	return $site->api(POST => "$b/campaigns", { name => 'C', subject => 'S', html => '<p>x</p>', lists => [$list], %o })->{json}{id};
}
sub counts_when_done {
	my ($c) = @_;
	my $j;
	$site->until_true(30, sub {
		$site->cron('send');
		$j = $site->api(GET => "$b/campaigns/$c")->{json};
		return $j->{status} eq 'completed';
	});
	return $j->{counts};
}
my $c = campaign();
my @got = at_once(map { my $page = $_; sub {
	return $page ? $site->post("$b/campaigns/$c/send", {})->{status} : $site->api(POST => "$b/campaigns/$c/send", {})->{status};
} } 0, 0, 0, 1, 1, 1);
is(scalar(grep { $_ == 200 } @got) + scalar(grep { $_ == 303 } @got) + scalar(grep { $_ == 409 } @got), 6, 'six clicks at once are answered') or diag "@got";
cmp_ok(scalar(grep { $_ == 200 } @got), '<=', 1, '... a program is told once that it was the one');
my $n = counts_when_done($c);
is("$n->{audience} $n->{accepted}", '5 5', '... and everybody gets one mail');
is(scalar(grep { ($_->{campaign_id} // 0) == $c } @{ $site->api(GET => "$b/outbox?limit=200")->{json}{items} }), 5, '... as the outbox shows');
@got = at_once(map { sub { $site->api(POST => "$b/lists", { name => 'Twice' })->{status} } } 1 .. 4);
is("@got", '201 409 409 409', 'four at once make one list');
@got = at_once(map { sub { $site->api(POST => "$b/subscribers", { email => 'once@x.example' })->{status} } } 1 .. 4);
is("@got", '201 409 409 409', '... and one person');

# ---- a template that can be read, but makes no mail ----
for (
	[ html => '{% for i in (1..100000000) %}x{% endfor %}', qr/more than 10000 steps/ ],
	[ subject => '{{ "a%0Ab" | url_decode }}', qr/line break/ ],
	[ html => '{% assign a = "xxxxxxxxxxxxxxxx" %}' . '{% assign a = a | append: a %}' x 40 . '{{ a }}', qr/longer than/ ]) {
	my ($part, $text, $why) = @$_;
	$c = campaign($part => $text);
	$r = $site->api(POST => "$b/campaigns/$c/send", {});
	is($r->{status}, 422, "a $part that makes no mail is not sent");
	like($r->{content}, $why, '... with the reason');
	like($site->get("$b/campaigns/$c/checklist")->{content}, $why, '... which the checklist names');
}

# ---- a sender whom Amazon does not know ----
my $fake = open(my $ses, '-|', 'node', "$Site::top/t/fake/ses.mjs", '--identities=-acme.example,good.example') or die "node: $!";
my ($port) = (readline($ses) // '') =~ /port (\d+)/;
is($site->api(PUT => "$b/provider", { kind => 'ses', region => 'eu-central-1', access_key_id => 'AKIDEXAMPLE',
	secret_access_key => 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', endpoint => "http://127.0.0.1:$port" })->{status}, 200, 'SES is set');
is($site->api(POST => "$b/provider/check")->{status}, 200, '... and says whom it knows');
$c = campaign();
$r = $site->api(POST => "$b/campaigns/$c/send", {});
is($r->{status}, 422, 'an unverified sender is refused');
like($r->{content}, qr/news\@acme\.example is not verified by Amazon/, '... in words');
$r = $site->post("$b/campaigns/$c/send", {});
is($r->{status}, 422, '... by the page too');
like($r->{content}, qr/news\@acme\.example is not verified by Amazon/, '... in words');
is($site->api(GET => "$b/campaigns/$c")->{json}{status}, 'draft', '... and stays a draft');
is(decode_json($site->{http}->get("http://127.0.0.1:$port/_stats")->{content})->{accepted}, 0, '... no mail went out');
is($site->api(POST => "$b/campaigns/" . campaign(from_email => 'news@good.example') . '/send', {})->{status}, 200, 'a verified one may send');
$site->until_true(20, sub { $site->cron('send'); decode_json($site->{http}->get("http://127.0.0.1:$port/_stats")->{content})->{accepted} == 5 });
is(decode_json($site->{http}->get("http://127.0.0.1:$port/_stats")->{content})->{accepted}, 5, '... and does');
kill TERM => $fake;
close $ses;
$site->api(PUT => "$b/provider", { kind => 'outbox' });

# ---- a busy database ----
SKIP: {
	skip 'the database is not a file here', 15 if $ENV{MAILLAYER_DATABASE_URL};
	my $pid;
	# Another process begins to write and stays there for so many seconds.
	my $hold = sub {
		my ($seconds) = @_;
		unlink "$site->{state}/held";
		$pid = open(my $in, '|-') // die "fork: $!";
		if (!$pid) {
			open STDOUT, '>', "$site->{state}/held" or die;
			exec 'sqlite3', "$site->{state}/maillayer.db";
		}
		print $in "PRAGMA busy_timeout=5000;\nBEGIN IMMEDIATE;\nSELECT 'held';\n.system sleep $seconds\nROLLBACK;\n";
		$in->flush;
		$site->until_true(10, sub { Site::slurp("$site->{state}/held") =~ /held/ }) or die 'not held';
		return $in;
	};
	my $lists = sub { scalar @{ $site->api(GET => "$b/lists")->{json}{items} } };
	my $before = $lists->();
	my $in = $hold->(3);
	my $begin = time;
	is($site->api(POST => "$b/lists", { name => 'Patience' })->{status}, 201, 'locked for 3 s: a change waits and succeeds');
	cmp_ok(time - $begin, '>', 1, '... it did wait');
	close $in;
	is($lists->(), $before + 1, '... and is done once');

	$in = $hold->(30);
	$begin = time;
	is($site->get("$b/lists")->{status}, 200, 'locked for 30 s: pages can be read');
	cmp_ok(time - $begin, '<', 3, '... at once');
	my @answers = at_once(
		sub { my $r = $site->api(POST => "$b/lists", { name => 'Half API' });
			"API $r->{status} $r->{headers}{'retry-after'} $r->{headers}{'content-type'} $r->{json}{detail}" },
		sub { my $r = $site->post("$b/lists", { name => 'Half page' });
			my ($said) = $r->{content} =~ /(The database is busy[^<]*)/;
			"page $r->{status} $r->{headers}{'retry-after'} $r->{headers}{'content-type'} $said" },
		sub { my $r = $site->post("$b/campaigns/$c", [ _method => 'PATCH', subject => 'Half' ]); "save $r->{status}" },
		sub { my ($type, $body) = Site::multipart(file => { name => 'h.csv', type => 'text/csv', data => "email\nhalf\@x.example\n" });
			'import ' . $site->api(POST => "$b/imports", $body, headers => { 'content-type' => $type })->{status} });
	like($answers[0], qr{^API 503 \d+ application/problem\+json The database is busy}, 'a change by the API is 503 with a sentence and Retry-After');
	is($answers[1], 'import 503', '... an import too');
	like($answers[2], qr{^page 503 \d+ text/html; charset=utf-8 The database is busy}, '... by the page too');
	is($answers[3], 'save 503', '... saving a campaign too');
	cmp_ok(time - $begin, '<', 25, '... while it is still locked');
	kill KILL => $pid;
	close $in;
	is(scalar(grep { $_->{name} =~ /^Half/ } @{ $site->api(GET => "$b/lists")->{json}{items} }), 0, 'nothing was half done');
	isnt($site->api(GET => "$b/campaigns/$c")->{json}{subject}, 'Half', '... nor saved');
	is(person('half@x.example'), undef, '... nor imported');
	is($site->api(POST => "$b/lists", { name => 'After' })->{status}, 201, 'and then everything works again');
}

# ---- without memcached ----
my $memcached = $site->process(qr/memcached/);
kill TERM => $memcached;
$site->until_true(5, sub { !$site->process(qr/memcached/) });
$site->{cookies} = {};
$site->sign_in;
is($site->get($b)->{status}, 200, 'memcached stopped: one can sign in');
is(imported("email\nslow\@x.example\n", lists => $list)->{counts}{new}, 1, '... import');
$c = campaign(subject => 'Slow');
is($site->post("$b/campaigns/$c/send", {})->{status}, 303, '... send');
$n = counts_when_done($c);
is("$n->{audience} $n->{accepted}", '6 6', '... once to everybody');
is(scalar(grep { ($_->{campaign_id} // 0) == $c } @{ $site->api(GET => "$b/outbox?limit=200")->{json}{items} }), 6, '... as the outbox shows');
my ($mail) = grep { $_->{to} eq 'slow@x.example' } @{ $site->api(GET => "$b/outbox?limit=200")->{json}{items} };
my ($leave) = $site->api(GET => "$b/outbox/$mail->{id}")->{json}{html} =~ m{(/u/[\w-]+)};
is($site->request(POST => $leave, no_cookies => 1, headers => { 'content-type' => 'application/x-www-form-urlencoded' },
	content => 'List-Unsubscribe=One-Click')->{status}, 200, '... leave');
is(person('slow@x.example')->{status}, 'unsubscribed', '... at once');
is_deeply([ grep { ($_->{level} // '') eq 'fatal' || ($_->{event} // '') =~ /worker\.killed/ } map { $site->events($_) } qw(web track cron) ], [],
	'no worker died');
done_testing;
