#include "http/url.h"

#include <string.h>

#include "base/mem.h"
#include "tap.h"

static const char *const refused[] = {
	/* no address */
	"",
	" ",
	"x",
	"https",
	"https:",
	"https:/",
	"https://",
	"https:///",
	"//example.com/",
	"example.com",
	"/etc/passwd",
	"https:example.com",
	"https:/example.com",
	"https://?x",
	"https://:443/",
	/* other schemes */
	"http://example.com/",
	"http://example.com:443/",
	"ftp://example.com/",
	"file:///etc/passwd",
	"gopher://127.0.0.1:11211/_stats",
	"dict://127.0.0.1:11211/stats",
	"ldap://127.0.0.1/",
	"ws://example.com/",
	"javascript:alert(1)",
	"data:text/html,x",
	"jar:https://example.com!/",
	"httpss://example.com/",
	"https+x://example.com/",
	/* ports */
	"https://example.com:99999/",
	"https://example.com:65536/",
	"https://example.com:0/",
	"https://example.com:80/",
	"https://example.com:22/",
	"https://example.com:25/",
	"https://example.com:6379/",
	"https://example.com:11211/",
	"https://example.com:444/",
	"https://example.com:8080/",
	"https://example.com:/",
	"https://example.com:443x/",
	"https://example.com:0443/",
	"https://example.com:+443/",
	"https://example.com:-1/",
	"https://example.com:4 43/",
	"https://example.com:443:443/",
	"https://example.com:18446744073709551979/",
	"https://example.com:4294967739/",
	/* users, and what is read as one by some */
	"https://user@example.com/",
	"https://user:pw@example.com/",
	"https://example.com@127.0.0.1/",
	"https://@example.com/",
	"https://example.com:443@127.0.0.1/",
	"https://127.0.0.1#@example.com/",
	"https://example.com\\@127.0.0.1/",
	"https://example.com%40127.0.0.1/",
	"https://127.0.0.1\\.example.com/",
	"https:\\\\example.com\\",
	"https://example.com#x",
	/* loopback and this network, by every spelling */
	"https://127.0.0.1/",
	"https://127.0.0.1:8443/",
	"https://127.1/",
	"https://127.0.1/",
	"https://127.255.255.254/",
	"https://0/",
	"https://0.0.0.0/",
	"https://2130706433/",
	"https://017700000001/",
	"https://0x7f000001/",
	"https://0x7f.0x0.0x0.0x1/",
	"https://0x7f.1/",
	"https://0177.0.0.1/",
	"https://0177.0.0.01/",
	"https://127.0.0.01/",
	"https://127.000.000.001/",
	"https://127.0.0.1./",
	"https://127.0.0.1.:443/",
	"https://4294967295/",
	"https://00000000000000000000177.1/",
	"https://1.1.1.257/",
	"https://1.1.1/",
	"https://1.1.1.1.1/",
	"https://0x7F000001/",
	"https://127.0.0.0x1/",
	"https://%31%32%37.0.0.1/",
	"https://127\xe3\x80\x82"
	"0\xe3\x80\x82"
	"0\xe3\x80\x82"
	"1/",
	"https://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1/",
	"https://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/",
	"https://127.0.0.1%00.example.com/",
	"https://127.0.0.1\t.example.com/",
	/* IPv6 */
	"https://[::1]/",
	"https://[::]/",
	"https://[0:0:0:0:0:0:0:1]/",
	"https://[::ffff:127.0.0.1]/",
	"https://[::ffff:7f00:1]/",
	"https://[::127.0.0.1]/",
	"https://[64:ff9b::7f00:1]/",
	"https://[64:ff9b::127.0.0.1]/",
	"https://[64:ff9b:1::1]/",
	"https://[2002:7f00:1::]/",
	"https://[2002:a9fe:a9fe::1]/",
	"https://[fe80::1]/",
	"https://[fe80::1%25eth0]/",
	"https://[fe80::1%eth0]/",
	"https://[fc00::1]/",
	"https://[fd00:ec2::254]/",
	"https://[fec0::1]/",
	"https://[ff02::1]/",
	"https://[2001:db8::1]/",
	"https://[2001::1]/",
	"https://[100::1]/",
	"https://[::1]:443/",
	"https://[::1/",
	"https://::1/",
	"https://[]/",
	"https://[1.1.1.1]/",
	"https://[::1]x/",
	"https://[2606:4700::1111].example.com/",
	"https://[2606:4700::1111]:8080/",
	"https://[3fff::1]/",
	"https://[2001:10::1]/",
	/* private, shared, reserved */
	"https://10.0.0.1/",
	"https://10.255.255.255/",
	"https://172.16.0.1/",
	"https://172.31.255.255/",
	"https://192.168.0.1/",
	"https://192.168.0.1:8443/",
	"https://100.64.0.1/",
	"https://169.254.169.254/latest/meta-data/",
	"https://169.254.170.2/",
	"https://168.63.129.16/",
	"https://198.18.0.1/",
	"https://192.0.0.192/",
	"https://192.0.2.1/",
	"https://203.0.113.1/",
	"https://198.51.100.1/",
	"https://224.0.0.1/",
	"https://239.255.255.250/",
	"https://240.0.0.1/",
	"https://255.255.255.255/",
	"https://0xA9FEA9FE/",
	"https://2852039166/",
	"https://169.254.43518/",
	/* names of inner networks */
	"https://localhost/",
	"https://LOCALHOST/",
	"https://localhost./",
	"https://localhost:8443/",
	"https://a.localhost/",
	"https://localhost.localdomain/",
	"https://metadata/",
	"https://metadata.google."
	"internal/",
	"https://metadata.google."
	"internal./",
	"https://printer."
	"local/",
	"https://router."
	"lan/",
	"https://nas.home.arpa/",
	"https://wiki.intranet/",
	"https://memcached/",
	/* names that are none */
	"https://example.com./",
	"https://.example.com/",
	"https://example..com/",
	"https://-example.com/",
	"https://example-.com/",
	"https://exa mple.com/",
	"https://example.com\r\nHost: x/",
	"https://exam\nple.com/",
	"https://example.com/\r\nX: y",
	"https://example.com/ x",
	"https://ex\xc3\xa4mple.com/",
	"https://example\xe3\x80\x82"
	"com/",
	"https://example\xef\xbc\x8e"
	"com/",
	"https://\xe2\x80\x8b"
	"example.com/",
	"https://example.com%2f@127.0.0.1/",
	"https://ex%61mple.com/",
	"https://example,com/",
	"https://exa$mple.com/",
	"https://*.example.com/",
	"https://example.com;127.0.0.1/",
	"https://{example.com,127.0.0.1}/",
	"https://[a-z].example.com/",
	"https://example.com|x/",
	"https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com/",
	" https://example.com/",
	"https://example.com/ ",
	"\thttps://example.com/",
	"https://example.com/\x7f",
	"https://example.com/\x01",
	"https://example.com/<x>",
	"https://example.com/\"x",
	"https://example.com/`x`",
	"https://example.com/^",
};

static const struct {
	const char *text, *host;
	int port;
	const char *path;
} taken[] = {
	{ "https://example.com", "example.com", 443, "" },
	{ "https://example.com/", "example.com", 443, "/" },
	{ "HTTPS://Example.COM/a?b=c", "Example.COM", 443, "/a?b=c" },
	{ "https://example.com?x=1", "example.com", 443, "?x=1" },
	{ "https://example.com:443/", "example.com", 443, "/" },
	{ "https://example.com:8443/x@y:z", "example.com", 8443, "/x@y:z" },
	{ "https://email.eu-central-1.amazonaws.com",
	    "email.eu-central-1.amazonaws.com", 443, "" },
	{ "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem",
	    "sns.eu-west-1.amazonaws.com", 443, "/SimpleNotificationService-0123.pem" },
	{ "https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "/" },
	{ "https://a_b.example.com/", "a_b.example.com", 443, "/" },
	{ "https://1.example.com/", "1.example.com", 443, "/" },
	{ "https://127.0.0.1.example.com/", "127.0.0.1.example.com", 443, "/" },
	{ "https://localhost.example.com/", "localhost.example.com", 443, "/" },
	{ "https://1.1.1.1/", "1.1.1.1", 443, "/" },
	{ "https://[2606:4700::1111]/", "[2606:4700::1111]", 443, "/" },
	{ "https://[2a00:1450:4001::1]:8443", "[2a00:1450:4001::1]", 8443, "" },
	{ "https://[64:ff9b::808:808]/", "[64:ff9b::808:808]", 443, "/" },
};

/* Only where the loopback is allowed. */
static const struct {
	const char *text;
	bool good;
} loopback[] = {
	{ "http://127.0.0.1/", true },
	{ "http://127.0.0.1:1/", true },
	{ "http://localhost:65535", true },
	{ "https://localhost:4566/x", true },
	{ "http://[::1]:8025/", true },
	{ "http://127.8.8.8:80", true },
	{ "http://127.0.0.1:99999", false },
	{ "http://127.0.0.1:0", false },
	{ "http://127.0.0.1:", false },
	{ "http://127.1/", false },
	{ "http://localhost.example.com/", false },
	{ "http://127.0.0.1.example.com/", false },
	{ "http://127.0.0.1@example.com/", false },
	{ "http://user@127.0.0.1/", false },
	{ "http://10.0.0.1/", false },
	{ "https://10.0.0.1/", false },
	{ "http://0.0.0.0/", false },
	{ "http://[::ffff:127.0.0.1]/", false },
	{ "http://localhost.:80/", false },
	{ "ftp://127.0.0.1/", false },
};

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");
	char *many = mem_resize(mem, NULL, URL_MAX + 9);
	const char *why;
	struct url u;

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		ok(url_check(refused[i], false, &u, &why) == ERR_INVALID && why &&
			why[0] != '\0',
		    "url_check refuses %s", refused[i]);
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
		ok(url_check(taken[i].text, false, &u, &why) == OK,
		    "url_check takes %s", taken[i].text);
		is_text(u.host, taken[i].host, "... its host");
		is_int(u.port, taken[i].port, "... its port");
		is_text(u.path, taken[i].path, "... and the rest");
	}
	for (size_t i = 0; i < sizeof(loopback) / sizeof(*loopback); i++) {
		ok((url_check(loopback[i].text, true, &u, &why) == OK) ==
			loopback[i].good,
		    "url_check with loopback %s %s",
		    loopback[i].good ? "takes" : "refuses", loopback[i].text);
		ok(url_check(loopback[i].text, false, &u, &why) == ERR_INVALID,
		    "... and refuses it without");
	}
	memset(many, 'a', URL_MAX + 8);
	memcpy(many, "https://example.com/", 20);
	many[URL_MAX] = '\0';
	ok(url_check(many, false, &u, &why) == OK, "url_check takes what just fits");
	many[URL_MAX] = 'a';
	many[URL_MAX + 1] = '\0';
	ok(url_check(many, false, &u, &why) == ERR_INVALID, "... and not more");
	ok(url_check("https://example.com//", false, &u, &why) == OK && url_is_bare(&u),
	    "url_is_bare takes a host and slashes");
	ok(url_check("https://example.com/x", false, &u, &why) == OK &&
		!url_is_bare(&u),
	    "... no path");
	ok(url_check("https://example.com?x", false, &u, &why) == OK &&
		!url_is_bare(&u),
	    "... and no query");
	return done_testing();
}
