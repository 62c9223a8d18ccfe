# A whole site whose campaign goes out through the strict fake of Amazon SES, for t/fault.
#
#	my $s = Sending->start(people => 2000, rate => 400);	# fake: [...], and options of Site
#	$s->send;				# the campaign begins
#	... a fault ...
#	$s->exact(0, 'a fault');		# it ends well: at most 0 in doubt, nobody twice
package Sending;

use strict;
use warnings;
use File::Temp qw(tempdir);
use HTTP::Tiny;
use JSON::PP;
use Site;
use Test::More;

sub start {
	my ($class, %o) = @_;
	my $self = bless { people => $o{people}, owner => $$,
		dir => tempdir('maillayer-fault-XXXXXX', TMPDIR => 1, CLEANUP => 1) }, $class;
	$self->{fake_pid} = open(my $out, '-|', 'node', "$Site::top/t/fake/ses.mjs", '--ledger',
		"$self->{dir}/ledger", @{ $o{fake} // [] }) or plan skip_all => 'node cannot run the fake of Amazon SES';
	$self->{fake} = $out;
	my ($port) = (<$out> // '') =~ /port (\d+)/ or plan skip_all => 'the fake of Amazon SES does not start';
	$self->{ses} = "http://127.0.0.1:$port";
	my $site = $self->{site} = Site->start(%{ $o{site} // {} });
	my $b = $site->api(POST => '/brands', { name => 'Storm', from_name => 'Storm',
		from_email => 'news@storm.example', postal_address => 'Road 1', time_zone => 'UTC' })->{json}{id};
	$self->{base} = "/brands/$b";
	$self->{list} = $site->api(POST => "$self->{base}/lists", { name => 'All' })->{json}{id};
	$self->import_people;
	my $r = $site->api(PUT => "$self->{base}/provider", { kind => 'ses', region => 'eu-central-1', mode => 'single',
		access_key_id => 'AKIDEXAMPLE', secret_access_key => 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
		endpoint => $self->{ses}, configuration_set => '', rate => $o{rate} });
	is($r->{status}, 200, 'the provider is set') or diag($r->{content});
	return $self;
}

sub import_people {
	my ($self) = @_;
	my $csv = join '', "email,first_name\n", map { "p$_\@x.example,N$_\n" } 1 .. $self->{people};
	my ($type, $body) = Site::multipart(mapping => '{"email":"email","first_name":"first_name"}',
		lists => $self->{list}, existing => 'update', file => { name => 'people.csv', type => 'text/csv', data => $csv });
	my $r = $self->{site}->api(POST => "$self->{base}/imports", $body, headers => { 'content-type' => $type });
	is($r->{status}, 201, 'the file is taken') or BAIL_OUT($r->{content});
	my $import = "$self->{base}/imports/$r->{json}{id}";
	ok($self->{site}->until_true(60, sub { $self->{site}->api(GET => $import)->{json}{state} eq 'done' }),
		'the people are imported');
}

sub send {
	my ($self) = @_;
	my $site = $self->{site};
	my $r = $site->api(POST => "$self->{base}/campaigns", { name => 'Storm', subject => 'Hi {{ first_name }}',
		html => '<p>Hi {{ first_name }}</p><a href="https://shop.example/">Shop</a>', text => '',
		lists => [ $self->{list} ] });
	$self->{id} = $r->{json}{id} or BAIL_OUT($r->{content});
	$r = $site->api(POST => "$self->{base}/campaigns/$self->{id}/send", {});
	is($r->{status}, 200, 'the campaign is sent') or diag($r->{content});
}

sub campaign { my ($self) = @_; return $self->{site}->api(GET => "$self->{base}/campaigns/$self->{id}")->{json} }

# Waits until so many are accepted.
sub under_way {
	my ($self, $n) = @_;
	ok($self->{site}->until_true(60, sub { keys %{ $self->accepted } >= $n }), "$n are sent");
}

# What the fake accepted: address => how often.
sub accepted {
	my ($self) = @_;
	my %times;
	open my $ledger, '<', "$self->{dir}/ledger" or return {};
	while (<$ledger>) { my $o = eval { decode_json($_) }; $times{ $o->{to}[0] }++ if $o }
	return \%times;
}

sub stats { my ($self) = @_; return decode_json(HTTP::Tiny->new->get("$self->{ses}/_stats")->{content}) }
sub script {
	my ($self, $rules) = @_;
	HTTP::Tiny->new->put("$self->{ses}/_script", { content => encode_json($rules) });
}

# Much doubt pauses a campaign, rightly; then a person looks, and resumes it.
sub resume {
	my ($self) = @_;
	my $c = $self->campaign;
	$self->{site}->api(POST => "$self->{base}/campaigns/$self->{id}/resume", {})
	    if $c->{status} eq 'paused' && $c->{pause_reason} =~ /in doubt/;
}

# Six tests of how it must end, whatever happened: at most so many in doubt.
sub exact {
	my ($self, $doubt, $name, $seconds) = @_;
	my $done = $self->{site}->until_true($seconds // 120, sub { $self->resume; my $c = $self->campaign; $c->{status} eq 'completed' && $c }) || {};
	ok(%$done, "$name: the campaign is completed") or diag(encode_json($self->campaign));
	my %n = %{ $done->{counts} // {} };
	my $times = $self->accepted;
	is($n{audience}, $self->{people}, "$name: everybody is in the audience");
	ok($n{accepted} + $n{doubt} == $self->{people} && $n{doubt} <= $doubt,
		"$name: accepted and in doubt ($n{doubt} of at most $doubt) are all") or diag(encode_json(\%n));
	my $twice = grep { $_ > 1 } values %$times;
	note("count $_->[0] $_->[1]") for [ recipients => $self->{people} ], [ doubts => $n{doubt} // 0 ], [ twice => $twice ],
	    [ lost => $self->{people} - keys(%$times) - ($n{doubt} // 0) > 0 ? $self->{people} - keys(%$times) - ($n{doubt} // 0) : 0 ];
	is($twice, 0, "$name: nobody was accepted twice");
	ok(keys %$times >= $n{accepted} && !(grep { !/^p\d+\@x\.example$/ } keys %$times),
		"$name: the fake accepted what we call accepted, and nobody else");
	my ($status, $said) = $self->{site}->command([qw(check ledger)]);
	is($status, 0, "$name: the ledger adds up") or diag($said);
}

sub DESTROY {
	my ($self) = @_;
	local ($?, $@, $!);
	return if $self->{owner} != $$;
	undef $self->{site};
	kill KILL => $self->{fake_pid} if $self->{fake_pid};
	close $self->{fake} if $self->{fake};
}

1;
