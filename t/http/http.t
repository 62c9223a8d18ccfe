#!/usr/bin/perl
# HTTP as nginx and the workers answer it: routing, limits, headers, health, processes.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use IO::Socket::INET;
use POSIX ();
use Site;
use Test::More;
use Time::HiRes qw(sleep time);

my $site = Site->start;
my $r;

# ---- routing ----
$r = $site->get('/healthz');
is($r->{status}, 200, 'GET /healthz answers');
is($r->{content}, "ok\n", '... ok');
$r = $site->request(HEAD => '/healthz');
is($r->{status}, 200, 'HEAD /healthz answers');
is($r->{content} // '', '', '... without a body');
is($r->{headers}{'content-length'}, 3, '... with its length');
$r = $site->get('/nowhere');
is($r->{status}, 404, 'an unknown page is 404');
like($r->{headers}{'content-type'}, qr{text/html}, '... as HTML');
$r = $site->api(GET => '/nowhere');
is($r->{status}, 404, 'an unknown API address is 404');
is($r->{headers}{'content-type'}, 'application/problem+json', '... as problem+json');
is($r->{json}{type}, 'not_found', '... of that type');
is($r->{json}{status}, 404, '... with the status');
$r = $site->api(DELETE => '/me');
is($r->{status}, 405, 'a method that is not known is 405');
is($r->{headers}{allow}, 'GET, HEAD, PATCH', '... with those that are');
is($site->get('/%zz')->{status}, 400, 'a bad escape is 400');
is($site->get('/brands/1%00')->{status}, 400, 'a NUL is 400');
is($site->get('/' . 'a' x 9000)->{status}, 431, 'an address over 8 KiB is 431');
is($site->get('/../etc/passwd')->{status}, 400, 'a path out of the root is 400');
is($site->get('/assets/../../etc/passwd')->{status}, 400, '... from the assets too');
is($site->get('/assets/nothing.css')->{status}, 404, 'an unknown asset is 404');

# ---- bodies ----
$r = $site->api(POST => '/brands', '{"name":');
is($r->{status}, 400, 'malformed JSON is 400');
like($r->{json}{detail}, qr/\d/, '... with the position');
$r = $site->api(POST => '/brands', 'name', headers => { 'content-type' => 'text/csv' });
is($r->{status}, 415, 'another content type is 415');
$r = $site->api(POST => '/brands', '{"name":"' . 'x' x 1_100_000 . '"}');
is($r->{status}, 413, 'a body over 1 MiB is 413');
is($r->{json}{type}, 'too_large', '... as problem+json from nginx too');
$r = $site->api(POST => '/brands', 'a' . join('&', map { "f$_=1" } 1 .. 300),
	headers => { 'content-type' => 'application/x-www-form-urlencoded' });
is($r->{status}, 413, 'more than 256 fields are 413');
$r = $site->api(POST => '/brands', {});
is($r->{status}, 422, 'a missing field is 422');
ok($r->{json}{errors}{name}, '... with a sentence at the field');
$r = $site->api(GET => '/me', undef, key => '');
is($r->{status}, 401, 'the API without a key is 401');
is($r->{headers}{'www-authenticate'}, 'Bearer', '... and says how');

# ---- pages ----
$r = $site->get('/brands');
is($r->{status}, 303, 'a stranger is sent to sign in');
like($r->{headers}{location}, qr{^/sign-in}, '... there');
$site->sign_in;
is($site->get('/brands')->{status}, 200, 'a person signed in sees pages');
is($site->get('/brands/1/%ff')->{status}, 400, '... and 400 for an address that is no UTF-8');
$r = $site->post('/brands', { name => 'Acme' }, no_csrf => 1);
is($r->{status}, 403, 'a form without its token is 403');
$r = $site->post('/brands', { name => '' });
is($r->{status}, 422, 'a form with an error comes again');
like($r->{content}, qr/<form/, '... as a form');
$r = $site->post('/brands', { name => 'Acme', from_email => 'news@example.com' });
is($r->{status}, 303, 'after a change the page moves on');

# ---- headers ----
$r = $site->get('/brands');
my $h = $r->{headers};
like($h->{'content-security-policy'}, qr/default-src 'none'; script-src 'self'/, 'pages have a policy');
unlike($h->{'content-security-policy'}, qr/unsafe/, '... with nothing unsafe');
is($h->{'x-content-type-options'}, 'nosniff', '... nosniff, once');
is($h->{'referrer-policy'}, 'no-referrer', '... no-referrer');
is($h->{'cache-control'}, 'no-store', '... and are not stored');
ok(!defined $h->{'strict-transport-security'}, '... no HSTS over plain http');
my ($session) = grep { /ml_session/ } map { ref $_ ? @$_ : $_ } grep { defined }
    Site::request($site, POST => '/sign-in', no_cookies => 1,
	headers => { 'content-type' => 'application/x-www-form-urlencoded' },
	content => Site::form([ email => 'test@example.com', password => 'correct horse battery' ]))->{headers}{'set-cookie'};
like($session // '', qr/HttpOnly.*SameSite=Lax/, 'the session cookie is HttpOnly and Lax') if defined $session;

# ---- log ----
my $before = () = $site->events('web', 'request');
$site->get('/brands/77?secret=do-not-log');
my ($line) = $site->until_true(5, sub { (grep { ($_->{route} // '') eq '/brands/{}' } $site->events('web', 'request'))[-1] });
is($line->{status}, 404, 'a request is logged with its status');
is($line->{method}, 'GET', '... method');
like($line->{request}, qr/^[0-9a-f]{32}$/, "... nginx's request id");
ok($line->{us} > 0, '... microseconds');
ok($line->{bytes} > 0, '... bytes');
unlike($site->log('web'), qr/do-not-log/, '... without the query');

# ---- health ----
$r = $site->get('/readyz');
is($r->{status}, 200, 'GET /readyz says ready');
is_deeply($r->{json}{checks}, { map { $_ => 'ok' } qw(database memcached cron spool) }, '... of each part');
$r = $site->get('/metrics');
is($r->{status}, 200, 'GET /metrics answers on this machine');
for my $header (qw(X-Forwarded-For Forwarded X-Real-IP Via)) {
	is($site->get('/metrics', headers => { $header => '203.0.113.7' })->{status}, 404, "... not to what another proxy hands on: $header");
	is($site->request(POST => '/cron/send', headers => { authorization => 'Bearer ' . $site->secret, $header => '203.0.113.7' })->{status},
		404, '... and no trigger');
}
like($r->{content}, qr/^maillayer_requests_total\{route="\/healthz",method="GET",status="200"\} \d+$/m, '... requests by route and status');
like($r->{content}, qr/^maillayer_request_seconds_bucket\{process="web",route="\/healthz",le="\+Inf"\} \d+$/m, '... a histogram');
like($r->{content}, qr/^maillayer_deliveries\{state="accepted"\} 0$/m, '... states of the ledger');
my @names = $r->{content} =~ /^# TYPE (\S+)/mg;
is(scalar(@names), scalar(keys %{ { map { $_ => 1 } @names } }), '... each family once');

# ---- cron ----
is($site->get('/cron/send')->{status}, 405, 'GET /cron/send is 405');
is($site->request(POST => '/cron/send')->{status}, 404, 'POST without the secret is 404');
is($site->request(POST => '/cron/send', headers => { authorization => 'Bearer ' . '0' x 64 })->{status},
	404, '... with a wrong one too');
for my $name (qw(send jobs)) {
	$r = $site->cron($name);
	is($r->{status}, 200, "POST /cron/$name works");
	is_deeply([ sort keys %{ $r->{json} } ], [qw(done left more next_in_ms)], '... and says what is left');
}
my ($status, $text) = $site->command(['cron-once']);
is($status, 0, 'maillayer cron-once works');
like($text, qr/^\{"send":\{"done":0.*"jobs":\{"done":/m, '... and prints what it did');
($status, $text) = $site->command(['cron-once', 'jobs']);
like($text, qr/^\{"jobs":/m, 'maillayer cron-once jobs does only that');
($status, $text) = $site->command(['cron-once', 'tea']);
is($status, 2, '... and nothing it does not know');

# ---- commands ----
($status, $text) = $site->command(['doctor']);
is($status, 0, 'maillayer doctor finds nothing wrong') or diag $text;
like($text, qr/SQLite 3\./, '... names the database');
unlike($text, qr/\Q@{[ $site->secret ]}\E/, '... tells no secret');
($status, $text) = $site->command(['user', 'list']);
like($text, qr/test\@example\.com/, 'maillayer user list lists');
($status, $text) = $site->command([qw(user password --password-stdin --email test@example.com)], "short\n");
is($status, 1, 'maillayer user password refuses a short one');
like($text, qr/password: .*characters/, '... with a sentence');
($status, $text) = $site->command([qw(key create --brand 999)]);
like($text, qr/no brand 999/, 'maillayer key create wants a brand that is there');
for my $c (qw(web track cron migrate user key secret doctor cron-once setup-link version)) {
	($status, $text) = $site->command([ $c, '--help' ]);
	ok($status == 0 && $text =~ /^usage: maillayer $c/, "maillayer $c --help helps");
}
($status, $text) = $site->command(['unknown']);
ok($status == 2 && $text =~ /no command `unknown`/, 'an unknown command is named, status 2');

# ---- processes ----
my @workers = $site->workers('web');
is(scalar @workers, 2, 'the web pool has its workers');
kill 'KILL', $workers[0];
is($site->get('/healthz')->{status}, 200, 'a worker killed: the next request works');
ok($site->until_true(5, sub { my @w = $site->workers('web'); @w >= 2 && !grep { $_ == $workers[0] } @w }),
	'... and it is replaced');
ok((grep { $_->{signal} == 9 } $site->events('web', 'worker.killed')), '... and logged');
like($site->get('/metrics')->{content}, qr/^maillayer_worker_restarts_total\{process="web"\} 1$/m, '... and counted');

@workers = $site->workers('web');
my $good = 1;
my $end = time + 30;
for my $round (1 .. 5) {
	kill 'HUP', $site->supervisor('web');
	until ((() = $site->log('web') =~ /pool\.reloaded/g) >= $round || time > $end) {
		$good &&= $site->get('/healthz')->{status} == 200;
	}
	# the old ones finish: whatever woke one of them must be answered all the same
	$good &&= $site->get('/healthz')->{status} == 200 for 1 .. 30;
}
is(scalar(() = $site->events('web', 'pool.reloaded')), 5, 'SIGHUP reloads the pool');
ok($good, '... and no request fails meanwhile');
my %old = map { $_ => 1 } @workers;
ok($site->until_true(10, sub { my @w = $site->workers('web'); @w >= 2 && !grep { $old{$_} } @w }),
	'... all workers are new');

my $config = "$site->{state}/maillayer.ini";
my $kept = Site::slurp($config);
sub rewrite { open my $f, '>', $config or die; print $f $_[0]; close $f }
rewrite("$kept\n[server]\nweb_wokers = 3\n");
my %had = map { $_ => 1 } $site->workers('web');
kill 'HUP', $site->supervisor('web');
ok($site->until_true(10, sub { $site->events('web', 'pool.reload_failed') }),
	'SIGHUP with a wrong configuration is refused');
rewrite($kept);
like($site->log('web'), qr/maillayer\.ini.*web_wokers/, '... naming file and key');
is($site->get('/healthz')->{status}, 200, '... and the pool goes on');
ok($site->until_true(10, sub { !grep { !$had{$_} } $site->workers('web') }),
	'... with the workers it had');

# ---- faults ----
my $memcached = $site->process(qr/memcached/);
kill 'TERM', $memcached;
sleep 0.3;
is($site->get('/brands')->{status}, 200, 'memcached stopped: pages work');
is($site->api(GET => '/me')->{status}, 200, '... the API too');
is($site->cron('send')->{status}, 200, '... the trigger too');
$r = $site->get('/readyz');
is($r->{status}, 503, '... and /readyz says 503');
like($r->{json}{checks}{memcached}, qr/does not answer/, '... naming it');

my $slow = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $site->{port});
print $slow "POST /api/v1/brands HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf";
is($site->get('/healthz')->{status}, 200, 'a client that stops in its body holds nobody up');
close $slow;

# ---- draining: requests under way are answered ----
my @asking;
for (1 .. 2) {
	my $pid = open(my $out, '-|') // die "fork: $!";
	if ($pid == 0) {
		my $one = $site->{http}->post_form("$site->{url}/sign-in",
			[ email => "nobody$_\@example.com", password => 'wrong but long' ]);
		print $one->{status};
		POSIX::_exit(0);
	}
	push @asking, $out;
}
sleep 0.05;
kill 'TERM', $site->supervisor('web');
my @answers = map { local $/; scalar <$_> } @asking;
is_deeply(\@answers, [ (422) x 2 ], 'SIGTERM: a pool answers what it has begun');
ok($site->until_true(20, sub { waitpid($site->{pid}, POSIX::WNOHANG()) == $site->{pid} }),
	'... and ends');
delete $site->{pid};
$site->run;

# ---- the end ----
my $begin = time;
is($site->stop('INT') >> 8, 130, 'SIGINT stops ./run');
cmp_ok(time - $begin, '<', 25, '... soon');
is_deeply([ $site->processes ], [], '... and every process it started');
ok(!-e "$site->{state}/run.json", '... and run.json is gone');
like($site->log('web'), qr/"pool.stopped"/, '... the pool was drained');

done_testing;
