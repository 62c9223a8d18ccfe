#!/usr/bin/perl
# The newcomer's walk with npm's aws-ses-v2-local as Amazon SES, by single and by bulk calls:
# what arrived is compared with what was written.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/../lib";
use HTTP::Tiny;
use JSON::PP;
use Site;
use Test::More;
use Time::HiRes qw(sleep);

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);
my $ses_local = "$Site::top/t/node_modules/.bin/aws-ses-v2-local";
plan skip_all => 'aws-ses-v2-local is not installed (npm --prefix t ci)' if !-x $ses_local;

my $port = Site::free_port();
my $inbox = "http://127.0.0.1:$port";
my $pid = fork // die "fork: $!";
if ($pid == 0) {
	open STDOUT, '>', '/dev/null';
	open STDERR, '>&', \*STDOUT;
	exec $ses_local, '--host', '127.0.0.1', '--port', $port;
	exit 127;
}
my $owner = $$;
END { local $?; if ($pid && $owner == $$) { kill TERM => $pid; waitpid $pid, 0 } }
my $http = HTTP::Tiny->new(timeout => 10);
for (1 .. 200) {
	last if $http->get("$inbox/store")->{success};
	sleep 0.1;
}

my $site = Site->start;
my $b = $site->api(POST => '/brands', { name => 'Nordlicht', from_name => 'Zoë, Nordlicht',
	from_email => 'news@nordlicht.example', reply_to => 'help@nordlicht.example',
	postal_address => "Hafen 1\n20457 Hamburg", time_zone => 'Europe/Berlin' })->{json}{id};
my $base = "/brands/$b";
$site->api(POST => "$base/fields", { key => 'city', label => 'City', type => 'text' });
my $list = $site->api(POST => "$base/lists", { name => 'All' })->{json}{id};
my %people = (
	'ada@example.com' => { first => 'Ada <&> "L"', city => 'Köln' },
	'bob@example.com' => { first => 'Bob', city => '{{ 7 }} \\ } { %}' },
	'cyd@example.com' => { first => '', city => "O'Hare" },
);
for my $email (sort keys %people) {
	my $r = $site->api(POST => "$base/subscribers", { email => $email,
		first_name => $people{$email}{first}, lists => [ $list ],
		fields => { city => $people{$email}{city} }, tags => $email =~ /^bob/ ? ['vip'] : [] });
	is($r->{status}, 201, "subscriber $email") or diag($r->{content});
}

my %written = (
	subject => 'Grüße, {{ first_name | default: "there" }}',
	html => '<!DOCTYPE html><html><head><style>p{margin:0}@media (max-width:600px){p{margin:1px}}</style>'
	    . '</head><body><p>Hello {{ first_name | default: "you" }} from {{ city }} {% raw %}{{literal}}{% endraw %}</p>'
	    . '<a href="https://shop.example/?a=1&amp;b=2">Shop</a> <a href="mailto:x@example.com">mail</a> '
	    . '<a href="https://shop.example/{{ city }}">City</a></body></html>',
	text => "Hello {{ first_name | default: 'you' }} from {{ city }}, {% if tags contains 'vip' %}VIP{% else %}friend{% endif %}.\n",
);

sub store { return @{ decode_json($http->get("$inbox/store")->{content})->{emails} } }

sub html_text {
	my ($s) = @_;
	$s =~ s/&/&amp;/g; $s =~ s/</&lt;/g; $s =~ s/>/&gt;/g; $s =~ s/"/&quot;/g; $s =~ s/'/&#39;/g;
	return $s;
}

sub header {
	my ($m, $name) = @_;
	my $h = $m->{headers} // $m->{additionalHeaders} // {};
	return join ', ', map { $_->{value} // $_->{Value} // '' }
	    grep { lc($_->{name} // $_->{Name} // '') eq lc $name } @$h if ref $h eq 'ARRAY';
	for my $k (keys %$h) { return $h->{$k} if lc $k eq lc $name }
	return '';
}

# What one of them got, beside what was written for them.
sub compare {
	my ($mode, $email, $m) = @_;
	my ($first, $city) = @{ $people{$email} }{qw(first city)};
	my $who = "$mode, $email:";
	is($m->{subject}, 'Grüße, ' . ($first || 'there'), "$who subject");
	like($m->{from}, qr/<?news\@nordlicht\.example>?$/, "$who sender");
	is_deeply($m->{replyTo}, ['help@nordlicht.example'], "$who reply address");
	my ($html, $text) = ($m->{body}{html}, $m->{body}{text});
	my $said = 'Hello ' . html_text($first || 'you') . ' from ' . html_text($city) . ' {{literal}}';
	ok(index($html, "<p>$said</p>") >= 0, "$who merge values in the HTML") or diag($html);
	ok(index($html, '<style>p{margin:0}@media (max-width:600px){p{margin:1px}}</style>') >= 0, "$who style untouched");
	ok(index($html, 'href="mailto:x@example.com"') >= 0, "$who mailto: untouched");
	ok(index($html, 'shop.example') < 0, "$who no untracked link");
	my @clicks = $html =~ m{href="\Q$site->{url}\E/t/c/([\w-]+)"}g;
	is(scalar @clicks, 2, "$who two tracked links");
	like($html, qr{<img src="\Q$site->{url}\E/t/o/[\w-]+" width="1"}, "$who pixel");
	like($html, qr{Hafen 1, 20457 Hamburg.*<a href="\Q$site->{url}\E/u/[\w-]+"[^>]*>Unsubscribe</a>}s, "$who footer");
	my $kind = $email =~ /^bob/ ? 'VIP' : 'friend';
	ok(index($text, "Hello @{[ $first || 'you' ]} from $city, $kind.\n") == 0, "$who text body") or diag($text);
	like($text, qr{Hafen 1, 20457 Hamburg\nUnsubscribe: \Q$site->{url}\E/u/[\w-]+}, "$who text footer");
	like(header($m, 'List-Unsubscribe'), qr{^<\Q$site->{url}\E/u/[\w-]+>$}, "$who List-Unsubscribe");
	is(header($m, 'List-Unsubscribe-Post'), 'List-Unsubscribe=One-Click', "$who List-Unsubscribe-Post");
	like(header($m, 'List-Id'), qr{<brand-$b\.nordlicht\.example>}, "$who List-Id");
	is(HTTP::Tiny->new(max_redirect => 0)->get("$site->{url}/t/c/$clicks[0]")->{headers}{location},
		'https://shop.example/?a=1&b=2', "$who the link leads where it was written");
}

for my $mode (qw(single bulk)) {
	my $r = $site->api(PUT => "$base/provider", { kind => 'ses', region => 'eu-central-1',
		access_key_id => 'AKIDEXAMPLE', secret_access_key => 'secret', endpoint => $inbox,
		configuration_set => 'main', mode => $mode, rate => 500 });
	is($r->{status}, 200, "$mode: provider set") or diag($r->{content});
	$http->post("$inbox/clear-store");
	my $c = $site->api(POST => "$base/campaigns", { name => "By $mode", %written, lists => [ $list ] });
	is($c->{status}, 201, "$mode: campaign written") or diag($c->{content});
	my $id = $c->{json}{id};
	$r = $site->api(POST => "$base/campaigns/$id/send", {});
	is($r->{status}, 200, "$mode: sent") or diag($r->{content});
	my $done = $site->until_true(60, sub {
		my $j = $site->api(GET => "$base/campaigns/$id")->{json};
		return $j->{status} eq 'completed' ? $j : undef;
	});
	ok($done, "$mode: completed") or diag($site->api(GET => "$base/campaigns/$id")->{content});
	is($done->{counts}{accepted}, 3, "$mode: three accepted") if $done;
	my %got = map { $_->{destination}{to}[0] => $_ } store();
	is_deeply([ sort keys %got ], [ sort keys %people ], "$mode: everybody got one");
	compare($mode, $_, $got{$_}) for grep { $got{$_} } sort keys %people;
}
done_testing;
