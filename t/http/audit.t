#!/usr/bin/perl
# The audit log: who did what, in words; page, API and file; what it never holds.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Site;
use Source;
binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

# ---- every action has its words ----
my %words = map { $_ => 1 } Source::text('src/service/audit_words.c') =~ /\{\s*"(\w+\.\w+)",\s*"/g;
cmp_ok(scalar keys %words, '>', 40, 'the table of words can be read');
my (%used, @wordless);
for my $file (grep { m{^src/(web|cmd)/} } Source::files(qr/\.c$/)) {
	my $text = Source::text($file);
	for my $call ($text =~ /\b(?:audit(?:_name|_in|_command)?|note)\(([^;]*);/g) {
		$used{$_} = $file for $call =~ /"([a-z_]+\.[a-z_]+)"/g;
	}
}
cmp_ok(scalar keys %used, '>', 35, 'the calls can be read');
@wordless = grep { !$words{$_} } sort keys %used;
is("@wordless", '', 'every action has its words');

my $site = Site->start;
$site->sign_in;
my $b = $site->api(POST => '/brands', { name => 'Nordlicht' })->{json}{id};
my $other = $site->api(POST => '/brands', { name => 'Other' })->{json}{id};

sub newest { return $site->api(GET => "/brands/$b/audit?limit=1")->{json}{items}[0] }

# ---- in words ----
$site->post("/brands/$b/lists", { name => 'News <b>' });
my $l = newest();
is($l->{words}, 'made the list “News <b>”', 'a change is told in words');
is($l->{actor}, 'Test Person', 'with the person');
is($l->{actor_email}, 'test@example.com', 'their address');
is($l->{ip}, '127.0.0.1', 'from where');
like($l->{agent}, qr/Firefox/, 'with what');
like($l->{at}, qr/^20\d\d-.*Z$/, 'when');
is($l->{action}, 'list.create', 'the action');
cmp_ok($l->{object_id}, '>', 0, 'the object');
is($l->{brand_id}, $b, 'and the brand');
$site->api(POST => "/brands/$b/lists", { name => 'From a program' }, key => $site->key(brand => $b));
$l = newest();
is($l->{actor}, 'Made by command', 'a key is named');
is($l->{user_id}, undef, 'no person');
cmp_ok($l->{key_id}, '>', 0, 'but the key');

# ---- a change that fails leaves no line, nor does a line without its change ----
my $before = newest()->{id};
is($site->post("/brands/$b/lists", { name => 'News <b>' })->{status}, 422, 'a name that is taken is refused');
is($site->post("/brands/$b/lists", { name => '' })->{status}, 422, 'so is none');
is(newest()->{id}, $before, 'and nothing is written down');

# ---- page ----
my $r = $site->get("/brands/$b/audit");
is($r->{status}, 200, 'the page is there');
utf8::decode($r->{content});
like($r->{content}, qr{made the list “News &lt;b&gt;”}, 'what was typed is escaped');
like($r->{content}, qr{>Test Person</strong>}, 'who');
like($r->{content}, qr{by API key}, 'or that it was a key');
unlike($r->{content}, qr{Nothing fits}, 'it is not empty');
like($site->get("/brands/$b/audit?person=nobody")->{content}, qr{Nothing fits}, 'a search that finds nothing says so');
like($site->get("/brands/$b/audit?from=soon")->{content}, qr{Write a day as}, 'a day that is none is told');

# ---- searching ----
sub found { my $r = $site->api(GET => "/brands/$b/audit?$_[0]"); return $r->{json}{items} ? scalar @{ $r->{json}{items} } : $r->{status} }
my $all = found('');
is(found('person=test+PERSON'), 1, 'by name');
is(found('person=test%40example'), 1, 'by address');
is(found('action=list'), 2, 'by kind');
is(found('action=list.create'), 2, 'by action');
is(found('object=news'), 1, 'by name of the object');
my ($list) = grep { $_->{object} eq 'From a program' } @{ $site->api(GET => "/brands/$b/audit")->{json}{items} };
is($site->api(GET => "/brands/$b/audit?action=list&object=$list->{object_id}")->{json}{items}[0]{id}, $list->{id}, 'by its number');
my @now = gmtime;
my $today = sprintf '%d-%02d-%02d', $now[5] + 1900, $now[4] + 1, $now[3];
is(found("from=$today&to=$today"), $all, 'of a day') if $now[2] != 23;
is(found('to=2020-01-01'), 0, 'of another day');
is(found('from=2020-01-01T00:00:00Z'), $all, 'since a moment');
is(found('from=soon'), 400, 'a moment that is none is refused');

# ---- cursor ----
my ($cursor, @seen) = ('');
for (1 .. 100) {
	my $p = $site->api(GET => "/brands/$b/audit?limit=2$cursor")->{json};
	push @seen, map { $_->{id} } @{ $p->{items} };
	last if !defined $p->{next_cursor};
	$cursor = "&cursor=$p->{next_cursor}";
}
is(scalar @seen, $all, 'page after page gives all');
is(join(' ', @seen), join(' ', reverse sort { $main::a <=> $main::b } @seen), 'the newest first, each once');

# ---- file ----
$site->api(POST => "/brands/$b/lists", { name => '=HYPERLINK("x")' });
$r = $site->get("/brands/$b/audit.csv?action=list");
is($r->{status}, 200, 'the file is there');
my $csv = $r->{content};
utf8::decode($csv);
like($csv, qr/^\x{FEFF}at,who,email,brand,what,action,object_id,object,detail,ip,agent\r\n/, 'with its head');
like($csv, qr/Nordlicht,"made the list “News <b>”",list.create,/, 'its lines');
like($csv, qr/,"?'=HYPERLINK/, 'and no formula');
unlike($csv, qr/brand.create/, 'only what was looked for');
is(newest()->{words}, 'exported the audit log', 'who took it stands there too');
is($site->get("/brands/$b/audit.csv?to=soon")->{status}, 400, 'a wrong filter is refused');

# ---- who may read it ----
is($site->api(GET => '/audit', undef, key => $site->key(brand => $b))->{status}, 403, 'the log of the server is not for a brand’s key');
my @brands = map { $_->{brand} } @{ $site->api(GET => '/audit?limit=200')->{json}{items} };
ok((grep { $_ eq 'Other' } @brands) && (grep { $_ eq 'Nordlicht' } @brands) && (grep { $_ eq '' } @brands),
	'it has every brand, and what belongs to none');
is((grep { $_->{brand_id} != $b } @{ $site->api(GET => "/brands/$b/audit?limit=200")->{json}{items} }), 0, 'that of a brand only its own');
like($site->get('/audit')->{content}, qr{signed in}, 'as a page too');
is($site->get('/audit.csv')->{status}, 200, 'and as a file');
is($site->api(GET => '/audit.csv')->{status}, 200, 'for programs as well');
is($site->api(GET => "/brands/$b/audit.csv", undef, key => $site->key(brand => $b, scopes => 'read'))->{status}, 200, 'with a key that reads');

# ---- signing out ----
$site->post('/sign-out', {});
is($site->api(GET => '/audit?limit=1')->{json}{items}[0]{words}, 'signed out', 'signing out is written down');
is(scalar(grep { $_->{event} eq 'audit.missing' } $site->events('web')), 0, 'no change went by unwritten');
done_testing;
