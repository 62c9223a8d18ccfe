# A whole site for one test: ./run in a directory of its own, on a free port.
#
#	my $site = Site->start;
#	my $r = $site->get('/healthz');			# HTTP::Tiny's answer
#	my $b = $site->api(POST => '/brands', { name => 'Acme' });	# {status, json, ...}
#	$site->sign_in;					# then get/post carry the session
#	my $r = $site->post('/brands/1/lists', { name => 'News' });	# adds the CSRF token
#
# MAILLAYER_BUILD names the build directory; otherwise build/ beside the source.
# MAILLAYER_TEST_DB=postgres gives every site a database of its own on the server MAILLAYER_TEST_PG
# instead of a file; option postgres => 1 this one.
package Site;

use strict;
use warnings;
use File::Temp qw(tempdir);
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

our $top = abs_path(dirname(__FILE__) . '/../..');
my $email = 'test@example.com';
my $password = 'correct horse battery';

sub free_port {
	my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "no port: $!";
	return $s->sockport;
}

# A database on the server for tests, dropped with the site; its URL.
sub own_database {
	my $server = $ENV{MAILLAYER_TEST_PG} or die "MAILLAYER_TEST_PG is not set\n";
	my $name = 'maillayer_http_' . join '', map { sprintf '%x', int rand 16 } 1 .. 12;
	psql($server, "CREATE DATABASE $name TEMPLATE template0 ENCODING 'UTF8'");
	return $server =~ s{^(\w+://[^/]*)/[^?]*}{$1/$name}r;
}

# What a program prints, without the last line's end.
sub answer_of {
	open(my $out, '-|', @_) or die "$_[0]: $!\n";
	local $/;
	my $text = <$out> // '';
	close $out or die "$_[0]: $_[-1]\n";
	return $text =~ s/\n\z//r;
}

sub psql { my ($url, $sql) = @_; return answer_of('psql', '-XqAt', '-d', $url, '-c', $sql) }

# Asks the site's database: lines of cells with | between them.
sub sql {
	my ($self, $sql) = @_;
	return $self->{database} ? psql($self->{database}, $sql)
	    : answer_of('sqlite3', '-cmd', '.timeout 5000', "$self->{state}/maillayer.db", $sql);
}

# All that the database holds: as a dump, and of SQLite the bytes of its files too.
sub dump {
	my ($self) = @_;
	return answer_of('pg_dump', '--inserts', '-d', $self->{database}) if $self->{database};
	return answer_of('sqlite3', '-cmd', '.timeout 5000', "$self->{state}/maillayer.db", '.dump')
	    . join '', map { slurp($_) } glob "$self->{state}/*.db*";
}

# Options: state (directory, kept), args (more arguments of ./run), env (hash), postgres.
sub start {
	my ($class, %o) = @_;
	my $self = bless {
		state => $o{state} // tempdir('maillayer-XXXXXX', TMPDIR => 1),
		kept => defined $o{state},
		port => $o{port} // free_port(),
		env => $o{env} // {},
		args => $o{args} // [],
		cookies => {},
		owner => $$,
	}, $class;
	if ($o{postgres} || !$self->{kept} && ($ENV{MAILLAYER_TEST_DB} // '') eq 'postgres') {
		$self->{database} = own_database();
		$self->{env}{MAILLAYER_DATABASE_URL} = $self->{database};
	}
	$self->{build} = abs_path($ENV{MAILLAYER_BUILD} // "$top/build");
	$self->{url} = "http://127.0.0.1:$self->{port}";
	$self->{http} = HTTP::Tiny->new(max_redirect => 0, timeout => 130,
		agent => 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0');
	$self->run;
	return $self;
}

sub run {
	my ($self, $wait) = @_;
	my $out = "$self->{state}/run.out";
	unlink $out;
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		$SIG{INT} = 'DEFAULT';
		%ENV = (%ENV, %{ $self->{env} }, MAILLAYER_BUILD => $self->{build});
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', $out or die;
		open STDERR, '>&', \*STDOUT;
		# a test that is killed takes its site with it
		exec qw(setpriv --pdeathsig TERM), "$top/run", '--state', $self->{state}, '--port', $self->{port}, @{ $self->{args} };
		die "exec: $!";
	}
	$self->{pid} = $pid;
	my $end = time + ($wait // 120);
	until (-e "$self->{state}/run.json" && $self->output =~ /Ctrl-C/) {
		if (waitpid($pid, WNOHANG) == $pid || time > $end) {
			delete $self->{pid};
			die "./run did not start:\n" . $self->output;
		}
		sleep 0.05;
	}
	sleep 0.05 until $self->output =~ /Ctrl-C/ || time > $end;
}

sub slurp {
	my ($file) = @_;
	open my $f, '<', $file or return '';
	local $/;
	return scalar <$f> // '';
}

sub output { slurp("$_[0]{state}/run.out") }
sub log { my ($self, $name) = @_; return slurp("$self->{state}/log/$name.log") }

# Lines of a log as objects, those of one event.
sub events {
	my ($self, $name, $event) = @_;
	my @all = map { eval { decode_json($_) } // () } split /\n/, $self->log($name);
	return grep { !$event || $_->{event} eq $event } @all;
}

# Calls sub until it gives something true, at most so many seconds.
sub until_true {
	my ($self, $seconds, $sub) = @_;
	my $end = time + $seconds;
	while (1) {
		my $got = $sub->();
		return $got if $got || time > $end;
		sleep 0.1;
	}
}

# ---- processes ----

sub children {
	my ($pid) = @_;
	my @found;
	for my $dir (glob '/proc/[0-9]*') {
		my ($pp) = slurp("$dir/stat") =~ /\) \S (\d+)/ or next;
		push @found, $dir =~ /(\d+)$/ if $pp == $pid;
	}
	return @found;
}

sub command_line {
	my $c = slurp("/proc/$_[0]/cmdline");
	$c =~ tr/\0/ /;
	return $c;
}

# Pid of a direct child of ./run by its command line.
sub process {
	my ($self, $pattern) = @_;
	my ($pid) = grep { command_line($_) =~ $pattern } children($self->{pid});
	return $pid;
}

sub supervisor { my ($self, $name) = @_; return $self->process(qr{/maillayer $name }) }
sub workers { my ($self, $name) = @_; return children($self->supervisor($name)) }

# Every process whose command line names the state directory.
sub processes {
	my ($self) = @_;
	return grep { index(command_line($_), $self->{state}) >= 0 }
	    map { /(\d+)$/ } glob '/proc/[0-9]*';
}

sub stop {
	my ($self, $signal) = @_;
	my $pid = delete $self->{pid} or return;
	kill $signal // 'TERM', $pid;
	waitpid $pid, 0;
	my $status = $?;
	$self->note_routes;
	return $status;
}

# Which routes answered well, for t/coverage.t: a file given by MAILLAYER_COVERAGE grows.
sub note_routes {
	my ($self) = @_;
	return if !$ENV{MAILLAYER_COVERAGE};
	my %seen;
	for my $name (qw(web track cron)) {
		$seen{"$_->{method} $_->{route}"} = 1
		    for grep { $_->{status} < 400 } $self->events($name, 'request');
		$seen{"unwritten $_->{method} $_->{route}"} = 1 for $self->events($name, 'audit.missing');
	}
	open my $f, '>>', $ENV{MAILLAYER_COVERAGE} or die "$ENV{MAILLAYER_COVERAGE}: $!";
	syswrite $f, join '', map { "$_\n" } sort keys %seen;
}

sub DESTROY {
	my ($self) = @_;
	local ($?, $@, $!);
	return if $self->{owner} != $$;
	$self->stop;
	system 'rm', '-rf', $self->{state} unless $self->{kept};
	my ($name) = ($self->{database} // '') =~ m{/(maillayer_http_\w+)} or return;
	psql($ENV{MAILLAYER_TEST_PG}, "DROP DATABASE $name WITH (FORCE)");
}

# ---- commands ----

# Runs `maillayer ARGS --config ...`; (status, stdout and stderr together). input: stdin.
sub command {
	my ($self, $args, $input) = @_;
	my $in = File::Temp->new;
	print $in $input // '';
	close $in;
	my $pid = open(my $out, '-|') // die "fork: $!";
	if ($pid == 0) {
		open STDIN, '<', "$in" or die;
		open STDERR, '>&', \*STDOUT;
		$ENV{MAILLAYER_DATABASE_URL} = $self->{database} if $self->{database};
		exec "$self->{build}/maillayer", @$args, '--config', "$self->{state}/maillayer.ini";
		die "exec: $!";
	}
	local $/;
	my $text = <$out> // '';
	close $out;
	return ($? >> 8, $text);
}

sub secret {
	my ($self) = @_;
	$self->{secret} //= ($self->command([qw(secret cron)]))[1] =~ s/\s//gr;
	return $self->{secret};
}

# Makes the installation admin of the test, once.
sub user {
	my ($self) = @_;
	return if $self->{user}++;
	my ($status, $text) = $self->command([qw(user create --admin --password-stdin --email), $email,
		'--name', 'Test Person'], "$password\n");
	die "user create: $text" if $status;
}

# Key for everything, or with options {brand, scopes}, of the administrator or of {user}, an address.
sub key {
	my ($self, %o) = @_;
	my $who = ($o{brand} ? "brand $o{brand}" : 'all') . ($o{user} // '');
	my $scopes = $o{scopes} // 'read,write,send,manage';
	$self->{keys}{"$who $scopes"} //= do {
		$self->user;	# a key has the rights of a user: here of the administrator
		my ($status, $text) = $self->command(['key', 'create', '--scopes', $scopes,
			$o{user} ? ('--user', $o{user}) : (), $o{brand} ? ('--brand', $o{brand}) : '--all']);
		die "key create: $text" if $status;
		$text =~ s/\s//gr;
	};
	return $self->{keys}{"$who $scopes"};
}

# ---- HTTP ----

sub escape { my ($s) = @_; utf8::encode($s) if utf8::is_utf8($s); $s =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ge; return $s }

# Hash or array of pairs to urlencoded; an array as value repeats the name.
sub form {
	my ($f) = @_;
	my @pairs = ref $f eq 'ARRAY' ? @$f : map { $_ => $f->{$_} } sort keys %$f;
	my @out;
	while (my ($name, $value) = splice @pairs, 0, 2) {
		push @out, escape($name) . '=' . escape($_) for ref $value ? @$value : $value;
	}
	return join '&', @out;
}

# Any request: {status, headers, content, json (when it is JSON)}.  Keeps cookies.
sub request {
	my ($self, $method, $path, %o) = @_;
	my %headers = %{ $o{headers} // {} };
	if (%{ $self->{cookies} } && !$o{no_cookies} && !exists $headers{cookie}) {
		$headers{cookie} = join '; ', map { "$_=$self->{cookies}{$_}" } sort keys %{ $self->{cookies} };
	}
	my $r = $self->{http}->request($method, $path =~ /^http/ ? $path : "$self->{url}$path",
		{ headers => \%headers, (defined $o{content} ? (content => $o{content}) : ()) });
	my $set = $r->{headers}{'set-cookie'};
	for my $c (ref $set ? @$set : defined $set ? $set : ()) {
		next if $o{no_cookies};
		my ($name, $value) = $c =~ /^([^=]+)=([^;]*)/ or next;
		if ($c =~ /Max-Age=0/) { delete $self->{cookies}{$name} }
		else { $self->{cookies}{$name} = $value }
	}
	$r->{json} = eval { JSON::PP->new->utf8->allow_nonref->decode($r->{content}) }
	    if ($r->{headers}{'content-type'} // '') =~ /json/;
	return $r;
}

sub get { my ($self, $path, %o) = @_; return $self->request(GET => $path, %o) }

# The API with a key of everything (or key => ...; key => '' for none). body: hash or array sent as JSON.
sub api {
	my ($self, $method, $path, $body, %o) = @_;
	my %headers = %{ $o{headers} // {} };
	my $key = $o{key} // $self->key;
	$headers{authorization} = "Bearer $key" if $key ne '';
	$headers{'content-type'} //= 'application/json' if defined $body;
	return $self->request($method, "/api/v1$path", no_cookies => 1, headers => \%headers,
		(defined $body ? (content => ref $body ? encode_json($body) : $body) : ()));
}

# What each route of the API takes, by "METHOD /pattern" as the route table has it: {name => schema}.
sub takes {
	my ($self) = @_;
	my $paths = $self->api(GET => '/openapi.json', undef, key => '')->{json}{paths};
	my %takes;
	for my $path (keys %$paths) {
		for my $method (keys %{ $paths->{$path} }) {
			my $op = $paths->{$path}{$method};
			my ($content) = values %{ $op->{requestBody}{content} // {} };
			$takes{ uc($method) . ' ' . $path =~ s/\{\w+\}/{}/gr } = $method eq 'get'
			    ? { map { $_->{name} => $_->{schema} } grep { $_->{in} eq 'query' } @{ $op->{parameters} } }
			    : $content ? $content->{schema}{properties} : {};
		}
	}
	return %takes;
}

sub sign_in {
	my ($self) = @_;
	$self->user;
	my $page = $self->get('/sign-in');
	my $r = $self->request(POST => '/sign-in',
		headers => { 'content-type' => 'application/x-www-form-urlencoded' },
		content => form([ email => $email, password => $password, csrf => csrf_of($page) ]));
	die "sign in: $r->{status} $r->{content}" if $r->{status} != 303;
	$self->{csrf} = csrf_of($self->get('/brands'));
	return $r;
}

sub csrf_of { my ($r) = @_; return $r->{content} =~ /name="csrf" value="([^"]*)"/ ? $1 : '' }

# A form sent as the signed-in person.  Its _method goes where pages have it, into the address.
sub post {
	my ($self, $path, $form, %o) = @_;
	my @pairs = ref $form eq 'ARRAY' ? @$form : %{ $form // {} };
	for (my $i = 0; $i < @pairs; $i += 2) {
		next if $pairs[$i] ne '_method';
		$path .= ($path =~ /\?/ ? '&' : '?') . '_method=' . $pairs[ $i + 1 ];
		splice @pairs, $i, 2;
		last;
	}
	push @pairs, csrf => $self->{csrf} unless $o{no_csrf};
	# an upload comes in parts, and in nothing else
	my ($type, $body) = $path =~ m{/imports$} ? multipart(@pairs) : ('application/x-www-form-urlencoded', form(\@pairs));
	return $self->request(POST => $path, %o, headers => { 'content-type' => $type, %{ $o{headers} // {} } }, content => $body);
}

# multipart/form-data: pairs; a value {name, type, data} is a file.  Returns (content type, body).
sub multipart {
	my @pairs = @_;
	my $boundary = 'maillayer-test-' . int(rand 1e9);
	my $body = '';
	while (my ($name, $value) = splice @pairs, 0, 2) {
		my $file = ref $value eq 'HASH' ? "; filename=\"$value->{name}\"" : '';
		my $type = ref $value eq 'HASH' ? "Content-Type: $value->{type}\r\n" : '';
		my $data = ref $value eq 'HASH' ? $value->{data} : $value;
		$body .= "--$boundary\r\nContent-Disposition: form-data; name=\"$name\"$file\r\n$type\r\n$data\r\n";
	}
	return ("multipart/form-data; boundary=$boundary", "$body--$boundary--\r\n");
}

# Background work now, as the trigger does it: name send or jobs.
sub cron {
	my ($self, $name) = @_;
	return $self->request(POST => "/cron/$name", no_cookies => 1,
		headers => { authorization => 'Bearer ' . $self->secret });
}

1;
