#!/usr/bin/perl
# Suppressions as pages and API, to a file and back, and the ways back for who left.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use Site;
use Test::More;

my $site = Site->start;
$site->sign_in;
my ($b, $other) = map { $site->api(POST => '/brands', { name => $_ })->{json}{id} } qw(Nord Other);
my $base = "/brands/$b";
my $list = $site->api(POST => "$base/lists", { name => 'News' })->{json}{id};
sub upsert { return $site->api(POST => "$base/subscribers/upsert", @_) }
sub import_into {
	my ($brand, $data, @more) = @_;
	my ($type, $body) = Site::multipart(file => { name => 'people.csv', type => 'text/csv', data => $data }, @more);
	my $r = $site->api(POST => "/brands/$brand/imports", $body, headers => { 'content-type' => $type });
	is($r->{status}, 201, 'a file is taken') or diag $r->{content};
	return $r->{json};
}

# ---- made or changed ----
my $r = upsert({ email => 'ann@x.example', first_name => 'Ann', tags => [ 'a,b', 'VIP' ], lists => [$list] });
is($r->{status}, 201, 'upsert makes a subscriber');
my $ann = $r->{json}{id};
my $second = $site->api(POST => "$base/lists", { name => 'More' })->{json}{id};
$r = upsert({ email => 'ANN@x.example', last_name => 'Berg', tags => ['new'], lists => [$second] });
is($r->{status}, 200, 'or changes the one who is here');
is_deeply([ @{ $r->{json} }{qw(id first_name last_name)} ], [ $ann, 'Ann', 'Berg' ], 'what is sent is changed, the rest stays');
is_deeply([ sort @{ $r->{json}{tags} } ], [ 'VIP', 'a,b', 'new' ], 'tags come on top');
is(scalar @{ $r->{json}{lists} }, 2, 'as lists do');
upsert({ email => 'plus+x@x.example' });
is(scalar @{ $site->api(GET => "$base/subscribers?q=plus+x\@x.example")->{json}{items} }, 1, 'a + that nobody encoded finds its address');
is(upsert({ email => 'nobody' })->{status}, 422, 'an address must be one');
upsert({ email => 'bo@x.example' });
my $bo = $site->api(GET => "$base/subscribers?q=bo")->{json}{items}[0]{id};
$site->api(PATCH => "$base/subscribers/$bo", { status => 'unsubscribed' });
$r = upsert({ email => 'bo@x.example', status => 'active', first_name => 'Bo' });
is_deeply([ $r->{status}, @{ $r->{json} }{qw(status first_name)} ], [ 200, 'unsubscribed', 'Bo' ], 'who left stays gone');
$site->api(DELETE => "$base/subscribers/$bo");
$r = upsert({ email => 'bo@x.example' });
is_deeply([ $r->{status}, $r->{json}{status} ], [ 201, 'unsubscribed' ], 'also when deleted');

# ---- suppressions ----
$r = $site->api(POST => "$base/suppressions", { emails => [ 'cy@x.example', 'bo@x.example' ], reason => 'bounced' });
is_deeply($r->{json}, { added => 1, known => 1 }, 'addresses are suppressed') or diag $r->{content};
$site->api(POST => "$base/suppressions", { emails => ['di@x.example'], reason => 'complained' });
$site->api(POST => "$base/suppressions", { emails => [ map { "m$_\@x.example" } 1 .. 5 ] });
$r = $site->api(GET => "$base/suppressions?limit=3")->{json};
my @all = @{ $r->{items} };
while ($r->{next_cursor}) {
	$r = $site->api(GET => "$base/suppressions?limit=3&cursor=$r->{next_cursor}")->{json};
	push @all, @{ $r->{items} };
}
is(scalar @all, 8, 'listed page after page');
is(scalar(do { my %h = map { ($_->{email} => 1) } @all; keys %h }), 8, 'each once');
is_deeply([ map { $_->{email} } @{ $site->api(GET => "$base/suppressions?q=m&limit=2")->{json}{items} } ], [ 'm1@x.example', 'm2@x.example' ], 'searched');
is($site->api(GET => "$base/suppressions?q=m&limit=2&cursor=m2\@x.example")->{json}{items}[0]{email}, 'm3@x.example', 'on and on');
is(scalar @{ $site->api(GET => "$base/suppressions?reason=complained")->{json}{items} }, 1, 'by reason');
is($site->api(GET => "$base/suppressions?reason=x")->{status}, 400, 'a reason there is');
is($site->api(GET => "$base/suppressions?cursor=x")->{status}, 400, 'a page there is');
is(scalar @{ $site->api(GET => "/brands/$other/suppressions")->{json}{items} }, 0, 'not in another brand');

# ---- out and in again ----
my $people = $site->api(GET => "$base/subscribers.csv")->{content};
my $stopped = $site->api(GET => "$base/suppressions.csv")->{content};
is(scalar(() = $stopped =~ /\r\n/g), 9, 'the file has all of them');
my $i = import_into($other, $stopped, suppress_only => 'true', status => 'manual');
is($i->{counts}{unsubscribed}, 8, 'another brand reads it') or diag encode_json($i);
is(scalar @{ $site->api(GET => "/brands/$other/subscribers")->{json}{items} }, 0, 'and makes nobody of it');
is_deeply([ sort map { "$_->{email} $_->{reason}" } @{ $site->api(GET => "/brands/$other/suppressions")->{json}{items} } ],
	[ sort map { "$_->{email} $_->{reason}" } @all ], 'each with its reason');
import_into($other, $people);
is_deeply([ sort map { $_->{email} } grep { $_->{status} eq 'active' } @{ $site->api(GET => "/brands/$other/subscribers")->{json}{items} } ],
	[ 'ann@x.example', 'plus+x@x.example' ], 'of the people only those may be mailed who might before')
	or diag encode_json($site->api(GET => "/brands/$other/subscribers")->{json});
my ($again) = grep { $_->{email} eq 'ann@x.example' } @{ $site->api(GET => "/brands/$other/subscribers")->{json}{items} };
is_deeply([ sort @{ $again->{tags} } ], [ 'VIP', 'a,b', 'new' ], 'tags come back as they were');

# ---- lifting ----
is($site->api(DELETE => "$base/suppressions", { email => 'bo@x.example' })->{status}, 422, 'lifting needs a note');
is($site->api(DELETE => "$base/suppressions", { email => 'di@x.example', note => 'x' })->{status}, 422, 'complaints stay');
is($site->api(DELETE => "$base/suppressions", { email => 'ann@x.example', note => 'x' })->{status}, 404, 'so does who is not suppressed');
$r = $site->api(DELETE => "$base/suppressions", { email => 'bo@x.example', note => 'wrote to us' });
is_deeply($r->{json}, { lifted => 1, more => JSON::PP::false }, 'one is lifted') or diag $r->{content};
is($site->api(GET => "$base/subscribers?q=bo")->{json}{items}[0]{status}, 'active', 'and may be mailed again');
like($site->api(GET => "$base/audit")->{content}, qr/lifted 1 suppressions: wrote to us/, 'the audit log says so');
like($site->get("$base/subscribers/" . $site->api(GET => "$base/subscribers?q=bo")->{json}{items}[0]{id})->{content}, qr/wrote to us/, 'and the history of consent');
$r = $site->api(DELETE => "$base/suppressions", { reason => 'bounced', since => '2020-01-01T00:00:00Z', note => 'host was down' });
is($r->{json}{lifted}, 1, 'all bounces since a time');
$r = $site->api(DELETE => "$base/suppressions", { reason => 'unsubscribed', since => '2020-01-01T00:00:00Z', note => 'x' });
is($r->{status}, 422, 'but nothing else in bulk');

# ---- pages ----
like($site->get("$base/suppressions")->{content}, qr/m1\@x\.example/, 'page lists them');
like($site->get("$base/suppressions/new")->{content}, qr/suppress_only/, 'page takes addresses, or a file');
is($site->post("$base/suppressions", [ emails => "p1\@x.example\np2\@x.example", reason => 'manual' ])->{status}, 303, 'and suppresses');
$r = $site->post("$base/suppressions", [ emails => 'nonsense', reason => 'manual' ]);
is($r->{status}, 422, 'not nonsense');
like($r->{content}, qr/has no \@/, 'with a sentence');
like($site->get("$base/suppressions/lift?email=p1\@x.example")->{content}, qr/Mail p1\@x\.example again\?/, 'page asks before it lifts');
is($site->post("$base/suppressions", [ _method => 'DELETE', email => 'p1@x.example', note => '' ])->{status}, 422, 'and wants a note');
is($site->post("$base/suppressions", [ _method => 'DELETE', email => 'p1@x.example', note => 'by phone' ])->{status}, 303, 'then lifts');
like($site->get("$base/suppressions/lift")->{content}, qr/Bounced since/, 'or bounces since a time');
is($site->post("$base/suppressions", [ _method => 'DELETE', reason => 'bounced', since => '2020-01-01T00:00', note => 'x' ])->{status}, 303, 'in bulk');
my $edit = $site->get("$base/subscribers/$ann/edit")->{content};
like($edit, qr/&quot;a,b&quot;;/, 'a tag with a comma is shown in quotes');
is($site->post("$base/subscribers/$ann", [ _method => 'PATCH', email => 'ann@x.example', tags => '"a,b"; VIP; new' ])->{status}, 303, 'and saved');
is_deeply([ sort @{ $site->api(GET => "$base/subscribers/$ann")->{json}{tags} } ], [ 'VIP', 'a,b', 'new' ], 'as it was');
$site->stop;
done_testing();
