#!/usr/bin/perl
# Names of files and paths, control characters in every field, line breaks meant for the headers of an
# answer, and forged lines for the log: refused or harmless, and never an error of ours.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use IO::Socket::INET;
use JSON::PP;
use Site;
use Test::More;

my $site = Site->start;
my $key = $site->key;
my $brand = $site->api(POST => '/brands', { name => 'Acme', from_name => 'Acme', from_email => 'news@acme.example',
	postal_address => "Quay 1\n2001 Holm", time_zone => 'UTC' })->{json}{id};
my $b = "/brands/$brand";

# One request as these bytes; (status, head, body).
sub raw {
	my ($text, $from) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $site->{port}, Timeout => 10,
		LocalAddr => $from // '127.0.0.1') or return 0;
	local $SIG{PIPE} = 'IGNORE';
	local $SIG{ALRM} = sub { die "slow\n" };
	alarm 20;
	my $answer = eval { print $s $text; $s->flush; local $/; scalar <$s> } // '';
	alarm 0;
	my ($head, $body) = split /\r\n\r\n/, $answer, 2;
	return (($head // '') =~ m{^HTTP/1\.1 (\d+)} ? $1 : 0, $head // '', $body // '');
}
sub get { my ($path, @headers) = @_; return raw(join "\r\n", "GET $path HTTP/1.1", 'Host: localhost', 'Connection: close', @headers, '', '') }

# ---- paths ----
my @up = ('..', '%2e%2e', '%2E.', '.%2e', '..%00', '..%c0%af', '%c0%ae%c0%ae', '..;', '..%5c', '....', '%252e%252e', "..\xc0\xaf");
my @files = qw(etc/passwd secret.key maillayer.db maillayer.ini run/web.sock proc/self/environ proc/self/maps);
my @paths = (
	(map { my $u = $_; map { my $f = $_; map { "$_" . "$u/" x 8 . $f } '/', '/assets/', '/assets/x/', '/api/v1/', '/brands/' } @files[0, 1] } @up),
	(map { ("/$_", "//$_", "/assets//$_", "/assets/%2f$_", "/assets/..%2f..%2f$_", "/assets/dist/$_", "/assets/../$_", "/$_%00.css", "/assets/$_%00.css") } @files),
	(map { "/assets/$_" } 'C:/boot.ini', 'C%3a%5cboot.ini', '%5c%5chost%5cshare', 'CON', 'NUL', 'AUX', 'com1.css', 'x' x 5000, '%ff%fe', '.', '..', '%20', '*',
		'app.js/', 'manifest.json/../../../secret.key', '.git/config', '.npmrc', '../package.json', '%2e%2e%2fpackage.json'),
	"/brands/$brand/..%2f..%2fsetup", "/brands/$brand/imports/1/../../../../etc/passwd", "/brands/$brand%00", "/brands/$brand/lists%2f1", '/brands/1%0d%0aX-Evil:%20y');
my (@bad, @told);
my $secret = Site::slurp("$site->{state}/secret.key");
chomp $secret;
for my $path (@paths) {
	my ($status, $head, $body) = get($path, 'Accept: text/html');
	push @bad, "$path: $status" if $status !~ /^(200|301|303|400|403|404|405|413|414)$/;
	push @told, $path if $body =~ /root:.*:0:0:|SQLite format|\[server\]|PATH=/ || index($body, $secret) >= 0 || $head =~ /^X-Evil/mi
	    || $status == 200 && $path !~ m{^/(assets/)?[^.]*$} && $body !~ /<html/;
}
cmp_ok(scalar @paths, '>', 150, scalar(@paths) . ' paths lead');
is("@bad", '', '... to an answer of a known kind');
is("@told", '', '... and to nothing that is not for everybody');

# ---- names of files that are uploaded ----
my @names = ('../../../etc/cron.d/evil.csv', '..\\..\\windows\\evil.csv', '/etc/passwd', 'C:\\boot.ini', '....//....//x.csv', 'x' x 5000 . '.csv', '', '.', '..', ' ', '~root',
	'CON', 'NUL.csv', 'COM1', 'LPT1.csv', 'a:b.csv', '.htaccess', 'x.csv/', 'x.php', 'x.csv;.php', '|id', '`id`', '$(id)', '-rf', '--help', '%00', 'x%00.csv', '%2e%2e%2f',
	"x\ry.csv", "x\ty.csv", "x\x1b[31m.csv", "x\x7f.csv", "\xff\xfe.csv", "\xc2\x85.csv", "\xe2\x80\xae" . 'vsc.exe', "\xe2\x80\xa8x.csv", "\xef\xbb\xbfx.csv",
	"\xef\xbc\x8f\xef\xbc\x8fx.csv", '<img src=x onerror=alert(1)>.csv', "' OR 1=1 --.csv", '{{ 7 | times: 7 }}.csv', '%0d%0aSet-Cookie: x=y', 'Überweisung für Köln.csv', '📧.csv');
my @wrong;
for my $name (@names) {
	my ($type, $body) = Site::multipart(file => { name => $name =~ s/"/%22/gr, type => 'text/csv', data => "email\nn\@x.example\n" });
	my $r = $site->api(POST => "$b/imports", $body, headers => { 'content-type' => $type });
	my $kept = $r->{json}{file_name} // '';
	push @wrong, "$name: $r->{status} $kept" if $r->{status} !~ /^(201|400|422)$/ || $kept =~ m{[/\\\x00-\x1f\x7f]} || length $kept > 255
	    || $kept =~ /[\x{80}-\x{9f}]/;
}
is(join("\n", @wrong), '', scalar(@names) . ' names of uploads: kept as a plain name or refused');
my @made = grep { !m{/(maillayer\.db|run|wake-|log|spool|nginx|secret\.key|maillayer\.ini|maillayer|run\.)} } glob "$site->{state}/*";
is("@made", '', '... and no file of such a name was made');

# ---- control characters, in every text the API takes ----
my @controls = ("a\x00b", "a\x1b[31mb", "a\rb", "a\x7fb", "a\x08b", "a\x{85}b", "a\x{9b}31mb", "a\r\nBcc: x\@evil.example");
my %one = (
	name => sub { (POST => '/brands', { name => $_[0] }) },
	from_name => sub { (PATCH => $b, { from_name => $_[0] }) },
	from_email => sub { (PATCH => $b, { from_email => $_[0] }) },
	reply_to => sub { (PATCH => $b, { reply_to => $_[0] }) },
	postal_address => sub { (PATCH => $b, { postal_address => $_[0] }) },
	'name of a list' => sub { (POST => "$b/lists", { name => $_[0] }) },
	'description of a list' => sub { (POST => "$b/lists", { name => "L" . rand, description => $_[0] }) },
	'label of a field' => sub { (POST => "$b/fields", { key => 'k' . int rand 1e9, label => $_[0] }) },
	'choice of a field' => sub { (POST => "$b/fields", { key => 'k' . int rand 1e9, label => 'L', type => 'choice', choices => [ $_[0], 'x' ] }) },
	first_name => sub { (POST => "$b/subscribers", { email => rand() . '@x.example', first_name => $_[0] }) },
	last_name => sub { (POST => "$b/subscribers", { email => rand() . '@x.example', last_name => $_[0] }) },
	'custom value' => sub { (POST => "$b/subscribers", { email => rand() . '@x.example', fields => { city => $_[0] } }) },
	tag => sub { (POST => "$b/subscribers", { email => rand() . '@x.example', tags => [ $_[0] ] }) },
	email => sub { (POST => "$b/subscribers", { email => $_[0] . '@x.example' }) },
	'name of a campaign' => sub { (POST => "$b/campaigns", { name => $_[0] }) },
	subject => sub { (POST => "$b/campaigns", { name => 'C', subject => $_[0] }) },
	preview_text => sub { (POST => "$b/campaigns", { name => 'C', preview_text => $_[0] }) },
	'sender of a campaign' => sub { (POST => "$b/campaigns", { name => 'C', from_name => $_[0] }) },
	'reply address of a campaign' => sub { (POST => "$b/campaigns", { name => 'C', reply_to => $_[0] }) },
	'name of a key' => sub { (POST => "$b/keys", { name => $_[0], scopes => 'read' }) },
	configuration_set => sub { (PUT => "$b/provider", { kind => 'outbox', configuration_set => $_[0] }) },
	access_key_id => sub { (PUT => "$b/provider", { kind => 'outbox', access_key_id => $_[0] }) },
	region => sub { (PUT => "$b/provider", { kind => 'outbox', region => $_[0] }) },
	'address of an invitation' => sub { (POST => "$b/invitations", { email => "$_[0]\@x.example", role => 'viewer' }) },
	endpoint => sub { (PUT => "$b/provider", { kind => 'outbox', endpoint => "https://$_[0].example" }) },
);
$site->api(POST => "$b/fields", { key => 'city', label => 'City' });
for my $field (sort keys %one) {
	my @taken;
	for my $text ($field eq 'postal_address' ? grep { !/\r/ } @controls : @controls) {
		my ($method, $path, $body) = $one{$field}->($text);
		my $r = $site->api($method, $path, $body);
		my $said = $r->{json}{errors} && join ' ', values %{ $r->{json}{errors} };
		push @taken, encode_json([$text]) . " $r->{status}" if $r->{status} !~ /^4(00|22)$/ || $r->{status} == 422 && !$said;
	}
	is("@taken", '', "$field: control characters are refused with a sentence");
}
is($site->api(PATCH => $b, { postal_address => "Quay 1\n2001 Holm" })->{status}, 200, 'a postal address may have lines');

# ---- line breaks for the headers of an answer ----
my @answers;
for my $text ('%0d%0aX-Evil:%20y', '%0aX-Evil:%20y', '%0dX-Evil:%20y', '%E5%98%8A%E5%98%8DX-Evil:%20y', '%c4%8d%c4%8aX-Evil:%20y', '%00%0d%0aX-Evil:%20y', '%u000aX-Evil: y') {
	for my $path ("/sign-in?next=/$text", "/$text", "/brands/$text", "/brands?next=$text", "$b/subscribers.csv?name=$text", "/t/c/$text", "/u/$text", "/setup/$text", "/assets/$text") {
		my ($status, $head) = get($path =~ s/ /+/gr, "Authorization: Bearer $key");
		push @answers, "$path: $status" if $head =~ /^X-Evil/mi || $status =~ /^5/ || $status == 0;
	}
}
is("@answers", '', 'no header is made of an address');
$site->user;
my $visitor = 0;
for my $next ('//evil.example', '/\\evil.example', 'https://evil.example', '\\\\evil.example', '/%09/evil.example', "/\t/evil.example", '////evil.example',
	'/%2f/evil.example', "/%0d%0a/evil.example", 'http:evil.example') {
	# each from an address of its own, for there are limits
	my $form = Site::form([ email => 'test@example.com', password => 'correct horse battery', next => $next ]);
	my ($status, $head) = raw("POST /sign-in?next=" . Site::escape($next) . " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
	    . "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " . length($form) . "\r\n\r\n$form", '127.0.1.' . ++$visitor);
	my ($to) = $head =~ /^Location: ([^\r\n]*)/mi;
	$to //= '';
	ok($status == 303 && ($to =~ m{^/(?![/\\\t])} && $to !~ m{[\\\t\r\n]}), "signing in does not lead to $next") or diag "$status $to";
}

# ---- somebody else's address, claimed ----
my @tries;
for my $n (1 .. 8) {
	my $form = Site::form([ email => "nobody$n\@example.com", password => 'wrong' ]);
	my ($status) = raw("POST /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
	    . join('', map { "$_: 10.0.0.$n\r\n" } qw(X-Forwarded-For X-Real-IP Forwarded Client-IP True-Client-IP CF-Connecting-IP X-Client-IP Remote-Addr REMOTE_ADDR))
	    . "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " . length($form) . "\r\n\r\n$form", '127.0.2.1');
	push @tries, $status;
}
like("@tries", qr/^(?:422 |401 |403 ){2,7}(?:429 ?)+$/, 'a claimed address gives nobody more tries');

# ---- forged lines for the log ----
my $count = sub { scalar(() = $site->log('web') =~ /"event":"request"/g) };
my $before = $count->();
my $lines = () = $site->log('web') =~ /\n/g;
my $asked = 0;
for my $text ("\x1b[2J", '%0a{"level":"error","event":"forged"}', '\\n{"event":"forged"}', '"}{"event":"forged"', "\xff\xfe\xc3", "\xe2\x80\xa8" . 'forged', 'x' x 6000, '%0d%0aforged', "\x7f\x08\x08") {
	get("/brands/1/$text" =~ s/ /+/gr, "User-Agent: $text", "Referer: $text", "X-Request-Id: $text", "Origin: $text", "Accept: $text");
	raw("POST /api/v1/brands HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer $text\r\nIdempotency-Key: $text\r\nContent-Type: $text\r\nContent-Length: 2\r\n\r\n{}");
	$asked += 2;
}
$site->get('/healthz?last') for 1 .. 2;
$site->until_true(5, sub { $site->log('web') =~ /\n\z/ });
my @log = split /\n/, $site->log('web'), -1;
pop @log;
my @unread = grep { !eval { JSON::PP->new->utf8->decode($_); 1 } } @log;
is(scalar @unread, 0, 'every line of the log is one object') or diag $unread[0];
is(scalar(grep { length > 4096 } @log), 0, '... of 4 KiB at most');
is(scalar(grep { /[\x00-\x08\x0b-\x1f\x7f]/ } @log), 0, '... without control characters');
is(scalar(grep { /"event":"forged"/ } @log), 0, '... none of them forged');
my $new = $count->() - $before;
cmp_ok($new, '<=', $asked + 2, '... no more than were asked for');
cmp_ok($new, '>=', ($asked + 2) / 2, '... nor much fewer: nginx itself refuses some');
is_deeply([ map { "$_->{event}" } grep { ($_->{level} // '') =~ /error|fatal/ } map { $site->events($_) } qw(web track cron) ], [], 'nothing was an error of ours');
done_testing;
