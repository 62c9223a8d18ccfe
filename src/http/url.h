#pragma once

#include <stdbool.h>

#include "base/err.h"

/*
 * May this address be called?  Asked of every address that somebody typed or that came
 * from outside, when it is stored and again before the call.  https on port 443 or 8443
 * with a plain host name or a public address written the one usual way; no user, no
 * fragment, nothing but printable ASCII.  A name may still lead inside: address.h is
 * asked once more about what is really connected.
 */
enum { URL_MAX = 2000, URL_HOST_MAX = 254 };

struct url {
	bool https;
	bool loopback;           /* allowed only to those who allow it */
	bool own;                /* a host that the operator names: url_check_own */
	char host[URL_HOST_MAX]; /* as written; [::1] with its brackets */
	int port;
	const char *authority; /* in the text: host[:port] and then path */
	const char *path;      /* "", or from its "/" or "?" on */
};

/*
 * loopback: http and https to a loopback host are taken too, on any port.  ERR_INVALID
 * leaves a sentence in *why, which lives for ever.
 */
enum err url_check(const char *text, bool loopback, struct url *out,
    const char **why) MUST_CHECK;
/*
 * As url_check, for an address of the configuration and never for one that a brand
 * typed or that came from outside: hosts (names with commas between them) are taken
 * whatever their scheme, port and address.
 */
enum err url_check_own(const char *text, bool loopback, const char *hosts,
    struct url *out, const char **why) MUST_CHECK;
/* Only a host, or a host and "/". */
bool url_is_bare(const struct url *u);
