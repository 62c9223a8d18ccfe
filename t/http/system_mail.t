#!/usr/bin/perl
# Our own mails through the strict fake of Amazon SES: a link for a new password, a test, and
# what people are told when Amazon does not take them.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/../lib";
use HTTP::Tiny;
use JSON::PP;
use Test::More;
use Site;

my $pid = open(my $out, '-|', 'node', "$Site::top/t/fake/ses.mjs", '--keep')
    or plan skip_all => 'node cannot run the fake of Amazon SES';
my ($port) = (<$out> // '') =~ /port (\d+)/ or plan skip_all => 'the fake of Amazon SES does not start';
my $owner = $$;
END { local $?; if ($pid && $owner == $$) { kill TERM => $pid; close $out } }
my $http = HTTP::Tiny->new(timeout => 10);
sub mails { return @{ decode_json($http->get("http://127.0.0.1:$port/_ledger")->{content}) } }
sub script {
	my ($rules) = @_;
	$http->put("http://127.0.0.1:$port/_script", { content => encode_json($rules) });
}

my $site = Site->start;
$site->sign_in;
my $b = $site->api(POST => '/brands', { name => 'Nordlicht', from_name => 'Zoë, Nordlicht',
	from_email => 'news@nordlicht.example', reply_to => 'help@nordlicht.example', time_zone => 'UTC' })->{json}{id};
my $r = $site->api(PUT => "/brands/$b/provider", { kind => 'ses', region => 'eu-central-1', mode => 'bulk',
	access_key_id => 'AKIDEXAMPLE', secret_access_key => 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
	endpoint => "http://127.0.0.1:$port" });
is($r->{status}, 200, 'a brand sends through SES');
is($site->post('/installation', { _method => 'PATCH', system_brand => $b })->{status}, 303, 'and the installation through it');
like($site->get('/installation')->{content}, qr{from <span class="mono">news\@nordlicht\.example}, 'which its page says');

# ---- a test ----
is($site->post('/installation/test', {})->{status}, 303, 'a test leaves');
my ($m) = mails();
is($m->{subject}, 'A test of this server’s own mail', 'with its subject');
is_deeply([ ref $m->{to} ? @{ $m->{to} } : $m->{to} ], ['test@example.com'], 'to who asked');
like($m->{from}, qr/<news\@nordlicht\.example>$/, 'from the brand');
is_deeply($m->{headers}, [ [ 'Auto-Submitted', 'auto-generated' ] ], 'as no list, and by a machine');
like($m->{text}, qr/This server can send its own mails/, 'with a text');
unlike($m->{html}, qr{/u/|/t/}, 'and nothing to leave or to track');

# ---- a link ----
my $browser = { 'content-type' => 'application/x-www-form-urlencoded' };
sub ask { return $site->request(POST => '/forgot', no_cookies => 1, headers => $browser, content => Site::form({ email => $_[0] })) }
unlike($site->get('/forgot', no_cookies => 1)->{content}, qr/outbox|cannot send/, 'the page asks for an address');
my $asked = ask('test@example.com');
is($asked->{status}, 303, 'a link is asked for');
like($site->get('/forgot?asked=1', no_cookies => 1)->{content}, qr/Look into your mailbox/, 'and is on its way');
my $link = $site->until_true(10, sub {
	my ($mail) = grep { $_->{subject} eq 'Choose a new password' } mails();
	return $mail && ($mail->{text} =~ m{\Q$site->{url}\E(/reset/[\w-]{43})})[0];
});
ok($link, 'Amazon gets it, in the text too');
is($site->get($link, no_cookies => 1)->{status}, 200, 'and it works');

# ---- Amazon is busy, then refuses ----
script([ { first => 1, do => { status => 500, type => 'InternalFailure', message => 'later' } } ]);
my $before = mails();
is($site->post('/installation/test', {})->{status}, 303, 'what is refused for now is tried again');
is(scalar(mails()), $before + 1, 'and arrives once');
script([ { do => { status => 400, type => 'MessageRejected', message => 'Email address is not verified: news' } } ]);
$r = $site->post('/installation/test', {});
is($r->{status}, 422, 'what is refused for good is told');
like($r->{content}, qr/not verified/, 'with what Amazon said');
my $refused = ask('test@example.com');
is_deeply([ @$refused{qw(status content)} ], [ @$asked{qw(status content)} ], 'who asks for a link learns nothing of it');
ok($site->until_true(10, sub { scalar $site->events('web', 'system_mail.failed') }), 'but the log does');
my ($line) = $site->events('web', 'system_mail.failed');
like($line->{why}, qr/not verified/, 'with the reason');
script([ { do => 'drop' } ]);
$before = mails();
$r = $site->post('/installation/test', {});
cmp_ok(scalar(mails()), '>', $before, 'a mail in doubt is sent again, for better twice than never');
is($r->{status}, 422, 'and when no answer comes at all, the page says so');
like(($site->command(['doctor']))[1], qr/ok\s+system mail\s+sent by Nordlicht/, 'the doctor says who sends');
done_testing;
