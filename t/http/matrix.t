#!/usr/bin/perl
# Who may do what: every route x everybody x own and another brand x page and API.  The table
# says what each route needs; a route that is not in it fails the test, and so does a line for
# a route that is not there.  What must come of each request follows from the table alone.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Site;
use Source;
use Test::More;

# Each route: the least role in its brand (or: public, person, member: a person in it, anyone who is known,
# installation: its administrators; cron: its secret) and the scope a key needs.
my %need = map { my ($r, $n) = /^(.*?): (.*)$/ or die $_; ($r => $n) } split /\n/, <<'TABLE';
GET /setup/{*}: public
POST /setup/{*}: public
GET /sign-in: public
POST /sign-in: public
POST /sign-out: anyone read
GET /invitations/{*}: public
POST /invitations/{*}: public
GET /auth/callback: public
GET /auth/{*}: public
GET /sign-in/code: public
POST /sign-in/code: public
GET /forgot: public
POST /forgot: public
GET /reset/{*}: public
POST /reset/{*}: public
GET /openapi.json: public
DELETE /account/link: person
GET /account/link: person
POST /account/link: person
GET /me: anyone read
PATCH /me: person
GET /account: person
PATCH /account: person
POST /account/password: person
GET /account/second-factor: person
POST /account/second-factor: person
DELETE /account/second-factor: person
POST /account/recovery-codes: person
GET /account/sessions: person
DELETE /account/sessions: person
DELETE /account/sessions/{}: person
GET /hosts: installation read
POST /hosts/confirm: installation write
GET /users: installation read
PATCH /users/{}: installation manage
POST /users/{}/reset-link: installation manage
DELETE /users/{}/second-factor: installation manage
GET /installation: installation read
PATCH /installation: installation write
POST /installation/test: installation write
GET /: anyone read
GET /audit: installation read
GET /audit.csv: installation read
GET /brands: anyone read
POST /brands: installation write
GET /brands/new: installation write
GET /brands/{}: viewer read
PATCH /brands/{}: admin write
GET /brands/{}/settings: admin write
GET /brands/{}/provider: viewer read
PUT /brands/{}/provider: admin write
POST /brands/{}/provider/check: admin write
POST /brands/{}/provider/topics: admin write
DELETE /brands/{}/provider/topics/{}: admin write
GET /brands/{}/members: admin read
POST /brands/{}/members: installation manage
PATCH /brands/{}/members/{}: admin manage
DELETE /brands/{}/members/{}: admin manage
GET /brands/{}/members/{}/owner: owner manage
POST /brands/{}/members/{}/owner: owner manage
GET /brands/{}/leave: member
POST /brands/{}/leave: member
GET /brands/{}/invitations: admin read
POST /brands/{}/invitations: admin manage
POST /brands/{}/invitations/{}/renew: admin manage
DELETE /brands/{}/invitations/{}: admin manage
GET /brands/{}/keys: admin read
POST /brands/{}/keys: admin manage
DELETE /brands/{}/keys/{}: admin manage
GET /brands/{}/audit: admin read
GET /brands/{}/audit.csv: admin read
GET /brands/{}/lists: viewer read
POST /brands/{}/lists: editor write
GET /brands/{}/lists/new: editor write
GET /brands/{}/lists/{}: viewer read
PATCH /brands/{}/lists/{}: editor write
DELETE /brands/{}/lists/{}: editor write
GET /brands/{}/lists/{}/edit: editor write
GET /brands/{}/lists/{}/delete: editor write
GET /brands/{}/fields: viewer read
POST /brands/{}/fields: editor write
GET /brands/{}/fields/new: editor write
GET /brands/{}/fields/{}: viewer read
PATCH /brands/{}/fields/{}: editor write
DELETE /brands/{}/fields/{}: editor write
GET /brands/{}/fields/{}/edit: editor write
GET /brands/{}/fields/{}/delete: editor write
GET /brands/{}/subscribers: viewer read
GET /brands/{}/subscribers.csv: viewer read
POST /brands/{}/subscribers: editor write
GET /brands/{}/subscribers/new: editor write
GET /brands/{}/subscribers/{}: viewer read
PATCH /brands/{}/subscribers/{}: editor write
DELETE /brands/{}/subscribers/{}: editor write
GET /brands/{}/subscribers/{}/edit: editor write
GET /brands/{}/subscribers/{}/delete: editor write
POST /brands/{}/subscribers/upsert: editor write
GET /brands/{}/suppressions: viewer read
GET /brands/{}/suppressions.csv: viewer read
POST /brands/{}/suppressions: editor write
GET /brands/{}/suppressions/new: editor write
DELETE /brands/{}/suppressions: admin write
GET /brands/{}/suppressions/lift: admin write
GET /brands/{}/imports: viewer read
POST /brands/{}/imports: editor write
GET /brands/{}/imports/new: editor write
GET /brands/{}/imports/{}: viewer read
POST /brands/{}/imports/{}/start: editor write
GET /brands/{}/imports/{}/cancel: editor write
POST /brands/{}/imports/{}/cancel: editor write
GET /brands/{}/imports/{}/refused.csv: viewer read
GET /brands/{}/imports/{}/notes.csv: viewer read
POST /brands/{}/imports/{}/read: editor write
GET /brands/{}/campaigns: viewer read
POST /brands/{}/campaigns: editor write
GET /brands/{}/campaigns/new: editor write
GET /brands/{}/campaigns/{}: viewer read
PATCH /brands/{}/campaigns/{}: editor write
DELETE /brands/{}/campaigns/{}: editor write
GET /brands/{}/campaigns/{}/delete: editor write
POST /brands/{}/campaigns/{}/duplicate: editor write
POST /brands/{}/campaigns/{}/follow: editor write
GET /brands/{}/campaigns/{}/audience: editor write
PUT /brands/{}/campaigns/{}/audience: editor write
GET /brands/{}/reach: viewer read
GET /brands/{}/campaigns/{}/content: editor write
GET /brands/{}/campaigns/{}/preview: viewer read
GET /brands/{}/campaigns/{}/checklist: viewer read
GET /brands/{}/campaigns/{}/test: editor write
POST /brands/{}/campaigns/{}/test: editor send
GET /brands/{}/campaigns/{}/send: editor write
POST /brands/{}/campaigns/{}/send: editor send
POST /brands/{}/campaigns/{}/schedule: editor send
POST /brands/{}/campaigns/{}/pause: editor send
POST /brands/{}/campaigns/{}/resume: editor send
GET /brands/{}/campaigns/{}/cancel: editor send
POST /brands/{}/campaigns/{}/cancel: editor send
GET /brands/{}/campaigns/{}/doubt: editor send
POST /brands/{}/campaigns/{}/doubt: editor send
GET /brands/{}/campaigns/{}/recipients: viewer read
GET /brands/{}/campaigns/{}/recipients.csv: viewer read
GET /brands/{}/outbox: viewer read
GET /brands/{}/outbox/{}: viewer read
GET /brands/{}/outbox/{}/html: viewer read
GET /brands/{}/outbox/{}/raw: viewer read
GET /brands/{}/campaigns/{}/report: viewer read
GET /t/o/{*}: public
GET /t/c/{*}: public
GET /u/{*}: public
POST /hooks/ses/{*}: public
POST /u/{*}: public
POST /cron/send: cron
POST /cron/jobs: cron
GET /healthz: public
GET /readyz: public
GET /metrics: public
TABLE

my @routes = Source::routes();
my %there = map { ("$_->{method} $_->{pattern}" => 1) } @routes;
is(join("\n", grep { !$need{$_} } sort keys %there), '', 'every route is in the table');
is(join("\n", grep { !$there{$_} } sort keys %need), '', 'and nothing else');

# ---- two brands with one of everything ----
my $site = Site->start;
$site->sign_in;
my %admin = (cookies => $site->{cookies}, csrf => $site->{csrf});
sub made {
	my ($path, $body, %o) = @_;
	my $r = $site->api(POST => $path, $body, %o);
	$r->{status} =~ /^20/ or BAIL_OUT("POST $path: $r->{status} $r->{content}");
	return $r->{json}{id};
}
my (%ids, @brands);
for my $name (qw(Own Other)) {
	my $b = made('/brands', { name => $name, from_name => $name, from_email => 'news@example.com',
		postal_address => 'Quay 1', time_zone => 'UTC' });
	my %id = (lists => made("/brands/$b/lists", { name => 'News' }),
		fields => made("/brands/$b/fields", { key => 'city', label => 'City' }),
		keys => made("/brands/$b/keys", { name => 'k', scopes => 'read' }),
		invitations => made("/brands/$b/invitations", { email => 'ina@example.com', role => 'viewer' }));
	$id{subscribers} = made("/brands/$b/subscribers", { email => 'ann@example.com', lists => [ $id{lists} ] });
	$id{campaigns} = made("/brands/$b/campaigns", { name => 'C', subject => 'S', html => '<p>x</p>', lists => [ $id{lists} ] });
	$id{topics} = $site->api(POST => "/brands/$b/provider/topics", { topic_arn =>
		"arn:aws:sns:eu-west-1:123456789012:$name" })->{json}{topics}[0]{id} or BAIL_OUT('no topic');
	my ($type, $upload) = Site::multipart(file => { name => 'a.csv', type => 'text/csv', data => "email\nx\@example.com\n" });
	$id{imports} = made("/brands/$b/imports", $upload, headers => { 'content-type' => $type });
	$site->api(POST => "/brands/$b/campaigns/$id{campaigns}/test", { emails => ['ann@example.com'] });
	$id{outbox} = $site->api(GET => "/brands/$b/outbox")->{json}{items}[0]{id} or BAIL_OUT('no mail');
	$ids{$b} = \%id;
	push @brands, $b;
}
my ($own, $other) = @brands;

# ---- everybody: each comes by invitation ----
my %rank = (viewer => 1, editor => 2, admin => 3, owner => 4);
sub person {
	my ($name, $brand, $role) = @_;
	my $url = $site->api(POST => "/brands/$brand/invitations", { email => "$name\@example.com", role => $role })->{json}{url};
	@$site{qw(cookies csrf)} = ({}, '');
	my $r = $site->request(POST => $url, headers => { 'content-type' => 'application/x-www-form-urlencoded' },
		content => Site::form([ name => $name, password => "a password of $name" ]));
	BAIL_OUT("$name does not get in: $r->{status} $r->{content}") if $r->{status} != 303;
	my ($id) = map { $_->{user_id} } grep { $_->{name} eq $name } @{ $site->api(GET => "/brands/$brand/members")->{json}{items} };
	$ids{$brand}{members} //= $id;
	return { name => $name, id => $id, cookies => $site->{cookies}, csrf => Site::csrf_of($site->get('/brands')), role => $role,
		brand => $brand };
}
my %who = (map { $_ => person($_, $own, $_) } qw(viewer editor admin owner));
$who{elsewhere} = person('elsewhere', $other, 'owner');
$who{homeless} = { %{ person('homeless', $other, 'viewer') }, brand => -1 };
$site->api(DELETE => "/brands/$other/members/$who{homeless}{id}");
$who{nobody} = { name => 'nobody', cookies => {}, csrf => '' };
$who{administrator} = { name => 'administrator', %admin, id => 1, role => 'owner', brand => 0 };
$site->api(POST => "/brands/$_/members", { email => 'test@example.com', role => 'owner' }) for @brands;
# Keys of these are made first and lose their user's rights then.
my %loses = map { $_ => person($_, $own, 'owner') } qw(lowered left disabled);

my %key = (
	(map { ($_ => { secret => $site->key(brand => $own, scopes => $_), scopes => $_, brand => $own }) } qw(read write send transactional manage)),
	whole => { secret => $site->key(brand => $own, scopes => 'read,write,send,transactional,manage'), scopes => 'read,write,send,transactional,manage', brand => $own },
	foreign => { secret => $site->key(brand => $other, scopes => 'read,write,send'), scopes => 'read,write,send', brand => $other },
	all_read => { secret => $site->key(scopes => 'read'), scopes => 'read', brand => 0 },
	all => { secret => $site->key(scopes => 'read,write,send,transactional,manage'), scopes => 'read,write,send,transactional,manage', brand => 0 },
	(map { ("of_$_" => { secret => $site->key(brand => $own, scopes => 'read,write,send,manage', user => "$_\@example.com"),
		scopes => 'read,write,send,manage', brand => $own, role => $_ }) } qw(viewer editor admin owner)),
	of_lowered => { secret => $site->key(brand => $own, scopes => 'read,write,send,manage', user => 'lowered@example.com'),
		scopes => 'read,write,send,manage', brand => $own, role => 'viewer' },
	all_of_owner => { secret => $site->key(scopes => 'read,write,send,manage', user => 'owner@example.com'),
		scopes => 'read,write,send,manage', brand => $own, role => 'owner', person => 1 },
	of_left => { secret => $site->key(brand => $own, scopes => 'read,write,send,manage', user => 'left@example.com'), wrong => 1 },
	of_disabled => { secret => $site->key(scopes => 'read,write,send,manage', user => 'disabled@example.com'), wrong => 1 },
	wrong => { secret => 'ml_' . 'x' x 43, wrong => 1 },
);

sub loses {
	my ($method, $path, $body) = @_;
	my $r = $site->api($method => $path, $body);
	$r->{status} =~ /^20/ or BAIL_OUT("$method $path: $r->{status} $r->{content}");
}
loses(PATCH => "/brands/$own/members/$loses{lowered}{id}", { role => 'viewer' });
loses(DELETE => "/brands/$own/members/$loses{left}{id}");
loses(PATCH => "/users/$loses{disabled}{id}", { disabled => JSON::PP::true });

# ---- what must come of it ----
# in: let in, whatever the handler says then; else the status.
sub expected {
	my ($need, $w, $brand) = @_;
	my ($who, $scope) = split / /, $need;
	return 'in' if $who eq 'public';
	return 401 if $w->{wrong} || !($w->{secret} || $w->{id});
	my $key = exists $w->{secret};
	return 403 if $who eq 'person' && $key;
	return 'in' if $who eq 'person';
	my $role = $w->{role} // 'owner';	# keys without a name here are the administrator's
	if ($brand) {
		return 404 if $w->{brand} != $brand && $w->{brand} != 0;
		return $key ? 403 : 'in' if $who eq 'member';
		return 403 if $who ne 'installation' && $rank{$role} < $rank{$who};
	}
	return 403 if $who eq 'installation' && $w->{brand} != 0;
	return 403 if $key && ($w->{scopes} !~ /\b$scope\b/ || $scope eq 'manage' && $role ne 'owner');
	return 'in';
}

# brand: the one somebody belongs to; 0: all; -1: none.

# Where it may be let in: an object that is not there, so that nothing happens.
sub path_of {
	my ($route, $brand, $beyond) = @_;
	my @part = split m{/}, $route->{pattern}, -1;
	for my $i (1 .. $#part) {
		$part[$i] = $part[ $i - 1 ] eq 'brands' ? $brand : $beyond ? 987_654_321 : $ids{$brand}{ $part[ $i - 1 ] } // 987_654_321
		    if $part[$i] eq '{}';
		$part[$i] = 'x' x 43 if $part[$i] eq '{*}';
	}
	return join '/', @part;
}

my (%asked, @bad, @own);
sub judge {
	my ($name, $route, $path, $expect, $r, $signed_out) = @_;
	my $object = $route->{pattern} =~ /\{\}.*\{\}|^\/(?!brands).*\{\}/
	    || $route->{pattern} eq '/account/link';	# there is no Supabase here
	my $got = $r->{status};
	my $out = $signed_out && $got == 303 && ($r->{headers}{location} // '') =~ m{^/sign-in};
	$asked{$name}++;
	push @own, "$name: $route->{method} $path: $got" if $got >= 500;
	$got = 401 if $out;
	# let in: whatever the handler says; an object that is not there it does not find
	my $good = $expect ne 'in' ? $got == $expect
	    : $got != 401 && $got != 403 && ($got != 404 || $object || $route->{pattern} =~ /\{\*\}/);
	# guessing words is limited in its own way
	$good = 1 if $expect eq 'in' && $need{"$route->{method} $route->{pattern}"} eq 'public' && $got == 429;
	push @bad, "$name: $route->{method} $path: $r->{status}, not $expect" if !$good;
}

# Ends what the next request needs: only asked of who is refused.
my %ends = map { $_ => 1 } 'POST /sign-out', 'POST /brands/{}/leave', 'DELETE /account/sessions', 'POST /installation/test', 'POST /hosts/confirm';

for my $route (grep { !$_->{raw} && $need{"$_->{method} $_->{pattern}"} } @routes) {
	my $id = "$route->{method} $route->{pattern}";
	my $branded = $route->{pattern} =~ m{^/brands/\{\}};
	next if $need{$id} eq 'public';
	for my $brand ($branded ? @brands : $own) {
		for my $name (sort keys %who) {
			my $w = $who{$name};
			my $expect = expected($need{$id}, $w, $branded && $brand);
			next if $expect eq 'in' && $ends{$id};
			my $path = path_of($route, $brand, $expect eq 'in');
			@$site{qw(cookies csrf)} = ({ %{ $w->{cookies} } }, $w->{csrf});
			if (!$route->{api_only}) {
				my $r = $route->{method} eq 'GET' ? $site->get($path)
				    : $site->post($path, [ $route->{method} eq 'POST' ? () : (_method => $route->{method}) ]);
				judge("$name, page", $route, $path, $expect, $r, 1);
			}
			# the API asks the same question: of some it is enough to see that
			if (!$route->{page_only} && ($route->{api_only} || $name =~ /^(viewer|owner|elsewhere|nobody)$/)) {
				my $r = $site->request($route->{method}, "/api/v1$path", headers => { 'x-csrf-token' => $w->{csrf},
					'content-type' => 'application/json' }, $route->{method} eq 'GET' ? () : (content => '{}'));
				judge("$name, API", $route, $path, $expect, $r);
			}
		}
		next if $route->{page_only};
		for my $name (sort keys %key) {
			my $expect = expected($need{$id}, $key{$name}, $branded && $brand);
			next if $expect eq 'in' && $ends{$id};
			my $path = path_of($route, $brand, $expect eq 'in');
			my $r = $site->api($route->{method}, $path, $route->{method} eq 'GET' ? undef : {}, key => $key{$name}{secret});
			$r->{status} = 401 if $key{$name}{wrong} && $r->{status} == 429;
			judge("key $name", $route, $path, $expect, $r);
		}
	}
}
cmp_ok($asked{$_} // 0, '>', 5, "$_: asked $asked{$_} times") for sort keys %asked;
is(join("\n", @bad), '', 'everybody may what the table says, and nothing else');
is(join("\n", @own), '', 'no answer was an error of ours');

# ---- those for everybody, and the trigger ----
for my $route (grep { ($need{"$_->{method} $_->{pattern}"} // '') =~ /^(public|cron)$/ } @routes) {
	@$site{qw(cookies csrf)} = ({}, '');
	my $path = path_of($route, $own, 1);
	my $r = $site->request($route->{method}, $path, $route->{method} eq 'GET' ? () :
		(headers => { 'content-type' => 'application/x-www-form-urlencoded' }, content => ''));
	my $want = $need{"$route->{method} $route->{pattern}"} eq 'cron' ? 404 : 'in';
	ok($want eq 'in' ? $r->{status} != 401 && $r->{status} != 403 && $r->{status} < 500 : $r->{status} == 404,
		"$route->{method} $path: $r->{status}");
}

# ---- a role is what it is now: the next request of the same session knows ----
@$site{qw(cookies csrf)} = ({ %{ $who{editor}{cookies} } }, $who{editor}{csrf});
is($site->get("/brands/$own/lists/new")->{status}, 200, 'an editor edits');
is($site->api(PATCH => "/brands/$own/members/$who{editor}{id}", { role => 'viewer' })->{status}, 200, 'is made viewer');
is($site->get("/brands/$own/lists/new")->{status}, 403, 'and edits no more');
is($site->api(DELETE => "/brands/$own/members/$who{editor}{id}")->{status}, 204, 'is removed');
is($site->get("/brands/$own/lists")->{status}, 404, 'and sees no more');
done_testing;
