#!/usr/bin/perl
# The outbox: what a campaign sent, read as its recipient would.
use strict;
use warnings;
use utf8;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use Site;
use Test::More;

my $site = Site->start;
$site->sign_in;
my $r;
my ($brand, $other) = map { $site->api(POST => '/brands', { name => $_, from_name => 'Bär & Co',
	from_email => 'news@example.com', postal_address => 'Quay 1', time_zone => 'UTC' })->{json}{id} } qw(Acme Other);
my $box = "/brands/$brand/outbox";

like($site->get($box)->{content}, qr/No mail yet/, 'the outbox is empty at first');
is_deeply($site->api(GET => $box)->{json}, { items => [], next_cursor => undef }, '... by the API too');

my $list = $site->api(POST => "/brands/$brand/lists", { name => 'News' })->{json}{id};
$site->api(POST => "/brands/$brand/subscribers", { email => $_, first_name => 'Zoë', lists => [$list] })
	for qw(a@example.com b@example.com);
my $c = $site->api(POST => "/brands/$brand/campaigns", { name => 'Hello', subject => 'Grüße, {{ first_name }}',
	html => '<html><head><title>t</title></head><body><p>Für {{ first_name }}</p>'
	. '<a href="https://example.com/shop">Shop</a><script>alert(1)</script></body></html>',
	lists => [$list] })->{json}{id};
$site->api(POST => "/brands/$brand/campaigns/$c/send");
$site->until_true(20, sub { $site->cron('send'); $site->api(GET => "/brands/$brand/campaigns/$c")->{json}{status} eq 'completed' });
$site->api(POST => "/brands/$brand/campaigns/$c/test", { emails => 'boss@example.com' });

# ---- the list ----
$r = $site->api(GET => $box)->{json};
is(scalar @{ $r->{items} }, 3, 'two mails and a test are kept');
is($r->{items}[0]{to}, 'boss@example.com', '... newest first');
is(scalar @{ $site->api(GET => "$box?limit=1")->{json}{items} }, 1, '... in pages');
ok($site->api(GET => "$box?limit=1")->{json}{next_cursor}, '... by cursor');
is(scalar @{ $site->api(GET => "$box?q=b\@example")->{json}{items} }, 1, '... by address');
is(scalar @{ $site->api(GET => "$box?campaign=$c")->{json}{items} }, 3, '... by campaign');
is($site->get("$box?campaign=99")->{status}, 404, 'an unknown campaign is 404');
like($site->get($box)->{content}, qr/boss\@example\.com/, 'the page shows them');
is_deeply($site->api(GET => "/brands/$other/outbox")->{json}{items}, [], "another brand's outbox is its own");

# ---- a mail ----
my ($mail) = grep { $_->{to} eq 'a@example.com' } @{ $r->{items} };
my $one = "$box/$mail->{id}";
$r = $site->api(GET => $one)->{json};
is($r->{subject}, 'Grüße, Zoë', 'the subject is filled in');
like($r->{html}, qr{/t/c/}, 'its links are counted');
like($r->{html}, qr{/t/o/}, '... and it has its pixel');
like($r->{html}, qr{/u/}, '... and its unsubscribe link');
like($r->{text}, qr/Für Zoë/, 'there is a text');
my %header = map { $_->{name} => $_->{value} } @{ $r->{headers} };
like($header{'List-Unsubscribe'}, qr{^<http://127\.0\.0\.1:\d+/u/}, 'one click unsubscribes');
is($header{'List-Unsubscribe-Post'}, 'List-Unsubscribe=One-Click', '... by POST');
is($site->api(GET => "/brands/$other/outbox/$mail->{id}")->{status}, 404, "another brand's mail is 404");
is($site->api(GET => "$box/99999")->{status}, 404, 'an unknown mail is 404');
for my $view (qw(html text headers raw)) {
	is($site->get("$one?view=$view")->{status}, 200, "the page shows $view");
}
like($site->get($one)->{content}, qr{<iframe[^>]+sandbox="allow-popups allow-popups-to-escape-sandbox"[^>]+src="\Q$one\E/html"},
	'the HTML is in a sandboxed frame');
unlike($site->get($one)->{content}, qr/alert\(1\)/, '... and not in our page');
$r = $site->get("$one/html");
like($r->{content}, qr{<head><base target="_blank">}, 'its links open beside the frame');
like($r->{headers}{'content-security-policy'}, qr/^sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'/,
	'it has an origin of its own and runs no script');
isnt($r->{headers}{'x-frame-options'} // '', 'DENY', '... and may stand in our page');
is($site->get("/brands/$other/outbox/$mail->{id}/html")->{status}, 404, "another brand's is 404");

# ---- raw ----
$r = $site->get("$one/raw");
like($r->{headers}{'content-type'}, qr{^message/rfc822}, 'it can be taken as a file');
like($r->{headers}{'content-disposition'}, qr/attachment; filename=message-\d+\.eml/, '... with a name');
my ($head, $body) = split /\r\n\r\n/, $r->{content}, 2;
like($head, qr/^Subject: =\?/m, 'the subject is encoded');
unlike($head, qr/[^\x00-\x7f]/, 'the head is ASCII');
like($head, qr/^To: a\@example\.com\r?$/m, 'To is there');
like($head, qr/^From: .*<news\@example\.com>\r?$/m, 'From is there');
like($head, qr/^Date: \w{3}, \d{2} \w{3} \d{4}/m, 'Date is there');
like($head, qr/^Message-Id: </mi, 'Message-Id is there');
like($head, qr/^MIME-Version: 1\.0/mi, 'MIME-Version is there');
like($head, qr/^List-Unsubscribe-Post: List-Unsubscribe=One-Click/m, 'List-Unsubscribe-Post is there');
like($head, qr{^Content-Type: multipart/alternative}mi, 'it has two versions');
like($body, qr{Content-Type: text/plain; charset=utf-8}i, '... text');
like($body, qr{Content-Type: text/html; charset=utf-8}i, '... and HTML');
unlike($r->{content}, qr/(?<!\r)\n/, 'every line ends in CRLF');
ok(!(grep { length > 998 } split /\r\n/, $r->{content}), 'no line is longer than 998');

# ---- the newcomer's click ----
my ($click) = $site->api(GET => $one)->{json}{html} =~ m{href="([^"]*/t/c/[^"]*)"};
$r = $site->request(GET => $click, no_cookies => 1);
is($r->{status}, 302, 'a click leads on');
is($r->{headers}{location}, 'https://example.com/shop', '... to where the author wanted');
$site->until_true(10, sub { $site->cron('jobs'); $site->api(GET => "/brands/$brand/campaigns/$c")->{json}{stats}{clicked} });
is($site->api(GET => "/brands/$brand/campaigns/$c")->{json}{stats}{clicked}, 1, '... and is counted');

done_testing;
