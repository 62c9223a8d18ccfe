#!/usr/bin/perl
# Stopping in the middle of a campaign: the slice ends at once, nothing is in doubt, and the
# next start sends the rest, each person once.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use Site;
use Test::More;
use Time::HiRes qw(time);

my $people = 30_000;
my $site = Site->start(args => ['--with-demo']);
my $csv = join '', "email\n", map { "person$_\@mail.example\n" } 1 .. $people;
my ($type, $body) = Site::multipart(mapping => '{"email":"email"}', existing => 'update', lists => '1',
	file => { name => 'people.csv', type => 'text/csv', data => $csv });
my $import = $site->api(POST => '/brands/1/imports', $body, headers => { 'content-type' => $type })->{json}{id};
ok($site->until_true(60, sub { $site->api(GET => "/brands/1/imports/$import")->{json}{state} eq 'done' }),
	"$people people are imported");

my $c;
sub campaign { $c = $site->api(GET => '/brands/1/campaigns/1')->{json} }
is($site->api(POST => '/brands/1/campaigns/1/send')->{status}, 200, 'a campaign is sent to them');
ok($site->until_true(60, sub { campaign()->{counts}{accepted} > 0 }), '... and has begun');
my $begin = time;
$site->stop;
cmp_ok(time - $begin, '<', 15, 'SIGTERM in the middle: the slice ends soon');
my ($slice) = (grep { $_->{left} } $site->events('cron', 'slice.done'))[-1];
ok($slice && $slice->{left} > 0, '... with people left') or diag $site->log('cron');

$site->run;
ok($site->until_true(90, sub { campaign()->{status} eq 'completed' }), 'started again, it sends the rest');
is($c->{counts}{accepted}, $people + 40, '... to everybody');
is($c->{counts}{doubt}, 0, '... with nobody in doubt');
my %n = %{ $c->{counts} };
my $sum = 0;
$sum += $n{$_} for qw(pending claimed intent retry accepted rejected skipped doubt cancelled given_up);
is($sum, $n{audience}, '... and the states add up to the audience');
done_testing;
