#!/usr/bin/perl
# The production site file, on other ports and with a certificate of this test.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use Site;
use Test::More;

my $nginx = (grep { -x } map { "$_/nginx" } split(/:/, $ENV{PATH}), '/usr/sbin')[0];
plan skip_all => 'openssl is not installed' unless grep { -x "$_/openssl" } split /:/, $ENV{PATH};

my $site = Site->start;
my $dir = "$site->{state}/production";
my ($http, $https, $local) = map { Site::free_port() } 1 .. 3;
system 'cp', '-r', "$Site::top/nginx", $dir;
mkdir "$dir/maillayer";
system "cp $dir/maillayer.* $dir/maillayer/";
system "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=mail.example.com"
    . " -keyout $dir/key.pem -out $dir/cert.pem 2>/dev/null";
my $conf = Site::slurp("$dir/maillayer.conf");
$conf =~ s/^\tlisten \[::\].*\n//mg;
$conf =~ s/listen 80;/listen 127.0.0.1:$http;/;
$conf =~ s/listen 443 ssl http2;/listen 127.0.0.1:$https ssl http2;/;
$conf =~ s/listen 127.0.0.1:8026;/listen 127.0.0.1:$local;/;
$conf =~ s{/etc/letsencrypt/live/mail.example.com/fullchain.pem}{$dir/cert.pem};
$conf =~ s{/etc/letsencrypt/live/mail.example.com/privkey.pem}{$dir/key.pem};
$conf =~ s{/usr/local/share/maillayer}{$Site::top}g;
$conf =~ s{unix:/run/maillayer}{unix:$site->{state}/run}g;
open my $f, '>', "$dir/site.conf" or die;
print $f $conf;
close $f;
open $f, '>', "$dir/nginx.conf" or die;
print $f(($> == 0 ? "user root;\n" : ''), "daemon off;\npid $dir/nginx.pid;\nerror_log $dir/error.log;\nevents {}\nhttp {\n",
	(map { "${_}_temp_path $dir/t-$_;\n" } qw(client_body fastcgi proxy scgi uwsgi)),
	"types { text/css css; text/javascript js; }\ninclude site.conf;\n}\n");
close $f;
my $test = `$nginx -t -p $dir -c $dir/nginx.conf -e $dir/error.log 2>&1`;
like($test, qr/test is successful/, 'nginx takes the production site') or diag $test;
my $pid = fork // die;
if ($pid == 0) {
	open STDERR, '>', '/dev/null';
	exec $nginx, '-p', $dir, '-c', "$dir/nginx.conf", '-e', "$dir/error.log";
}

sub curl { my $args = join ' ', map { quotemeta } @_; return scalar `curl -q -s -k -i --noproxy '*' $args` }
my $base = "https://127.0.0.1:$https";
$site->until_true(5, sub { curl("$base/healthz") =~ /200/ });

my $r = curl("$base/healthz");
like($r, qr{^HTTP/2 200}, 'it serves HTTP/2 over TLS');
like($r, qr/strict-transport-security: max-age=31536000/i, '... with HSTS');
is(() = $r =~ /x-content-type-options/ig, 1, '... every header once');
$r = curl("http://127.0.0.1:$http/x?y=1", '-H', 'Host: mail.example.com');
like($r, qr{301.*Location: https://mail.example.com/x\?y=1}is, 'plain http is sent to https');
$r = curl("http://127.0.0.1:$http/x?y=1", '-H', 'Host: evil.example');
like($r, qr{301.*Location: https://mail.example.com/x\?y=1}is, '... of this server, whatever host the request names');
my ($css) = glob "$Site::top/assets/dist/*.css";
SKIP: {
	skip 'assets are not built', 3 unless $css;
	$r = curl('-I', "$base/assets/" . (split m{/}, $css)[-1]);
	like($r, qr{content-type: text/css}i, 'assets are served');
	like($r, qr/cache-control: public, max-age=31536000, immutable/i, '... for ever');
	like($r, qr/strict-transport-security/i, '... with the same headers');
}
$r = curl('-X', 'POST', "http://127.0.0.1:$local/cron/jobs", '-H', 'Authorization: Bearer ' . $site->secret);
like($r, qr/200.*"done"/s, 'the trigger is there for this machine');
$r = curl('-X', 'POST', '-d', 'x' x 20000, "$base/u/x");
like($r, qr/413/, 'a public form takes at most 16 KiB');
$r = curl('-X', 'POST', '-d', 'x' x 100, '-H', 'Content-Type: text/plain', "$base/api/v1/brands/1/imports");
unlike($r, qr/413/, 'an import may be larger');
kill 'TERM', $pid;
waitpid $pid, 0;
done_testing;
