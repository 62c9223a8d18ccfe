#!/usr/bin/perl
# Lists, fields and subscribers, as pages and as API, through nginx.
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

sub page_has {
	my ($path, $what, $name) = @_;
	my $r = $site->get($path);
	my $text = decode_utf8($r->{content});
	ok($r->{status} == 200 && $text =~ $what, $name) or diag("$path: $r->{status}");
	return $r;
}
sub api_is {
	my ($method, $path, $body, $status, $name) = @_;
	my $r = $site->api($method, $path, $body);
	is($r->{status}, $status, $name) or diag($r->{content});
	return $r->{json};
}
sub goes_to {
	my ($r, $where, $name) = @_;
	is($r->{status}, 303, $name) or diag($r->{content} =~ s/\s+/ /gr);
	like($r->{headers}{location} // '', $where, 'and goes on');
}

# ---- lists ----
page_has("$base/lists", qr/Make your first list/, 'no list: the page says what to do');
my $l = api_is(POST => "$base/lists", { name => 'News', description => 'All' }, 201, 'API makes a list');
is($l->{subscribers}, 0, 'with its counts');
api_is(POST => "$base/lists", { name => 'News' }, 409, 'the same name is a conflict');
my $bad = api_is(POST => "$base/lists", { name => '' }, 422, 'no name is refused');
ok($bad->{errors}{name}, 'at the field');
goes_to($site->post("$base/lists", { name => 'School' }), qr{/lists/\d+$}, 'page makes a list');
my $r = $site->post("$base/lists", { name => 'School', description => 'typed' });
is($r->{status}, 422, 'page refuses the same name');
like(decode_utf8($r->{content}), qr/There is a list “School” already/, 'at the field');
like($r->{content}, qr/value="typed"/, 'keeping what was typed');
is(scalar @{ api_is(GET => "$base/lists", undef, 200, 'API lists lists')->{items} }, 2, 'both');
page_has("$base/lists", qr/News/, 'page lists lists');
page_has("$base/lists/new", qr/New list/, 'page for a new list');
page_has("$base/lists/$l->{id}", qr/Nobody is on this list yet/, 'page of an empty list');
page_has("$base/lists/$l->{id}/edit", qr/value="News"/, 'page to edit a list');
page_has("$base/lists/$l->{id}/delete", qr/Nobody is on it/, 'page to delete one says what goes');
is(api_is(PATCH => "$base/lists/$l->{id}", { name => 'Newsletter' }, 200, 'API renames')->{name},
	'Newsletter', 'the list');
goes_to($site->post("$base/lists/$l->{id}", { _method => 'PATCH', name => 'News' }), qr{/lists/}, 'page too');
is(api_is(GET => "$base/lists/$l->{id}", undef, 200, 'API shows')->{name}, 'News', 'it');
api_is(GET => "/brands/$other/lists/$l->{id}", undef, 404, 'another brand has it not');
api_is(GET => "$base/lists/999", undef, 404, 'nor is there any other');

# ---- fields ----
page_has("$base/fields", qr/Make your first field/, 'no field: the page says what to do');
my $f = api_is(POST => "$base/fields", { key => 'city', label => 'City', type => 'text' }, 201, 'API makes a field');
api_is(POST => "$base/fields", { key => 'bags', label => 'Bags', type => 'number' }, 201, 'a number');
api_is(POST => "$base/fields", { label => 'Roast', type => 'choice', choices => [ 'filter', 'espresso' ] }, 201, 'a choice');
api_is(POST => "$base/fields", { key => 'city', label => 'City' }, 409, 'the same key is a conflict');
api_is(POST => "$base/fields", { key => 'email', label => 'E' }, 422, 'a reserved key is refused');
goes_to($site->post("$base/fields", { label => 'Since', type => 'date' }), qr{/fields$}, 'page makes one');
$r = $site->post("$base/fields", { label => 'Size', type => 'choice', choices => '' });
is($r->{status}, 422, 'page refuses a choice without choices');
like($r->{content}, qr/Give at least one choice/, 'with a sentence');
is(scalar @{ api_is(GET => "$base/fields", undef, 200, 'API lists fields')->{items} }, 4, 'all');
page_has("$base/fields", qr/\{\{ city \}\}/, 'page shows what to write in a mail');
page_has("$base/fields/new", qr/New field/, 'page for a new field');
page_has("$base/fields/$f->{id}/edit", qr/value="City"/, 'page to edit one');
page_has("$base/fields/$f->{id}/delete", qr/Delete the field “City”/, 'page to delete one');
is(api_is(PATCH => "$base/fields/$f->{id}", { label => 'Town' }, 200, 'API renames')->{label}, 'Town', 'a field');
is(api_is(GET => "$base/fields/$f->{id}", undef, 200, 'API shows')->{key}, 'city', 'a field');
api_is(PATCH => "$base/fields/$f->{id}", { type => 'date' }, 422, 'its type stays');

# ---- subscribers ----
page_has("$base/subscribers", qr/Bring your people/, 'nobody: the page says what to do');
my $s = api_is(POST => "$base/subscribers", { email => 'Maja@Fjord.example', first_name => 'Maja',
	last_name => '<b>Lind</b>', fields => { city => 'Köln', bags => 3 }, tags => [ 'vip' ],
	lists => [ $l->{id} ] }, 201, 'API adds a person');
is_deeply([ @$s{qw(email status first_name)}, $s->{fields}{bags}, $s->{tags}, $s->{lists} ],
	[ 'Maja@fjord.example', 'active', 'Maja', 3, ['vip'], [ $l->{id} ] ], 'with everything');
api_is(POST => "$base/subscribers", { email => 'maja@fjord.EXAMPLE' }, 409, 'once');
for ([ 'maja', qr/no @/ ], [ 'a b@c.example', qr/a space/ ], [ 'a@b,c', qr/comma/ ], [ 'ü@b.example', qr/Amazon/ ]) {
	my $e = api_is(POST => "$base/subscribers", { email => $_->[0] }, 422, "not $_->[0]");
	like($e->{errors}{email}, $_->[1], 'and says why');
}
$bad = api_is(POST => "$base/subscribers", { email => 'x@y.example', fields => { bags => 'many' } }, 422, 'no bad value');
like($bad->{errors}{'fields.bags'}, qr/not a number/, 'said at the field');
api_is(POST => "$base/subscribers", '{"email":', 400, 'malformed JSON');
goes_to($site->post("$base/subscribers", [ email => 'yusuf@bluebox.example', first_name => 'Yusuf',
	'fields[city]' => 'Berlin', 'fields[roast]' => 'filter', tags => 'a, b', lists => '', lists => $l->{id} ]),
	qr{/subscribers/\d+$}, 'page adds a person');
$r = $site->post("$base/subscribers", [ email => 'x@y.example', 'fields[bags]' => 'many' ]);
is($r->{status}, 422, 'page refuses a bad value');
like(decode_utf8($r->{content}), qr/Bags: “many” is not a number/, 'at the field');
like($r->{content}, qr/value="many"/, 'keeping what was typed');
$r = $site->post("$base/subscribers", { email => 'yusuf@bluebox.example' });
is($r->{status}, 422, 'page refuses who is here');
like($r->{content}, qr/is here already/, 'and says so');
is($site->request(POST => "$base/subscribers", content => 'email=z@z.example',
	headers => { 'content-type' => 'application/x-www-form-urlencoded' })->{status}, 403, 'no token, no change');

my $all = api_is(GET => "$base/subscribers?limit=1", undef, 200, 'API lists people');
is($all->{items}[0]{email}, 'yusuf@bluebox.example', 'newest first');
my $next = api_is(GET => "$base/subscribers?limit=1&cursor=$all->{next_cursor}", undef, 200, 'page by page');
is($next->{items}[0]{id}, $s->{id}, 'the older');
is($next->{next_cursor}, undef, 'to the end');
for ([ 'q=maj', 1 ], [ 'q=yusuf', 1 ], [ 'tag=vip', 1 ], [ "list=$l->{id}", 2 ], [ 'status=active', 2 ],
	[ 'status=bounced', 0 ], [ 'q=nobody', 0 ]) {
	my $found = api_is(GET => "$base/subscribers?$_->[0]", undef, 200, $_->[0]);
	is(scalar @{ $found->{items} }, $_->[1], 'finds');
}
api_is(GET => "$base/subscribers?status=gone", undef, 400, 'a filter that does not exist');
page_has("$base/subscribers", qr/&lt;b&gt;Lind/, 'page lists people, escaped');
page_has("$base/subscribers?q=nobody", qr/Nobody matches/, 'or says that none matches');
page_has("$base/lists/$l->{id}", qr/Maja/, 'page of the list');
page_has("$base/subscribers/new", qr/name="fields\[city\]"/, 'page to add has the fields');
page_has("$base/subscribers/$s->{id}", qr/Köln.*No campaign has gone|No campaign has gone.*Köln/s, 'page of a person');
page_has("$base/subscribers/$s->{id}/edit", qr/value="Köln"/, 'page to edit');
page_has("$base/subscribers/$s->{id}/delete", qr/Delete Maja/, 'page to delete');
is(api_is(PATCH => "$base/subscribers/$s->{id}", { fields => { city => undef }, last_name => '=Lind' }, 200,
	'API changes')->{fields}{city}, undef, 'takes a value away');
goes_to($site->post("$base/subscribers/$s->{id}", [ _method => 'PATCH', email => 'maja@fjord.example',
	'fields[city]' => 'Bonn', lists => '' ]), qr{/subscribers/$s->{id}$}, 'page changes');
$s = api_is(GET => "$base/subscribers/$s->{id}", undef, 200, 'API shows');
is_deeply([ $s->{fields}{city}, $s->{lists}, $s->{tags} ], [ 'Bonn', [], ['vip'] ], 'what was changed');
api_is(GET => "/brands/$other/subscribers/$s->{id}", undef, 404, 'not to another brand');
api_is(PATCH => "/brands/$other/subscribers/$s->{id}", {}, 404, 'nor to change');
api_is(DELETE => "/brands/$other/subscribers/$s->{id}", undef, 404, 'nor to delete');

$r = $site->get("$base/subscribers.csv");
is($r->{status}, 200, 'page exports');
like($r->{headers}{'content-type'}, qr{^text/csv}, 'CSV');
my $csv = decode_utf8($r->{content});
like($csv, qr/^\x{FEFF}email,first_name,last_name,status,city,bags,roast,since,tags,created_at\r\n/, 'with the fields');
like($csv, qr/maja\@fjord\.example,Maja,"'=Lind",active,Bonn,3,"","",vip,/, 'and no formula');
is(scalar(() = $site->api(GET => "$base/subscribers.csv?tag=vip")->{content} =~ /\r\n/g), 2, 'filtered');

# ---- a key that may only read, and one of another brand ----
my $read = $site->key(scopes => 'read');
is($site->api(GET => "$base/subscribers", undef, key => $read)->{status}, 200, 'a reading key reads');
for ([ POST => 'lists' ], [ POST => 'fields' ], [ POST => 'subscribers' ], [ POST => 'imports' ],
	[ PATCH => "subscribers/$s->{id}" ], [ DELETE => "subscribers/$s->{id}" ], [ DELETE => "lists/$l->{id}" ]) {
	is($site->api($_->[0], "$base/$_->[1]", {}, key => $read)->{status}, 403, "and may not $_->[0] $_->[1]");
}
is($site->api(GET => "$base/subscribers", undef, key => $site->key(brand => $other))->{status}, 404,
	'a key of another brand does not see this one');
is($site->api(GET => "$base/subscribers", undef, key => '')->{status}, 401, 'nobody sees it without a key');

# ---- leaving ----
is(api_is(PATCH => "$base/subscribers/$s->{id}", { status => 'unsubscribed' }, 200, 'API unsubscribes')->{status},
	'unsubscribed', 'one');
$bad = api_is(PATCH => "$base/subscribers/$s->{id}", { status => 'active' }, 422, 'and brings nobody back');
like($bad->{errors}{status}, qr/unsubscribed on \d+ \w+ \d{4}/, 'saying since when');
page_has("$base/subscribers/$s->{id}", qr/Unsubscribed on .* no import changes that/s, 'the page says so');
goes_to($site->post("$base/subscribers/$s->{id}", { _method => 'DELETE' }), qr{/subscribers$}, 'page deletes');
api_is(GET => "$base/subscribers/$s->{id}", undef, 404, 'it is gone');
$bad = api_is(POST => "$base/subscribers", { email => 'maja@fjord.example' }, 422, 'the suppression is not');
like($bad->{errors}{email}, qr/unsubscribed on/, 'and says why');

api_is(DELETE => "$base/fields/$f->{id}", undef, 204, 'API deletes a field');
goes_to($site->post("$base/lists/$l->{id}", { _method => 'DELETE' }), qr{/lists$}, 'page deletes a list');
is(scalar @{ $site->api(GET => "$base/subscribers")->{json}{items} }, 1, 'its people stay');

$site->stop;
done_testing();
