#!/usr/bin/perl
# The disk of a whole site is full, in the middle of a campaign: no new intent, reading goes on,
# writing is 507 or 503 and does nothing by halves; when there is room it goes on by itself.
# t/fault/long: sqlite only, whose disk it is.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp qw(tempdir);
use Sending;
use Test::More;
use Time::HiRes qw(sleep);

plan skip_all => 'only root can mount a disk of its own' if $> != 0;
my $dir = tempdir('maillayer-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $owner = $$;
system('mount', '-t', 'tmpfs', '-o', 'size=32m,mode=0700', 'none', $dir) == 0
    or plan skip_all => 'no disk can be mounted here';
END { local $?; if ($dir && $owner == $$) { undef our $s; system 'umount', '-l', $dir } }

mkdir "$dir/state" or die "state: $!";
our $s = Sending->start(people => 2000, rate => 500, site => { state => "$dir/state" });
my $site = $s->{site};
$site->sign_in;

# Every block that is left.
sub fill {
	open my $f, '>>', "$dir/ballast" or die "ballast: $!";
	my $block = "\0" x 65536;
	for my $size (65536, 4096) {
		1 while (syswrite($f, $block, $size) // 0) == $size;
	}
	close $f;
}

# a mail with a pixel and a link, of a brand whose mail stays here
my $b = '/brands/' . $site->api(POST => '/brands', { name => 'Here', from_name => 'H', from_email => 'h@here.example',
	postal_address => 'Road 1', time_zone => 'UTC' })->{json}{id};
my $list = $site->api(POST => "$b/lists", { name => 'One' })->{json}{id};
$site->api(POST => "$b/subscribers", { email => 'one@x.example', lists => [$list] });
my $one = $site->api(POST => "$b/campaigns", { name => 'One', subject => 'S', html => '<p><a href="https://shop.example/a">a</a></p>',
	lists => [$list] })->{json}{id};
$site->api(POST => "$b/campaigns/$one/send", {});
ok($site->until_true(30, sub { $site->api(GET => "$b/campaigns/$one")->{json}{status} eq 'completed' }), 'one mail is in the outbox');
my $mail = $site->api(GET => "$b/outbox")->{json}{items}[0]{id};
my $html = $site->api(GET => "$b/outbox/$mail")->{json}{html} // '';
my ($pixel, $click) = ($html =~ m{(/t/o/[\w-]+)}, $html =~ m{(/t/c/[\w-]+)});

$s->send;
$s->under_way(200);
fill();
sleep 0.2;
fill();
my $before = 0;
ok($site->until_true(30, sub { my $n = keys %{ $s->accepted }; my $same = $n == $before; $before = $n; sleep 1; $same }),
	'nothing new is sent');
is($site->get('/healthz')->{status}, 200, 'it is alive');
is($site->api(GET => "$s->{base}/campaigns/$s->{id}")->{status}, 200, 'reading goes on');
is($site->get("$s->{base}/campaigns/$s->{id}")->{status}, 200, 'pages too');
is($site->get($pixel)->{status}, 200, 'who opens a mail sees it');
is($site->get($click)->{headers}{location}, 'https://shop.example/a', 'who clicks gets there');
ok((grep { ($_->{event} // '') eq 'track.lost' } $site->events('track')), '... what could not be written down is in the log');
my @made = map { $site->api(POST => "$s->{base}/lists", { name => "List $_" }) } 1 .. 3;
like($_->{status}, qr/^(507|503)$/, "writing is $_->{status}") for @made;
like($made[0]{json}{detail} // '', qr/disk is full/, 'and says why') or diag($made[0]{content});
my $r = $site->post("$s->{base}/lists", { name => 'By page' });
like($r->{status}, qr/^(507|503)$/, 'by page too') or diag($r->{headers}{location});
like($r->{content}, qr/disk is full/i, 'in words');
$r = $site->cron('send');
like($r->{status}, qr/^(507|503|200)$/, "a trigger is answered ($r->{status})");
my $c = $s->campaign;
is($c->{status}, 'sending', 'the campaign waits') or diag($c->{pause_reason});

unlink "$dir/ballast";
$s->exact(400, 'a disk that was full');
is(scalar @{ $site->api(GET => "$s->{base}/lists")->{json}{items} }, 1, 'nothing of what was refused is there');
is($site->api(POST => "$s->{base}/lists", { name => 'Now' })->{status}, 201, 'and writing works again');
undef $s;
done_testing;
