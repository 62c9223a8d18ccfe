#!/usr/bin/perl
# The page of a campaign under way: it follows by itself, with and without JavaScript, and shows words and not code.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use POSIX qw(strftime);
use Test::More;
use Site;

my $site = Site->start;
$site->sign_in;
my $b = $site->api(POST => '/brands', { name => 'Nordlicht', from_name => 'Nord', from_email => 'n@nordlicht.example',
	postal_address => 'Hafen 1' })->{json}{id};
$site->api(PUT => "/brands/$b/provider", { kind => 'outbox', rate => 4 });
my $list = $site->api(POST => "/brands/$b/lists", { name => 'All' })->{json}{id};
$site->api(POST => "/brands/$b/subscribers", { email => "p$_\@nordlicht.example", lists => [$list] }) for 1 .. 30;
my $c = $site->api(POST => "/brands/$b/campaigns", { name => 'October', subject => 'For you, {{ first_name | default: "friend" }}',
	html => '<p>Hello</p>', lists => [$list] })->{json}{id};
my $path = "/brands/$b/campaigns/$c";
my $text = sub { my ($r) = @_; (my $t = $r->{content}) =~ s/<[^>]*>//g; return $t };

# ---- the subject as people read it ----
like($text->($site->get("$path/send")), qr/“For you, Alex” to All/, 'before sending the subject is read as by an example person');
my ($k) = grep { $_->{key} eq 'subject' } @{ $site->api(GET => "/brands/$b/campaigns/$c/checklist")->{json}{items} };
like($k->{title}, qr/^Subject: .For you, Alex.$/, 'in the checklist too');
$site->api(POST => "/brands/$b/campaigns/$c/schedule", { send_at => strftime('%Y-%m-%dT12:00:00Z', gmtime(time + 30 * 86400)) });
like($text->($site->get($path)), qr/Subject: “For you, Alex”, as an example person reads it/, 'and where it is scheduled');
$site->api(POST => "/brands/$b/campaigns/$c/cancel");

# ---- under way ----
is($site->api(POST => "/brands/$b/campaigns/$c/send")->{status}, 200, 'it is sent');
ok($site->until_true(20, sub { $site->api(GET => "/brands/$b/campaigns/$c")->{json}{counts}{accepted} > 2 }), 'and under way');
my $r = $site->get($path);
like($r->{content}, qr{<noscript><meta http-equiv="refresh" content="5"></noscript>}, 'without JavaScript the page comes again');
is($r->{headers}{refresh}, undef, 'with it, it is not loaded anew');
like($r->{content}, qr{hx-get="\Q$path\E\?live=sending"}, 'but asks, and says what it shows');
sub ask { return $site->get("$path?live=$_[0]", headers => { 'hx-request' => 'true' }) }
$r = ask('sending');
is($r->{headers}{'hx-refresh'}, undef, 'as long as that is so it gets the numbers');
like($text->($r), qr/30\s*Audience.*Rate, last minute\s*\d/s, 'with the rate') or diag $text->($r);
$site->api(POST => "/brands/$b/campaigns/$c/pause");
is(ask('sending')->{headers}{'hx-refresh'}, 'true', 'paused meanwhile: it loads itself once');
is(ask('paused')->{headers}{'hx-refresh'}, undef, 'then it asks as what it is');
unlike($site->get($path)->{content}, qr/http-equiv="refresh"/, 'paused, nothing comes again by itself');
$site->api(POST => "/brands/$b/campaigns/$c/resume");
ok($site->until_true(40, sub { $site->api(GET => "/brands/$b/campaigns/$c")->{json}{status} eq 'completed' }), 'it is completed');
is(ask('sending')->{headers}{'hx-refresh'}, 'true', 'and the page becomes the report');
like($text->($site->get($path)), qr/Subject: “For you, Alex”/, 'which has the subject in words');

done_testing;
