# A stand-in for Amazon SNS (t/fake/sns.mjs) with keys of its own, and the settings that make a site
# believe it.
#
#	my $sns = Sns->start;
#	my $site = Site->start(env => { $sns->env });
#	my ($m) = $sns->signed({ message => { TopicArn => $topic, Message => '{}' } });
package Sns;

use strict;
use warnings;
use File::Temp qw(tempdir);
use HTTP::Tiny;
use JSON::PP;
use Site;
use Test::More;

sub start {
	my ($class) = @_;
	plan skip_all => 'no node' if system('command -v node >/dev/null') != 0;
	my $self = bless { owner => $$, http => HTTP::Tiny->new(timeout => 60),
		dir => tempdir('maillayer-sns-XXXXXX', TMPDIR => 1, CLEANUP => 1) }, $class;
	system("$Site::top/t/lib/sns-keys", $self->{dir}) == 0 or BAIL_OUT('no keys');
	$self->{pid} = open(my $out, '-|', 'node', "$Site::top/t/fake/sns.mjs", '--dir', $self->{dir}) or die "node: $!";
	$self->{out} = $out;
	($self->{port}) = (<$out> // '') =~ /^port (\d+)/ or BAIL_OUT('no SNS');
	$self->{url} = "http://127.0.0.1:$self->{port}";
	return $self;
}

sub env {
	my ($self) = @_;
	return (MAILLAYER_SECURITY_SNS_ENDPOINT => $self->{url}, MAILLAYER_SECURITY_SNS_CA_FILE => "$self->{dir}/ca.pem");
}

sub ask {
	my ($self, $method, $path, $body) = @_;
	my $r = $self->{http}->request($method, "$self->{url}$path", defined $body ? { content => encode_json($body) } : {});
	return decode_json($r->{content});
}

# Messages as SNS would post them; each: {signer, message, break}.
sub signed { my ($self, @what) = @_; return @{ $self->ask(POST => '/_sign', \@what) } }
# How many questions it was asked.
sub asked { my ($self) = @_; my $s = $self->ask(GET => '/_stats'); return $s->{certificates} + @{ $s->{confirmed} } + $s->{other} }

sub stop {
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	kill KILL => $pid;
	close $self->{out};
}

sub DESTROY { my ($self) = @_; local ($?, $@, $!); $self->stop if $self->{owner} == $$ }

1;
