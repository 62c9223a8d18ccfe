#!/usr/bin/perl
# Campaigns as page and as API: draft, composer, checklist, sending, recipients.
use strict;
use warnings;
use utf8;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use Site;
use Test::More;

my $site = Site->start;
$site->sign_in;
my ($r, $c);

sub brand {
	my ($name) = @_;
	return $site->api(POST => '/brands', { name => $name, from_name => $name,
		from_email => 'news@example.com', postal_address => 'Quay 1, Holm',
		time_zone => 'Europe/Berlin' })->{json}{id};
}

my $brand = brand('Acme');
my $other = brand('Other');
my $list = $site->api(POST => "/brands/$brand/lists", { name => 'News' })->{json}{id};
my $staff = $site->api(POST => "/brands/$brand/lists", { name => 'Staff' })->{json}{id};
my $foreign = $site->api(POST => "/brands/$other/lists", { name => 'Foreign' })->{json}{id};
my $anna;
for my $who (qw(anna ben carl)) {
	$r = $site->api(POST => "/brands/$brand/subscribers", { email => "$who\@example.com",
		first_name => ucfirst $who, lists => [ $list, $who eq 'carl' ? $staff : () ] });
	is($r->{status}, 201, "$who is subscribed") or diag $r->{content};
	$anna //= $r->{json}{id};
}
my $api = "/brands/$brand/campaigns";

# ---- making ----
like($site->get($api)->{content}, qr/Write your first campaign/, 'the index is empty at first');
is($site->get("$api/new")->{status}, 200, 'the page for a new one is there');
$r = $site->api(POST => $api, {});
is($r->{status}, 422, 'a campaign wants a name');
ok($r->{json}{errors}{name}, '... with a sentence at the field');
$r = $site->post($api, { name => '' });
is($r->{status}, 422, '... the page too');
like($r->{content}, qr/Please fill this in/, '... in words');
$r = $site->api(POST => $api, { name => 'x', lists => [$foreign] });
is($r->{status}, 422, "another brand's list is refused");
$r = $site->api(POST => $api, { name => 'x', on_doubt => 'guess' });
is($r->{status}, 422, 'an unknown policy is refused');
$r = $site->api(POST => $api, { name => 'x', from_email => 'a@b@c' });
ok($r->{json}{errors}{from_email}, 'a sender that is no address is refused at its field');
$r = $site->api(POST => $api, { name => 'x' x 151 });
ok($r->{json}{errors}{name}, 'a name that is too long is refused');
$r = $site->api(POST => $api, { name => 'December', subject => 'Hello {{ first_name }}',
	html => '<p>Hi {{ first_name }}</p><a href="https://example.com/x">x</a>', lists => [$list] });
is($r->{status}, 201, 'a campaign is made');
$c = $r->{json};
is($c->{status}, 'draft', '... as a draft');
is($c->{from_email}, 'news@example.com', "... with the brand's sender");
is_deeply($c->{lists}, [$list], '... with its list');
is_deeply($c->{problems}, [], '... without problems');
is($c->{counts}{audience}, 0, '... with counts');
my $one = "$api/$c->{id}";
$r = $site->post($api, { name => 'By page' });
is($r->{status}, 303, 'the page makes one too');
like($r->{headers}{location}, qr{^$api/\d+/audience$}, '... and goes on to the audience');
my ($two) = $r->{headers}{location} =~ m{^(.*)/audience};
is($site->api(GET => "/brands/$other/campaigns/$c->{id}")->{status}, 404, "another brand's is 404");
is($site->get("/brands/$other/campaigns/$c->{id}/content")->{status}, 404, '... as a page too');

# ---- the index ----
$r = $site->get("$api?tab=drafts");
like($r->{content}, qr/December/, 'the index shows drafts');
unlike($site->get("$api?q=nowhere")->{content}, qr/December/, '... and searches');
$r = $site->api(GET => "$api?limit=1");
is(scalar @{ $r->{json}{items} }, 1, 'the API pages');
$r = $site->api(GET => "$api?limit=1&cursor=$r->{json}{next_cursor}");
is($r->{json}{items}[0]{id}, $c->{id}, '... by cursor');
is($r->{json}{next_cursor}, undef, '... to the end');
is(scalar @{ $site->api(GET => "$api?status=sending")->{json}{items} }, 0, '... and filters by status');

# ---- audience ----
$r = $site->get("$two/audience");
like($r->{content}, qr/name="lists" value="$list"/, 'lists can be chosen');
$r = $site->get("/brands/$brand/reach?lists=$list&exclude_lists=$staff");
like($r->{content}, qr/>2 <small>people/, 'a choice is counted before it is saved');
is($site->api(GET => "/brands/$brand/reach?lists=$list")->{json}{reach}, 3, '... by the API too');
is($site->api(GET => "/brands/$other/reach?lists=$list")->{json}{reach}, 0, "... never another brand's");
$r = $site->post("$two/audience", [ _method => 'PUT', version => 1, lists => '', lists => $list,
	exclude_lists => '', exclude_lists => $staff ]);
is($r->{status}, 303, 'a choice is saved');
is_deeply($site->api(GET => $two)->{json}{exclude_lists}, [$staff], '... with those left out');
$r = $site->post("$two/audience", [ _method => 'PUT', lists => $list, exclude_lists => $list ]);
is($r->{status}, 422, 'a list on both sides is refused');
like($r->{content}, qr/Choose one of the two/, '... in words');

# ---- content ----
$r = $site->get("$one/content");
is($r->{status}, 200, 'the composer is there');
like($r->{content}, qr/<textarea[^>]+name="html"/, '... a form without JavaScript');
like($r->{content}, qr/data-insert='\{\{ first_name/, '... with merge tags');
like($r->{content}, qr{<iframe[^>]+sandbox="allow-popups allow-popups-to-escape-sandbox"}, '... and a sandboxed preview');
$r = $site->api(PATCH => $one, { html => "<p>one</p>\n<p>{{ first_name </p>" });
is($r->{status}, 200, 'a template with an error is kept');
is($r->{json}{html}, "<p>one</p>\n<p>{{ first_name </p>", '... as it is');
is($r->{json}{problems}[0]{level}, 'block', '... and the problem named');
is($r->{json}{problems}[0]{line}, 2, '... with its line');
cmp_ok($r->{json}{problems}[0]{column}, '>', 0, '... and column');
$r = $site->get("$one/content");
like($r->{content}, qr/HTML, line 2, column \d+:/, '... on the page too');
like($site->get("$one/preview")->{content}, qr/cannot be shown yet.*line 2/s, '... and in place of the preview');
$r = $site->api(POST => "$one/send", {});
is($r->{status}, 422, '... and it cannot be sent');
is($site->api(GET => $one)->{json}{status}, 'draft', '... nor is it');
$r = $site->api(PATCH => $one, { html => '<p>{{ first_nam }}</p>' });
like($r->{json}{problems}[0]{title}, qr/first_nam.*first_name/, 'an unknown field is named with the one meant');
is($r->{json}{problems}[0]{level}, 'note', '... and does not block');
my $version = $r->{json}{version};
$r = $site->post($one, { _method => 'PATCH', version => $version, subject => 'New hours',
	html => "<h1>Hi {{ first_name }}</h1><a href=\"https://example.com/x\">x</a>" });
is($r->{status}, 303, 'the page saves');
is($site->api(GET => $one)->{json}{subject}, 'New hours', '... what was written');
$r = $site->post($one, { _method => 'PATCH', version => $version, subject => 'Typed by another' });
is($r->{status}, 409, 'a second editor with an old version is refused');
like($r->{content}, qr/Somebody else saved/, '... in words');
like($r->{content}, qr/value="Typed by another"/, '... and what was typed is kept');
$r = $site->api(PATCH => $one, { version => $version, subject => 'x' });
is($r->{status}, 409, '... by the API too');
like($r->{json}{detail}, qr/Somebody else saved/, '... in words');
is($site->api(GET => $one)->{json}{subject}, 'New hours', 'the first save stands');
$version = $site->api(GET => $one)->{json}{version};
$r = $site->post($one, { _method => 'PATCH', version => $version, subject => 'By itself' },
	headers => { 'hx-request' => 'true' });
is($r->{status}, 200, 'saving by itself answers a part of the page');
like($r->{content}, qr/id="saved".*value="@{[ $version + 1 ]}"/s, '... with the new version');
unlike($r->{content}, qr/<html/, '... not the whole');
$r = $site->post($one, { _method => 'PATCH', version => $version, subject => 'Late' },
	headers => { 'hx-request' => 'true' });
like($r->{content}, qr/Not saved: Somebody else/, '... and tells of a conflict');
like($r->{content}, qr/value="$version"/, '... without taking over the other version');
$r = $site->post($one, { _method => 'PATCH', subject => "two\nlines" });
is($r->{status}, 422, 'a line break in the subject is refused');
is($site->post($one, { _method => 'PATCH', subject => 'x' }, no_csrf => 1)->{status}, 403,
	'a form without its token is refused');

# ---- preview ----
$r = $site->get("$one/preview?subscriber=$anna&part=html");
is($r->{status}, 200, 'the preview is a page of its own');
like($r->{content}, qr/Hi Anna/, '... filled in for that person');
like($r->{content}, qr/<base target="_blank">/, '... its links open beside it');
like($r->{headers}{'content-security-policy'}, qr/^sandbox .*default-src 'none'/, '... with an opaque origin');
unlike($r->{headers}{'content-security-policy'}, qr/script-src|allow-scripts|allow-same-origin/, '... and no script');
$r = $site->get("$one/preview?part=text");
like($r->{headers}{'content-type'}, qr{^text/plain}, 'the text version can be looked at');
like($r->{content}, qr/Hi Alex/, '... for an example');
is($site->get("$one/preview?subscriber=99999")->{status}, 404, 'an unknown person is 404');
$site->api(PATCH => $one, { html => '<script>alert(1)</script><p>x</p>' });
$r = $site->get("$one/preview");
unlike($r->{headers}{'content-security-policy'}, qr/unsafe-inline'[^;]*;?\s*script/, 'a script of the author cannot run');
$site->api(PATCH => $one, { html => '<p>Hi {{ first_name }}</p><a href="https://example.com/x">x</a>' });

# ---- checklist ----
$r = $site->api(GET => "$one/checklist");
ok($r->{json}{ready}, 'the checklist says ready');
is($r->{json}{reach}, 3, '... for three');
is($site->get("$one/checklist")->{status}, 200, '... as a page');
my $empty = $site->api(POST => $api, { name => 'Empty' })->{json}{id};
$r = $site->api(GET => "$api/$empty/checklist");
ok(!$r->{json}{ready}, 'an empty draft is not ready');
is_deeply([ sort map { $_->{key} } grep { $_->{level} eq 'block' } @{ $r->{json}{items} } ],
	[qw(html lists subject)], '... for want of subject, content and lists');
like($site->get("$api/$empty/checklist")->{content}, qr/things must be mended/, '... in words');
$r = $site->api(POST => "$api/$empty/send", {});
is($r->{status}, 422, 'it cannot be sent');
ok($r->{json}{errors}{subject} && $r->{json}{errors}{lists}, '... with a sentence for each');
$r = $site->post("$api/$empty/send", {});
is($r->{status}, 422, '... by the page neither');
like($r->{content}, qr/The subject is empty/, '... in words');
$site->api(PATCH => "$api/$empty", { subject => 'S', html => '<p>x</p>', lists => [$staff], exclude_lists => [$list] });
$r = $site->api(POST => "$api/$empty/send", {});
is($r->{status}, 422, 'an audience of nobody cannot be sent to');
like($r->{json}{errors}{lists}, qr/Nobody/, '... in words');

# ---- test send ----
is($site->get("$one/test")->{status}, 200, 'the page of a test is there');
$r = $site->api(POST => "$one/test", { emails => ['boss@example.com'] });
is($r->{status}, 200, 'a test is sent') or diag $r->{content};
is($r->{json}{sent}, 1, '... to one');
$r = $site->api(POST => "$one/test", { emails => [ map { "a$_\@example.com" } 1 .. 6 ] });
is($r->{status}, 422, 'six addresses are too many');
$r = $site->api(POST => "$one/test", { emails => 'nobody' });
like($r->{json}{errors}{emails}, qr/nobody/, 'a bad address is named');
$r = $site->post("$one/test", { emails => '' });
is($r->{status}, 422, 'no address at all is refused');
$r = $site->api(GET => "/brands/$brand/outbox");
is($r->{json}{items}[0]{kind}, 'test', 'the test is in the outbox');
like($r->{json}{items}[0]{subject}, qr/^\[Test\] By itself/, '... marked');

# ---- schedule ----
$r = $site->api(POST => "$one/schedule", { send_at => '2020-01-01T00:00:00Z' });
like($r->{json}{errors}{send_at}, qr/future/, 'a time in the past is refused');
$r = $site->api(POST => "$one/schedule", {});
ok($r->{json}{errors}{send_at}, '... none too');
$r = $site->post("$one/schedule", { send_at => 'tomorrow' });
is($r->{status}, 422, '... and one that is none');
$r = $site->api(POST => "$one/schedule", { send_at => '2028-01-01T09:00', zone => 'Mars/Base' });
ok($r->{json}{errors}{zone}, '... and a zone that is none');
$r = $site->post("$one/schedule", { send_at => '2027-07-01T09:00', zone => 'Europe/Berlin' });
is($r->{status}, 303, 'a time in a zone is taken');
$r = $site->api(GET => $one)->{json};
is($r->{status}, 'scheduled', '... it is scheduled');
is($r->{send_at}, '2027-07-01T07:00:00Z', '... for that moment');
is($r->{send_zone}, 'Europe/Berlin', '... in that zone');
like($site->get($one)->{content}, qr/Thursday\s+1 July, 09:00/, '... and shown so');
is($site->api(PATCH => $one, { subject => 'x' })->{status}, 409, 'it cannot be changed then');
is($site->api(DELETE => $one)->{status}, 409, '... nor deleted');
is($site->api(POST => "$one/pause")->{status}, 409, '... nor paused');
like($site->get("$one/cancel")->{content}, qr/Unschedule/, 'the page to unschedule asks');
is($site->api(POST => "$one/cancel")->{json}{status}, 'draft', 'it can be unscheduled');

# ---- sending ----
like($site->get("$one/send")->{content}, qr/Send to 3 people/, 'the button names what it does');
$r = $site->post("$one/send", {});
is($r->{status}, 303, 'it is sent');
my $again = $site->post("$one/send", {});
is($again->{status}, 303, 'a second click leads to the same page');
is($again->{headers}{location}, $r->{headers}{location}, '... the same');
$r = $site->api(POST => "$one/send", {});
is($r->{status}, 409, '... and is 409 for the API');
like($r->{json}{detail}, qr/sent already/, '... in words');
$r = $site->api(POST => "$one/pause");
if ($r->{status} == 200) {
	is($r->{json}{status}, 'paused', 'it can be paused');
	like($site->get($one)->{content}, qr/Paused/, '... and shown so');
	is($site->api(POST => "$one/resume")->{json}{status}, 'sending', '... and resumed');
} else {
	pass('it was quicker than the pause') for 1 .. 3;
}
$site->until_true(20, sub { $site->cron('send'); $site->api(GET => $one)->{json}{status} eq 'completed' });
$r = $site->api(GET => $one)->{json};
is($r->{status}, 'completed', 'it is completed');
is($r->{counts}{accepted}, 3, 'all three were accepted');
is($r->{counts}{audience}, 3, '... the sum is the audience');
is(scalar(grep { $_->{kind} eq 'campaign' } @{ $site->api(GET => "/brands/$brand/outbox")->{json}{items} }), 3,
	'three mails, in spite of the second click');
like($site->get($one)->{content}, qr/Every recipient, accounted for/, 'its page is the report');
ok($r->{adds_up}, 'the sum is checked');
like($site->get($one)->{content}, qr/Adds up/, '... and the page says so');
my ($status, $text) = $site->command([qw(check ledger --campaign), $c->{id}]);
is($status, 0, 'the checker finds nothing') or diag $text;
like($text, qr/1 campaigns with 3 recipients.*everything adds up/, '... and says what it looked at');
is(($site->command([qw(check ledger --campaign 99999)]))[0], 1, 'a campaign that is not there is an error');
is(($site->command([qw(check)]))[0], 2, '... and so is nothing to check');
is($site->api(POST => "$one/cancel")->{status}, 409, 'it cannot be cancelled any more');
is($site->get("$one/content")->{headers}{location}, $one, 'the editor leads to the report');

# ---- recipients ----
$r = $site->api(GET => "$one/recipients?limit=2");
is(scalar @{ $r->{json}{items} }, 2, 'recipients come in pages');
$r = $site->api(GET => "$one/recipients?limit=2&cursor=$r->{json}{next_cursor}");
is(scalar @{ $r->{json}{items} }, 1, '... to the end');
is($r->{json}{next_cursor}, undef, '... which is known');
is(scalar @{ $site->api(GET => "$one/recipients?state=rejected")->{json}{items} }, 0, '... by state');
is($site->api(GET => "$one/recipients?state=lost")->{status}, 400, 'an unknown state is refused');
is($site->api(GET => "$one/recipients?q=ben")->{json}{items}[0]{email}, 'ben@example.com', '... by address');
$r = $site->get("$one/recipients?state=accepted");
like($r->{content}, qr/anna\@example\.com/, '... as a page');
is($site->api(GET => "/brands/$other/campaigns/$c->{id}/recipients")->{status}, 404, "another brand's are 404");
$r = $site->get("$one/recipients.csv");
like($r->{headers}{'content-type'}, qr{^text/csv}, 'the ledger can be exported');
is(scalar(my @lines = split /\r\n/, $r->{content}), 4, '... every row');
is($site->get("/brands/$other/campaigns/$c->{id}/recipients.csv")->{status}, 404, "... never another brand's");

# ---- the rest ----
$r = $site->api(POST => "$one/duplicate", {});
is($r->{status}, 201, 'it can be duplicated');
is($r->{json}{name}, 'December (copy)', '... which the name says');
is($r->{json}{status}, 'draft', '... as a draft');
my $copy = "$api/$r->{json}{id}";
like($site->get("$copy/delete")->{content}, qr/Delete the draft/, 'deleting asks');
is($site->post($copy, { _method => 'DELETE' })->{status}, 303, 'a draft can be deleted');
is($site->api(GET => $copy)->{status}, 404, '... and is gone');
is($site->api(DELETE => $one)->{status}, 409, 'what was sent cannot be deleted');
my $read = $site->key(scopes => 'read');
is($site->api(GET => $one, undef, key => $read)->{status}, 200, 'a key that may read reads');
is($site->api(PATCH => $two, { subject => 'x' }, key => $read)->{status}, 403, '... and does not write');
my $write = $site->key(scopes => 'read,write');
is($site->api(POST => "$two/send", {}, key => $write)->{status}, 403, 'a key that may write does not send');
is($site->api(GET => "$api/99999")->{status}, 404, 'an unknown campaign is 404');

# ---- a sender that cannot be ----
my $ses = brand('Ses');
my $l = $site->api(POST => "/brands/$ses/lists", { name => 'L' })->{json}{id};
$site->api(POST => "/brands/$ses/subscribers", { email => 'a@example.com', lists => [$l] });
$r = $site->api(POST => "/brands/$ses/campaigns", { name => 'x', subject => 's', html => '<p>x</p>', lists => [$l] });
my $k = "/brands/$ses/campaigns/$r->{json}{id}";
my $pid = open(my $fake, '-|', 'node', "$Site::top/t/fake/ses.mjs", '--identities=-example.com,good.example') or die;
my ($port) = (<$fake> // '') =~ /port (\d+)/;
my $provider = { kind => 'ses', region => 'eu-central-1', endpoint => "http://127.0.0.1:$port",
	access_key_id => 'AKIDEXAMPLE', secret_access_key => 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
is($site->api(PUT => "/brands/$ses/provider", $provider)->{status}, 200, 'a brand is connected to SES');
$r = $site->api(POST => "$k/send", {});
is($r->{status}, 422, 'a sender that is not verified cannot send') or diag $r->{content};
like($r->{json}{errors}{sender}, qr/not verified by Amazon/, '... in words');
is($site->api(GET => $k)->{json}{status}, 'draft', '... and nothing begins');
$r = $site->post("$k/schedule", { send_at => '2027-07-01T09:00' });
is($r->{status}, 422, '... nor can it be scheduled');
is($site->api(PATCH => $k, { from_email => 'news@good.example' })->{status}, 200, 'another sender is set');
$r = $site->api(POST => "$k/send", {});
is($r->{status}, 200, '... whose domain is verified: it is sent') or diag $r->{content};
$site->until_true(20, sub { $site->cron('send'); $site->api(GET => $k)->{json}{status} eq 'completed' });
is($site->api(GET => $k)->{json}{counts}{accepted}, 1, '... to the one');
kill 'TERM', $pid;
close $fake;

done_testing;
