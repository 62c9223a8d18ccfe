#!/usr/bin/perl
# One link: what is sent untracked, what stands in the text and where a click leads are the
# same address for a browser.  The URL Standard as Node has it is the judge.  And it stays
# the same when the person changes or is deleted.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use Site;
use Test::More;

my $json = JSON::PP->new->utf8;
my $seed = $ENV{LINKS_SEED} // time;
my $links = $ENV{LINKS} // 60;
srand $seed;
diag "LINKS_SEED=$seed";

my $site = Site->start;
my $brand = $site->api(POST => '/brands', { name => 'Acme', from_name => 'Acme',
	from_email => 'news@acme.example', postal_address => '1 Road', time_zone => 'UTC' })->{json}{id};
my $b = "/brands/$brand";
$site->api(POST => "$b/fields", { key => $_, label => $_, type => 'text' }) for qw(city coupon website);
my $list = $site->api(POST => "$b/lists", { name => 'All' })->{json}{id};

# ---- random people, random addresses ----
sub pick { return $_[rand @_] }
my @odd = ('a', 'Zz', '9', ' ', '&', '=', '+', '%', '%41', '/', '?', '#', ':', '@', '"', "'",
	'<', '>', "\\", '{{', '}}', '{%', "\x{e9}", "\x{20ac}", "\x{1f389}", '.', '-', '~', '|', '^', '`', '[', ']');
sub odd { return join '', map { pick(@odd) } 1 .. 1 + rand 8 }

my @people;
for my $n (1 .. 4) {
	my %fields = (city => odd(), coupon => odd(), website => 'https://' . pick('www.', '') . 'w.example/' . pick('', 'a?b=c&d=%20', "\x{e9}#x"));
	s/^\s+|\s+$//g, length or $_ = 'x' for values %fields;
	my $r = $site->api(POST => "$b/subscribers", { email => "p$n+x\@x.example",
		first_name => "P " . pick('&', '"', "\x{e9}") . $n, lists => [$list], fields => \%fields });
	push @people, $r->{json};
}
is(scalar(grep { $_->{id} } @people), 4, 'four people');

my @static = ('a', 'B', '1', '/', '/', '.', '-', '%20', '%e9', '+', '=', ':', '@', '~', "\x{e9}", ' ', "\n", '&', '(', ';', '!', ',', '*', '$', '|');
sub static { return join '', map { pick(@static) } 1 .. rand 9 }
my @values = qw(city coupon email first_name);

# A link as a list of static texts and names of values.
sub random_link {
	my @l = (pick('https://', 'HTTP://', 'Https://', ' https://', "http:\\\\"),
		pick('holm.example', 'HOLM.example', "h\x{f6}lm.example", 'holm.example:8080'), '/');
	return ([undef, 'website'], pick('', '&x=1') ) if rand() < 0.1;
	push @l, static();
	push @l, [undef, pick(@values)] if rand() < 0.4;
	push @l, '?k=', static() if rand() < 0.7;
	push @l, [undef, pick(@values)], static() if rand() < 0.5;
	push @l, '#', static(), if rand() < 0.3;
	return @l;
}

sub attribute { my ($s) = @_; $s =~ s/&/&amp;/g; $s =~ s/"/&quot;/g; return $s }
sub value { my ($p, $name) = @_; return $p->{fields}{$name} // $p->{$name} }
sub encoded { my ($s) = @_; utf8::encode($s); $s =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge; return $s }

my (@links, %seen);
while (@links < $links) {
	my @l = random_link();
	my $source = join '', map { ref $_ ? "{{ $_->[1] }}" : $_ } @l;
	push @links, { parts => \@l, source => $source } if !$seen{$source}++;
}
my $html = join "\n", (map { sprintf '<p>N%d <a href="%s">go</a></p>', $_, attribute($links[$_]{source}) } 0 .. $#links),
	'<p>{% for t in tags %}<a href="https://holm.example/{{ t }}">{{ t }}</a>{% endfor %}</p>';

# What a browser makes of each person's address.
my @expected = map { my $p = $_; map { join '', map { !ref $_ ? $_
	: $_->[1] eq 'website' ? value($p, $_->[1]) : encoded(value($p, $_->[1])) } @{ $_->{parts} } } @links } @people;

sub hrefs {
	my (@urls) = @_;
	my $file = "$site->{state}/urls.json";
	open my $f, '>', $file or die;
	print $f $json->encode(\@urls);
	close $f;
	return $json->decode(scalar qx(node -e 'const u = JSON.parse(require("fs").readFileSync(process.argv[1]));
		console.log(JSON.stringify(u.map(x => { try { return new URL(x).href } catch (e) { return "no address: " + x } })))' $file));
}
my $want = hrefs(@expected);
is(scalar(grep { /^no address/ } @$want), 0, 'all are addresses');

# ---- sent twice: tracked, and not ----
sub sent {
	my ($track) = @_;
	my $c = $site->api(POST => "$b/campaigns", { name => 'Spring', subject => 'S', html => $html,
		track_clicks => $track ? JSON::PP::true : JSON::PP::false, lists => [$list] })->{json}{id};
	my $r = $site->api(POST => "$b/campaigns/$c/send", {});
	is($r->{status}, 200, 'sends') or diag explain $r->{json};
	ok($site->until_true(20, sub { $site->api(GET => "$b/campaigns/$c")->{json}{status} eq 'completed' }), 'completes');
	my %mail;
	for my $m (grep { $_->{campaign_id} == $c } @{ $site->api(GET => "$b/outbox")->{json}{items} }) {
		$mail{ $m->{to} } = $site->api(GET => "$b/outbox/$m->{id}")->{json};
	}
	return \%mail;
}

sub unescaped { my ($s) = @_; $s =~ s/&quot;/"/g; $s =~ s/&#39;/'/g; $s =~ s/&lt;/</g; $s =~ s/&gt;/>/g; $s =~ s/&amp;/&/g; return $s }
sub in_html { my ($m, $n) = @_; return $m->{html} =~ /N$n <a href="([^"]*)"/ ? unescaped($1) : "nothing $n" }
sub in_text { my ($m, $n) = @_; return $m->{text} =~ /^N$n go \((.*)\)$/m ? $1 : "nothing $n" }

sub clicked {
	my ($m, $n) = @_;
	my ($path) = in_html($m, $n) =~ m{(/t/c/[\w-]+)};
	my $r = $site->{http}->request(GET => $site->{url} . ($path // '/none'));
	my $to = $r->{headers}{location} // "status $r->{status}";
	return $to =~ /^[\x21-\x7e]+$/ ? $to : "not ASCII: $to";
}

$site->{http}{max_redirect} = 0;
my ($tracked, $plain) = (sent(1), sent(0));
my (@clicked, @text, @html);
for my $p (@people) {
	push @clicked, map { clicked($tracked->{ $p->{email} }, $_) } 0 .. $#links;
	push @text, map { in_text($tracked->{ $p->{email} }, $_) } 0 .. $#links;
	push @html, map { in_html($plain->{ $p->{email} }, $_) } 0 .. $#links;
}

sub all_are {
	my ($got, $name) = @_;
	my $is = hrefs(@$got);
	my @wrong = grep { $is->[$_] ne $want->[$_] } 0 .. $#$want;
	is(scalar @wrong, 0, $name);
	diag $json->encode({ link => $links[ $_ % @links ]{source}, got => $is->[$_], want => $want->[$_], raw => $got->[$_] })
	    for @wrong > 4 ? @wrong[0 .. 3] : @wrong;
	return;
}
all_are(\@clicked, 'a click leads where the link says');
all_are(\@text, 'the text has the same address');
all_are(\@html, 'and so has the HTML that is not tracked');

# ---- for ever ----
$site->api(PATCH => "$b/subscribers/$people[0]{id}", { first_name => 'New', fields => { city => 'New', coupon => 'New', website => 'https://new.example/' } });
$site->api(DELETE => "$b/subscribers/$people[1]{id}");
@clicked = ();
for my $p (@people[0, 1]) {
	push @clicked, map { clicked($tracked->{ $p->{email} }, $_) } 0 .. $#links;
}
push @clicked, @html[ @clicked .. $#html ];
all_are(\@clicked, 'a link of a sent mail stays, whatever becomes of the person');

done_testing;
