#!/usr/bin/perl
# ./run: options, sentences, two beside each other, and that nothing is left behind.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use File::Temp qw(tempdir);
use JSON::PP;
use Site;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
$ENV{MAILLAYER_BUILD} //= "$Site::top/build";

sub run {
	my @args = map { quotemeta } @_;
	my $text = `$Site::top/run @args 2>&1 </dev/null`;
	return ($? >> 8, $text);
}

my ($status, $text) = run('--help');
is($status, 0, './run --help helps');
like($text, qr/--with-demo/, '... naming its options');
($status, $text) = run('--bad');
is($status, 2, 'an unknown option is refused');
like($text, qr/no option --bad/, '... by name');
($status, $text) = run('--port', 'x');
is($status, 2, 'a port that is none is refused');
($status, $text) = run('--state', "$dir/" . 'x' x 90);
like($text, qr/too long .* --state/, 'a state directory too deep is refused with what to do');

my $port = Site::free_port();
($status, $text) = run('--once', '--state', "$dir/once", '--port', $port, '--with-demo');
is($status, 0, './run --once sets up') or diag $text;
ok(-s "$dir/once/maillayer.db", '... a database');
is((stat "$dir/once/secret.key")[2] & 0777, 0600, '... a key nobody else can read');
is((stat "$dir/once")[2] & 0777, 0700, '... in a folder nobody else can enter');
ok(!-e "$dir/once/run.json", '... and starts nothing');

my $one = Site->start(state => "$dir/once", port => $port);
my $two = Site->start;
is($one->get('/healthz')->{status}, 200, 'one site answers');
is($two->get('/healthz')->{status}, 200, '... and another beside it');
my $json = decode_json(Site::slurp("$two->{state}/run.json"));
is($json->{url}, $two->{url}, 'run.json has the address');
is($json->{pid}, $two->{pid}, '... the process');
ok(-s $json->{config}, '... the configuration');
like($two->output, qr{first account: \Q$two->{url}\E/setup/\S+}, 'the link for the first account is printed');
$two->user;
my ($after) = $two->command(['setup-link']);
is($after, 3, 'setup-link exits with 3 once there is an account');

($status, $text) = run('--state', "$dir/other", '--port', $two->{port});
is($status, 1, 'a port in use is refused');
like($text, qr/port $two->{port} is in use: .*--port/, '... with what to do');
($status, $text) = run('--state', $two->{state}, '--port', Site::free_port());
is($status, 1, 'a state directory in use is refused');
like($text, qr/another .\/run uses/, '... with what to do');

my $secret = $two->secret;
my @shown = grep { index(Site::command_line($_), $secret) >= 0 } map { /(\d+)$/ } glob '/proc/[0-9]*';
is_deeply(\@shown, [], 'no process shows the cron secret');

kill 'KILL', $two->supervisor('track');
ok($two->until_true(20, sub { waitpid($two->{pid}, 1) == $two->{pid} }), 'a pool that dies ends ./run');
like($two->output, qr/track ended; the end of/, '... with a sentence');
is_deeply([ $two->processes ], [], '... and all others');
delete $two->{pid};

$two->run;
like($two->output, qr{Sign in at \Q$two->{url}\E/sign-in}, 'with an account the sign-in address is printed');
kill 'KILL', $two->{pid};
waitpid delete $two->{pid}, 0;
ok($two->until_true(20, sub { !$two->processes }), './run killed: its processes end too')
    or diag map { Site::command_line($_) . "\n" } $two->processes;

ok(-e "$two->{state}/run.json", '... its run.json is left');
{
	local $two->{env} = { MAILLAYER_DATABASE_URL => 'nonsense://' };
	ok(!eval { $two->run; 1 }, 'a start that fails');
}
ok(!-e "$two->{state}/run.json", '... leaves none that was written by another');

$one->stop;
$one->run;
is($one->get('/healthz')->{status}, 200, 'stopped and started again at once');
$one->stop;
is_deeply([ $one->processes ], [], 'SIGTERM leaves nothing behind');
done_testing;
