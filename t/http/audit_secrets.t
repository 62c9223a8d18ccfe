#!/usr/bin/perl
# Known secrets go through every route that changes something; none of them is in the audit
# log, in the logs, or in what the API and the pages tell afterwards.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use Site;
use Source;
use Test::More;

my $site = Site->start;
$site->sign_in;
my %secret;
my $n = 0;
sub secret { my ($what) = @_; my $s = sprintf 'Geheimnis%04dx%s', ++$n, 'q' x 20; $secret{$s} = $what; return $s }
my @names = qw(password current_password new_password secret secret_access_key token code csrf_token totp_secret
	recovery_code jwt_secret api_key key authorization);
sub with_secrets { my ($what, $body) = @_; return { (map { $_ => secret("$what $_") } @names), %$body } }

# Of them those that the route takes.
my %takes = $site->takes;
my %of_page = Source::page_takes();
sub taken {
	my ($route, $page, $body) = @_;
	my %known = map { $_ => 1 } keys %{ $takes{$route} // {} }, $page ? @{ $of_page{$route} // [] } : ();
	return { map { $known{$_} ? ($_ => $body->{$_}) : () } keys %$body };
}

# ---- one of everything, each made and changed with secrets beside what belongs there ----
sub send_it {
	my ($method, $path, $body) = @_;
	my $all = with_secrets("$method $path", $body);
	is($site->api($method => $path, $all)->{status}, 422, "$method $path: what does not belong there is refused");
	return $site->api($method => $path, taken("$method $path" =~ s/\d+/{}/gr, 0, $all));
}
my $b = send_it(POST => '/brands', { name => 'Acme', from_name => 'A', from_email => 'a@acme.example', postal_address => 'Quay 1',
	time_zone => 'UTC' })->{json}{id};
my %made;
my @bodies = (
	[ POST => "/brands/$b/lists", { name => 'News' }, 'lists' ],
	[ POST => "/brands/$b/fields", { key => 'city', label => 'City' }, 'fields' ],
	[ POST => "/brands/$b/subscribers", { email => 'ann@x.example' }, 'subscribers' ],
	[ POST => "/brands/$b/campaigns", { name => 'C', subject => 'S', html => '<p>x</p>' }, 'campaigns' ],
	[ POST => "/brands/$b/keys", { name => 'Shop', scopes => 'read' }, 'keys' ],
	[ POST => "/brands/$b/invitations", { email => 'ina@x.example', role => 'viewer' }, 'invitations' ],
	[ PUT => "/brands/$b/provider", { kind => 'outbox' } ],
	[ POST => "/brands/$b/provider/topics", { topic_arn => 'arn:aws:sns:eu-west-1:123456789012:mail' } ],
	[ PATCH => "/brands/$b", { name => 'Acme 2' } ],
);
for (@bodies) {
	my ($method, $path, $body, $kind) = @$_;
	my $r = send_it($method, $path, $body);
	like($r->{status}, qr/^20/, "$method $path") or diag $r->{content};
	$made{$kind} = $r->{json}{id} if $kind;
	$secret{ $r->{json}{key} } = 'the key that was made' if $r->{json}{key};
	$secret{$1} = 'the link that was made' if ($r->{json}{url} // '') =~ m{/invitations/(.*)};
}
my $amazon = secret('the secret of Amazon');
my $r = $site->api(PUT => "/brands/$b/provider", { kind => 'ses', region => 'eu-west-1', access_key_id => 'AKIAIOSFODNN7EXAMPLE',
	secret_access_key => $amazon });
is($r->{status}, 200, 'the account of Amazon is set');
$site->api(PUT => "/brands/$b/provider", { kind => 'outbox' });

# ---- every route that changes something, whatever it says ----
my %asked;
for my $route (grep { $_->{method} ne 'GET' && $_->{access} ne 'ACCESS_CRON' } Source::routes()) {
	next if $route->{pattern} eq '/sign-out' || $route->{pattern} eq '/account/sessions';
	my @part = split m{/}, $route->{pattern}, -1;
	for my $i (1 .. $#part) {
		$part[$i] = $part[ $i - 1 ] eq 'brands' ? $b : $made{ $part[ $i - 1 ] } // 1 if $part[$i] eq '{}';
		$part[$i] = secret('a word in the address') if $part[$i] eq '{*}';
	}
	my $path = join '/', @part;
	next if $route->{method} eq 'DELETE';
	my $what = "$route->{method} $route->{pattern}";
	my $page = $route->{raw} || $route->{page_only};
	my $all = with_secrets($what, {});
	for my $body ($all, taken($what, $page, $all)) {
		$r = $page ? $site->post($path, [ ($route->{method} eq 'POST' ? () : (_method => $route->{method})), %$body ])
		    : $site->api($route->{method}, $path, $body);
		$asked{$what} = $r->{status};
		cmp_ok($r->{status}, '<', 500, "$what: $r->{status}");
	}
}
cmp_ok(scalar keys %asked, '>', 35, 'they were many');

# ---- a person with a password of their own ----
my $invited = $site->api(POST => "/brands/$b/invitations", { email => 'mia@x.example', role => 'editor' })->{json}{url};
my ($word) = $invited =~ m{([^/]+)$};
$secret{$word} = 'the link of an invitation';
my $password = secret('the password of an account');
@$site{qw(cookies csrf)} = ({}, '');
my $form = { 'content-type' => 'application/x-www-form-urlencoded' };
$r = $site->request(POST => $invited, headers => $form, content => Site::form({ name => 'Mia', password => $password }));
is($r->{status}, 303, 'somebody makes an account');
$secret{ $site->{cookies}{ml_session} } = 'a session';
$site->{csrf} = Site::csrf_of($site->get("/brands/$b"));
$secret{ $site->{csrf} } = 'the token of forms';
my $next = secret('the next password');
$site->post('/account/password', { current_password => $password, password => $next });
$site->request(POST => '/sign-in', headers => $form, no_cookies => 1, content => Site::form({ email => 'mia@x.example', password => secret('a wrong password') }));

# ---- nowhere ----
my $lines = $site->api(GET => '/audit?limit=200')->{content};
my $csv = $site->api(GET => '/audit.csv')->{content};
cmp_ok(() = $csv =~ /\r\n/g, '>', 20, 'the audit log has its lines');
my %place = (
	'the audit log' => $lines . $csv,
	'the logs' => join('', map { $site->log($_) } qw(web track cron nginx)),
	'the API' => join('', map { $site->api(GET => $_)->{content} // '' } '/me', "/brands/$b", "/brands/$b/provider", "/brands/$b/keys",
		"/brands/$b/invitations", "/brands/$b/members", "/brands/$b/campaigns/" . ($made{campaigns} // 0)),
	'the table' => $site->sql('SELECT * FROM audit_log'),
);
for my $where (sort keys %place) {
	cmp_ok(length $place{$where}, '>', 100, "$where can be read");
	my @found = grep { index($place{$where}, $_) >= 0 } sort keys %secret;
	is(join("\n", map { $secret{$_} } @found), '', "none of " . keys(%secret) . " secrets is in $where");
}
done_testing;
