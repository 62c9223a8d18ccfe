#include <string.h>
#include <strings.h>

#include "base/config.h"
#include "base/mem.h"
#include "base/text.h"

/* What does not fit together in a configuration whose every value can be read. */

enum { HS256_SECRET_MIN = 32 };

/* "127.0.0.1", "[::1]" or "localhost", then the end, a port or a path. */
static bool is_loopback(const char *url)
{
	static const char *const hosts[] = { "127.0.0.1", "[::1]", "localhost" };
	const char *host = url + strlen("http://");

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		if (text_starts(host, hosts[i]) &&
		    strchr(":/", host[strlen(hosts[i])]) != NULL)
			return true;
	}
	return false;
}

static bool is_web_url(const char *url)
{
	size_t scheme = text_starts(url, "https://") ? 8 : 7;

	if (scheme == 7 && !text_starts(url, "http://"))
		return false;
	return url[scheme] != '\0' && strpbrk(url, " \t\"'<>?#@\\") == NULL;
}

/* Whoever may name the signer's roots may forge events: on a test's machine only. */
static const char *check_stand_in(const struct config *c)
{
	bool test = c->security.allow_loopback_http;

	if (!test && !text_empty(c->security.sns_ca_file))
		return "[security] sns_ca_file is for tests and needs "
		       "[security] allow_loopback_http = true";
	if (text_empty(c->security.sns_endpoint))
		return NULL;
	if (!test || !text_starts(c->security.sns_endpoint, "http://") ||
	    !is_loopback(c->security.sns_endpoint))
		return "[security] sns_endpoint is for tests: an http:// address of a "
		       "loopback host, with [security] allow_loopback_http = true";
	return NULL;
}

/* ---- Supabase ---- */

static bool is_provider(const char *word)
{
	size_t n;

	if (text_starts(word, "custom:"))
		word += strlen("custom:");
	n = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_-");
	return n > 0 && n <= PROVIDER_WORD_MAX && word[n] == '\0';
}

char **config_providers(void *mem, const struct config *c)
{
	char **words = mem_array(mem, char *, PROVIDERS_MAX + 1);
	char *all = mem_str(words, c->supabase.providers), *word;
	size_t n = 0;

	while (n < PROVIDERS_MAX && (word = strsep(&all, ", ")) != NULL) {
		if (word[0] != '\0')
			words[n++] = word;
	}
	return words;
}

static const char *check_providers(void *mem, const struct config *c)
{
	char **words = config_providers(mem, c);
	size_t n = 0;

	for (; words[n] != NULL; n++) {
		if (!is_provider(words[n]))
			return mem_printf(mem,
			    "[supabase] providers are the names Supabase has for them, "
			    "such as google, github, azure; not \"%s\"",
			    words[n]);
		if (text_equal(words[n], "callback"))
			return "[supabase] providers: there is no provider "
			       "\"callback\"";
	}
	if (n == PROVIDERS_MAX)
		return mem_printf(mem, "[supabase] providers are at most %d",
		    PROVIDERS_MAX - 1);
	return NULL;
}

/* Is the host of the address one of those the operator names? */
static bool is_private_named(void *mem, const struct config *c)
{
	char *all = mem_str(mem, c->supabase.allow_private), *word;
	const char *host = strstr(c->supabase.url, "://") + 3;

	while ((word = strsep(&all, ", ")) != NULL) {
		size_t n = strlen(word);

		if (n > 0 && strncasecmp(host, word, n) == 0 &&
		    (host[n] == '\0' || strchr(":/", host[n]) != NULL))
			return true;
	}
	return false;
}

static const char *check_supabase(void *mem, const struct config *c)
{
	if (text_empty(c->supabase.url))
		return NULL;
	if (!is_web_url(c->supabase.url))
		return "[supabase] url must be https://host";
	if (!text_empty(c->supabase.browser_url) &&
	    !is_web_url(c->supabase.browser_url))
		return "[supabase] browser_url must be https://host";
	if (text_starts(c->supabase.url, "http://") && !is_private_named(mem, c) &&
	    !(c->security.allow_loopback_http && is_loopback(c->supabase.url)))
		return "[supabase] url must be https (http only for a loopback host "
		       "and with [security] allow_loopback_http = true)";
	if (text_ends(c->supabase.url, "/auth/v1"))
		return "[supabase] url is the address of the project, without /auth/v1";
	if (text_empty(c->supabase.anon_key))
		return "[supabase] anon_key is needed with url: the public key of the "
		       "project (\"anon\" or \"publishable\")";
	if (text_has_control(c->supabase.anon_key) ||
	    text_starts(c->supabase.anon_key, "sb_secret_"))
		return "[supabase] anon_key must be the public key of the project, not "
		       "the secret one";
	if (text_equal(c->supabase.algorithm, "HS256") &&
	    strlen(c->supabase.jwt_secret) < HS256_SECRET_MIN)
		return mem_printf(mem,
		    "[supabase] algorithm = HS256 needs jwt_secret: the project's JWT "
		    "secret, at least %d characters (or choose ES256 or RS256)",
		    HS256_SECRET_MIN);
	return check_providers(mem, c);
}

/* Roughly: the provider has the last word. */
static bool is_address(const char *s)
{
	const char *at = strchr(s, '@');

	return at != NULL && at > s && strchr(at + 1, '@') == NULL && at[1] != '\0' &&
	    !text_has_control(s) && strpbrk(s, " <>,;\"") == NULL;
}

const char *config_fault(void *mem, const struct config *c)
{
	const char *why;

	if (text_empty(c->server.state_dir))
		return "[server] state_dir must name a folder";
	if (!is_web_url(c->server.public_url))
		return mem_printf(mem,
		    "[server] public_url must be http(s)://host, not \"%s\"",
		    c->server.public_url);
	if (!text_starts(c->database.url, "sqlite:/") &&
	    !text_starts(c->database.url, "postgresql://") &&
	    !text_starts(c->database.url, "postgres://"))
		return "[database] url must start with sqlite:/ or postgresql://";
	if (!text_empty(c->mail.system_from) && !is_address(c->mail.system_from))
		return "[mail] system_from must be one plain address, such as "
		       "accounts@example.com";
	why = check_stand_in(c);
	return why ? why : check_supabase(mem, c);
}
