#!/usr/bin/perl
# A restored or copied installation sends nothing until somebody has confirmed (I14), through nginx and by command.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp qw(tempdir);
use Test::More;
use Site;

my $people = 60;
my $root = tempdir('maillayer-XXXXXX', TMPDIR => 1, CLEANUP => 1);
mkdir "$root/a";
my $site = Site->start(state => "$root/a");
$site->sign_in;

# ---- as it should be ----
my $r = $site->until_true(20, sub { my $h = $site->api(GET => '/hosts'); @{ $h->{json}{hosts} } && $h });
is($r->{json}{held}, undef, 'a new installation confirms itself with its first trigger');
is(scalar @{ $r->{json}{hosts} }, 1, 'and knows its server');
like($site->get('/hosts')->{content}, qr/Nothing is held/, 'the page says so too');
like(($site->command(['doctor']))[1], qr/^ok\s+sending\s+nothing is held/m, 'and doctor');
like(($site->command(['confirm']))[1], qr/Nothing was held/, 'there is nothing to confirm');
like($site->get('/metrics')->{content}, qr/^maillayer_held 0$/m, 'the metric is 0');

my $b = $site->api(POST => '/brands', { name => 'Nordlicht', from_name => 'Nord', from_email => 'n@nordlicht.example',
	postal_address => 'Hafen 1' })->{json}{id};
$site->api(PUT => "/brands/$b/provider", { kind => 'outbox', rate => 5 });
my $list = $site->api(POST => "/brands/$b/lists", { name => 'All' })->{json}{id};
$site->api(POST => "/brands/$b/subscribers", { email => "p$_\@nordlicht.example", lists => [$list] }) for 1 .. $people;
my $c = $site->api(POST => "/brands/$b/campaigns", { name => 'October', subject => 'Hello', html => '<p>Hello</p>',
	lists => [$list] })->{json}{id};
is($site->api(POST => "/brands/$b/campaigns/$c/send")->{status}, 200, 'a campaign is sent');
sub accepted { my ($s) = @_; return $s->api(GET => "/brands/$b/campaigns/$c")->{json}{counts}{accepted} }
ok($site->until_true(20, sub { accepted($site) > 3 }), 'and is under way');

# ---- the database of a moment ago: the slice that goes on had begun before ----
mkdir "$root/backup";
$site->sql("VACUUM INTO '$root/backup/maillayer.db'");
my $then = accepted($site);
ok($site->until_true(20, sub { accepted($site) > $then + 5 }), 'it goes on after a backup was made');
$site->stop;
system("rm -f $root/a/maillayer.db* && cp -a $root/backup/. $root/a/") and die;
my $log = length $site->log('cron');
$site->run;
$then = accepted($site);
$r = $site->cron('send');
is($r->{status}, 200, 'the trigger is answered');
is($r->{json}{held}, 'restored', 'and told that sending is held');
ok(!$r->{json}{more} && $r->{json}{next_in_ms} > 0, 'and when to come again');
sleep 3;
is(accepted($site), $then, 'nothing is sent');
is($site->cron('jobs')->{status}, 200, 'imports and counting go on');
like(substr($site->log('cron'), $log), qr/host\.held/, 'the log has it');
$r = $site->get("/brands/$b");
like($r->{content}, qr/Nothing is sent\..*brought back from an earlier state.*Look and confirm/s, 'every page says so');
$r = $site->get('/hosts');
like($r->{content}, qr/Restored: nothing is sent until you confirm/, 'and one page what to do');
like($r->{content}, qr/October.*Nordlicht/s, 'with what would go out');
like($site->get('/metrics')->{content}, qr/^maillayer_held 1$/m, 'the metric is 1');
is($site->get('/readyz')->{status}, 200, 'the server is ready all the same');
my ($bad, $said) = $site->command(['doctor']);
ok($bad && $said =~ /^FAIL\s+sending\s+Held at .*maillayer confirm/m, 'doctor says what to do');

# ---- who may confirm ----
$site->command([qw(user create --password-stdin --email ines@nordlicht.example)], "four words do well\n");
$site->api(POST => "/brands/$b/members", { email => 'ines@nordlicht.example', role => 'owner' });
my @admin = @$site{qw(cookies csrf)};
$site->{cookies} = {};
$site->request(POST => '/sign-in', headers => { 'content-type' => 'application/x-www-form-urlencoded' },
	content => Site::form({ email => 'ines@nordlicht.example', password => 'four words do well' }));
$site->{csrf} = Site::csrf_of($site->get('/brands'));
$r = $site->get("/brands/$b");
like($r->{content}, qr/An administrator must confirm first/, 'the owner of a brand is told as well');
unlike($r->{content}, qr/Look and confirm/, 'but cannot confirm');
is($site->get('/hosts')->{status}, 403, 'nor see the servers');
is($site->post('/hosts/confirm', { campaigns => 'keep' })->{status}, 403, 'nor press the button');
@$site{qw(cookies csrf)} = @admin;
is($site->post('/hosts/confirm', {})->{status}, 422, 'an administrator must choose');
is($site->post('/hosts/confirm', { campaigns => 'keep' }, no_csrf => 1)->{status}, 403, 'and have come from the page');
$r = $site->post('/hosts/confirm', { campaigns => 'pause' });
is($r->{headers}{location}, '/hosts', 'and confirms');
is($site->api(GET => "/brands/$b/campaigns/$c")->{json}{status}, 'paused', 'with the campaigns paused');
unlike($site->get("/brands/$b")->{content}, qr/Look and confirm/, 'the pages say nothing any more');
is($site->api(POST => "/brands/$b/campaigns/$c/resume")->{status}, 200, 'what should go on is resumed');
ok($site->until_true(30, sub { accepted($site) > $then }), 'and goes on');

# ---- all of it in another place ----
$site->stop;
system("cp -a $root/a $root/b") and die;
my $copy = Site->start(state => "$root/b");
@$copy{qw(user keys)} = (1, $site->{keys});
is($copy->cron('send')->{json}{held}, 'copied', 'a copy of everything in another directory is held');
$then = accepted($copy);
sleep 2;
is(accepted($copy), $then, 'and sends nothing');
is($copy->api(POST => '/hosts/confirm', { campaigns => 'maybe' })->{status}, 422, 'the API wants a choice too');
like(($copy->command(['confirm', '--pause']))[1], qr/^1 campaigns are paused.*sends\.$/ms, 'maillayer confirm lets it send');
ok(!$copy->cron('send')->{json}{held}, 'it is held no longer');
is($copy->api(GET => "/brands/$b/campaigns/$c")->{json}{status}, 'paused', 'what it would have sent is paused');
$copy->stop;
$site->run;
ok(!$site->cron('send')->{json}{held}, 'the original is not held');
ok($site->until_true(30, sub { accepted($site) == $people }), 'and sends to all');

# ---- a backup of an idle site is older than the site that has stopped ----
my $of_host = "SELECT nonce FROM hosts ORDER BY seen_at DESC LIMIT 1";
my $nonce = $site->sql($of_host);
kill TERM => $site->supervisor('cron');
ok($site->until_true(20, sub { $site->sql($of_host) ne $nonce }), 'a pool that stops leaves a nonce of its own');

done_testing;
