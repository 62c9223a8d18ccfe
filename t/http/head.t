#!/usr/bin/perl
# What is decided from the head of a request: nothing of a body is read before route, caller and
# access are known; and what is too long is refused with a sentence, and not cut.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use IO::Socket::INET;
use Site;
use Source;
use Test::More;

my $site = Site->start;
$site->sign_in;
my @routes = Source::routes();
my $b = $site->api(POST => '/brands', { name => 'Acme', from_name => 'A', from_email => 'a@acme.example', postal_address => 'Q',
	time_zone => 'UTC' })->{json}{id};

sub path_of {
	my ($pattern) = @_;
	return $pattern =~ s/\{\}/$b/gr =~ s/\{\*\}/'x' x 43/ger;
}
# ---- a body of nobody ----
my %body = (
	'application/json' => '{"a":[' . ('{},' x 300_000) . '0',
	'application/x-www-form-urlencoded' => 'a=%zz&' x 100_000,
	'multipart/form-data; boundary=x' => "--x\r\n" x 100_000,
	'text/plain' => 'x' x 900_000,
);
my ($asked, @bad) = (0);
for my $route (grep { $_->{method} ne 'GET' && !$_->{raw} && !$_->{page_only} && $_->{access} ne 'ACCESS_PUBLIC' } @routes) {
	for my $type (sort keys %body) {
		my $r = $site->api($route->{method}, path_of($route->{pattern}), $body{$type}, key => '', headers => { 'content-type' => $type });
		$asked++;
		push @bad, "$route->{method} $route->{pattern} $type: $r->{status}" if $r->{status} != 401;
	}
}
cmp_ok($asked, '>', 150, "bodies that nobody signed in sent: $asked");
is(join("\n", @bad), '', '... are all 401, whatever is in them');
{
	local @$site{qw(cookies csrf)} = ({}, '');
	($asked, @bad) = (0);
	for my $route (grep { $_->{method} ne 'GET' && !$_->{raw} && !$_->{api_only} && $_->{access} ne 'ACCESS_PUBLIC' } @routes) {
		my $path = path_of($route->{pattern}) . ($route->{method} eq 'POST' ? '' : "?_method=$route->{method}");
		my $r = $site->request(POST => $path, headers => { 'content-type' => 'application/x-www-form-urlencoded' },
			content => $body{'application/x-www-form-urlencoded'});
		$asked++;
		push @bad, "$path: $r->{status}" if $r->{status} !~ /^(?:303|401)$/;
	}
	is(join("\n", @bad), '', "... and $asked pages send to the sign-in");
}
my @lines;
ok($site->until_true(10, sub {
	@lines = grep { $_->{status} =~ /^(?:401|303)$/ && $_->{method} ne 'GET' && $_->{route} ne '/sign-in' } $site->events('web', 'request');
	return @lines > 200;
}), 'each is in the log');
is(scalar(grep { $_->{received} } @lines), 0, '... and not a byte of one was read');

# A key that may not do it, and a page that this person does not see.
my $reader = $site->api(POST => "/brands/$b/keys", { name => 'r', scopes => 'read' })->{json}{key};
is($site->api(POST => "/brands/$b/lists", $body{'application/json'}, key => $reader)->{status}, 403, 'who may not is told so before the body is read');
is($site->api(POST => '/brands/987654/lists', $body{'application/json'})->{status}, 404, 'and who sees no such brand');
is($site->api(POST => '/nowhere', $body{'application/json'})->{status}, 404, 'and who asks for nothing that is there');
my $upload = 'x' x 60_000_000;
is($site->api(POST => "/brands/$b/imports", $upload, key => '', headers => { 'content-type' => 'application/json' })->{status}, 401,
	'60 MB to an import of nobody are 401');
my $r = $site->api(POST => "/brands/$b/imports", '{"a":[' . ('{},' x 10_000_000) . '0]}');
is($r->{status}, 415, '30 MB of JSON to an import are 415');
$site->until_true(10, sub { ($r) = grep { ($_->{route} // '') =~ /imports/ && $_->{status} == 415 } $site->events('web', 'request') });
is($r->{received}, 0, '... and not read');

# ---- a body of somebody ----
$r = $site->api(POST => "/brands/$b/lists", '{"name":[' . ('{},' x 30_000) . '0]}');
is($r->{status}, 413, 'JSON made to take memory is 413');
like($r->{json}{detail}, qr/memory/, '... and says so');
$r = $site->api(POST => "/brands/$b/lists", '{"name":[' . ('0,' x 100_001) . '0]}');
is($r->{status}, 413, 'more than 100,000 values are 413');
$r = $site->request(POST => '/sign-in', headers => { 'content-type' => 'application/x-www-form-urlencoded' }, no_cookies => 1,
	content => 'email=a@b.example&password=' . 'x' x 70_000);
is($r->{status}, 413, 'a form of 70 KB at the sign-in is 413');
$r = $site->request(POST => "/brands/$b/lists", headers => { 'content-type' => 'application/json' }, content => '{}');
is($r->{status}, 415, 'a page is sent no JSON');

# ---- long heads ----
my $cookie = join '; ', map { sprintf 'other%d=%s', $_, 'x' x 200 } 1 .. 40;
my $mine = join '; ', map { "$_=$site->{cookies}{$_}" } keys %{ $site->{cookies} };
cmp_ok(length $cookie, '>', 8000, 'eight kilobytes of cookies');
is($site->get('/brands', headers => { cookie => "$cookie; $mine" })->{status}, 200, '... sign nobody out, wherever ours stands');
is($site->get('/brands', headers => { cookie => "$mine; $cookie" })->{status}, 200, '... first or last');
$r = $site->get('/brands', headers => { cookie => "$mine; z=" . 'x' x 13_000 });
is($r->{status}, 431, 'thirteen are 431');
like($r->{content}, qr/longer than 12 KB.*cookies/, '... with a sentence');
$r = $site->api(GET => '/me', undef, key => 'x' x 8192);
is("$r->{status} $r->{json}{type}", '401 unauthenticated', 'a token of 8 KB is looked at');
$r = $site->api(GET => '/me', undef, key => 'x' x 13_000);
is("$r->{status} $r->{json}{type}", '431 head_too_large', 'one of 13 KB is not');
$r = $site->api(GET => '/brands?q=' . 'x' x 8150);
is($r->{status}, 400, 'an address of 8 KB is read');
$r = $site->api(GET => '/brands?q=' . 'x' x 9000);
is("$r->{status} $r->{json}{type}", '431 head_too_large', 'one of 9 KB is 431');
like($r->{json}{detail}, qr/address of this request is longer than 8 KB/, '... with a sentence');
$r = $site->api(GET => '/brands?q=' . 'x' x 13_000);
is("$r->{status} $r->{json}{type}", '431 head_too_large', 'one that nginx refuses too');
$r = $site->get('/brands', headers => { map { ("x-h$_" => 'x' x 10_000) } 1 .. 6 });
is($r->{status}, 431, 'many long headers are 431');
is($site->get('/brands', headers => { map { ("x-h$_" => 'x' x 100) } 1 .. 90 })->{status}, 200, 'headers that nobody knows are not passed on');

# ---- the numbers are the same everywhere ----
my $locations = Source::text('nginx/maillayer.locations');
my ($line) = $locations =~ /large_client_header_buffers \d+ (\d+)k;/;
my ($header) = Source::text('src/http/request.h') =~ /HEADER_MAX = (\d+) \* 1024/;
is($line, $header, 'nginx and the application take a header of the same length');
my %most = Source::text('src/http/receive.h') =~ /(BODY_\w+_MAX|BODY_MAX) = ([\d* ]+)/g;
$_ = eval $_ for values %most;
my %unit = (k => 1024, m => 1024 * 1024);
my ($all) = $locations =~ /^client_max_body_size (\d+)m;/m;
is($all * 1024 * 1024, $most{BODY_MAX}, 'and a body');
for ([ 'campaigns', $most{BODY_LARGE_MAX} ], [ '/hooks/', $most{BODY_NOTICE_MAX} ], [ '/t/', $most{BODY_STRANGER_MAX} / 4 ], [ '/u/', $most{BODY_STRANGER_MAX} / 4 ]) {
	my ($at, $want) = @$_;
	my ($n, $unit) = $locations =~ /^location [^{]*\Q$at\E[^{]*\{\n\tclient_max_body_size (\d+)(\w);/m;
	is($n * $unit{$unit}, $want, "of $at as well");
}
is(join(' ', sort(Source::text('src/http/fcgi.c') =~ /"(HTTP_\w+)"/g)), join(' ', sort(Source::text('nginx/maillayer.params') =~ /fastcgi_param (HTTP_\w+)/g)),
	'nginx passes on the headers that are read, and no other');
done_testing;
