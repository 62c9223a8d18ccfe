#!/usr/bin/perl
# CSV import, as pages and as API, through nginx and the cron trigger.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Encode qw(decode_utf8 encode_utf8);
use JSON::PP;
use Site;
use Test::More;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);
my $site = Site->start;
$site->sign_in;
my $b = $site->api(POST => '/brands', { name => 'Nordlicht' })->{json}{id};
my $other = $site->api(POST => '/brands', { name => 'Other' })->{json}{id};
my $base = "/brands/$b";
my $list = $site->api(POST => "$base/lists", { name => 'News' })->{json}{id};
$site->api(POST => "$base/fields", { key => 'city', label => 'City' });

sub upload {
	my ($data, @more) = @_;
	my ($type, $body) = Site::multipart(file => { name => 'people.csv', type => 'text/csv', data => $data }, @more);
	return $site->api(POST => "$base/imports", $body, headers => { 'content-type' => $type });
}
sub finished {
	my ($id) = @_;
	my $i;
	for (1 .. 100) {
		$site->cron('jobs');
		$i = $site->api(GET => "$base/imports/$id")->{json};
		last if $i->{state} =~ /done|failed|cancelled/;
		select undef, undef, undef, 0.1;
	}
	return $i;
}

# ---- API ----
my $csv = encode_utf8("E-Mail;Vorname;Ort;Tags\nmaja\@x.example;Maja;Köln;a;\nbo\@x.example;Bo;;\n"
	. "broken\nbo\@x.example;Bob;;b,c\nJÖRG\@x.example;;;\n");
my $r = upload($csv, mapping => encode_json({ 'E-Mail' => 'email', Vorname => 'first_name', Ort => 'city', Tags => 'tags' }),
	lists => $list, existing => 'update');
is($r->{status}, 201, 'API uploads') or diag($r->{content});
like($r->{json}{state}, qr/waiting|running|done/, 'and begins');
my $i = finished($r->{json}{id});
is($i->{state}, 'done', 'cron works');
is_deeply($i->{counts}, { rows => 5, new => 2, updated => 1, unchanged => 0, suppressed => 0, invalid => 2 }, 'each row counted');
is($site->api(GET => "$base/lists/$list")->{json}{subscribers}, 2, 'they are on the list');
$r = $site->api(GET => "$base/imports/$i->{id}/refused.csv");
is($r->{status}, 200, 'the refused rows');
like(decode_utf8($r->{content}), qr/^\x{FEFF}row,reason,E-Mail,Vorname,Ort,Tags\r\n3,"“broken” has no @\."?,broken\r\n5,"Amazon SES/, 'with reasons');
my $s = $site->api(GET => "$base/subscribers?q=bo\@x.example")->{json}{items}[0];
is_deeply([ $s->{first_name}, $s->{tags} ], [ 'Bob', [ 'b', 'c' ] ], 'the last row wins');
$i = finished(upload($csv, lists => $list)->{json}{id});
is_deeply($i->{counts}, { rows => 5, new => 0, updated => 2, unchanged => 1, suppressed => 0, invalid => 2 },
	'a guess does for a mapping; Bo, then Bob, are two changes');
$site->api(PATCH => "$base/subscribers/$s->{id}", { status => 'unsubscribed' });
$i = finished(upload($csv)->{json}{id});
is($i->{counts}{suppressed}, 2, 'who left stays away');

for (
	[ '', qr/empty/, 'an empty file' ],
	[ "PK\x03\x04abc", qr/Excel workbook/, 'a workbook' ],
	[ "%PDF-1.4", qr/PDF/, 'a PDF' ],
	[ "email,a,a\nx\@y.example,1,2\n", qr/Two columns are called “a”/, 'a column twice' ],
	[ join(',', 'email', 1 .. 300) . "\nx\@y.example\n", qr/301 columns/, '300 columns' ],
	[ "\0\1\2\3binary", qr/no text file/, 'bytes' ]) {
	$r = upload($_->[0]);
	is($r->{status}, 422, "$_->[2] is refused");
	like($r->{json}{errors}{file}, $_->[1], 'with a sentence');
}
$r = upload($csv, mapping => '{"Ort":"email"}');
is($r->{status}, 201, 'any column may be the address');
is(finished($r->{json}{id})->{counts}{invalid}, 5, 'even a wrong one');
is(upload($csv, mapping => '{"Ort":')->{status}, 422, 'a mapping that is no JSON');
is($site->api(GET => "/brands/$other/imports/$i->{id}")->{status}, 404, 'not in another brand');
is($site->api(GET => "/brands/$other/imports/$i->{id}/refused.csv")->{status}, 404, 'nor its refused rows');
ok(@{ $site->api(GET => "$base/imports")->{json}{items} } >= 4, 'API lists imports');

# ---- pages ----
like($site->get("$base/imports")->{content}, qr/people\.csv/, 'page lists imports');
like($site->get("/brands/$other/imports")->{content}, qr/Import your first file/, 'or says what to do');
like($site->get("$base/imports/new")->{content}, qr/type="file"/, 'page to upload');
my ($type, $body) = Site::multipart(csrf => $site->{csrf}, file => { name => 'x.xlsx', type => 'application/zip', data => "PK\x03\x04" });
$r = $site->request(POST => "$base/imports", headers => { 'content-type' => $type }, content => $body);
is($r->{status}, 422, 'page refuses a workbook');
like($r->{content}, qr/Excel workbook/, 'at the field');
($type, $body) = Site::multipart(csrf => $site->{csrf},
	file => { name => 'new.csv', type => 'text/csv', data => "mail,who,note\nn1\@x.example,Ann,hello\nn2\@x,Ben,\n" });
$r = $site->request(POST => "$base/imports", headers => { 'content-type' => $type }, content => $body);
is($r->{status}, 303, 'page uploads') or diag($r->{content});
my $path = $r->{headers}{location} =~ s{^https?://[^/]+}{}r;
$r = $site->get($path);
like($r->{content}, qr/Which column is what\?/, 'and asks which column is what');
like($r->{content}, qr/1 row will be refused/, 'knowing what will be refused');
like($site->get("$path?map[0]=email&map[1]=first_name")->{content}, qr/Ann/, 'a preview of another choice');
$r = $site->post("$path/start", [ 'map[0]' => '', lists => '' ]);
is($r->{status}, 422, 'page refuses a mapping without address');
like($r->{content}, qr/Choose the column that has the email addresses/, 'with a sentence');
$r = $site->post("$path/start", [ 'map[0]' => 'email', 'map[1]' => 'first_name', 'map[2]' => '+', lists => '', lists => $list, existing => 'fill' ]);
is($r->{status}, 303, 'page starts');
finished($path =~ s{.*/}{}r);
$r = $site->get($path);
like($r->{content}, qr/2 rows imported/, 'page shows the end');
like($r->{content}, qr/Refused rows \(1\)/, 'and what was refused');
is($site->api(GET => "$base/subscribers?q=n1")->{json}{items}[0]{fields}{note}, 'hello', 'with the new field');
is($site->post("$path/start", [ 'map[0]' => 'email' ])->{status}, 409, 'not twice');
is($site->post("$path/cancel", [])->{status}, 409, 'nor stopped now');

($type, $body) = Site::multipart(csrf => $site->{csrf}, file => { name => 'c.csv', type => 'text/csv', data => "email\nq\@x.example\n" });
$r = $site->request(POST => "$base/imports", headers => { 'content-type' => $type }, content => $body);
$path = $r->{headers}{location} =~ s{^https?://[^/]+}{}r;
like($site->get("$path/cancel")->{content}, qr/Do without/, 'page asks before it stops');
is($site->post("$path/cancel", [])->{status}, 303, 'and stops');
like($site->get($path)->{content}, qr/The import was stopped/, 'and says so');

# a file uploaded on the page, begun and stopped by a program
for my $act (qw(start cancel)) {
	($type, $body) = Site::multipart(csrf => $site->{csrf}, file => { name => 'd.csv', type => 'text/csv', data => "email\n$act\@x.example\n" });
	$r = $site->request(POST => "$base/imports", headers => { 'content-type' => $type }, content => $body);
	$path = $r->{headers}{location} =~ s{^https?://[^/]+}{}r;
	is($site->api(GET => $path)->{json}{state}, 'mapping', 'API: a file waits for its mapping');
	is($site->api(POST => "$path/$act", {})->{status}, 200, "... which $act answers");
	like(finished($path =~ s{.*/}{}r)->{state}, $act eq 'start' ? qr/^done$/ : qr/^cancelled$/, '... and does');
}

$site->stop;
done_testing();
