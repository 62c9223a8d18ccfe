#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "tap.h"

static const struct sockaddr *address(const char *text)
{
	static struct sockaddr_in v4;
	static struct sockaddr_in6 v6;

	v4.sin_family = AF_INET;
	v6.sin6_family = AF_INET6;
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return (const void *)&v4;
	inet_pton(AF_INET6, text, &v6.sin6_addr);
	return (const void *)&v6;
}

static void sorting(void)
{
	static const char *const closed[] = {
		"0.0.0.0",
		"10.1.2.3",
		"100.64.0.1",
		"100.127.255.255",
		"127.0.0.1",
		"168.63.129.16",
		"169.254.169.254",
		"172.16.0.1",
		"172.31.255.255",
		"192.0.2.1",
		"192.168.1.1",
		"198.19.0.1",
		"224.0.0.1",
		"240.0.0.1",
		"255.255.255.255",
		"::",
		"::1",
		"::ffff:10.0.0.1",
		"::ffff:169.254.169.254",
		"::127.0.0.1",
		"64:ff9b::7f00:1",
		"2002:7f00:1::",
		"2002:a9fe:a9fe::1",
		"fe80::1",
		"fc00::1",
		"fd00:ec2::254",
		"ff02::1",
		"2001:db8::1",
		"2001::1",
		"3fff::1",
	};
	static const char *const open[] = {
		"1.1.1.1",
		"100.128.0.1",
		"168.63.129.17",
		"172.32.0.1",
		"192.167.0.1",
		"223.255.255.255",
		"2606:4700::1111",
		"2a00:1450::1",
		"::ffff:8.8.8.8",
		"64:ff9b::808:808",
	};

	for (size_t i = 0; i < sizeof(closed) / sizeof(*closed); i++)
		ok(!address_is_public(address(closed[i])),
		    "address_is_public refuses %s", closed[i]);
	for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++)
		ok(address_is_public(address(open[i])), "address_is_public takes %s",
		    open[i]);
}

int main(void)
{
	sorting();
	ok(address_is_loopback(address("127.8.8.8")),
	    "address_is_loopback knows 127/8");
	ok(address_is_loopback(address("::1")), "... and ::1");
	ok(!address_is_loopback(address("128.0.0.1")), "... and nothing else");
	ok(address_names_loopback("LocalHost"),
	    "address_names_loopback knows localhost");
	ok(address_names_loopback("[::1]"), "... [::1]");
	ok(!address_names_loopback("localhost.example.com"), "... and no name like it");
	ok(!address_names_loopback("127.0.0.1.example.com"), "... nor number like it");
	return done_testing();
}
