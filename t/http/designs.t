#!/usr/bin/perl
# Designs as people bring them leave byte for byte as they came, but for the addresses of
# links, the pixel, and what merge tags stand for.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use Site;
use Test::More;

my $site = Site->start;
my $brand = $site->api(POST => '/brands', { name => 'Acme', from_name => 'Acme',
	from_email => 'news@acme.example', postal_address => '1 Road', time_zone => 'UTC' })->{json}{id};
my $b = "/brands/$brand";
my $list = $site->api(POST => "$b/lists", { name => 'All' })->{json}{id};
$site->api(POST => "$b/subscribers", { email => 'ann@x.example', lists => [$list] });
my @designs = sort glob "$FindBin::Bin/designs/*.html";
cmp_ok(scalar @designs, '>=', 12, 'a dozen designs');

sub sent {
	my ($html, $track) = @_;
	my $bool = $track ? JSON::PP::true : JSON::PP::false;
	my $c = $site->api(POST => "$b/campaigns", { name => 'D', subject => 'S', html => $html,
		track_clicks => $bool, track_opens => $bool, lists => [$list] })->{json}{id};
	my $r = $site->api(POST => "$b/campaigns/$c/send", {});
	return diag explain $r->{json} if $r->{status} != 200;
	my $mail;
	$site->until_true(20, sub {
		($mail) = grep { $_->{campaign_id} == $c } @{ $site->api(GET => "$b/outbox")->{json}{items} };
		return $mail });
	return $site->api(GET => "$b/outbox/$mail->{id}")->{json}{html};
}

# The design with what its tags stand for.
sub filled {
	my ($html, $leave) = @_;
	$html =~ s/\{\{ unsubscribe_url \}\}/$leave/g;
	$html =~ s/\{\{ "\{\{" \}\}/{{/g;
	return $html;
}

for my $file (@designs) {
	my ($name) = $file =~ m{([^/]+)\.html$};
	open my $f, '<:encoding(UTF-8)', $file or die;
	my $html = do { local $/; <$f> };
	$html =~ s/\n/\r\n/g if $name =~ /crlf/;
	my $mail = sent($html, 0);
	my ($leave) = $mail =~ m{"(http[^"]*/u/[\w-]+)"};
	is($mail, filled($html, $leave), "$name: nothing is changed when nothing is counted");

	my $counted = sent($html, 1);
	($leave) = $counted =~ m{"(http[^"]*/u/[\w-]+)"};
	my $pixels = $counted =~ s{<img src="[^"]*/t/o/[\w-]+" width="1" height="1" alt="" style="[^"]*">}{}g;
	is($pixels, 1, "$name: one pixel");
	my $links = $counted =~ s{\Q$site->{url}\E/t/c/[\w-]+}{LINK}g;
	my $want = filled($html, $leave);
	my $count = $want =~ s{(<(?:a|area|v:\w+)\b[^>]*?\bhref\s*=\s*["']?)https?://tea[^"'\s>]*}{$1LINK}gi;
	is($counted, $want, "$name: only addresses of links are, when clicks are counted");
	is($links, $count, "$name: all of them");
}

done_testing;
