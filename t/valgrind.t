#!/usr/bin/perl
# Memcheck over programs that together touch every layer, in the plain build: no error, no leak.
# Then over the web workers of a site, while every GET route is asked as page and by the API with two
# of each thing there: no answer is made of memory that nobody wrote.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';
use Site;
use Source;
use File::Temp qw(tempdir);
use Test::More;

my $top = dirname(__FILE__) . '/..';
my $build = abs_path($ENV{MAILLAYER_BUILD} // "$top/build");
my $dir = tempdir(CLEANUP => 1);
plan skip_all => 'valgrind is not installed' if system('command -v valgrind >/dev/null');
delete $ENV{MAILLAYER_TEST_PG};		# SQLite will do here

sub clean {
	my ($name, @command) = @_;
	my $log = "$dir/log";
	my $status = system "valgrind --quiet --error-exitcode=9 --leak-check=full "
	    . "--errors-for-leak-kinds=definite --log-file=$log @command >$dir/out 2>&1";
	ok($status == 0, "$name is clean") or do {
		open my $f, '<', $log;
		diag $_ while <$f>;
	};
}

clean($_, "$build/$_") for qw(t/base/buf t/base/json t/base/form t/base/text t/db/stmt t/http/body
	t/http/router t/repo/event t/service/subscriber t/send/compose t/view/html);

open my $t, '>', "$dir/page.html" or die;
print $t '{% for p in people %}{{ p.name | upcase | escape }}: {{ p.n | times: 3 }}{% endfor %}';
close $t;
open my $d, '>', "$dir/data.json" or die;
print $d '{"people":[{"name":"a<b","n":2},{"name":"c","n":4}]}';
close $d;
clean('render', "$build/maillayer render $dir/page.html --data $dir/data.json --html");

# ---- the walk ----
my $supp = abs_path("$top/t/lib/valgrind.supp");
mkdir "$dir/build";
mkdir "$dir/errors";
open my $w, '>', "$dir/build/maillayer" or die;
print $w <<"SH";
#!/bin/sh
[ "\$1" = web ] || exec $build/maillayer "\$@"
exec valgrind --quiet --suppressions=$supp --log-file=$dir/errors/%p $build/maillayer "\$@"
SH
close $w;
chmod 0755, "$dir/build/maillayer";
$ENV{MAILLAYER_BUILD} = "$dir/build";
my $site = Site->start(env => { MAILLAYER_SERVER_WEB_WORKERS => 2 });
$site->sign_in;

sub made {
	my ($path, $body, %o) = @_;
	my $r = $site->api(POST => $path, $body, %o);
	$r->{status} =~ /^20/ or BAIL_OUT("POST $path: $r->{status} $r->{content}");
	return $r->{json}{id} // $r->{json}{user_id};
}
my @user = map { ($site->command([ qw(user create --password-stdin --email), "$_\@example.com" ], "a password of $_\n"))[1] =~ /(\d+)/ } qw(una duo tre);
my ($b) = map { made('/brands', { name => $_, from_name => $_, from_email => 'news@example.com', postal_address => 'Quay 1',
	time_zone => 'UTC' }) } qw(Acme Other);
my %id = (users => $user[0]);
for my $n (1, 2) {
	$id{lists} = made("/brands/$b/lists", { name => "News $n" });
	$id{fields} = made("/brands/$b/fields", { key => "city$n", label => 'City' });
	$id{keys} = made("/brands/$b/keys", { name => "k$n", scopes => 'read' });
	$id{invitations} = made("/brands/$b/invitations", { email => "ina$n\@example.com", role => 'viewer' });
	$id{members} = made("/brands/$b/members", { email => ('una', 'duo')[ $n - 1 ] . '@example.com', role => 'editor' });
	made("/brands/$b/subscribers", { email => "$_$n\@example.com", lists => [ $id{lists} ], tags => [ 'a', 'b' ] }) for qw(ann bob);
	$id{subscribers} = made("/brands/$b/subscribers", { email => "cy$n\@example.com", lists => [ $id{lists} ] });
	$id{campaigns} = made("/brands/$b/campaigns", { name => "C$n", subject => 'S', html => '<p>x <a href="https://example.com/">y</a></p>',
		lists => [ $id{lists} ] });
	$id{topics} = $site->api(POST => "/brands/$b/provider/topics",
		{ topic_arn => "arn:aws:sns:eu-west-1:123456789012:mail$n" })->{json}{topics}[0]{id};
	my ($type, $upload) = Site::multipart(file => { name => 'a.csv', type => 'text/csv', data => "email\nx$n\@example.com\nno\n" });
	$id{imports} = made("/brands/$b/imports", $upload, headers => { 'content-type' => $type });
	$site->api(POST => "/brands/$b/campaigns/$id{campaigns}/test", { emails => [ 'ann@example.com', 'bob@example.com' ] });
	$site->api(POST => "/brands/$b/campaigns/$id{campaigns}/send", {});
	$site->cron($_) for qw(jobs send);
}
$id{campaigns} = made("/brands/$b/campaigns", { name => 'Draft', subject => 'S', html => '<p>x</p>', lists => [ $id{lists} ] });
$id{brands} = $b;
$id{outbox} = $site->api(GET => "/brands/$b/outbox")->{json}{items}[0]{id} or BAIL_OUT('no mail');

sub path_of {
	my ($pattern) = @_;
	my @part = split m{/}, $pattern, -1;
	for my $i (1 .. $#part) {
		$part[$i] = $id{ $part[ $i - 1 ] } // 1 if $part[$i] eq '{}';
		$part[$i] = 'x' x 43 if $part[$i] eq '{*}';
	}
	return join '/', @part;
}
my ($asked, $good, @broken) = (0, 0);
for my $route (grep { $_->{method} eq 'GET' } Source::routes()) {
	my $path = path_of($route->{pattern});
	my @r = ($route->{api_only} ? () : $site->get($path), $route->{page_only} || $route->{raw} ? () : $site->api(GET => $path));
	$asked += @r;
	$good += grep { $_->{status} < 400 } @r;
	push @broken, map { "$path: $_->{status}" } grep { $_->{status} >= 500 } @r;
}
cmp_ok($good, '>', 90, "$good of $asked pages and answers are given");
is(join("\n", @broken), '', 'none broke');
$site->stop;
my @errors = map { Site::slurp($_) } glob "$dir/errors/*";
is(join('', @errors), '', 'memcheck has nothing against them');
done_testing;
