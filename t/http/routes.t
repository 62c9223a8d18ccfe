#!/usr/bin/perl
# Every route of web/routes.c, as page and as API: who may not come in, which methods there
# are, and that nothing a stranger or a colleague sends makes an error of ours.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use IO::Socket::INET;
use Site;
use Source;
use Test::More;

my @routes = Source::routes();
cmp_ok(scalar @routes, '>', 90, 'the table can be read');

my $site = Site->start;
$site->sign_in;
my %admin = (cookies => $site->{cookies}, csrf => $site->{csrf});
my (@own, @wrong);

# ---- one of everything, in a brand of its own; another brand with a person and a key ----
sub made {
	my ($path, $body, %o) = @_;
	my $r = $site->api(POST => $path, $body, %o);
	$r->{status} =~ /^20/ or BAIL_OUT("POST $path: $r->{status} $r->{content}");
	return $r->{json}{id};
}
my ($b, $other) = map { made('/brands', { name => $_, from_name => $_, from_email => 'news@example.com',
	postal_address => 'Quay 1', time_zone => 'UTC' }) } qw(Acme Other);
my %id = (lists => made("/brands/$b/lists", { name => 'News' }),
	fields => made("/brands/$b/fields", { key => 'city', label => 'City' }),
	keys => made("/brands/$b/keys", { name => 'k', scopes => 'read' }),
	invitations => made("/brands/$b/invitations", { email => 'ina@example.com', role => 'viewer' }));
made("/brands/$b/members", { email => 'test@example.com', role => 'owner' });
$id{subscribers} = made("/brands/$b/subscribers", { email => 'ann@example.com', lists => [ $id{lists} ] });
$id{campaigns} = made("/brands/$b/campaigns", { name => 'C', subject => 'S', html => '<p>x</p>', lists => [ $id{lists} ] });
$id{topics} = $site->api(POST => "/brands/$b/provider/topics", { topic_arn =>
	'arn:aws:sns:eu-west-1:123456789012:mail' })->{json}{topics}[0]{id} or BAIL_OUT('no topic');
my ($type, $upload) = Site::multipart(file => { name => 'a.csv', type => 'text/csv', data => "email\nx\@example.com\n" });
$id{imports} = made("/brands/$b/imports", $upload, headers => { 'content-type' => $type });
$site->api(POST => "/brands/$b/campaigns/$id{campaigns}/test", { emails => ['ann@example.com'] });
$id{outbox} = $site->api(GET => "/brands/$b/outbox")->{json}{items}[0]{id} or BAIL_OUT('no mail');

sub person {
	my ($name, $brand, $role) = @_;
	my ($status, $text) = $site->command([ 'user', 'create', '--password-stdin', '--email', "$name\@example.com" ],
		"a password of $name\n");
	BAIL_OUT($text) if $status;
	my $r = $site->api(POST => "/brands/$brand/members", { email => "$name\@example.com", role => $role });
	$id{members} //= $r->{json}{user_id};
	$site->{cookies} = {};
	$site->request(POST => '/sign-in', headers => { 'content-type' => 'application/x-www-form-urlencoded' },
		content => Site::form([ email => "$name\@example.com", password => "a password of $name" ]));
	return { cookies => $site->{cookies}, csrf => Site::csrf_of($site->get('/brands')) };
}
my ($made, $said) = $site->command([qw(user create --password-stdin --email bystander@example.com)], "a password of nobody\n");
($id{users}) = $said =~ /^(\d+)$/ or BAIL_OUT($said);
$id{sessions} = $site->request(GET => '/api/v1/account/sessions')->{json}{items}[0]{id} or BAIL_OUT('no session');
my $viewer = person('viewer', $b, 'viewer');
my $stranger = person('stranger', $other, 'owner');
my $key = $site->key;
my $key_other = $site->key(brand => $other);
my $key_read = $site->key(brand => $b, scopes => 'read');

# ---- asking ----
# The address of a route in a brand; ids of what is there, or one too many.
sub path_of {
	my ($route, $brand, $beyond) = @_;
	my @part = split m{/}, $route->{pattern}, -1;
	for my $i (1 .. $#part) {
		$part[$i] = $part[ $i - 1 ] eq 'brands' ? $brand : $beyond ? 987_654_321 : $id{ $part[ $i - 1 ] }
		    if $part[$i] eq '{}';
		$part[$i] = 'x' x 43 if $part[$i] eq '{*}';
	}
	return join '/', @part;
}

sub as_person {
	my ($who, $method, $path, %o) = @_;
	@$site{qw(cookies csrf)} = $who ? @$who{qw(cookies csrf)} : ({}, '');
	my $r = $method eq 'GET' || $method eq 'HEAD' || $o{bare}
	    ? $site->request($method, $path)
	    : $site->post($path, [ $method eq 'POST' ? () : (_method => $method), @{ $o{form} // [] } ], %o);
	push @own, "$method $path: $r->{status}" if $r->{status} >= 500;
	return $r;
}

sub as_program {
	my ($key, $method, $path) = @_;
	my $r = $site->api($method, $path, $method eq 'GET' || $method eq 'HEAD' ? undef : {}, key => $key);
	push @own, "$method /api/v1$path: $r->{status}" if $r->{status} >= 500;
	return $r;
}

# All routes are asked; what is not as it should be is named.
sub each_route {
	my ($name, $which, $ask) = @_;
	my ($n, @bad) = (0);
	for my $route (grep { $which->($_) } @routes) {
		my $bad = $ask->($route);
		$n++;
		push @bad, "$route->{method} $route->{pattern}: $bad" if $bad;
	}
	cmp_ok($n, '>', 0, "$name: routes to ask");
	is(join("\n", @bad), '', "$name ($n routes)");
}

my $page = sub { !$_[0]{api_only} && !$_[0]{raw} };
my $api = sub { !$_[0]{page_only} && !$_[0]{raw} };
my $closed = sub { $_[0]{access} ne 'ACCESS_PUBLIC' && $_[0]{access} ne 'ACCESS_CRON' };
my $branded = sub { $_[0]{pattern} =~ m{^/brands/\{\}} };
my $changes = sub { $_[0]{method} ne 'GET' };
sub all { my @f = @_; return sub { my ($r) = @_; return !grep { !$_->($r) } @f } }

# ---- without a session, without a key, without the secret ----
each_route('a page without a session leads to sign-in', all($page, $closed), sub {
	my $r = as_person(undef, $_[0]{method}, path_of($_[0], $b));
	return $r->{status} == 303 && $r->{headers}{location} =~ m{^/sign-in} ? '' : $r->{status};
});
each_route('the API without a key is 401', all($api, $closed), sub {
	my $r = as_program('', $_[0]{method}, path_of($_[0], $b));
	return $r->{status} == 401 && $r->{headers}{'content-type'} eq 'application/problem+json'
	    && $r->{json}{status} == 401 && length $r->{json}{detail} ? '' : $r->{status};
});
each_route('the trigger without its secret is 404', sub { $_[0]{access} eq 'ACCESS_CRON' }, sub {
	my $r = as_person(undef, $_[0]{method}, path_of($_[0], $b));
	return $r->{status} == 404 ? '' : $r->{status};
});

# ---- another brand, no brand ----
each_route("a person of another brand finds nothing", all($page, $branded), sub {
	my $r = as_person($stranger, $_[0]{method}, path_of($_[0], $b));
	return $r->{status} == 404 ? '' : $r->{status};
});
each_route("another brand's key finds nothing", all($api, $branded), sub {
	my $r = as_program($key_other, $_[0]{method}, path_of($_[0], $b));
	return $r->{status} == 404 ? '' : $r->{status};
});
each_route("what is in one brand is not in another", all($branded, sub { $_[0]{pattern} =~ /\{\}.*\{\}/ }), sub {
	my $r = $api->($_[0]) ? as_program($key, $_[0]{method}, path_of($_[0], $other))
	    : as_person(\%admin, $_[0]{method}, path_of($_[0], $other));
	return $r->{status} == 404 ? '' : $r->{status};
});
each_route('a brand that is not there is 404 as page', all($page, $branded), sub {
	my $r = as_person(\%admin, $_[0]{method}, path_of($_[0], 987_654_321));
	return $r->{status} == 404 && $r->{content} =~ /<html/ ? '' : $r->{status};
});
each_route('a brand that is not there is 404 in the API', all($api, $branded), sub {
	my $r = as_program($key, $_[0]{method}, path_of($_[0], 987_654_321));
	return $r->{status} == 404 && $r->{json}{type} eq 'not_found' ? '' : $r->{status};
});
each_route('an object that is not there is 404 as page', all($page, sub { $_[0]{pattern} =~ /\{\}.*\{\}/ }), sub {
	my $r = as_person(\%admin, $_[0]{method}, path_of($_[0], $b, 1));
	return $r->{status} == 404 ? '' : $r->{status};
});
each_route('an object that is not there is 404 in the API', all($api, sub { $_[0]{pattern} =~ /\{\}.*\{\}/ }), sub {
	my $r = as_program($key, $_[0]{method}, path_of($_[0], $b, 1));
	return $r->{status} == 404 ? '' : $r->{status};
});

# ---- who may look but not touch ----
my $above = sub { $_[0]{access} =~ /^(EDIT|SEND|MANAGE)_|INSTALLATION/ };
each_route('a viewer is refused what editors do', all($page, $above), sub {
	my $r = as_person($viewer, $_[0]{method}, path_of($_[0], $b));
	return $r->{status} == 403 ? '' : $r->{status};
});
each_route('a key that may read changes nothing', all($api, $above, $changes), sub {
	my $r = as_program($key_read, $_[0]{method}, path_of($_[0], $b));
	return $r->{status} == 403 ? '' : $r->{status};
});

# ---- forms without their token, or from elsewhere ----
# All that is stored, but what the passing of time changes.
sub stored {
	return '' if $ENV{MAILLAYER_DATABASE_URL};
	open my $q, '-|', 'sqlite3', '-cmd', '.timeout 5000', "$site->{state}/maillayer.db", '.dump' or die "sqlite3: $!";
	my $dump = join '', grep { !/^INSERT INTO "?(sessions|workers|hosts|spool_files|settings)\b/ } <$q>;
	close $q;
	return $dump;
}
$site->until_true(20, sub { $site->api(GET => "/brands/$b/imports/$id{imports}")->{json}{state} =~ /done|failed/ });
my $stored = stored();
each_route('a form without its token is 403', all($page, $closed, $changes), sub {
	my $r = as_person(\%admin, $_[0]{method}, path_of($_[0], $b), no_csrf => 1);
	return $r->{status} == 403 && $r->{content} =~ /reload the page/ ? '' : $r->{status};
});
each_route("a form with another person's token is 403", all($page, $closed, $changes), sub {
	my $r = as_person({ %admin, csrf => $stranger->{csrf} }, $_[0]{method}, path_of($_[0], $b));
	return $r->{status} == 403 ? '' : $r->{status};
});
each_route('a form of another site is 403', all($page, $changes), sub {
	my $r = as_person(\%admin, $_[0]{method}, path_of($_[0], $b), headers => { origin => 'https://evil.example' });
	return $r->{status} == 403 ? '' : $r->{status};
});
each_route('the API with a cookie wants the token too', all($api, $closed, $changes), sub {
	@$site{qw(cookies csrf)} = @admin{qw(cookies csrf)};
	my ($type, $body) = $_[0]{pattern} =~ m{/imports$} ? Site::multipart(name => 'x') : ('application/json', '{}');
	my $r = $site->request($_[0]{method}, '/api/v1' . path_of($_[0], $b), headers => { 'content-type' => $type }, content => $body);
	return $r->{status} == 403 ? '' : $r->{status};
});

each_route('a form the browser calls cross-site is 403', all($page, $changes), sub {
	my $r = as_person(\%admin, $_[0]{method}, path_of($_[0], $b), headers => { 'sec-fetch-site' => 'cross-site' });
	return $r->{status} == 403 ? '' : $r->{status};
});
# the same for every route, so one of these is enough for each
my @from = ([ 'sec-fetch-site' => 'same-site' ], [ origin => 'null' ], [ origin => 'https://127.0.0.1.evil.example' ],
	[ origin => 'http://127.0.0.1:1' ], [ origin => "$site->{url}.evil.example" ], [ origin => 'file://' ]);
my $turn = 0;
each_route('a form from elsewhere without the token is 403', all($page, $closed, $changes), sub {
	my $r = as_person(\%admin, $_[0]{method}, path_of($_[0], $b), no_csrf => 1, headers => { @{ $from[ $turn++ % @from ] } });
	return $r->{status} == 403 ? '' : $r->{status};
});
ok($ENV{MAILLAYER_DATABASE_URL} || $stored =~ /INSERT INTO campaigns/, '... what is stored can be read');
ok(stored() eq $stored, '... and none of them changed anything');

# ---- methods ----
for my $kind ([ page => $page, '' ], [ API => $api, '/api/v1' ], [ raw => sub { $_[0]{raw} }, '' ]) {
	my ($name, $of, $prefix) = @$kind;
	my %allowed;
	push @{ $allowed{ path_of($_, $b) } }, $_->{method} for grep { $of->($_) } @routes;
	# the same path may be offered as a raw one and as a page, never here
	for my $path (sort keys %allowed) {
		my %has = map { $_ => 1 } @{ $allowed{$path} };
		my @want = map { $_ eq 'GET' ? qw(GET HEAD) : $_ } grep { $has{$_} } qw(GET POST PUT PATCH DELETE);
		my @bad;
		for my $method (grep { !$has{$_} } qw(GET POST PUT PATCH DELETE BREW)) {
			my $r = $prefix ? as_program($key, $method, $path) : as_person(\%admin, $method, $path, bare => 1);
			my $allow = join ' ', sort split /, /, $r->{headers}{allow} // '';
			push @bad, "$method $r->{status} $allow" if $r->{status} != 405 || $allow ne join ' ', sort @want;
		}
		push @wrong, "$name $path: @bad" if @bad;
	}
}
is(join("\n", @wrong), '', 'a method a path does not know is 405, and Allow names those it knows');

# ---- GET and HEAD of everything that is there ----
sub raw_head {
	my ($path, @headers) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $site->{port}, Timeout => 10) or die;
	print $s join("\r\n", "HEAD $path HTTP/1.1", 'Host: localhost', 'Connection: close', @headers, '', '');
	local $/;
	my ($head, $body) = split /\r\n\r\n/, scalar <$s>, 2;
	return ($head =~ m{^HTTP/1.1 (\d+)}, $body);
}
my $cookie = 'Cookie: ' . join '; ', map { "$_=$admin{cookies}{$_}" } keys %{ $admin{cookies} };
my $get = sub { $_[0]{method} eq 'GET' };
each_route('HEAD answers what GET does, without a body', all($page, $get), sub {
	my $path = path_of($_[0], $b);
	my $r = as_person(\%admin, GET => $path);
	my ($status, $body) = raw_head($path, $cookie);
	return "GET $r->{status}" if $_[0]{access} ne 'ACCESS_PUBLIC' && $r->{status} !~ /^(200|303)$/;
	return $status == $r->{status} && $body eq '' ? '' : "$status, " . length($body) . ' bytes';
});
each_route('HEAD of the API too', all($api, $get, sub { $_[0]{access} ne 'ACCESS_PERSON' }), sub {
	my $path = path_of($_[0], $b);
	my $r = as_program($key, GET => $path);
	my ($status, $body) = raw_head("/api/v1$path", "Authorization: Bearer $key");
	return "GET $r->{status}" if $r->{status} != 200;
	return $status == $r->{status} && $body eq '' ? '' : "$status, " . length($body) . ' bytes';
});
each_route('HEAD of public addresses too', all($get, sub { $_[0]{raw} }), sub {
	my $r = as_person(undef, GET => path_of($_[0], $b));
	my ($status, $body) = raw_head(path_of($_[0], $b));
	return $status == $r->{status} && $body eq '' ? '' : "$status, " . length($body) . ' bytes';
});

# ---- what is there, sent nothing ----
each_route('an empty form is answered', all($page, $changes, sub { $_[0]{pattern} ne '/sign-out' }), sub {
	my $r = as_person(\%admin, $_[0]{method}, path_of($_[0], $b));
	return $r->{status} < 500 ? '' : $r->{status};
});
each_route('an empty object is answered', all($api, $changes), sub {
	my $r = as_program($key, $_[0]{method}, path_of($_[0], $b));
	return $r->{status} < 500 ? '' : $r->{status};
});
is(join("\n", @own), '', 'no answer was an error of ours');
my @faults = grep { ($_->{level} // '') =~ /error|fatal/ } map { $site->events($_) } qw(web track cron);
is(scalar @faults, 0, '... nor is one in the logs') or diag explain \@faults;
done_testing;
