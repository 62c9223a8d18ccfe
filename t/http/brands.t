#!/usr/bin/perl
# Brands, delivery, API keys, idempotency: as pages and as API, through nginx.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Site;

my $site = Site->start;
$site->sign_in;

# ---- making brands ----
my $r = $site->get('/');
is($r->{headers}{location}, '/brands', 'without a brand one is sent to the list');
like($site->get('/brands')->{content}, qr/Create the first brand/, 'which says what to do');
$r = $site->post('/brands', { name => '  ', from_email => 'hello', time_zone => 'Mars/Base', postal_address => "Road 1\nTown" });
is($r->{status}, 422, 'a bad form comes back');
like($r->{content}, qr/Give the brand a name/, 'with a sentence at the name');
like($r->{content}, qr/id="e-from_email"/, 'at the address');
like($r->{content}, qr/There is no such time zone/, 'at the time zone');
like($r->{content}, qr/>\s*Road 1\s+Town<\/textarea>/, 'and the typed text');
is($site->post('/brands', { name => 'X' }, no_csrf => 1)->{status}, 403, 'a form without the token is refused');
is($site->post('/brands', { name => 'X' }, headers => { origin => 'https://evil.example' })->{status}, 403,
	'a form from another site is refused');
is($site->post('/brands', { name => 'X' }, headers => { 'sec-fetch-site' => 'cross-site' })->{status}, 403,
	'even if only the browser says so');
$r = $site->post('/brands', { name => 'Nordlicht <script>', from_email => 'hello@NORDLICHT.example', time_zone => 'Europe/Berlin' });
is($r->{status}, 303, 'a good form makes a brand');
my ($a) = $r->{headers}{location} =~ m{^/brands/(\d+)$};
ok($a, 'and goes there');
$r = $site->get("/brands/$a");
like($r->{content}, qr/Nordlicht &lt;script&gt;/, 'names are escaped');
unlike($r->{content}, qr/Nordlicht <script>/, 'everywhere');
like($r->{content}, qr/class="note note-good flash"/, 'it is said once');
unlike($site->get("/brands/$a")->{content}, qr/class="note note-good flash"/, 'and not again');
my $forged = $site->request(GET => "/brands/$a", headers => {
	cookie => "ml_session=$site->{cookies}{ml_session}; ml_flash=AAAAAAAAAAAAAAAAAAAAAGhlbGxv" });
unlike($forged->{content}, qr/class="note note-good flash"/, 'nobody else can put a sentence there');
like($r->{content}, qr/Import contacts.*Write a campaign.*Connect Amazon SES/s, 'with the next steps');
is($site->get('/')->{headers}{location}, "/brands/$a", 'with one brand one is sent there');

$r = $site->api(POST => '/brands', { name => 'Wholesale', from_name => 'Ines', from_email => 'ws@nordlicht.example',
	reply_to => 're@nordlicht.example', postal_address => 'Road 2', time_zone => 'UTC' });
is($r->{status}, 201, 'the API makes a brand');
my $b = $r->{json}{id};
is($r->{headers}{location}, "/api/v1/brands/$b", 'and says where it is');
is($r->{json}{reply_to}, 're@nordlicht.example', 'and what it has');
like($r->{json}{created_at}, qr/^\d{4}-\d\d-\d\dT.*Z$/, 'with times as RFC 3339');
$r = $site->api(POST => '/brands', { name => '', time_zone => 'x' });
is($r->{status}, 422, 'wrong input is 422');
is(join(' ', sort keys %{ $r->{json}{errors} }), 'name time_zone', 'with a sentence for each field');
is($site->api(POST => '/brands', '{"name":')->{status}, 400, 'what is no JSON is 400');
is($site->api(POST => '/brands', { name => 'X' }, key => '')->{status}, 401, 'without a key 401');
is($site->api(GET => '/brands')->{json}{items}[0]{id}, $a, 'the API lists them');

# ---- who sees what ----
my $key_b = $site->key(brand => $b);
my $read_b = $site->key(brand => $b, scopes => 'read');
is($site->api(GET => "/brands/$b", undef, key => $key_b)->{json}{name}, 'Wholesale', 'a key sees its brand');
is($site->api(GET => "/brands/$a", undef, key => $key_b)->{status}, 404, 'and no other');
is($site->api(PATCH => "/brands/$a", { name => 'Y' }, key => $key_b)->{status}, 404, 'nor changes it');
is(scalar @{ $site->api(GET => '/brands', undef, key => $key_b)->{json}{items} }, 1, 'nor lists it');
is($site->api(POST => '/brands', { name => 'Y' }, key => $key_b)->{status}, 403, 'nor makes one');
$r = $site->api(PATCH => "/brands/$b", { name => 'Y' }, key => $read_b);
is($r->{status}, 403, 'a key that may read cannot write');
like($r->{json}{detail}, qr/scope .*write/, 'and is told why');
$r = $site->get('/brands/999999');
is($r->{status}, 404, 'an unknown brand is 404 as a page');
like($r->{content}, qr/To your brands/, 'with a way back');
$r = $site->get("/brands/$a/nothing");
is($r->{status}, 404, 'an unknown page of a brand too');
like($r->{content}, qr{href="/brands/$a/settings"}, 'within the brand');
my @said = $r->{content} =~ /There is nothing at this address/g;
is(scalar @said, 1, 'and it is said once');
is($site->api(GET => '/brands/999999')->{status}, 404, 'and in the API');
is($site->api(GET => '/brands/0')->{status}, 404, 'zero is no brand');
is($site->api(DELETE => "/brands/$b")->{status}, 405, 'what cannot be done is 405');

# ---- a person who is in no brand ----
my ($status, $text) = $site->command([qw(user create --email viewer@nordlicht.example --password-stdin)], "another good password\n");
is($status, 0, 'a second person is made by command') or diag $text;
my %admin = (cookies => $site->{cookies}, csrf => $site->{csrf});
$site->{cookies} = {};
$r = $site->request(POST => '/sign-in', headers => { 'content-type' => 'application/x-www-form-urlencoded' },
	content => Site::form({ email => 'viewer@nordlicht.example', password => 'another good password' }));
is($r->{status}, 303, 'and signs in');
like($site->get('/brands')->{content}, qr/No brand is yours yet/, 'but has no brand');
is($site->get("/brands/$a")->{status}, 404, 'and sees none');
is($site->get('/brands/new')->{status}, 403, 'and makes none');
$site->{csrf} = Site::csrf_of($site->get('/brands'));
is($site->post('/brands', { name => 'Mine' })->{status}, 403, 'nor by sending the form');
is($site->post("/brands/$a", { _method => 'PATCH', name => 'Mine' })->{status}, 404, 'nor changes one');
@$site{qw(cookies csrf)} = @admin{qw(cookies csrf)};

# ---- settings ----
$r = $site->get("/brands/$b/settings");
like($r->{content}, qr/value="ws\@nordlicht.example"/, 'the settings show what is set');
$r = $site->post("/brands/$b", { _method => 'PATCH', name => 'Gross', from_email => 'bad address', time_zone => 'UTC' });
is($r->{status}, 422, 'wrong settings come back');
like($r->{content}, qr/value="Gross"/, 'with what was typed');
is($site->api(GET => "/brands/$b")->{json}{name}, 'Wholesale', 'and nothing changed');
$r = $site->post("/brands/$b", { _method => 'PATCH', name => 'Gross' });
is($r->{headers}{location}, "/brands/$b/settings", 'good ones are saved');
is($site->api(GET => "/brands/$b")->{json}{from_name}, 'Ines', 'what was not sent stays');
$r = $site->api(PATCH => "/brands/$b", { reply_to => '' });
is($r->{json}{reply_to}, '', 'the API changes one field');

# ---- delivery ----
$r = $site->api(GET => "/brands/$b/provider");
is($r->{json}{kind}, 'outbox', 'a new brand has the outbox');
$r = $site->api(PUT => "/brands/$b/provider", { kind => 'ses' });
is($r->{status}, 422, 'SES wants more');
is(join(' ', sort keys %{ $r->{json}{errors} }), 'access_key_id region secret_access_key', 'and says what');
$r = $site->api(PUT => "/brands/$b/provider", { kind => 'ses', region => 'eu-central-1', access_key_id => 'AKIATEST',
	secret_access_key => 'very-secret-words', mode => 'bulk', rate => 14.5, endpoint => 'http://127.0.0.1:9' });
is($r->{status}, 200, 'SES is set') or diag $r->{content};
is($r->{json}{mode}, 'bulk', 'with its mode');
is($r->{json}{rate}, 14.5, 'and its rate');
is($r->{json}{secret_access_key_set} ? 1 : 0, 1, 'it has a secret');
unlike($r->{content}, qr/very-secret/, 'that is not told');
$r = $site->get("/brands/$b/provider");
is($r->{status}, 200, 'the page shows it');
unlike($r->{content}, qr/very-secret/, 'without the secret');
like($r->{content}, qr/<option value="eu-central-1" selected>/, 'with the region');
like($r->{content}, qr/Amazon SES, Frankfurt/, 'and in the side bar by its name');
$r = $site->post("/brands/$b/provider", { _method => 'PUT', kind => 'ses', region => 'eu-central-1',
	access_key_id => 'AKIATEST', secret_access_key => '', endpoint => 'http://ses.example', rate => 'fast' });
is($r->{status}, 422, 'http to the world is refused');
like($r->{content}, qr/Only https is accepted/, 'with the reason');
like($r->{content}, qr/id="e-rate"/, 'and so is a rate that is no number');
like($r->{content}, qr/value="http:\/\/ses.example"/, 'and the typed text stays');
$r = $site->api(POST => "/brands/$b/provider/check");
is($r->{status}, 409, 'an account that does not answer is told');
like($r->{json}{detail}, qr/Amazon did not answer/, 'with a sentence');
$r = $site->post("/brands/$b/provider/check", {});
is($r->{status}, 409, 'on the page too');
like($r->{content}, qr/Amazon did not answer.*value="AKIATEST"/s, 'above the settings');
# an account that answers: the fake checks the signature as Amazon does
my $fake = open(my $ses, '-|', 'node', "$FindBin::Bin/../fake/ses.mjs", '--rate', 25) or die "node: $!";
my ($port) = (readline($ses) // '') =~ /port (\d+)/;
my %real = (kind => 'ses', region => 'eu-central-1', access_key_id => 'AKIDEXAMPLE',
	secret_access_key => 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', endpoint => "http://127.0.0.1:$port");
is($site->api(PUT => "/brands/$b/provider", {%real})->{status}, 200, 'another account is set');
$r = $site->post("/brands/$b/provider/check", {});
is($r->{headers}{location}, "/brands/$b/provider", 'it answers') or diag $r->{content};
$r = $site->get("/brands/$b/provider");
like($r->{content}, qr/Amazon answered: the key works/, 'the page says so');
is($site->api(GET => "/brands/$b/provider")->{json}{max_rate}, 25, 'and its rate is known');
is($site->api(POST => "/brands/$b/provider/check")->{status}, 200, 'the API checks it too');
like($site->get("/brands/$b")->{content}, qr/Up to 25 a second/, 'and stands in the side bar');
$site->api(PUT => "/brands/$b/provider", { %real, secret_access_key => 'wrong' });
$r = $site->api(POST => "/brands/$b/provider/check");
is($r->{status}, 409, 'a wrong secret is found');
like($r->{json}{detail}, qr/does not accept this key/, 'and named');
kill TERM => $fake;
close $ses;

$r = $site->post("/brands/$b/provider", { _method => 'PUT', kind => 'outbox' });
is($r->{status}, 303, 'back to the outbox');
is($site->api(PUT => "/brands/$a/provider", { kind => 'outbox' }, key => $key_b)->{status}, 404, 'not for another brand');
is($site->api(PUT => "/brands/$b/provider", { kind => 'pigeon' })->{status}, 422, 'nor by pigeon');

# ---- API keys ----
$r = $site->post("/brands/$b/keys", [ name => '' ]);
is($r->{status}, 422, 'a key without name and scope is refused');
like($r->{content}, qr/id="e-scopes"/, 'at its field');
$r = $site->post("/brands/$b/keys", [ name => 'Shop', scopes => 'read', scopes => 'write', expires => 30 ]);
is($r->{status}, 200, 'a good form answers at once');
my ($key) = $r->{content} =~ /value="(ml_[A-Za-z0-9_-]{43})"/;
ok($key, 'with the key');
like($r->{headers}{'cache-control'}, qr/no-store/, 'that nobody keeps');
my $list = $site->get("/brands/$b/keys")->{content};
unlike($list, qr/\Q$key\E/, 'it is never shown again');
like($list, qr/Shop/, 'but known by its name');
is($site->api(GET => "/brands/$b", undef, key => $key)->{status}, 200, 'it works');
$r = $site->api(GET => '/me', undef, key => $key);
is($r->{json}{key}{scopes}, 'read,write', 'as it was made');
$r = $site->api(POST => "/brands/$b/keys", { name => 'more', scopes => ['read', 'send'] }, key => $key);
is($r->{status}, 403, 'a key that does not manage makes none');
$r = $site->api(POST => "/brands/$b/keys", { name => 'less', scopes => 'read' });
is($r->{status}, 201, 'one that does makes one');
my $less = $r->{json};
my ($id) = map { $_->{id} } grep { $_->{name} eq 'Shop' } @{ $site->api(GET => "/brands/$b/keys")->{json}{items} };
is($site->api(DELETE => "/brands/$a/keys/$id")->{status}, 404, 'it is not there in another brand');
$r = $site->post("/brands/$b/keys/$id", { _method => 'DELETE' });
is($r->{status}, 303, 'it can be revoked');
is($site->api(GET => "/brands/$b", undef, key => $key)->{status}, 401, 'and is worth nothing at once');
is($site->api(DELETE => "/brands/$b/keys/$less->{id}")->{json}{state}, 'revoked', 'the API revokes too');

# ---- idempotency ----
my %once = (headers => { 'idempotency-key' => 'order-1' });
$r = $site->api(POST => '/brands', { name => 'Once' }, %once);
is($r->{status}, 201, 'the first request is worked on');
my $again = $site->api(POST => '/brands', { name => 'Once' }, %once);
is($again->{status}, 201, 'the same again');
is($again->{json}{id}, $r->{json}{id}, 'gets the same answer');
is($again->{headers}{'idempotency-replayed'}, 'true', 'and is told so');
is($site->api(POST => '/brands', { name => 'Other' }, %once)->{status}, 422, 'the key for something else is refused');
my @named = grep { $_->{name} =~ /Once|Other/ } @{ $site->api(GET => '/brands')->{json}{items} };
is(scalar @named, 1, 'and one brand was made');
$r = $site->api(POST => '/brands', { name => '' }, headers => { 'idempotency-key' => 'order-2' });
is($r->{status}, 422, 'what failed');
$r = $site->api(POST => '/brands', { name => 'Better' }, headers => { 'idempotency-key' => 'order-2' });
is($r->{status}, 201, 'may be tried again with the key');
my @kept = (POST => "/brands/$b/keys", '{"name":"kept","scopes":"read"}', headers => { 'idempotency-key' => 'k' });
$r = $site->api(@kept);
my $kept = $site->api(@kept);
is($kept->{json}{key}, $r->{json}{key}, 'a new key is answered again');
my $database = join '', map { Site::slurp($_) } glob "$site->{state}/*.db*";
SKIP: {
	skip 'the database is not a file here', 3 if $ENV{MAILLAYER_DATABASE_URL};
	ok(length $database, 'the database can be read');
	unlike($database, qr/\Q$r->{json}{key}\E/, 'and does not hold the key in clear');
	unlike($database, qr/very-secret/, 'nor the secret of SES');
}
ok(scalar($site->events(web => 'brand.create')) >= 4, 'changes are logged');
unlike($site->log('web'), qr/very-secret|\Q$key\E/, 'without secrets');
done_testing;
