#include "http/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "http/address.h"

static const char unreadable[] = "The address is not a URL that can be called.";
static const char inside[] =
    "This address leads into a private network and is not called.";
static const char not_https[] =
    "Only https is accepted: over plain http anybody between here and there could read "
    "along.";
static const char wrong_port[] =
    "Only https:// addresses on port 443 or 8443 can be called.";

/* Names that mean this machine or the network it stands in, wherever that is. */
static const char *const inner_names[] = { ".localhost", ".localdomain", ".local",
	".internal", ".intranet", ".lan", ".home.arpa", ".invalid" };

static bool fail(const char **why, const char *sentence)
{
	*why = sentence;
	return false;
}

/* Printable ASCII without what browsers and libraries read in different ways. */
static bool plain(const char *text)
{
	size_t n = strlen(text);

	if (n > URL_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] >= 0x7f ||
		    strchr("\\\"<>^`{|}#", text[i]))
			return false;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_label(const char *s, size_t n)
{
	if (n == 0 || n > 63 || s[0] == '-' || s[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_digit(s[i]) && !is_letter(s[i]) && s[i] != '-' && s[i] != '_')
			return false;
	return true;
}

/* Letters, digits and hyphens between dots; *last is the last label. */
static bool is_name(const char *host, const char **last)
{
	for (;;) {
		size_t n = strcspn(host, ".");

		*last = host;
		if (!is_label(host, n))
			return false;
		if (host[n] == '\0')
			return true;
		host += n + 1;
	}
}

static bool is_inner(const char *host)
{
	size_t n = strlen(host);

	if (strchr(host, '.') == NULL)
		return true;
	for (size_t i = 0; i < sizeof(inner_names) / sizeof(*inner_names); i++) {
		size_t k = strlen(inner_names[i]);

		if (n >= k && strcasecmp(host + n - k, inner_names[i]) == 0)
			return true;
	}
	return false;
}

static bool is_public4(const struct in_addr *ip)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = *ip };

	return address_is_public((const void *)&a);
}

static bool is_public6(const char *host)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 };
	char text[URL_HOST_MAX];
	size_t n = strlen(host);

	memcpy(text, host + 1, n - 2);
	text[n - 2] = '\0';
	return inet_pton(AF_INET6, text, &a.sin6_addr) == 1 &&
	    address_is_public((const void *)&a);
}

/*
 * What ends in a number is an address of four decimal numbers or nothing: libraries
 * read 2130706433, 0x7f.1 and 0177.0.0.1 as 127.0.0.1.
 */
static bool check_host(const struct url *u, const char **why)
{
	const char *last;
	struct in_addr v4;

	if (u->own || u->loopback)
		return true;
	if (u->host[0] == '[')
		return is_public6(u->host) || fail(why, inside);
	if (!is_name(u->host, &last))
		return fail(why, unreadable);
	if (last[strspn(last, "0123456789")] == '\0' || strncasecmp(last, "0x", 2) == 0)
		return (inet_pton(AF_INET, u->host, &v4) == 1 && is_public4(&v4)) ||
		    fail(why, inside);
	return !is_inner(u->host) || fail(why, inside);
}

static bool check_port(struct url *u, const char *text, size_t n, const char **why)
{
	u->port = u->https ? 443 : 80;
	if (n > 0) {
		if (n < 2 || n > 6 || text[1] == '0')
			return fail(why, unreadable);
		u->port = 0;
		for (size_t i = 1; i < n; i++) {
			if (!is_digit(text[i]))
				return fail(why, unreadable);
			u->port = u->port * 10 + (text[i] - '0');
		}
	}
	if (u->port > UINT16_MAX)
		return fail(why, "A port is a number from 1 to 65535.");
	if (u->own || u->loopback || u->port == 443 || u->port == 8443)
		return true;
	return fail(why, wrong_port);
}

static bool read_scheme(struct url *u, const char *text)
{
	u->https = strncasecmp(text, "https://", 8) == 0;
	if (!u->https && strncasecmp(text, "http://", 7) != 0)
		return false;
	u->authority = text + (u->https ? 8 : 7);
	u->path = u->authority + strcspn(u->authority, "/?");
	return true;
}

static bool is_listed(const char *hosts, const char *host)
{
	while (*hosts != '\0') {
		size_t n = strcspn(hosts, ", ");

		if (n > 0 && strlen(host) == n && strncasecmp(hosts, host, n) == 0)
			return true;
		hosts += n;
		hosts += strspn(hosts, ", ");
	}
	return false;
}

static bool check(const char *text, bool loopback, const char *hosts, struct url *u,
    const char **why)
{
	size_t n, host;

	if (!plain(text) || !read_scheme(u, text))
		return fail(why, unreadable);
	n = (size_t)(u->path - u->authority);
	host = u->authority[0] == '[' ? strcspn(u->authority, "]/?") + 1
				      : strcspn(u->authority, ":/?");
	if (host == 0 || host > n || host >= URL_HOST_MAX ||
	    memchr(u->authority, '@', n) || (host < n && u->authority[host] != ':'))
		return fail(why, unreadable);
	memcpy(u->host, u->authority, host);
	u->loopback = loopback && address_names_loopback(u->host);
	u->own = is_listed(hosts, u->host);
	if (!u->https && !u->loopback && !u->own)
		return fail(why, not_https);
	return check_port(u, u->authority + host, n - host, why) && check_host(u, why);
}

enum err url_check_own(const char *text, bool loopback, const char *hosts,
    struct url *out, const char **why)
{
	memset(out, 0, sizeof(*out));
	*why = unreadable;
	return check(text, loopback, hosts, out, why) ? OK : ERR_INVALID;
}

enum err url_check(const char *text, bool loopback, struct url *out, const char **why)
{
	return url_check_own(text, loopback, "", out, why);
}

bool url_is_bare(const struct url *u)
{
	return u->path[strspn(u->path, "/")] == '\0';
}
