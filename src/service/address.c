#include "service/address.h"

#include <ctype.h>
#include <idn2.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { LOCAL_MAX = 64, LABEL_MAX = 63, SHOWN = 60 };

/* The address as a sentence may show it: never longer than SHOWN bytes, cut at a
 * character. */
static const char *shown(void *mem, const char *s)
{
	size_t n = strlen(s);

	if (n <= SHOWN)
		return s;
	n = SHOWN;
	while (n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80)
		n--;
	return mem_printf(mem, "%.*s…", (int)n, s);
}

static bool is_space(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' ||
	    c == '\v';
}

/* White space in and around, the no-break space of spreadsheets too. */
static bool has_space(const char *s)
{
	for (const char *p = s; *p; p++)
		if (is_space((unsigned char)*p) ||
		    memcmp(p, "\xC2\xA0", p[1] ? 2 : 1) == 0)
			return true;
	return false;
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s > 126 || (unsigned char)*s < 32)
			return false;
	return true;
}

static const char *check_local(void *mem, const char *local, size_t n)
{
	static const char extra[] = "!#$%&'*+-/=?^_`{|}~.";

	if (n == 0)
		return "There is nothing before the @.";
	if (n > LOCAL_MAX)
		return "The part before the @ is longer than 64 characters.";
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)local[i];

		if (c >= 128)
			return "Amazon SES cannot send to letters outside a-z before "
			       "the @.";
		if (!isalnum(c) && !strchr(extra, c))
			return mem_printf(mem,
			    "An address cannot have “%c” before the @.", c);
	}
	if (local[0] == '.' || local[n - 1] == '.' || strstr(local, ".."))
		return "A dot can be neither first nor last before the @, nor doubled.";
	return NULL;
}

/* ASCII domain in lower case: labels of letters, digits and hyphens, at least two. */
static const char *check_domain(const char *d)
{
	size_t label = 0, dots = 0, n = strlen(d);

	if (n == 0)
		return "There is nothing after the @.";
	for (size_t i = 0; i <= n; i++) {
		if (i == n || d[i] == '.') {
			if (label == 0)
				return "The domain has a dot too many.";
			if (label > LABEL_MAX || d[i - 1] == '-')
				return "The domain cannot exist: check its spelling.";
			dots += d[i] == '.';
			label = 0;
			continue;
		}
		if (!isalnum((unsigned char)d[i]) && d[i] != '-' && d[i] != '_')
			return "The domain has a character that no domain can have.";
		if (label++ == 0 && d[i] == '-')
			return "The domain cannot exist: check its spelling.";
	}
	if (dots == 0)
		return "The domain has no dot, as in example.com.";
	if (isdigit((unsigned char)d[n - 1]))
		return "An address cannot end in a number.";
	return NULL;
}

static char *lower_ascii(void *mem, const char *s, size_t n)
{
	char *out = mem_strn(mem, s, n);

	for (size_t i = 0; i < n; i++)
		out[i] = (char)tolower((unsigned char)out[i]);
	return out;
}

char *address_domain(void *mem, const char *domain)
{
	char *raw = NULL, *out;

	if (is_ascii(domain))
		return lower_ascii(mem, domain, strlen(domain));
	if (idn2_to_ascii_8z(domain, &raw, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
	    IDN2_OK)
		return NULL;
	out = lower_ascii(mem, raw, strlen(raw));
	idn2_free(raw);
	return out;
}

/* In its own script, if that leads back to the same: not all that can be decoded does.
 */
static char *to_unicode(void *mem, const char *ascii)
{
	char *raw = NULL, *out, *back;

	if (!strstr(ascii, "xn--") || idn2_to_unicode_8z8z(ascii, &raw, 0) != IDN2_OK)
		return mem_str(mem, ascii);
	out = mem_str(mem, raw);
	idn2_free(raw);
	back = address_domain(mem, out);
	return back && strcmp(back, ascii) == 0 ? out : mem_str(mem, ascii);
}

/* What is wrong with the look of the whole, before it is cut at the @. */
static const char *check_whole(void *mem, const char *s)
{
	const char *at = strchr(s, '@');

	if (!*s)
		return "Type an email address.";
	if (!text_is_utf8(s, strlen(s)))
		return "The address has bytes that are no text.";
	if (!at)
		return mem_printf(mem, "“%s” has no @.", shown(mem, s));
	if (has_space(s))
		return mem_printf(mem, "“%s” has a space in it.", shown(mem, s));
	if (text_has_control(s))
		return "The address has a control character in it.";
	if (strchr(at + 1, '@'))
		return mem_printf(mem, "“%s” has more than one @.", shown(mem, s));
	if (strchr(at + 1, ','))
		return mem_printf(mem, "“%s” has a comma in the domain.",
		    shown(mem, s));
	if (strlen(s) > EMAIL_MAX)
		return "An address cannot be longer than 254 characters.";
	return NULL;
}

/* Signs of Unicode that nobody sees; programs leave them beside what was pasted. */
static size_t unseen(const char *s)
{
	static const char *const signs[] = { "\xEF\xBB\xBF", "\xE2\x80\x8B",
		"\xE2\x80\x8C", "\xE2\x80\x8D", "\xE2\x80\x8E", "\xE2\x80\x8F",
		"\xE2\x80\xAA", "\xE2\x80\xAB", "\xE2\x80\xAC", "\xE2\x80\xAD",
		"\xE2\x80\xAE", "\xE2\x81\xA0", "\xE2\x81\xA6", "\xE2\x81\xA7",
		"\xE2\x81\xA8", "\xE2\x81\xA9", "\xC2\xAD", "\xE1\xA0\x8E" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (text_starts(s, signs[i]))
			return strlen(signs[i]);
	return 0;
}

/* s without them at its ends, and without the white space between and around them. */
static const char *seen(void *mem, const char *s)
{
	char *out = text_trim(mem, s), *end;
	size_t n;

	while ((n = unseen(out)) > 0)
		out = text_trim(mem, out + n);
	for (end = out + strlen(out); end > out;) {
		char *last = end - 1;

		while (last > out && ((unsigned char)*last & 0xC0) == 0x80)
			last--;
		if (unseen(last) == 0)
			break;
		*last = '\0';
		out = text_trim(mem, out);
		end = out + strlen(out);
	}
	return out;
}

/* Without white space at the ends; most addresses have none and are not copied. */
static const char *trimmed(void *mem, const char *s)
{
	size_t n = strlen(s);

	if (n == 0 ||
	    (!is_space((unsigned char)s[0]) && !is_space((unsigned char)s[n - 1]) &&
		(unsigned char)s[0] < 128 && (unsigned char)s[n - 1] < 128))
		return s;
	return seen(mem, s);
}

enum err address_parse(void *mem, const char *text, struct address *out,
    const char **why)
{
	const char *s = trimmed(mem, text ? text : ""), *at;
	char *domain;
	int local;

	*why = check_whole(mem, s);
	if (*why)
		return ERR_INVALID;
	at = strchr(s, '@');
	local = (int)(at - s);
	*why = check_local(mem, mem_strn(mem, s, (size_t)local), (size_t)local);
	if (*why)
		return ERR_INVALID;
	domain = address_domain(mem, at + 1);
	*why = domain ? check_domain(domain)
		      : "The domain cannot exist: check its spelling.";
	if (*why)
		return ERR_INVALID;
	if (local + 1 + strlen(domain) > EMAIL_MAX) {
		*why = "An address cannot be longer than 254 characters.";
		return ERR_INVALID;
	}
	out->email = mem_printf(mem, "%.*s@%s", local, s, to_unicode(mem, domain));
	if (strlen(out->email) > EMAIL_MAX) /* in its own script it needs more bytes */
		out->email = mem_printf(mem, "%.*s@%s", local, s, domain);
	out->key = mem_printf(mem, "%s@%s", lower_ascii(mem, s, (size_t)local), domain);
	return OK;
}

char *address_wire(void *mem, const char *email)
{
	const char *at = strrchr(email, '@');
	char *domain = at ? address_domain(mem, at + 1) : NULL;

	if (!domain)
		return mem_str(mem, email);
	return mem_printf(mem, "%.*s@%s", (int)(at - email), email, domain);
}
