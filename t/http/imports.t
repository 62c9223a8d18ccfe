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
is_deeply($i->{counts}, { rows => 5, new => 2, updated => 1, unchanged => 0, unsubscribed => 0, suppressed => 0, invalid => 2 }, 'each row counted');
is($site->api(GET => "$base/lists/$list")->{json}{subscribers}, 2, 'they are on the list');
$r = $site->api(GET => "$base/imports/$i->{id}/refused.csv");
is($r->{status}, 200, 'the refused rows');
like(decode_utf8($r->{content}), qr/^\x{FEFF}row,reason,E-Mail,Vorname,Ort,Tags\r\n3,"“broken” has no @\."?,broken\r\n5,"Amazon SES/, 'with reasons');
my $s = $site->api(GET => "$base/subscribers?q=bo\@x.example")->{json}{items}[0];
is_deeply([ $s->{first_name}, $s->{tags} ], [ 'Bob', [ 'b', 'c' ] ], 'the last row wins');
$i = finished(upload($csv, lists => $list)->{json}{id});
is_deeply($i->{counts}, { rows => 5, new => 0, updated => 2, unchanged => 1, unsubscribed => 0, suppressed => 0, invalid => 2 },
	'a guess does for a mapping; Bo, then Bob, are two changes');
$site->api(PATCH => "$base/subscribers/$s->{id}", { status => 'unsubscribed' });
$i = finished(upload($csv)->{json}{id});
is($i->{counts}{suppressed}, 2, 'who left stays away');

for (
	[ '', qr/empty/, 'an empty file' ],
	[ "PK\x03\x04abc", qr/Excel workbook/, 'a workbook' ],
	[ "%PDF-1.4", qr/PDF/, 'a PDF' ],
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

# ---- who left, and how a file is written ----
$r = upload("email,status\nu1\@x.example,active\nu2\@x.example,unsubscribed\nu3\@x.example,cleaned\n", lists => $list);
is_deeply(finished($r->{json}{id})->{counts}, { rows => 3, new => 1, updated => 0, unchanged => 0, unsubscribed => 2, suppressed => 0, invalid => 0 },
	'a column of status is read');
is(scalar @{ $site->api(GET => "$base/subscribers?status=active&q=u")->{json}{items} }, 1, 'one of three may be mailed');
is($site->api(POST => "$base/subscribers", { email => 'u3@x.example' })->{status}, 409, 'the others are here, and suppressed');
$r = upload("email,status\nu4\@x.example,unsubscribed\n", mapping => '{"email":"email"}');
is($r->{status}, 422, 'leaving it out without a word is refused');
like($r->{json}{errors}{mapping}, qr/“status” says who may not be mailed \(1 unsubscribed\)/, 'with a sentence');
$r = upload("email,status\nu4\@x.example,platinum\n");
like($r->{json}{errors}{status_words}, qr/“platinum” \(1\)/, 'a word that nobody knows is asked about');
$r = upload("email,status\nu4\@x.example,platinum\n", status_words => '{"platinum":"active"}');
is($r->{status}, 201, 'and may be explained');
$r = upload("email\nu5\@x.example\n", status => 'unsubscribed');
is(finished($r->{json}{id})->{counts}{unsubscribed}, 1, 'a status for all rows');
$r = upload("E-mail;Imi\xEA\nu6\@x.example;\xA3ucja\n");
is($r->{json}{encoding}, 'windows-1250', 'the answer names the encoding');
ok($r->{json}{encoding_doubtful}, 'and that it is doubtful');
$r = upload("email,first_name\nu7\@x.example,J\xF3zef\xB1\n", encoding => 'iso-8859-2');
is($site->api(GET => "$base/subscribers?q=u7")->{json}{items}[0]{first_name}, 'Józefą', 'one can be said');
is(upload("email\nx\@x.example\n", encoding => 'klingon')->{status}, 422, 'but must be one there is');
is(upload("email\nx\@x.example\n", date_order => 'ydm')->{status}, 422, 'as an order of dates');
$site->api(POST => "$base/fields", { key => 'joined', type => 'date' });
$r = upload("email,joined\nu8\@x.example,4/5/2021\nu9\@x.example,soon\n", date_order => 'mdy');
is($site->api(GET => "$base/subscribers?q=u8")->{json}{items}[0]{fields}{joined}, '2021-04-05', 'an order of dates is obeyed');
$i = finished($r->{json}{id});
is($i->{noted}, 1, 'a value that cannot be read costs itself only');
like(decode_utf8($site->api(GET => "$base/imports/$i->{id}/notes.csv")->{content}), qr/^2,"joined: “soon” is not a date/m, 'and is told');
$r = upload("email,Groesse\nv1\@x.example,42\n", mapping => '{"email":"email","Groesse":"+number"}');
is($site->api(GET => "$base/subscribers?q=v1")->{json}{items}[0]{fields}{groesse}, 42, 'a field is made of a column');
is_deeply(upload("email,a,b\nv2\@x.example,1,2\n")->{json}{left_out}, [ 'a', 'b' ], 'the answer names what was left out');

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

sub page_upload {
	my ($data) = @_;
	my ($type, $body) = Site::multipart(csrf => $site->{csrf}, file => { name => 'e.csv', type => 'text/csv', data => $data });
	return $site->request(POST => "$base/imports", headers => { 'content-type' => $type }, content => $body)->{headers}{location}
	    =~ s{^https?://[^/]+}{}r;
}
$path = page_upload("email,status,since\nw1\@x.example,on,4/5/2021\nw2\@x.example,unsubscribed,4/6/2021\n");
$r = $site->get($path);
like($r->{content}, qr/What do these words mean\?/, 'page asks what a word means');
like(decode_utf8($r->{content}), qr/New date field “since”/, 'and offers a field of the kind the column seems to be');
like($site->get("$path?map[0]=email&map[1]=")->{content}, qr/Who may not be mailed/, 'and warns when the status is left out');
my @most = ('map[0]' => 'email', 'map[2]' => '+date', lists => '', existing => 'update');
$r = $site->post("$path/start", [ @most, 'map[1]' => '', date_order => 'dmy' ]);
is($r->{status}, 422, 'which must be answered');
$r = $site->post("$path/start", [ @most, 'map[1]' => 'status', date_order => 'dmy' ]);
is($r->{status}, 422, 'as must the word');
$r = $site->post("$path/start", [ @most, 'map[1]' => 'status', 'say[1_0]' => 'active' ]);
is($r->{status}, 422, 'and the order of the dates');
like(decode_utf8($r->{content}), qr/which is the day and which the month in “since”/, 'with a sentence');
$r = $site->post("$path/start", [ @most, 'map[1]' => 'status', 'say[1_0]' => 'active', date_order => 'dmy' ]);
is($r->{status}, 303, 'then it starts');
finished($path =~ s{.*/}{}r);
$s = $site->api(GET => "$base/subscribers?q=w")->{json}{items};
is_deeply([ map { $_->{status} } @$s ], [ 'unsubscribed', 'active' ], 'as was said');
is($s->[1]{fields}{since}, '2021-05-04', 'with its date');
$path = page_upload("email,status\nw3\@x.example,unsubscribed\n");
is($site->post("$path/start", [ 'map[0]' => 'email', 'map[1]' => '', leave_status => 1, lists => '' ])->{status}, 303, 'a status may be left out expressly');
$path = page_upload("email,first_name\nw4\@x.example,\xB1ukasz\n");
like($site->get($path)->{content}, qr/Do letters look wrong\?/, 'page lets one choose the encoding');
is($site->post("$path/read", [ encoding => 'iso-8859-2' ])->{status}, 303, 'and reads the upload again');
like(decode_utf8($site->get($path)->{content}), qr/ąukasz/, 'in that encoding');
is($site->post("$path/read", [ encoding => 'nonsense' ])->{status}, 422, 'not in nonsense');
is($site->post("$path/start", [ 'map[0]' => 'email', 'map[1]' => 'first_name', lists => '' ])->{status}, 303, 'and starts');
is($site->post("$path/read", [ encoding => 'iso-8859-2' ])->{status}, 409, 'but not once it has started');

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
