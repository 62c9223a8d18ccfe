#!/usr/bin/perl
# /api/v1/openapi.json against the running server: every route of the API and no other, and what
# is answered has the names and types that are described.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use Site;
use Source;
use Test::More;

my $site = Site->start;
my $r = $site->api(GET => '/openapi.json', undef, key => '');
is($r->{status}, 200, 'the description is there for everybody');
my $api = $r->{json};
is($api->{openapi}, '3.1.0', 'in OpenAPI 3.1');
like($api->{servers}[0]{url}, qr{^\Q$site->{url}\E/api/v1$}, 'of this server');

# ---- each route, and no other ----
my (%there, %told, %id, @bad);
$there{ "$_->{method} " . $_->{pattern} =~ s/\{\}/{}/gr } = 1 for grep { !$_->{page_only} && !$_->{raw} } Source::routes();
for my $path (sort keys %{ $api->{paths} }) {
	for my $method (sort keys %{ $api->{paths}{$path} }) {
		my $op = $api->{paths}{$path}{$method};
		$told{ uc($method) . ' ' . $path =~ s/\{\w+\}/{}/gr } = $op;
		push @bad, "$method $path has no words" if !length $op->{summary} || !length $op->{description};
		push @bad, "$method $path is named twice" if $id{ $op->{operationId} }++;
		my @in = $path =~ /\{(\w+)\}/g;
		my @said = map { $_->{name} } grep { $_->{in} eq 'path' } @{ $op->{parameters} };
		push @bad, "$method $path: @in, not @said" if "@in" ne "@said";
		push @bad, "$method $path: no answer" if !grep { /^2/ } keys %{ $op->{responses} };
	}
}
is(join("\n", grep { !$told{$_} } sort keys %there), '', 'every route of the API is described');
is(join("\n", grep { !$there{$_} } sort keys %told), '', 'and no other');
is(join("\n", @bad), '', 'each completely');
my @refs = $r->{content} =~ m{"\$ref":\s*"#\\?/components\\?/schemas\\?/(\w+)"}g;
cmp_ok(scalar @refs, '>', 50, 'shapes are named');
is(join(' ', grep { !$api->{components}{schemas}{$_} } @refs), '', 'and each that is named is there');
my %used = map { $_ => 1 } @refs;
is(join(' ', grep { !$used{$_} } sort keys %{ $api->{components}{schemas} }), '', 'and used');

# ---- does a value have its shape? ----
sub differ {
	my ($s, $v, $at) = @_;
	return differ($api->{components}{schemas}{ $s->{'$ref'} =~ s{.*/}{}r }, $v, $at) if $s->{'$ref'};
	if ($s->{anyOf}) {
		return if grep { !differ($_, $v, $at) } @{ $s->{anyOf} };
		return "$at fits none";
	}
	my %type = map { $_ => 1 } ref $s->{type} ? @{ $s->{type} } : $s->{type} // ();
	return $type{null} ? () : "$at is null" if !defined $v;
	if (ref $v eq 'HASH') {
		return "$at is an object" if !$type{object};
		return if !$s->{properties};
		return (map { "$at.$_ is not answered" } grep { !exists $v->{$_} } @{ $s->{required} // [] }),
		    (map { "$at.$_ is not described" } grep { !$s->{properties}{$_} } sort keys %$v),
		    map { differ($s->{properties}{$_}, $v->{$_}, "$at.$_") } grep { $s->{properties}{$_} } sort keys %$v;
	}
	if (ref $v eq 'ARRAY') {
		return "$at is a list" if !$type{array};
		return map { differ($s->{items}, $v->[$_], "$at\[$_]") } 0 .. $#$v;
	}
	return $type{boolean} ? () : "$at is true or false" if JSON::PP::is_bool($v);
	my $number = encode_json([$v]) =~ /^\[-?[\d.]/;
	return $type{integer} && $v =~ /^-?\d+$/ || $type{number} ? () : "$at is $v" if $number;
	return "$at is text" if !$type{string};
	return "$at is no time: $v" if ($s->{format} // '') eq 'date-time' && $v !~ /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;
	return;
}
is(join(' ', differ({ type => 'integer' }, 'x', 'x')), 'x is text', 'a wrong type would be found');
is(join(' ', differ({ type => 'object', properties => {}, required => ['a'] }, { b => 1 }, 'x')),
	'x.a is not answered x.b is not described', 'and wrong names');

# ---- ask everything there is ----
my (%id_of, %seen);
sub check {
	my ($method, $pattern, $r) = @_;
	my $op = $told{"$method $pattern"} or return fail("$method $pattern is described");
	$seen{"$method $pattern"} = 1;
	my ($good) = grep { /^2/ } keys %{ $op->{responses} };
	my $content = $op->{responses}{$good}{content};
	if (!$content) {
		is("$r->{status} " . length($r->{content} // ''), '204 0', "$method $pattern: done");
		return;
	}
	my ($type) = keys %$content;
	like("$r->{status} $r->{headers}{'content-type'}", qr/^20[01] \Q$type\E/, "$method $pattern: $type") or diag $r->{content};
	return if !$r->{json};
	is(join("\n", differ($content->{$type}{schema}, $r->{json}, 'answer')), '', '... as described');
}
sub ask {
	my ($method, $pattern, $body, $ids) = @_;
	my @ids = @{ $ids // [] };
	my $r = $site->api($method, $pattern =~ s/\{\}/shift @ids/ger, $body);
	check($method, $pattern, $r);
	return $r->{json};
}
my $b = ask(POST => '/brands', { name => 'Acme', from_name => 'A', from_email => 'a@acme.example', postal_address => 'Q', time_zone => 'UTC' })->{id};
ask(PATCH => '/brands/{}', { name => 'Acme 2' }, [$b]);
my $list = ask(POST => '/brands/{}/lists', { name => 'News' }, [$b])->{id};
my $gone = ask(POST => '/brands/{}/lists', { name => 'Gone' }, [$b])->{id};
ask(PATCH => '/brands/{}/lists/{}', { description => 'x' }, [ $b, $gone ]);
my $field = ask(POST => '/brands/{}/fields', { key => 'city', label => 'City', type => 'choice', choices => [ 'A', 'B' ] }, [$b])->{id};
ask(PATCH => '/brands/{}/fields/{}', { label => 'Town' }, [ $b, $field ]);
my $person = ask(POST => '/brands/{}/subscribers', { email => 'ann@x.example', lists => [$list], tags => ['vip'], fields => { city => 'A' } }, [$b])->{id};
ask(PATCH => '/brands/{}/subscribers/{}', { first_name => 'Ann' }, [ $b, $person ]);
ask(POST => '/brands/{}/subscribers/upsert', { email => 'ann@x.example' }, [$b]);
ask(POST => '/brands/{}/suppressions', { emails => ['gone@x.example'] }, [$b]);
ask(GET => '/brands/{}/suppressions', undef, [$b]);
ask(DELETE => '/brands/{}/suppressions', { email => 'gone@x.example', note => 'x' }, [$b]);
my $key = ask(POST => '/brands/{}/keys', { name => 'k', scopes => 'read', expires => '30' }, [$b])->{id};
my $invitation = ask(POST => '/brands/{}/invitations', { email => 'ina@x.example', role => 'viewer' }, [$b])->{id};
ask(POST => '/brands/{}/invitations/{}/renew', {}, [ $b, $invitation ]);
ask(PUT => '/brands/{}/provider', { kind => 'outbox' }, [$b]);
my $topic = ask(POST => '/brands/{}/provider/topics', { topic_arn => 'arn:aws:sns:eu-west-1:123456789012:mail' }, [$b])->{topics}[0]{id};
my ($type, $upload) = Site::multipart(file => { name => 'a.csv', type => 'text/csv', data => "email\nx\@example.com\nbad\n" });
$r = $site->api(POST => "/brands/$b/imports", $upload, headers => { 'content-type' => $type });
check(POST => '/brands/{}/imports', $r);
my $import = $r->{json}{id};
my $draft = ask(POST => '/brands/{}/campaigns', { name => 'C', subject => 'S', html => '<p>x <a href="https://x.example/">y</a></p>', lists => [$list] }, [$b]);
my $c = $draft->{id};
my $new = ask(PATCH => '/brands/{}/campaigns/{}', { preview_text => 'p', version => $draft->{version} }, [ $b, $c ]);
ask(PUT => '/brands/{}/campaigns/{}/audience', { lists => [$list] }, [ $b, $c ]);
ask(POST => '/brands/{}/campaigns/{}/test', { emails => ['ann@x.example'] }, [ $b, $c ]);
my $copy = ask(POST => '/brands/{}/campaigns/{}/duplicate', {}, [ $b, $c ])->{id};
ask(GET => '/brands/{}/campaigns/{}/checklist', undef, [ $b, $copy ]);
ask(POST => '/brands/{}/campaigns/{}/schedule', { send_at => sprintf('%d-06-01T00:00:00Z', 1901 + (gmtime)[5]) }, [ $b, $copy ]);
ask(POST => '/brands/{}/campaigns/{}/cancel', {}, [ $b, $copy ]);
ask(POST => '/brands/{}/campaigns/{}/send', {}, [ $b, $c ]);
$site->until_true(30, sub { $site->api(GET => "/brands/$b/campaigns/$c")->{json}{status} eq 'completed' });
ask(POST => '/brands/{}/campaigns/{}/follow', { audience => 'unopened' }, [ $b, $c ]);
my $mail = $site->api(GET => "/brands/$b/outbox")->{json}{items}[0]{id};
$site->user;
$site->command([qw(user create --password-stdin --email ada@example.com)], "correct horse battery\n");
ask(POST => '/brands/{}/members', { email => 'ada@example.com', role => 'admin' }, [$b]);
my $member = $site->api(GET => "/brands/$b/members")->{json}{items}[0]{user_id};
ask(PATCH => '/brands/{}/members/{}', { role => 'editor' }, [ $b, $member ]);
ask(POST => '/brands/{}/members/{}/owner', {}, [ $b, $member ]);
my %object = (lists => $list, fields => $field, subscribers => $person, imports => $import, campaigns => $c, outbox => $mail);
for my $route (sort grep { /^GET/ && !$seen{$_} && !m{/account/} } keys %told) {
	my ($pattern) = $route =~ /^GET (.*)/;
	my $last = '';
	my @ids;
	for my $part (split m{/}, $pattern) {
		push @ids, $last eq 'brands' ? $b : $object{$last} // 0 if $part eq '{}';
		$last = $part;
	}
	ask(GET => $pattern, undef, \@ids);
}
ask(DELETE => '/brands/{}/invitations/{}', undef, [ $b, $invitation ]);
ask(DELETE => '/brands/{}/keys/{}', undef, [ $b, $key ]);
ask(DELETE => '/brands/{}/provider/topics/{}', undef, [ $b, $topic ]);
ask(DELETE => '/brands/{}/lists/{}', undef, [ $b, $gone ]);
ask(DELETE => '/brands/{}/fields/{}', undef, [ $b, $field ]);
ask(DELETE => '/brands/{}/subscribers/{}', undef, [ $b, $person ]);

# ---- errors ----
for ([ GET => "/brands/987654" ], [ POST => "/brands/$b/lists", { name => '' } ], [ GET => '/me', undef, '' ]) {
	my ($method, $path, $body, $key) = @$_;
	$r = $site->api($method, $path, $body, defined $key ? (key => $key) : ());
	is(join("\n", differ($api->{components}{schemas}{Problem}, $r->{json}, 'problem')), '', "$r->{status} is a problem as described");
}

# ---- as a person ----
$site->sign_in;
for my $route ([ GET => '/account/sessions' ], [ PATCH => '/me', { name => 'Test' } ], [ DELETE => '/account/sessions' ]) {
	my ($method, $path, $body) = @$route;
	check($method, $path, $site->request($method, "/api/v1$path", headers => { 'x-csrf-token' => $site->{csrf},
		'content-type' => 'application/json' }, $body ? (content => encode_json($body)) : ()));
}
($type, $upload) = Site::multipart(csrf => $site->{csrf}, file => { name => 'b.csv', type => 'text/csv', data => "email,who\ny\@x.example,J\xF6\n" });
my ($waiting) = $site->request(POST => "/brands/$b/imports", headers => { 'content-type' => $type }, content => $upload)->{headers}{location} =~ /(\d+)$/;
ask(POST => '/brands/{}/imports/{}/read', { encoding => 'koi8-r' }, [ $b, $waiting ]);
ask(POST => '/brands/{}/imports/{}/start', {}, [ $b, $waiting ]);
my @left = grep { !$seen{$_} } sort keys %told;
diag("described, and not asked here: $_") for @left;
cmp_ok(scalar @left, '<', 14, 'nearly all of them were asked');
done_testing;
