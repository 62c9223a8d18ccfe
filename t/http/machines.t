#!/usr/bin/perl
# People and machines through the whole site: what scanners, telephones and proxies do to the
# report, the timeline of a person, and what the pages say of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Site;
use Test::More;

my $site = Site->start;
my $brand = $site->api(POST => '/brands', { name => 'Acme', from_name => 'Acme',
	from_email => 'news@acme.example', postal_address => '1 Road', time_zone => 'UTC' })->{json}{id};
my $b = "/brands/$brand";
my $list = $site->api(POST => "$b/lists", { name => 'All' })->{json}{id};
for my $n (1 .. 4) {
	$site->api(POST => "$b/subscribers", { email => "p$n\@x.example", lists => [$list] });
}
my $html = '<p>' . join(' ', map { qq{<a href="https://x.example/$_">Link $_</a>} } 1 .. 3)
	. ' <a href="{{ unsubscribe_url }}">Leave</a></p>';

sub send_campaign {
	my ($name, %more) = @_;
	my $c = $site->api(POST => "$b/campaigns", { name => $name, subject => 'S', html => $html,
		lists => [$list], %more })->{json}{id};
	$site->api(POST => "$b/campaigns/$c/send", {});
	ok($site->until_true(20, sub {
		$site->api(GET => "$b/campaigns/$c")->{json}{status} eq 'completed' }), "$name is sent");
	return $c;
}

# Addresses inside the mail of a campaign to one person.
sub addresses {
	my ($campaign, $to) = @_;
	my ($m) = grep { $_->{to} eq $to }
	    @{ $site->api(GET => "$b/outbox?campaign=$campaign")->{json}{items} };
	my $body = $site->api(GET => "$b/outbox/$m->{id}")->{json}{html};
	my ($pixel) = $body =~ m{(/t/o/[\w-]+)};
	my ($leave) = $body =~ m{(/u/[\w-]+)};
	return { pixel => $pixel, clicks => [ $body =~ m{(/t/c/[\w-]+)}g ], leave => $leave };
}

sub fetch {
	my ($path, $agent) = @_;
	return $site->{http}->request(GET => $site->{url} . $path,
		{ headers => { 'User-Agent' => $agent } });
}

sub stats_become {
	my ($campaign, $want, $name) = @_;
	my $got;
	ok($site->until_true(15, sub {
		$got = $site->api(GET => "$b/campaigns/$campaign/report")->{json}{stats};
		return !grep { $got->{$_} != $want->{$_} } keys %$want;
	}), $name) or diag explain $got;
}

sub check {
	my ($name) = @_;
	my ($status, $out) = $site->command([qw(check events --json)]);
	is($status, 0, "$name: check events is content");
	like($out, qr/^\{"events": \d+, "wrong": 0, "older": 0\}$/, '... and says so in JSON');
}

my $browser = 'Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 (KHTML, like Gecko) '
	. 'Chrome/57.0.2987.133 Safari/537.36';
my $cubot = 'Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, like Gecko) '
	. 'Chrome/120.0.0.0 Mobile Safari/537.36';
my $gmail = 'Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)';

my $c = send_campaign('News');

# ---- a gateway that poses as a browser ----
my $mail = addresses($c, 'p1@x.example');
fetch($_, $browser) for @{ $mail->{clicks} }[0 .. 2], $mail->{leave};
stats_become($c, { opened => 0, clicked => 0, clicks => 0, opens => 0, machine_clicked => 1,
	machine_clicks => 3 }, 'all links within a second are a machine\'s');

# ---- one click, no picture ----
fetch(addresses($c, 'p2@x.example')->{clicks}[0], $browser);
stats_become($c, { opened => 1, opens => 1, clicked => 1, clicks => 1 },
	'who clicks without the picture has opened, which is an open');

# ---- a telephone ----
$mail = addresses($c, 'p3@x.example');
fetch($mail->{pixel}, $cubot);
fetch($mail->{clicks}[1], $cubot);
stats_become($c, { opened => 2, opens => 2, clicked => 2, machine_opened => 0 }, 'a Cubot is a person');
my ($android) = grep { $_->{client} eq 'Android' }
    @{ $site->api(GET => "$b/campaigns/$c/report")->{json}{clients} };
is($android->{people}, 1, '... with Android');

# ---- Gmail at delivery ----
fetch(addresses($c, 'p4@x.example')->{pixel}, $gmail);
stats_become($c, { opened => 2, machine_opened => 1 }, 'Gmail\'s fetch at delivery is a machine\'s');
check('all of these');

# ---- the pages ----
$site->sign_in;
my ($p1) = grep { $_->{email} eq 'p1@x.example' } @{ $site->api(GET => "$b/subscribers")->{json}{items} };
my $page = $site->get("$b/subscribers/$p1->{id}")->{content};
like($page, qr/by a scanner: several links within a second/, 'the timeline says why');
my @rows = $page =~ m{(Clicked|Accepted)</span>}g;
is($rows[-1], 'Accepted', 'and is in the order of time: the mail came first');
$page = $site->get("$b/campaigns/$c")->{content};
like($page, qr/Who clicks has opened, even where no picture was loaded/, 'the report explains it');
unlike($page, qr/Sent [^(]*?(\d\d:\d\d) to \1/, 'and is not sent from a minute to the same minute');

# ---- what was not tracked ----
my $d = send_campaign('Quiet', track_opens => \0, track_clicks => \0);
$site->sql("INSERT INTO campaign_stats (campaign_id, unsubscribed, last_event_at) VALUES ($d, 1, 1)");
$page = $site->get("$b/campaigns")->{content};
my ($row) = $page =~ m{(<tr>(?:(?!</tr>).)*>Quiet<.*?</tr>)}s;
unlike($row, qr/(?:>|")0\.0%/, 'a rate of nothing is not shown');
is(() = $row =~ /not tracked/g, 2, 'but that neither was tracked');
$page = $site->get("$b")->{content};
($row) = $page =~ m{(<tr>(?:(?!</tr>).)*>Quiet<.*?</tr>)}s;
is(() = $row =~ /not tracked/g, 2, 'nor on the page of the brand');
$page = $site->get("$b/campaigns/$d")->{content};
unlike($page, qr/(?:>|label=")0\.0%/, 'nor in the report');
like($page, qr/Opens were not tracked; clicks were not tracked/, 'which says it');

# ---- cancelled ----
$site->sql("INSERT INTO campaigns (id, brand_id, name, status, audience, frozen_at, started_at, finished_at, created_at,"
	. " updated_at) VALUES (900, $brand, 'Stopped', 'cancelled', 6000, 1, 1, 2, 1, 1)");
$site->sql('INSERT INTO campaign_counts (campaign_id, state, n) VALUES (900, 4, 183), (900, 8, 5817)');
for my $where ("$b/campaigns", $b) {
	$page = $site->get($where)->{content};
	like($page, qr/Cancelled at 3\.\d%/, "$where: 183 of 6,000 is not 100%");
	unlike($page, qr/Cancelled at 100/, '... nowhere');
}

# ---- sent again ----
$site->sql("UPDATE campaigns SET resends = 3 WHERE id = $c");
$site->sql("INSERT INTO send_attempts (campaign_id, delivery_id, try, started_at, finished_at, outcome, resent_at, resent_by)"
	. " SELECT $c, min(id), $_, 1, 1, 7, 2, 'Ines' FROM campaign_subscribers WHERE campaign_id = $c") for 1 .. 3;
$page = $site->get("$b/campaigns/$c")->{content};
like($page, qr/One person was sent the mail again after no answer had come, 3 times in all/,
	'sent again are people, and how often');
like($page, qr/Somebody decided so/, 'and who decided it under a policy that holds');

# ---- judged again ----
my ($status, $out) = $site->command(['judge']);
is($status, 0, 'the history can be judged again');
like($out, qr/0 judgements changed/, 'which changes nothing under the same rules');
($status) = $site->command([qw(check events --campaign 99999)]);
is($status, 1, 'there is no such campaign to check');

done_testing;
