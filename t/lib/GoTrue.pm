# t/fake/gotrue.mjs for a test, and a browser that signs in with it.
#
#	my $fake = GoTrue->start(alg => 'ES256', site_port => $port, exp => 3600);
#	my $site = Site->start(port => $port, env => $fake->env);
#	my $r = $fake->walk($site, 'ines@example.com');	# our answer to the callback
#	$fake->ask(PUT => '/_mode', { status => 503 });
package GoTrue;

use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;
use Site;

sub start {
	my ($class, %o) = @_;
	my $self = bless { alg => $o{alg} // 'ES256', owner => $$, people => [] }, $class;
	my @args = ("$Site::top/t/fake/gotrue.mjs", '--alg', $self->{alg}, '--reuse', 0,
		'--allow', "http://127.0.0.1:$o{site_port}/auth/callback", '--exp', $o{exp} // 3600);
	push @args, "--$_", $o{$_} for grep { defined $o{$_} } qw(flow issuer);
	$self->{pid} = open(my $out, '-|', qw(setpriv --pdeathsig TERM node), @args) or die "node: $!";
	my $line = <$out> // '';
	my ($port) = $line =~ /^port (\d+)/ or die 'the fake of Supabase did not start';
	$self->{out} = $out;
	$self->{url} = "http://127.0.0.1:$port";
	$self->{http} = HTTP::Tiny->new(timeout => 20, max_redirect => 0);
	$self->{project} = $self->ask(GET => '/_project');
	return $self;
}

sub DESTROY {
	my ($self) = @_;
	local ($?, $!);
	kill TERM => $self->{pid} if $self->{pid} && $self->{owner} == $$;
}

sub ask {
	my ($self, $method, $path, $body) = @_;
	my $r = $self->{http}->request($method, "$self->{url}$path", $body ? { content => encode_json($body) } : {});
	die "$method $path: $r->{status} $r->{content}" if $r->{status} != 200;
	return decode_json($r->{content});
}

# The keys of the configuration for this project.
sub env {
	my ($self, %more) = @_;
	return {
		MAILLAYER_SUPABASE_URL => $self->{url},
		MAILLAYER_SUPABASE_ANON_KEY => $self->{project}{anon_key},
		MAILLAYER_SUPABASE_ALGORITHM => $self->{alg},
		MAILLAYER_SUPABASE_PROVIDERS => 'google, github',
		$self->{alg} eq 'HS256' ? (MAILLAYER_SUPABASE_JWT_SECRET => $self->{project}{secret}) : (),
		%more,
	};
}

sub people {
	my ($self, @people) = @_;
	push @{ $self->{people} }, @people;
	$self->{ids} = { map { $_->{email} => $_->{id} } @{ $self->ask(PUT => '/_people', $self->{people}) } };
}

# From our /auth/google to the address the provider sends the browser back to (path and query).
sub agree {
	my ($self, $site, $who, $start) = @_;
	my $r = $site->get($start // '/auth/google');
	die "start: $r->{status}" if $r->{status} != 303;
	my $page = $self->{http}->get($r->{headers}{location});
	my ($link) = $page->{content} =~ m{<a href="([^"]+)">[^<]*\Q$who\E};
	die "no $who: $page->{content}" if !$link;
	$link =~ s/&amp;/&/g;
	my $to = $self->{http}->get("$self->{url}$link")->{headers}{location};
	$to =~ s/#.*//;
	die "astray: $to" if $to !~ s/^\Q$site->{url}\E//;
	return $to;
}

sub walk {
	my ($self, $site, $who, $start) = @_;
	return $site->get($self->agree($site, $who, $start));
}

sub stats { $_[0]->ask(GET => '/_stats') }

# An access token of their own, as an application of theirs has it.
sub token {
	my ($self, $email, %o) = @_;
	return $self->ask(POST => '/_token', { email => $email, %o })->{access_token};
}

1;
