#!/usr/bin/perl
# Secrets at rest: not in a dump, not in a log; a new key while everything runs; what the doctor says.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use MIME::Base64;
use Site;
use Test::More;

my $site = Site->start;
my $file = "$site->{state}/secret.key";
my $b = '/brands/' . $site->api(POST => '/brands', { name => 'Acme', from_name => 'Acme', from_email => 'news@acme.example',
	postal_address => 'Quay 1', time_zone => 'UTC' })->{json}{id};
my $secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
sub provider { return $site->api(PUT => "$b/provider", { kind => 'ses', region => 'eu-central-1', access_key_id => 'AKIDEXAMPLE',
	endpoint => 'http://127.0.0.1:9', @_ }) }
is(provider(secret_access_key => $secret)->{status}, 200, 'a secret is stored');
my $key = $site->api(POST => "$b/keys", { name => 'k', scopes => 'read' })->{json}{key} // '';
like($key, qr/^ml_/, 'an API key is made');
$site->user;
my $cron = $site->secret;
my ($raw) = Site::slurp($file) =~ /^(\S+)$/m;

sub sql {
	my ($text) = @_;
	open my $q, '-|', 'sqlite3', '-cmd', '.timeout 5000', "$site->{state}/maillayer.db", $text or die "sqlite3: $!";
	my $out = do { local $/; <$q> };
	close $q;
	return $out // '';
}
# The whole database, as text and as the bytes of its files; blobs are hexadecimal in a dump.
sub all_there_is {
	my $dump = sql('.dump');
	$dump .= pack 'H*', $_ for $dump =~ /X'([0-9a-f]+)'/ig;
	return join '', $dump, map { Site::slurp($_) } glob "$site->{state}/maillayer.db*";
}
my $log = sub { join '', map { $site->log($_) } qw(web track cron) };
my %known = (secret => $secret, 'half of the secret' => substr($secret, 0, 20), 'secret in base64' => encode_base64($secret, '') =~ s/=+$//r,
	'API key' => $key, 'cron secret' => $cron, 'key file' => $raw, 'key itself' => decode_base64($raw), password => 'correct horse battery');
my $all = all_there_is();
like($all, qr/AKIDEXAMPLE/, 'the dump is one');
for my $name (sort keys %known) {
	ok(index($all, $known{$name}) < 0, "the database does not hold the $name");
	ok(index($log->(), $known{$name}) < 0, '... nor do the logs');
}
my $answers = join '', map { $site->api(GET => $_)->{content} } "$b/provider", $b, "$b/keys", '/me', '/brands';
unlike($answers, qr/\Q$secret\E|\Q$key\E/, '... nor does the API tell them');

# ---- a new key ----
sub opens { my $r = $site->api(POST => "$b/provider/check"); return $r->{content} !~ /cannot be read/ ? 'opens' : 'does not' }
is(opens(), 'opens', 'the secret opens');
my $c = $site->api(POST => "$b/campaigns", { name => 'C', subject => 'S', html => '<p>{{ unsubscribe_url }}</p>' })->{json}{id};
$site->api(PUT => "$b/provider", { kind => 'outbox' });
$site->api(POST => "$b/campaigns/$c/test", { emails => ['ann@example.com'] });
my $mail = $site->api(GET => "$b/outbox")->{json}{items}[0]{id};
my ($link) = $site->api(GET => "$b/outbox/$mail")->{json}{html} =~ m{(/u/[\w-]+)} or BAIL_OUT('no link');
is($site->get($link)->{status}, 200, 'the link of a mail works');
is(provider()->{status}, 200, '... and the account is back');
my $before = sql('SELECT hex(secret) FROM providers');
my ($status, $text) = $site->command([qw(secret rotate)]);
is($status, 0, 'secret rotate makes a new key') or diag $text;
like($text, qr/1 sealed value, all with the newest key/, '... and says what it sealed anew');
my @lines = split /\n/, Site::slurp($file);
is(scalar @lines, 3, 'the file has the secret, the new key and the one before');
is($lines[0], $raw, '... the secret as it was');
is((stat $file)[2] & 0777, 0600, '... and nobody else may read it');
isnt(sql('SELECT hex(secret) FROM providers'), $before, 'what is stored was sealed anew');
is(opens(), 'opens', '... and opens in processes that started before');
is($site->get($link)->{status}, 200, 'the link of the old mail works');
is($site->cron('jobs')->{status}, 200, 'so does the trigger');
is(provider(secret_access_key => "$secret-2")->{status}, 200, 'a process that started before seals with the key it knows');
($status, $text) = $site->command(['doctor']);
like($text, qr/ok\s+sealed\s+1 stored credentials open/, 'the doctor opens it too');
like($text, qr/note\s+sealed.*secret forget/, '... and names the key that is left over');
like($text, qr/note\s+key\s.*beside the database/, '... and that key and database lie in one folder');

# A rotation that was killed: it goes on, without one more key.
($status, $text) = $site->command([qw(secret rotate)]);
is($status, 0, 'run again');
like($text, qr/Going on where/, '... it goes on with what the old key has sealed meanwhile');
is(scalar(split /\n/, Site::slurp($file)), 3, '... with no further key');
($status, $text) = $site->command([qw(secret rotate)]);
is(scalar(split /\n/, Site::slurp($file)), 3, 'a second rotation lets the oldest key go');
isnt((split /\n/, Site::slurp($file))[1], $lines[1], '... and has a new one');
($status, $text) = $site->command([qw(secret forget)]);
is($status, 0, 'secret forget removes the older keys') or diag $text;
is(scalar(split /\n/, Site::slurp($file)), 2, '... of which none is left');
is(opens(), 'opens', 'and the secret opens');
$all = all_there_is();
for my $line (map { s/^box //r } split /\n/, Site::slurp($file)) {
	ok(index($all, $line) < 0 && index($all, decode_base64($line)) < 0, 'no key stands in the database');
}
is(index($all, $secret), -1, 'nor the secret');
kill HUP => $site->supervisor('web');
$site->until_true(20, sub { $site->log('web') =~ /pool\.reloaded/ });
is(opens(), 'opens', 'after a reload too');
ok(!-e "$file.new", 'no draft of the key file is left');
is(system('cp', $file, "$file.kept"), 0, 'the file is copied');

# ---- what the doctor says ----
chmod 0640, $file;
($status, $text) = $site->command(['doctor']);
like($text, qr/secret\.key.*The key file can be read by others/, 'doctor: a key file that others can read');
isnt($status, 0, '... is wrong');
for my $command ([qw(cron-once)], [qw(web)], [qw(track)], [qw(cron)], [qw(key list)], [qw(user list)]) {
	($status, $text) = $site->command($command);
	ok($status != 0 && $text =~ /can be read by others/, "... and stops maillayer @$command") or diag $text;
}
chmod 0600, $file;
SKIP: {
	skip 'only root can give a file away', 1 if $> != 0;
	chown 65534, 65534, $file;
	($status, $text) = $site->command(['doctor']);
	like($text, qr/FAIL\s+key\s.*another user/, '... that belongs to somebody else');
	chown 0, 0, $file;
}
open my $f, '>', $file or die;
print $f encode_base64('x' x 32);
close $f;
($status, $text) = $site->command(['doctor']);
is($status, 1, 'another key file');
like($text, qr/FAIL\s+sealed\s.*1 of 1 stored credentials cannot be opened/, '... opens nothing, and the doctor says so');
($status, $text) = $site->command([qw(secret rotate)]);
is($status, 1, '... the rotation too');
like($text, qr/1 more cannot be opened/, '... and leaves it alone');
is(system('cp', "$file.kept", $file), 0, 'the file is brought back');
($status, $text) = $site->command(['doctor']);
like($text, qr/ok\s+sealed/, '... and everything opens') or diag $text;
($status, $text) = $site->command([qw(secret tea)]);
is($status, 2, 'an unknown word is refused');
done_testing;
