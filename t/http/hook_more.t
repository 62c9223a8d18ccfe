#!/usr/bin/perl
# Events of Amazon SES, in a site that still takes SignatureVersion 1; when the database is busy and when
# there are too many at once, Amazon is told to come again; a feed that falls silent is told of.
use strict;
use warnings;
use Fcntl qw(:flock);
use FindBin;
use lib "$FindBin::Bin/../lib";
use IO::Socket::INET;
use JSON::PP;
use POSIX qw(strftime);
use Site;
use Sns;
use Test::More;
use Time::HiRes qw(time);

my $sns = Sns->start;
my $site = Site->start(env => { $sns->env, MAILLAYER_SECURITY_SNS_SIGNATURE_V1 => 'true' });
$site->sign_in;
my $brand = '/brands/' . $site->api(POST => '/brands', { name => 'Acme', from_name => 'Acme',
	from_email => 'news@a.example', postal_address => '1 Road', time_zone => 'UTC' })->{json}{id};
my $list = $site->api(POST => "$brand/lists", { name => 'All' })->{json}{id};
$site->api(POST => "$brand/subscribers", { email => "p$_\@x.example", lists => [$list] }) for 1 .. 3;
my $hook = $site->api(GET => "$brand/provider")->{json}{events_url} =~ s{^https?://[^/]+}{}r;
my $topic = 'arn:aws:sns:eu-west-1:123456789012:mail';

sub post {
	my ($message) = @_;
	return $site->request(POST => $hook, no_cookies => 1, content => encode_json($message),
		headers => { 'content-type' => 'text/plain; charset=UTF-8' })->{status};
}
sub sql {
	open my $q, '-|', 'sqlite3', '-cmd', '.timeout 5000', "$site->{state}/maillayer.db", @_ or die "sqlite3: $!";
	local $/;
	return <$q> // '';
}
my $stamp = strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime);
sub bounce {
	my ($n) = @_;
	return encode_json({ eventType => 'Bounce', mail => { messageId => "m$n", timestamp => $stamp },
		bounce => { bounceType => 'Permanent', bounceSubType => 'General', feedbackId => "f$n", timestamp => $stamp,
			bouncedRecipients => [ { emailAddress => "p$n\@x.example" } ] } });
}
sub notice { my ($text, %o) = @_; return { message => { TopicArn => $topic, Message => $text, %{ $o{message} // {} } }, %o{break} } }
sub status_of { my ($n) = @_; return sql("SELECT status FROM subscribers WHERE email = 'p$n\@x.example'") =~ s/\n//r }

is($site->api(POST => "$brand/provider/topics", { topic_arn => $topic })->{status}, 200, 'a topic is begun');
my ($m) = $sns->signed({ message => { Type => 'SubscriptionConfirmation', TopicArn => $topic, Message => 'x' } });
my ($early) = $sns->signed({ message => { TopicArn => $topic, Message => '{"eventType":"Whatever","mail":{}}' } });
is(post($early), 200, 'a notification that comes before it is confirmed is taken');
is(sql("SELECT state FROM ses_topics WHERE topic_arn = '$topic'") =~ s/\n//r, 'wanted', '... and confirms nothing');
is(post($m), 200, 'and confirmed');

# ---- version 1, switched on; hook_ses.t has it refused ----
($m) = $sns->signed(notice(bounce(1), message => { SignatureVersion => '1' }));
is(post($m), 200, 'a signature of version 1 is taken where that is switched on');
is(status_of(1), 'bounced', 'and what it says is done');
($m) = $sns->signed(notice(bounce(2), message => { SignatureVersion => '2' }, break => { SignatureVersion => '1' }));
is(post($m), 403, 'one of version 2 that says it is of 1 is refused');
($m) = $sns->signed(notice(bounce(2), message => { SignatureVersion => '1' }, break => { Message => bounce(3) }));
is(post($m), 403, 'another message is refused in version 1 too');
($m) = $sns->signed(notice(bounce(2)));
is(post($m), 200, 'version 2 is taken as ever');
is(status_of(3), 'active', 'the forged one had no effect');

# ---- the database is busy ----
($m) = $sns->signed(notice(bounce(3)));
open my $lock, '>>', "$site->{state}/maillayer.db.lock" or die "lock: $!";
flock $lock, LOCK_EX or die "lock: $!";
is(post($m), 503, 'when the database is busy Amazon has to come again');
close $lock;
is(status_of(3), 'active', 'nothing of it was done');
is(post($m), 200, 'and when it comes again');
is(status_of(3), 'bounced', 'it is done');

# ---- silence ----
my $page = "$brand/provider";
unlike($site->get($page)->{content}, qr/Events have stopped/, 'a live feed is not complained of');
my $hours = 1000 * 3600;
my $now = int(time * 1000);
sql("UPDATE ses_topics SET confirmed_at = $now - 48 * $hours, last_event_at = $now - 30 * $hours;"
	. "UPDATE providers SET kind = 'ses';"
	. "INSERT INTO campaigns (id, brand_id, name, status, started_at, created_at, updated_at)"
	. " VALUES (77, 1, 'C', 'completed', $now - 20 * $hours, 1, 1);"
	. 'INSERT INTO campaign_counts VALUES (77, 4, 1)');
like($site->get($page)->{content}, qr/Events have stopped: none has come since .* though mail has left/, 'the page says that events have stopped');
ok($site->api(GET => $page)->{json}{silent_since}, 'and the API');
($m) = $sns->signed(notice('{"eventType":"Whatever","mail":{}}'));
is(post($m), 200, 'an event comes');
unlike($site->get($page)->{content}, qr/Events have stopped/, 'and all is well again');

# ---- too many at once: 100 a second, and 500 more ----
# All are sent before one answer is read.
my @flood = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $site->{port}) // die "connect: $!" } 1 .. 900;
my $beside = pop @flood;
print $_ "GET /hooks/ses/x HTTP/1.0\r\nHost: x\r\n\r\n" for @flood;
print $beside "GET /hooks/ses/another HTTP/1.0\r\nHost: x\r\n\r\n";
my %seen;
for my $s (@flood) {
	my $answer = do { local $/; <$s> } // '';
	my ($status) = $answer =~ m{^HTTP/1.1 (\d+)};
	$seen{ ($status // 'none') . ($status eq '503' && $answer !~ /problem\+json/ ? ' by nginx' : '') }++;
}
diag(join ', ', map { "$seen{$_} times $_" } sort keys %seen);
cmp_ok($seen{'503 by nginx'} // 0, '>', 100, 'of 900 at once some are told to come again');
my $served = do { local $/; <$beside> } // '';
unlike($served, qr{^HTTP/1.1 503(?!.*problem\+json)}s, 'the address of another brand has a limit of its own');
is((grep { !/^(405|503)/ } keys %seen), 0, 'the others are answered');
cmp_ok($seen{405} // 0, '>', 100, 'as ever');
ok($site->until_true(20, sub { post($m) == 200 }), 'and afterwards events are taken');
done_testing;
