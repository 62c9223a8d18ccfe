#!/usr/bin/perl
# Pixel, click and unsubscribe, through nginx; what they count; what they refuse.
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
	$site->api(POST => "$b/subscribers", { email => "p$n\@x.example", first_name => "P$n",
		lists => [$list] });
}
my $html = '<p>Hi {{ first_name }} <a href="https://one.example/a?b=1&amp;c=2">One</a> '
	. '<a href="https://two.example/?who={{ first_name }}">Two</a> '
	. '<a href="{{ unsubscribe_url }}">Leave</a></p>';
my $c = $site->api(POST => "$b/campaigns", { name => 'C', subject => 'S', html => $html,
	lists => [$list] })->{json}{id};
is($site->api(POST => "$b/campaigns/$c/send", {})->{status}, 200, 'sends');

sub report { return $site->api(GET => "$b/campaigns/$c/report")->{json} }
sub campaign { return $site->api(GET => "$b/campaigns/$c")->{json} }

ok($site->until_true(20, sub { campaign()->{status} eq 'completed' }), 'completes');
my $items = $site->api(GET => "$b/outbox")->{json}{items};
is(scalar @$items, 4, 'four mails are in the outbox');

# Addresses inside the mail to one person.
sub addresses {
	my ($to) = @_;
	my ($m) = grep { $_->{to} eq $to } @$items;
	my $body = $site->api(GET => "$b/outbox/$m->{id}")->{json}{html};
	my ($pixel) = $body =~ m{(/t/o/[\w-]+)};
	my @clicks = $body =~ m{(/t/c/[\w-]+)}g;
	my ($leave) = $body =~ m{(/u/[\w-]+)};
	return { pixel => $pixel, clicks => \@clicks, leave => $leave };
}

sub fetch {
	my ($method, $path, $agent, $body) = @_;
	my %h = ('User-Agent' => $agent // 'Mozilla/5.0 (X11; rv:128.0) Gecko Firefox/128.0');
	$h{'Content-Type'} = 'application/x-www-form-urlencoded' if defined $body;
	return $site->{http}->request($method, $site->{url} . $path,
		{ headers => \%h, defined $body ? (content => $body) : () });
}

sub stats_become {
	my ($want, $name) = @_;
	my $got;
	ok($site->until_true(15, sub {
		$got = report()->{stats};
		return !grep { $got->{$_} != $want->{$_} } keys %$want;
	}), $name) or diag explain $got;
}

my $one = addresses('p1@x.example');
my $two = addresses('p2@x.example');

my $r = fetch(GET => $one->{pixel});
is($r->{status}, 200, 'the pixel answers');
is($r->{headers}{'content-type'}, 'image/gif', 'with a picture');
like($r->{headers}{'cache-control'}, qr/no-store/, 'that is not to be kept');
fetch(HEAD => $two->{pixel});
stats_become({ opened => 1, opens => 1, machine_opened => 0 }, 'one open; HEAD counts nothing');
fetch(GET => $two->{pixel}, 'Mozilla/5.0');
stats_become({ opened => 1, machine_opened => 1 }, 'a privacy proxy is counted apart');

$r = fetch(GET => $one->{clicks}[0]);
is($r->{status}, 302, 'a click is sent on');
is($r->{headers}{location}, 'https://one.example/a?b=1&c=2', 'to the link as written');
$r = fetch(GET => $two->{clicks}[1]);
is($r->{headers}{location}, 'https://two.example/?who=P2', 'with merge tags filled in');
stats_become({ clicked => 2, clicks => 2, opened => 2, machine_opened => 0 },
	'clicks are counted, and prove the open');
my ($first) = grep { $_->{number} == 1 } @{ report()->{links} };
is($first->{people}, 1, 'per link too');

# ---- what is refused ----
my $forged = $one->{clicks}[0] =~ s/(.)$/$1 eq 'A' ? 'B' : 'A'/er;
is(fetch(GET => $forged)->{status}, 404, 'a forged click is 404');
is(fetch(GET => $one->{pixel} =~ s{/t/o/}{/t/c/}r)->{status}, 404, 'a pixel is no click');
is(fetch(GET => '/t/c/' . 'A' x 500)->{status}, 404, 'a long one is 404');
is(fetch(GET => '/t/c/https:%2F%2Fevil.example')->{status}, 404, 'an address is no token');
is(fetch(POST => $one->{pixel}, undef, '')->{status}, 405, 'the pixel takes no POST');

# ---- unsubscribing ----
my $three = addresses('p3@x.example');
my $four = addresses('p4@x.example');
for (1 .. 5) {
	fetch(GET => $three->{leave});
}
my $person = sub {
	my ($mail) = @_;
	my ($s) = grep { $_->{email} eq $mail }
	    @{ $site->api(GET => "$b/subscribers")->{json}{items} };
	return $s->{status};
};
is($person->('p3@x.example'), 'active', 'GET changes nothing');
$r = fetch(GET => $three->{leave});
like($r->{content}, qr/Unsubscribe from Acme\?/, 'the page asks');
unlike($r->{content}, qr/p3\@x/, 'and keeps the address half hidden');
$r = fetch(POST => $three->{leave}, undef, 'List-Unsubscribe=One-Click');
is($r->{status}, 200, 'one-click answers 200');
ok(!$r->{headers}{location}, 'without a redirect');
is($person->('p3@x.example'), 'unsubscribed', 'and the person has left');
is(fetch(POST => $three->{leave}, undef, 'List-Unsubscribe=One-Click')->{status}, 200,
	'twice is fine');
$r = fetch(POST => $four->{leave}, undef, 'action=leave&reason=Too+many+mails');
like($r->{content}, qr/You are unsubscribed/, 'the button works too');
is($person->('p4@x.example'), 'unsubscribed', 'at once');
stats_become({ unsubscribed => 2 }, 'both are counted');
$r = fetch(POST => $four->{leave}, undef, 'action=stay');
is($person->('p4@x.example'), 'active', 'and it can be taken back');
is(fetch(POST => $one->{pixel} =~ s{/t/o/}{/u/}r, undef, 'List-Unsubscribe=One-Click')->{status},
	404, 'a pixel does not unsubscribe');
my $again = $site->api(POST => "$b/campaigns", { name => 'D', subject => 'S', html => $html,
	lists => [$list] })->{json}{id};
$site->api(POST => "$b/campaigns/$again/send", {});
ok($site->until_true(20, sub {
	$site->api(GET => "$b/campaigns/$again")->{json}{status} eq 'completed' }), 'another campaign');
is($site->api(GET => "$b/campaigns/$again")->{json}{counts}{accepted}, 3, 'leaves out who left');


# ---- who is not there any more, and what the page says ----
my $id = sub {
	my ($mail) = @_;
	my ($s) = grep { $_->{email} eq $mail } @{ $site->api(GET => "$b/subscribers")->{json}{items} };
	return $s->{id};
};
sub page_says {
	my ($path, $words, $name) = @_;
	my $r = $site->get($path, headers => { accept => 'text/html' });
	like($r->{content}, $words, $name);
	unlike($r->{content}, qr/sign-in/i, '... and nothing of signing in');
	return $r;
}
# Mia was mailed; then the team deletes her and somebody else comes.
my $mia = addresses('p2@x.example');
$site->api(DELETE => "$b/subscribers/" . $id->('p2@x.example'));
$site->api(POST => "$b/subscribers", { email => 'other@x.example', lists => [$list] });
page_says($mia->{leave}, qr/is on no list at the moment/, 'a deleted person is told so');
is(fetch(POST => $mia->{leave}, undef, 'List-Unsubscribe=One-Click')->{status}, 200, 'unsubscribes all the same');
is($person->('other@x.example'), 'active', 'nobody else');
my $back = $site->api(POST => "$b/subscribers", { email => 'p2@x.example' });
like($back->{json}{errors}{email}, qr/unsubscribed on/, 'the address is suppressed');
page_says($mia->{leave}, qr/this link cannot bring you back/, 'and nobody is to be brought back');
fetch(POST => $mia->{leave}, undef, 'action=stay');
like($site->api(POST => "$b/subscribers", { email => 'p2@x.example' })->{json}{errors}{email}, qr/unsubscribed on/, 'not by a request either');

# Whoever holds the mail cannot undo what was done elsewhere.
$site->api(PATCH => "$b/subscribers/" . $id->('p1@x.example'), { status => 'unsubscribed' });
fetch(POST => $one->{leave}, undef, 'action=stay');
is($person->('p1@x.example'), 'unsubscribed', 'a link brings back only who left by it');

for (['bounced', qr/came back/], ['complained', qr/reported as spam/], ['manual', qr/has blocked/]) {
	my ($reason, $words) = @$_;
	$site->sql("UPDATE suppressions SET reason = '$reason' WHERE email_key = 'p1\@x.example'");
	page_says($one->{leave}, $words, "the page of one who is $reason says so");
}
$site->sql("DELETE FROM suppressions WHERE email_key = 'p1\@x.example'");
$site->sql("UPDATE subscribers SET status = 'unconfirmed' WHERE email_key = 'p1\@x.example'");
page_says($one->{leave}, qr/signed up but not confirmed/, 'and that of one who has not confirmed');

$r = page_says($one->{leave} =~ s/.{6}$//r, qr/This link is damaged/, 'a damaged link says so');
is($r->{status}, 404, 'with 404');
page_says($one->{clicks}[0] =~ s/.{6}$//r, qr/This link is damaged/, 'a damaged click too');
is(fetch(POST => $one->{leave} =~ s/.{6}$//r, undef, 'List-Unsubscribe=One-Click')->{status}, 404, 'a damaged one-click is refused');
$site->api(POST => "$b/campaigns/$c/test", { emails => ['me@x.example'] });
ok($site->until_true(10, sub {
	$items = $site->api(GET => "$b/outbox")->{json}{items};
	return grep { $_->{to} eq 'me@x.example' } @$items;
}), 'a test mail');
my $test = addresses('me@x.example');
page_says($test->{leave}, qr/This was a test mail/, 'its link says so');
is(fetch(POST => $test->{leave}, undef, 'List-Unsubscribe=One-Click')->{status}, 200, 'and does nothing');

done_testing;
