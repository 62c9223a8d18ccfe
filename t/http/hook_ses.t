#!/usr/bin/perl
# Events of Amazon SES by Amazon SNS, through nginx: what is believed, what is refused and by whose
# word; what a forger cannot make us do.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use POSIX qw(strftime);
use Site;
use Sns;
use Test::More;
use Time::HiRes qw(time);

my $fake = Sns->start;
my $sns_port = $fake->{port};
sub fake { return $fake->ask(@_) }
sub signed { return $fake->signed(@_) }
sub asked { return $fake->asked }
my $site = Site->start(env => { $fake->env });

# ---- two brands; a campaign of each is sent ----

sub brand {
	my ($name) = @_;
	my $id = $site->api(POST => '/brands', { name => $name, from_name => $name, from_email => 'news@a.example',
		postal_address => '1 Road', time_zone => 'UTC' })->{json}{id};
	my $list = $site->api(POST => "/brands/$id/lists", { name => 'All' })->{json}{id};
	$site->api(POST => "/brands/$id/subscribers", { email => "p$_\@x.example", lists => [$list] }) for 1 .. 12;
	my $c = $site->api(POST => "/brands/$id/campaigns", { name => 'C', subject => 'S',
		html => '<p>x {{ unsubscribe_url }}</p>', lists => [$list] })->{json}{id};
	$site->api(POST => "/brands/$id/campaigns/$c/send", {});
	ok($site->until_true(20, sub { $site->api(GET => "/brands/$id/campaigns/$c")->{json}{status} eq 'completed' }),
		"$name has sent");
	my $hook = $site->api(GET => "/brands/$id/provider")->{json}{events_url};
	$hook =~ s{^https?://[^/]+}{} or BAIL_OUT('no address for events');
	return { id => $id, campaign => $c, hook => $hook, path => "/brands/$id" };
}
my ($acme, $beta) = (brand('Acme'), brand('Beta'));
my $topic = 'arn:aws:sns:eu-west-1:123456789012:mail';
my $topic_b = 'arn:aws:sns:eu-west-1:123456789012:beta';

sub post {
	my ($message, %o) = @_;
	return $site->request(POST => $o{hook} // $acme->{hook}, no_cookies => 1,
		headers => { 'content-type' => 'text/plain; charset=UTF-8', 'x-amz-sns-message-type' => 'Notification' },
		content => ref $message ? encode_json($message) : $message);
}
sub topics { my ($brand) = @_; return { map { $_->{topic_arn} => $_ } @{ $site->api(GET => "$brand->{path}/provider")->{json}{topics} } } }
sub stats { return $site->api(GET => "$acme->{path}/campaigns/$acme->{campaign}/report")->{json}{stats} }
sub people { return { map { $_->{email} => $_->{status} } @{ $site->api(GET => "$_[0]{path}/subscribers")->{json}{items} } } }

# Deliveries by person: the outbox has no tags, so they are made as SES would have them.
my %delivery;
{
	my $rows = $site->sql('SELECT c.brand_id, d.email_key, d.id FROM campaign_subscribers d JOIN campaigns c ON c.id = d.campaign_id');
	for (split /\n/, $rows) { my ($brand, $email, $id) = split /\|/; $delivery{$brand}{$email} = $id }
}
is(scalar keys %{ $delivery{ $acme->{id} } }, 12, 'the deliveries are known');

my $stamp = strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime);
sub event {
	my ($type, $n, %o) = @_;
	my $email = "p$n\@x.example";
	my %mail = (messageId => "ses-$n", timestamp => $stamp, destination => ['p12@x.example'],
		tags => { maillayer_delivery => [ $delivery{ ($o{brand} // $acme)->{id} }{$email} . '-1' ] });
	my %part = (
		Send => [ send => {} ],
		Delivery => [ delivery => { timestamp => $stamp, recipients => [$email], smtpResponse => '250 2.0.0 Ok' } ],
		Bounce => [ bounce => { bounceType => $o{type} // 'Permanent', bounceSubType => $o{sub} // 'General',
			timestamp => $stamp, feedbackId => "f-$n-" . ($o{type} // ''),
			bouncedRecipients => [ { emailAddress => $email, status => '5.1.1', diagnosticCode => 'smtp; 550 5.1.1 no such user' } ] } ],
		Complaint => [ complaint => { complainedRecipients => [ { emailAddress => $email } ], timestamp => $stamp,
			feedbackId => "c-$n", complaintFeedbackType => $o{kind} // 'abuse' } ],
		Reject => [ reject => { reason => 'Bad content' } ],
		DeliveryDelay => [ deliveryDelay => { timestamp => $stamp, delayType => 'MailboxFull', delayedRecipients => [ { emailAddress => $email } ] } ],
		'Rendering Failure' => [ failure => { templateName => 't', errorMessage => "Attribute 'v1' is not present" } ],
		Open => [ open => { timestamp => $stamp } ],
	);
	return encode_json({ eventType => $type, mail => \%mail, $part{$type}[0] => $part{$type}[1] });
}
sub notice { my ($text, %o) = @_; return { message => { TopicArn => $topic, Message => $text, %{ $o{message} // {} } }, ($o{signer} ? (signer => $o{signer}) : ()), ($o{break} ? (break => $o{break}) : ()) } }

# ---- before anybody began: no word goes out ----
my ($m) = signed(notice(event(Send => 1)));
is(post($m)->{status}, 403, 'a topic that is not on the list is refused');
($m) = signed({ message => { Type => 'SubscriptionConfirmation', TopicArn => $topic, Message => 'x' } });
is(post($m)->{status}, 403, 'and its confirmation');
is(asked(), 0, 'and nothing was fetched');
is(post($m, hook => '/hooks/ses/' . 'x' x 43)->{status}, 404, 'an unknown address is 404');
is($site->get($acme->{hook})->{status}, 405, 'GET is not known');

# ---- beginning ----
my $r = $site->api(POST => "$acme->{path}/provider/topics", { topic_arn => 'arn:aws:sqs:eu-west-1:1:x' });
is($r->{status}, 422, 'what is no ARN of a topic is refused');
like($r->{json}{errors}{topic_arn}, qr/looks like arn:aws:sns/, 'with a sentence at the field');
is($site->api(POST => "$acme->{path}/provider/topics", { topic_arn => 'arn:aws:sns:s3-us-west-2:123456789012:m' })->{status}, 422,
	'and a region that would be a bucket of S3');
$site->sign_in;
$r = $site->post("$acme->{path}/provider/topics", { topic_arn => '' });
is($r->{status}, 422, 'the page says it too');
$r = $site->post("$acme->{path}/provider/topics", { topic_arn => $topic });
is($r->{status}, 303, 'a topic is begun') or diag $r->{content};
like($site->get("$acme->{path}/provider")->{content}, qr/Waiting for Amazon/, 'and waits');
is($site->api(POST => "$beta->{path}/provider/topics", { topic_arn => $topic_b })->{status}, 200, 'by the API too');
is(topics($acme)->{$topic}{state}, 'wanted', 'it is wanted');
is(topics($acme)->{$topic_b}, undef, 'in its own brand only');

# ---- confirming ----
my ($no_word) = signed({ message => { Type => 'SubscriptionConfirmation', TopicArn => $topic_b, Message => 'x' } });
is(post($no_word)->{status}, 403, "another brand's topic is refused");
($no_word) = signed({ message => { Type => 'SubscriptionConfirmation', TopicArn => $topic, Message => 'x',
	SubscribeURL => 'https://169.254.169.254/?Action=ConfirmSubscription&x' } });
is(post($no_word)->{status}, 403, 'a confirmation that leads elsewhere is refused, though signed');
is(topics($acme)->{$topic}{state}, 'wanted', 'and confirms nothing');
($m) = signed({ message => { Type => 'SubscriptionConfirmation', TopicArn => $topic, Message => 'You have chosen...' } });
fake(PUT => '/_fail', { confirm => 500 });
is(post($m)->{status}, 503, 'if Amazon does not answer, it has to come again');
fake(PUT => '/_fail', {});
is(post($m)->{status}, 200, 'the confirmation of what was begun is answered');
is_deeply(fake(GET => '/_stats')->{confirmed}, [ [ $topic, $m->{Token} ] ], 'Amazon is told, with the token');
is(topics($acme)->{$topic}{state}, 'confirmed', 'and the topic is confirmed');
like($site->get("$acme->{path}/provider")->{content}, qr/Listening/, 'as the page says');
is(post($m)->{status}, 403, 'nobody has begun another');
is(fake(GET => '/_stats')->{certificates}, 1, 'the certificate was fetched once');

# ---- forged in many ways ----
my $good = event(Bounce => 1);
my $host = 'https://sns.eu-west-1.amazonaws.com';
my $file = 'SimpleNotificationService-' . 'goodxxxxxxxxxxxxxxxxxxxxxxxxxxxx.pem';
my $old = strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime(time - 76 * 60));
my $late = strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime(time + 76 * 60));
# what is changed after signing needs no question to anybody
my %silent = (
	'no signature' => { Signature => '_absent' },
	'an empty signature' => { Signature => '' },
	'a signature that is no base64' => { Signature => '!' x 344 },
	'a short signature' => { Signature => 'AAAA' },
	'a very long one' => { Signature => 'A' x 4000 },
	'no certificate' => { SigningCertURL => '_absent' },
	'no version' => { SignatureVersion => '_absent' },
	'version 3' => { SignatureVersion => '3' },
	'a version that is a number' => { SignatureVersion => 2 },
	'no message id' => { MessageId => '_absent' },
	'an empty message id' => { MessageId => '' },
	'no time' => { Timestamp => '_absent' },
	'a bad time' => { Timestamp => 'now' },
	'no topic' => { TopicArn => '_absent' },
	'a topic that is not ours' => { TopicArn => "${topic}x" },
	"another brand's topic" => { TopicArn => $topic_b },
	'another region' => { TopicArn => 'arn:aws:sns:us-east-1:123456789012:mail' },
	'no type' => { Type => '_absent' },
	'an unknown type' => { Type => 'Else' },
	'no message' => { Message => '_absent' },
	'a message that is an object' => { Message => {} },
	'a certificate by http' => { SigningCertURL => "http://sns.eu-west-1.amazonaws.com/$file" },
	'one of another region' => { SigningCertURL => "https://sns.us-east-1.amazonaws.com/$file" },
	'one in a bucket named sns' => { SigningCertURL => "https://sns.s3-us-west-2.amazonaws.com/$file" },
	'one in a bucket of S3' => { SigningCertURL => "https://sns.s3.amazonaws.com/$file" },
	'one of somebody else' => { SigningCertURL => "https://evil.example/$file" },
	'one with the name in front' => { SigningCertURL => "https://sns.eu-west-1.amazonaws.com.evil.example/$file" },
	'one with the name as a user' => { SigningCertURL => "https://sns.eu-west-1.amazonaws.com\@evil.example/$file" },
	'one at another port' => { SigningCertURL => "https://sns.eu-west-1.amazonaws.com:8443/$file" },
	'one in China' => { SigningCertURL => "https://sns.eu-west-1.amazonaws.com.cn/$file" },
	'one at another path' => { SigningCertURL => "$host/x/../$file" },
	'one with a query' => { SigningCertURL => "$host/$file?x" },
	'one of this machine' => { SigningCertURL => "http://127.0.0.1:$sns_port/$file" },
	'the metadata of a cloud' => { SigningCertURL => 'http://169.254.169.254/latest/meta-data/' },
	'a file' => { SigningCertURL => 'file:///etc/passwd' },
);
my $before = asked();
for my $name (sort keys %silent) {
	my ($f) = signed(notice($good, break => $silent{$name}));
	my $got = post($f)->{status};
	ok($got == 403 || $got == 400, "refused: $name") or diag $got;
}
for my $signed ([ 'version 1' => { SignatureVersion => '1' } ], [ 'too old' => { Timestamp => $old } ],
	[ 'of the future' => { Timestamp => $late } ]) {
	my ($f) = signed(notice($good, message => $signed->[1]));
	is(post($f)->{status}, 403, "refused, though signed: $signed->[0]");
}
for my $body ($good, '', '{', '[]', 'null', '"x"', '{"Type":"Notification"}', "\0", '{' x 1000) {
	my $got = post($body)->{status};
	is($got, 400, 'refused: ' . (length $body > 20 ? 'what is no envelope' : "'" . ($body =~ tr/\0/0/r) . "'"));
}
is(post($m = 'x' x (321 * 1024))->{status}, 413, 'a huge body is refused');
is(asked(), $before, 'none of them made us ask anybody');

# the signature itself
my %tampered = (
	'another message' => { Message => event(Bounce => 2) },
	'another message id' => { MessageId => '00000000-0000-0000-0000-000000000000' },
	'another time' => { Timestamp => strftime('%Y-%m-%dT%H:%M:%S.001Z', gmtime(time - 60)) },
	'a subject put in' => { Subject => 'x' },
	'a turned signature' => { Signature => 'A' x 342 . '==' },
	'a message with an end more' => { Message => "$good\n" },
);
for my $name (sort keys %tampered) {
	my ($f) = signed(notice($good, break => $tampered{$name}));
	is(post($f)->{status}, 403, "refused: $name");
}
my ($f) = signed(notice($good, message => { Subject => 'S' }, break => { Subject => '_absent' }));
is(post($f)->{status}, 403, 'refused: a subject taken away');
($f) = signed(notice($good, break => { SignatureVersion => '1' }));
is(post($f)->{status}, 403, 'refused: relabelled as version 1');
($f) = signed(notice($good, signer => 'good', break => { SigningCertURL => "$host/SimpleNotificationService-" . 'leaf' . 'x' x 28 . '.pem' }));
is(post($f)->{status}, 403, 'refused: a certificate that cannot be traced to a root');
for my $signer (qw(old early other strange self short huge nobody leaf)) {
	($f) = $signer eq 'nobody'
	    ? signed(notice($good, break => { SigningCertURL => "$host/SimpleNotificationService-" . 'nobody' . 'x' x 26 . '.pem' }))
	    : signed(notice($good, signer => $signer));
	my $got = post($f)->{status};
	ok($got == 403 || ($signer eq 'huge' && $got == 503), "refused: the certificate '$signer'") or diag $got;
}
is(people($acme)->{'p1@x.example'}, 'active', 'none of all that had an effect');
is(stats()->{bounced}, 0, 'nor was it counted');
fake(PUT => '/_fail', { certificate => 503 });
($f) = signed(notice($good, break => { SigningCertURL => "$host/SimpleNotificationService-" . 'good' . 'y' x 28 . '.pem' }));
is(post($f)->{status}, 503, 'a certificate that cannot be had now: come again');
fake(PUT => '/_fail', {});

# ---- what is true ----
my @mail = (event(Send => 1), event(Delivery => 2), event(Delivery => 3), event(Bounce => 1), event(Bounce => 4, type => 'Transient', sub => 'MailboxFull'),
	event(Bounce => 5, sub => 'OnAccountSuppressionList'), event(Complaint => 2), event(Complaint => 6, kind => 'not-spam'),
	event(Reject => 7), event('Rendering Failure' => 8), event(DeliveryDelay => 9), event(Open => 10),
	'{"eventType":"Whatever","mail":{}}', 'Successfully validated SNS topic for Amazon SES event publishing.');
my @messages = signed(map { notice($_) } @mail);
is(scalar(grep { post($_)->{status} == 200 } @messages), scalar @messages, 'each event is taken, unknown ones too');
my $got = stats();
is_deeply({ map { $_ => $got->{$_} } qw(delivered bounced soft_bounced complained) },
	{ delivered => 2, bounced => 1, soft_bounced => 1, complained => 1 }, 'and counted in the report') or diag explain $got;
my $p = people($acme);
is($p->{'p1@x.example'}, 'bounced', 'a permanent bounce stops mail');
is($p->{'p2@x.example'}, 'complained', 'and a complaint');
is($p->{'p5@x.example'}, 'bounced', 'and an echo');
is($p->{"p$_\@x.example"}, 'active', "but not p$_") for 3, 4, 6, 7, 8, 9, 12;
is((grep { $_ ne 'active' } values %{ people($beta) }), 0, 'nor anybody of the other brand');
my $counts = $site->api(GET => "$acme->{path}/campaigns/$acme->{campaign}")->{json}{counts};
is("$counts->{accepted} $counts->{rejected} $counts->{audience}", '10 2 12', 'what Amazon threw away is rejected, and the sum holds');
my ($id) = map { $_->{id} } grep { $_->{email} eq 'p1@x.example' } @{ $site->api(GET => "$acme->{path}/subscribers")->{json}{items} };
my $who = $site->get("$acme->{path}/subscribers/$id")->{content};
like($who, qr/no such user/, 'the page of the person has the reason');
ok(topics($acme)->{$topic}{last_event_at}, 'the topic was heard');

# ---- again and again, in any order, at once ----
sub ledger {
	return join "\n", map { $site->sql($_) } 'SELECT id, state, reason, message_id, delivered_at, bounced_at, bounce, complained_at FROM campaign_subscribers ORDER BY id',
		'SELECT * FROM campaign_counts WHERE n <> 0 ORDER BY 1, 2', 'SELECT campaign_id, delivered, bounced, soft_bounced, complained FROM campaign_stats ORDER BY 1',
		'SELECT count(*) FROM email_events', 'SELECT email_key, reason FROM suppressions ORDER BY 1';
}
my $ledger = ledger();
my @again = signed(map { notice($_) } (reverse @mail) x 3);
my %saw;
$saw{ post($_)->{status} }++ for @again[ sort { ($a * 7919) % @again <=> ($b * 7919) % @again } 0 .. $#again ];
is_deeply(\%saw, { 200 => scalar @again }, 'new messages of old events are taken');
is(ledger(), $ledger, 'and change nothing');

my ($one) = signed(notice(event(Bounce => 11)));
my @children;
for my $k (1 .. 4) {
	my $pid = fork // die;
	if ($pid == 0) {
		my $bad = grep { post($one)->{status} !~ /^(200|503)$/ } 1 .. 250;
		POSIX::_exit($bad ? 1 : 0);
	}
	push @children, $pid;
}
my $failed = grep { waitpid $_, 0; $? } @children;
is($failed, 0, '1,000 copies of one message are answered');
is(stats()->{bounced}, 2, 'and count once');
is(post($one)->{status}, 200, 'and once more');
is($site->sql("SELECT count(*) FROM hook_messages WHERE message_id = '$one->{MessageId}'"), 1, 'it is remembered once');

# ---- the other brand, and the end ----
my ($theirs) = signed({ message => { Type => 'SubscriptionConfirmation', TopicArn => $topic_b, Message => 'x' } });
is(post($theirs, hook => $beta->{hook})->{status}, 200, 'the other brand confirms its own');
($f) = signed({ message => { TopicArn => $topic_b, Message => event(Bounce => 12) } });
is(post($f, hook => $beta->{hook})->{status}, 200, "its topic speaks of a mail of ours by the tag");
is(people($acme)->{'p12@x.example'}, 'active', 'which has no effect here');
($f) = signed({ message => { Type => 'UnsubscribeConfirmation', TopicArn => $topic, Message => 'x' } });
is(post($f)->{status}, 200, 'the end of a subscription is taken');
is(topics($acme)->{$topic}{state}, 'ended', 'and noted');
like($site->get("$acme->{path}/provider")->{content}, qr/Ended by Amazon/, 'on the page');
$id = topics($acme)->{$topic}{id};
is($site->api(DELETE => "$beta->{path}/provider/topics/$id")->{status}, 404, 'another brand cannot take it away');
is($site->post("$acme->{path}/provider/topics/$id", { _method => 'DELETE' })->{status}, 303, 'ours can');
($f) = signed(notice(event(Bounce => 12)));
is(post($f)->{status}, 403, 'what it still says is refused');
my @faults = grep { ($_->{level} // '') =~ /error|fatal/ } $site->events('web');
is(scalar @faults, 0, 'nothing of all this was an error of ours') or diag explain \@faults;
undef $site;
$fake->stop;
done_testing;
