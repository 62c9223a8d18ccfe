#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "http/url.h"

/* What may be called is read by libcurl as the same host and port, with no user. */
const size_t fuzz_max = 2100;

static void compare(const char *text, const struct url *u)
{
	CURLU *c = curl_url();
	char *host = NULL, *port = NULL, *user = NULL, *scheme = NULL;

	FUZZ_CHECK(curl_url_set(c, CURLUPART_URL, text, 0) == CURLUE_OK);
	FUZZ_CHECK(curl_url_get(c, CURLUPART_HOST, &host, 0) == CURLUE_OK);
	FUZZ_CHECK(
	    curl_url_get(c, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK);
	FUZZ_CHECK(curl_url_get(c, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK);
	FUZZ_CHECK(curl_url_get(c, CURLUPART_USER, &user, 0) == CURLUE_NO_USER);
	/* an address of IPv6 is written anew: brackets will do */
	FUZZ_CHECK(
	    strcasecmp(host, u->host) == 0 || (host[0] == '[' && u->host[0] == '['));
	FUZZ_CHECK(atoi(port) == u->port);
	FUZZ_CHECK(strcmp(scheme, u->https ? "https" : "http") == 0);
	curl_free(host);
	curl_free(port);
	curl_free(scheme);
	curl_url_cleanup(c);
}

void fuzz_one(void *mem, const char *s, size_t n)
{
	const char *text = fuzz_text(mem, s, n), *why = NULL;
	struct url u;

	for (int loopback = 0; loopback < 2; loopback++) {
		if (url_check(text, loopback, &u, &why) != OK) {
			FUZZ_CHECK(why && why[0]);
			continue;
		}
		FUZZ_CHECK(u.https || u.loopback);
		FUZZ_CHECK(u.loopback || u.port == 443 || u.port == 8443);
		FUZZ_CHECK(loopback || !u.loopback);
		compare(text, &u);
	}
}
