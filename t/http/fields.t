#!/usr/bin/perl
# A field that a route does not know is refused before anything is changed: every route that
# changes something, as JSON, form and multipart, in the API and on pages; and every field that is
# described, or that a form of a page sends, is known.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use Site;
use Source;
use Test::More;

my $site = Site->start;
$site->sign_in;
my @routes = Source::routes();

# ---- one of everything ----
sub made {
	my ($path, $body, %o) = @_;
	my $r = $site->api(POST => $path, $body, %o);
	$r->{status} =~ /^20/ or BAIL_OUT("POST $path: $r->{status} $r->{content}");
	return $r->{json}{id};
}
my $b = made('/brands', { name => 'Acme', from_name => 'A', from_email => 'a@acme.example', postal_address => 'Q', time_zone => 'UTC' });
my %id = (brands => $b, lists => made("/brands/$b/lists", { name => 'News' }),
	fields => made("/brands/$b/fields", { key => 'city', label => 'City' }),
	keys => made("/brands/$b/keys", { name => 'k', scopes => 'read' }),
	invitations => made("/brands/$b/invitations", { email => 'ina@example.com', role => 'viewer' }));
my $out = made("/brands/$b/lists", { name => 'Not these' });
made("/brands/$b/members", { email => 'test@example.com', role => 'owner' });
$id{members} = $site->api(GET => "/brands/$b/members")->{json}{items}[0]{user_id};
$id{users} = $id{members};
$id{subscribers} = made("/brands/$b/subscribers", { email => 'ann@example.com', lists => [ $id{lists} ] });
$id{campaigns} = made("/brands/$b/campaigns", { name => 'C', subject => 'S', html => '<p>x</p>', lists => [ $id{lists} ],
	exclude_lists => [$out] });
$id{topics} = $site->api(POST => "/brands/$b/provider/topics", { topic_arn =>
	'arn:aws:sns:eu-west-1:123456789012:mail' })->{json}{topics}[0]{id} or BAIL_OUT('no topic');
my ($type, $upload) = Site::multipart(file => { name => 'a.csv', type => 'text/csv', data => "email\nx\@example.com\n" });
$id{imports} = made("/brands/$b/imports", $upload, headers => { 'content-type' => $type });
$site->until_true(20, sub { $site->api(GET => "/brands/$b/imports/$id{imports}")->{json}{state} =~ /done|failed/ });
# one uploaded on a page waits for its columns
($type, $upload) = Site::multipart(csrf => $site->{csrf}, file => { name => 'b.csv', type => 'text/csv', data => "email,town\ny\@example.com,Oslo\n" });
my $waiting = $site->request(POST => "/brands/$b/imports", headers => { 'content-type' => $type }, content => $upload)->{headers}{location}
    or BAIL_OUT('no upload on the page');
$id{sessions} = $site->request(GET => '/api/v1/account/sessions')->{json}{items}[0]{id} or BAIL_OUT('no session');

sub path_of {
	my ($pattern) = @_;
	my @part = split m{/}, $pattern, -1;
	for my $i (1 .. $#part) {
		$part[$i] = $id{ $part[ $i - 1 ] } // 1 if $part[$i] =~ /^\{\w*\}$/;
		$part[$i] = 'x' x 43 if $part[$i] eq '{*}';
	}
	return join '/', @part;
}

# What is stored, but for what the passing of time changes.
sub stored {
	return join "\n", grep { !/^INSERT INTO (?:public\.)?"?(sessions|workers|hosts|spool_files|settings|idempotency\w*)\b/ && !/SELECT pg_catalog|restrict/ }
	    split /\n/, $site->{database} ? Site::answer_of('pg_dump', '--inserts', '-d', $site->{database})
	    : Site::answer_of('sqlite3', '-cmd', '.timeout 5000', "$site->{state}/maillayer.db", '.dump');
}

my %takes = $site->takes;

sub as_key {
	my ($route, $body, %o) = @_;
	return $site->api($route->{method}, path_of($route->{pattern}), $body, %o);
}
sub as_person {
	my ($route, $form) = @_;
	return $site->post(path_of($route->{pattern}), [ ($route->{method} eq 'POST' ? () : (_method => $route->{method})), @$form ]);
}
sub each_route {
	my ($name, $which, $ask) = @_;
	my ($n, @bad) = (0);
	for my $route (grep { $which->($_) } @routes) {
		my $bad = $ask->($route);
		$n++;
		push @bad, "$route->{method} $route->{pattern}: $bad" if $bad;
	}
	cmp_ok($n, '>', 10, "$name: routes to ask");
	is(join("\n", @bad), '', "$name ($n routes)");
}
my $page = sub { !$_[0]{api_only} && !$_[0]{raw} && $_[0]{method} ne 'GET' };
my $api = sub { !$_[0]{page_only} && !$_[0]{raw} && $_[0]{access} !~ /^(ACCESS_PERSON|LEAVE_BRAND)$/ && $_[0]{method} ne 'GET' };
my $json = sub { $api->($_[0]) && $_[0]{pattern} !~ m{/imports$} };	# which are multipart only
my $get = sub { !$_[0]{page_only} && !$_[0]{raw} && $_[0]{access} !~ /^(ACCESS_PERSON|LEAVE_BRAND)$/ && $_[0]{method} eq 'GET' };

# ---- a field that nobody knows ----
my $before = stored();
like($before, qr/INSERT INTO (public\.)?"?campaigns\b/, 'what is stored can be read');
sub refused {
	my ($r) = @_;
	return $r->{status} if $r->{status} != 422;
	return 'no word of it' if ($r->{json}{errors}{zzz} // '') !~ /zzz.*not known/ || $r->{json}{detail} !~ /zzz/;
	return keys %{ $r->{json}{errors} } == 1 ? '' : 'more than that';
}
each_route('JSON with a field too many is 422', $json, sub { refused(as_key($_[0], { zzz => 1 })) });
each_route('... an empty one too', $json, sub { refused(as_key($_[0], { zzz => undef })) });
each_route('... and an object', $json, sub { refused(as_key($_[0], { zzz => { name => 'x' } })) });
each_route('a form with a field too many is 422', $json, sub {
	refused(as_key($_[0], 'zzz=1', headers => { 'content-type' => 'application/x-www-form-urlencoded' }));
});
each_route('multipart with a field too many is 422', $api, sub {
	my ($type, $body) = Site::multipart(zzz => '1');
	refused(as_key($_[0], $body, headers => { 'content-type' => $type }));
});
each_route('multipart with a file too many is 422', $api, sub {
	my ($type, $body) = Site::multipart(zzz => { name => 'a', type => 'text/plain', data => 'x' });
	refused(as_key($_[0], $body, headers => { 'content-type' => $type }));
});
each_route('with a field of another route it is 422 too', $json, sub {
	my $r = as_key($_[0], { map { $_ => 1 } qw(_method username) });
	return $r->{status} == 422 && keys %{ $r->{json}{errors} } == 2 ? '' : "$r->{status} $r->{content}";
});
each_route('a query where none is read is 400', $json, sub {
	my $r = $site->api($_[0]{method}, path_of($_[0]{pattern}) . '?zzz=1', {});
	return $r->{status} == 400 && $r->{json}{detail} =~ /zzz/ ? '' : $r->{status};
});
each_route('a query that is not known is 400', $get, sub {
	my $r = $site->api(GET => path_of($_[0]{pattern}) . '?zzz=1');
	return $r->{status} == 400 && $r->{json}{detail} =~ /zzz/ ? '' : $r->{status};
});
each_route('a form of a page with a field too many is 422, and says so', $page, sub {
	my $r = as_person($_[0], [ zzz => 1 ]);
	return $r->{status} == 422 && $r->{content} =~ /zzz\W+is not known here/ ? '' : $r->{status};
});
ok(stored() eq $before, '... and none of them changed anything');

# ---- a value of another type ----
my %wrong = (integer => [ [1], {}, JSON::PP::true, 1.5 ], number => [ [1], {}, JSON::PP::true ], boolean => [ [], {}, 1.5 ],
	string => [ [ 'x' ], {}, JSON::PP::true, 1 ], array => [ {}, JSON::PP::true, [ {} ], [ [] ], [undef] ], object => [ [], JSON::PP::true, 1 ]);
my ($typed, @typed) = (0);
for my $route (sort keys %takes) {
	my ($method, $pattern) = split ' ', $route;
	next if $method eq 'GET' || $pattern =~ m{/imports$|^/me$|/sessions|/leave};
	for my $name (sort keys %{ $takes{$route} }) {
		my $type = $takes{$route}{$name}{type} or next;
		for my $value (@{ $wrong{$type} }) {
			my $r = $site->api($method, path_of($pattern), { $name => $value });
			$typed++;
			push @typed, "$route $name: " . encode_json([$value]) . " $r->{status}" if $r->{status} != 422 || !$r->{json}{errors}{$name};
		}
	}
}
for my $route (sort grep { /^GET/ && $takes{$_}{limit} } keys %takes) {
	my ($method, $pattern) = split ' ', $route;
	for my $query (qw(limit=0 limit=-1 limit=201 limit=x limit=1.5 cursor=%5Bx%5D)) {
		my $r = $site->api(GET => path_of($pattern) . "?$query");
		$typed++;
		push @typed, "$route $query: $r->{status}" if $r->{status} != 400;
	}
}
cmp_ok($typed, '>', 200, "fields of another type: $typed");
is(join("\n", @typed), '', '... are 422 at the field, and a query of no sense is 400');
ok(stored() eq $before, '... and none of them changed anything');

# ---- the mistake that mailed 13,668 people ----
for (qw(exclude excluded_lists excludeLists exclude_list)) {
	my $r = $site->api(POST => "/brands/$b/campaigns", { name => 'X', lists => [ $id{lists} ], $_ => [$out] });
	is($r->{status}, 422, "a campaign with $_ is not made");
	like($r->{json}{errors}{$_}, qr/Did you mean .exclude_lists./, '... and told what it may have meant');
}
my $r = $site->api(POST => "/brands/$b/subscribers", { email => 'new@example.com', fields => { town => 'Oslo' } });
is($r->{status}, 422, 'a field within fields that the brand does not have is 422');
ok($r->{json}{errors}{'fields.town'}, '... and named');
($type, $upload) = Site::multipart(file => { name => 'a.csv', type => 'text/csv', data => "email\nz\@example.com\n" },
	mapping => '{"email": "email", "Town": "city"}');
$r = $site->api(POST => "/brands/$b/imports", $upload, headers => { 'content-type' => $type });
is($r->{status}, 422, 'a mapping of a column that the file does not have is 422');
ok(stored() eq $before, '... and none of them changed anything');

# ---- forms of pages send nothing else ----
my %of_page = Source::page_takes();
cmp_ok(scalar keys %of_page, '>', 10, 'what only pages send can be read');
my %there = map { ("$_->{method} $_->{pattern}" => $_) } @routes;
is(join(' ', grep { !$there{$_} } keys %of_page), '', '... all of routes that are there');
sub route_of {
	my ($method, $path) = @_;
	for (@routes) {
		my $re = join '/', map { $_ eq '{}' ? '[1-9]\d*' : $_ eq '{*}' ? '[^/]+' : quotemeta } split m{/}, $_->{pattern}, -1;
		return "$_->{method} $_->{pattern}" if $_->{method} eq $method && $path =~ /^$re$/;
	}
	return;
}
my (%sent, @odd, $forms);
sub look {
	my ($path, $html) = @_;
	# fields and buttons may stand outside of their form
	my %outside;
	push @{ $outside{$1} }, $2 while $html =~ /<(?:button|input|select|textarea)\b(?=[^>]*\sform="([^"]+)")[^>]*\sname="([^"]+)"/g;
	while ($html =~ m{<form\b([^>]*)>(.*?)</form>}gs) {
		my ($head, $body) = ($1, $2);
		next if $head !~ /method="post"/;
		my ($action) = $head =~ /action="([^"]*)"/;
		my ($name) = $head =~ /\sid="([^"]+)"/;
		my @names = ($body =~ /<(?:button|input|select|textarea)\b[^>]*\sname="([^"]+)"/g, @{ $outside{ $name // '' } // [] });
		my $method = $action =~ s/\?_method=(\w+)$// ? $1 : undef;
		my $route = route_of($method // 'POST', $action);
		push @odd, "$path: no route for " . ($method // 'POST') . " $action" if !$route;
		next if !$route;
		$forms++;
		my %known = map { $_ => 1 } 'csrf', keys %{ $takes{$route} // {} }, @{ $of_page{$route} // [] };
		for (map { s/\[.*//r } @names) {
			$sent{$route}{$_} = 1;
			push @odd, "$path: $route does not know $_" if !$known{$_};
		}
	}
}
for my $route (grep { $_->{method} eq 'GET' && !$_->{api_only} && !$_->{raw} } @routes) {
	my $path = path_of($route->{pattern});
	my $r = $site->get($path);
	look($path, $r->{content}) if ($r->{headers}{'content-type'} // '') =~ /html/;
}
look($waiting, $site->get($waiting)->{content});
{
	local @$site{qw(cookies csrf)} = ({}, '');
	look($_, $site->get($_)->{content}) for qw(/sign-in /forgot);
}
cmp_ok($forms, '>', 60, "forms of pages: $forms");
is(join("\n", @odd), '', 'each sends only what its route knows');

# ---- what is described is known, and read by somebody ----
my %value = (integer => 1, number => 1, string => 'x', boolean => JSON::PP::true, object => {}, array => []);
my @unknown;
my $last = sub { $_[0] =~ m{^DELETE|/leave|/confirm|/owner|/cancel} ? 1 : 0 };
for my $route (sort { $last->($a) <=> $last->($b) || $a cmp $b } keys %takes) {
	my ($method, $pattern) = split ' ', $route;
	my $names = $takes{$route};
	if ($method eq 'GET') {
		next if !%$names;
		my $r = $site->api(GET => path_of($pattern) . '?' . join '&', map { "$_=" } sort keys %$names);
		push @unknown, "$route: $r->{status} $r->{content}" if $r->{status} != 200;
		next;
	}
	for my $name (sort keys %$names) {
		my $r = $site->api($method, path_of($pattern), { $name => $value{ $names->{$name}{type} // 'string' } });
		push @unknown, "$route: $name" if ($r->{json}{errors}{$name} // '') =~ /is not known/ || $r->{status} >= 500;
	}
}
is(join("\n", @unknown), '', 'every field that is described is taken');
my $code = join "\n", map { Source::text($_) } Source::files(qr{^src/(?:web|service)/(?!openapi|takes).*\.c$});
my %named = map { $_ => 1 } map({ keys %$_ } values %takes), map({ @$_ } values %of_page);
is(join(' ', grep { $code !~ /"$_"/ && $_ ne 'username' } sort keys %named), '', '... and each is read somewhere');	# username is for the browser's password store
# what no route takes is never there to be read, but in the addresses of pages and of mails
my %query = map { $_ => 1 } qw(asked error error_code link live part view List-Unsubscribe reason);
my %read = map { $_ => 1 } $code =~ /\bform_(?:text|line|body|int|bool|time|choice|ids|get|json|has|file)\((?:f|form|rq->form|rq->query), "([\w-]+)"/g;
cmp_ok(scalar keys %read, '>', 60, 'fields that are read are found');
is(join(' ', grep { !$named{$_} && !$query{$_} && $_ ne 'csrf' } sort keys %read), '', 'and each that is read is taken by some route');
done_testing;
