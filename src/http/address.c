#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

/* Networks nobody outside may send us into. */
static const struct {
	uint32_t network;
	int bits;
} closed4[] = {
	{ 0x00000000, 8 },  /* this network */
	{ 0x0a000000, 8 },  /* private */
	{ 0x64400000, 10 }, /* shared */
	{ 0x7f000000, 8 },  /* loopback */
	{ 0xa83f8110, 32 }, /* Azure's inner services */
	{ 0xa9fe0000, 16 }, /* link-local, metadata */
	{ 0xac100000, 12 }, /* private */
	{ 0xc0000000, 24 }, /* protocol assignments */
	{ 0xc0000200, 24 }, /* documentation */
	{ 0xc0586300, 24 }, /* 6to4 relays */
	{ 0xc0a80000, 16 }, /* private */
	{ 0xc6120000, 15 }, /* benchmarks */
	{ 0xc6336400, 24 }, /* documentation */
	{ 0xcb007100, 24 }, /* documentation */
	{ 0xe0000000, 3 },  /* multicast, reserved, broadcast */
};

static bool public4(uint32_t ip)
{
	for (size_t i = 0; i < sizeof(closed4) / sizeof(*closed4); i++)
		if (((ip ^ closed4[i].network) >> (32 - closed4[i].bits)) == 0)
			return false;
	return true;
}

static uint32_t word(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/*
 * Only 2000::/3 is handed out; of that, what is documentation or carries IPv4 is
 * closed.
 */
static bool public6(const uint8_t *p)
{
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

	if (memcmp(p, nat64, 12) == 0)
		return public4(word(p + 12));
	if ((p[0] & 0xe0) != 0x20)
		return false;
	if (p[0] == 0x20 && p[1] == 0x02)
		return public4(word(p + 2));
	if (word(p) == 0x20010db8 || (word(p) >> 9) == (0x20010000 >> 9) ||
	    (word(p) >> 12) == 0x3fff0)
		return false;
	return true;
}

static bool is_mapped(const uint8_t *p)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(p, prefix, 12) == 0;
}

bool address_is_public(const struct sockaddr *a)
{
	const struct sockaddr_in *v4 = (const void *)a;
	const struct sockaddr_in6 *v6 = (const void *)a;

	if (a->sa_family == AF_INET)
		return public4(ntohl(v4->sin_addr.s_addr));
	if (a->sa_family != AF_INET6)
		return false;
	if (is_mapped(v6->sin6_addr.s6_addr))
		return public4(word(v6->sin6_addr.s6_addr + 12));
	return public6(v6->sin6_addr.s6_addr);
}

bool address_is_loopback(const struct sockaddr *a)
{
	const struct sockaddr_in *v4 = (const void *)a;
	const struct sockaddr_in6 *v6 = (const void *)a;

	if (a->sa_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

bool address_names_loopback(const char *host)
{
	struct in_addr v4;

	if (text_equal_nocase(host, "localhost") || text_equal(host, "[::1]"))
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}
