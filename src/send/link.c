#include "send/link.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "send/compose_source.h"
#include "service/address.h"
#include "view/liquid.h"

/* ---- what it is ---- */

/* As browsers read an attribute; tags: it is a template. */
static char *trim(void *mem, const char *s, bool tags)
{
	struct buf *b = buf_new(mem);
	size_t n;

	while (*s && (unsigned char)*s <= ' ' && *s != LIQUID_BRACE)
		s++;
	for (; *s; s += n) {
		n = tags ? compose_tag_length(s) : 0;
		if (n)
			buf_add(b, s, n);
		else if (*s == LIQUID_BRACE)
			buf_str(b, "%7B");
		else if (!strchr("\t\n\r", *s))
			buf_char(b, *s);
		n = n ? n : 1;
	}
	while (b->len && (unsigned char)b->data[b->len - 1] <= ' ')
		buf_cut(b, b->len - 1);
	return b->data;
}

char *link_trim(void *mem, const char *written)
{
	return trim(mem, written, true);
}

bool link_is_merged(const char *link)
{
	return strstr(link, "{{") || strstr(link, "{%");
}

enum link_kind link_kind(const char *link)
{
	const char *s = link;

	if (!*s || *s == '#')
		return LINK_NONE;
	if (strncmp(s, "{{", 2) == 0 || strncmp(s, "{%", 2) == 0)
		return LINK_MERGED;
	if (strncasecmp(s, "http:", 5) == 0 || strncasecmp(s, "https:", 6) == 0)
		return LINK_WEB;
	if (!isalpha((unsigned char)*s))
		return LINK_RELATIVE;
	while (isalnum((unsigned char)*s) || *s == '+' || *s == '-' || *s == '.')
		s++;
	return *s == ':' ? LINK_OTHER : LINK_RELATIVE;
}

/* ---- the address in ASCII ---- */

static void encode(struct buf *b, const char *s, size_t n, const char *also)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c <= ' ' || c > '~' || strchr(also, c))
			buf_printf(b, "%%%02X", c);
		else
			buf_char(b, s[i]);
	}
}

static bool is_port(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return s[n] == '\0' && (n < 5 || (n == 5 && strcmp(s, "65535") <= 0));
}

/* host[:port] as browsers read it; false if it is none. */
static bool put_host(void *mem, struct buf *b, const char *s, size_t n)
{
	char *raw, *host, *port = NULL;
	size_t len;

	if (n && *s == '[') { /* an IPv6 address */
		encode(b, s, n, "");
		return memchr(s, ']', n) != NULL;
	}
	raw = mem_strn(mem, s, n);
	port = strchr(raw, ':');
	if (port)
		*port++ = '\0';
	if (!url_decode(mem, raw, strlen(raw), false, &host, &len))
		return false;
	host = address_domain(mem, host);
	if (!host || !*host || host[strcspn(host, " #/:<>?@[\\]^|%\"{}`")] != '\0' ||
	    text_has_control(host) || (port && !is_port(port)))
		return false;
	buf_str(b, host);
	if (port && *port)
		buf_printf(b, ":%s", port);
	return true;
}

/* [user[:password]@]host[:port]: bytes read, or 0. */
static size_t put_authority(void *mem, struct buf *b, const char *s)
{
	size_t n = strcspn(s, "/\\?#");
	const char *at = memrchr(s, '@', n);
	size_t user = at ? (size_t)(at - s) : 0;

	if (at) {
		encode(b, s, user, "\"#<>?`{}/;=@[\\]^|");
		buf_char(b, '@');
		user++;
	}
	return put_host(mem, b, s + user, n - user) ? n : 0;
}

char *link_ascii(void *mem, const char *address)
{
	struct buf *b = buf_new(mem);
	char *s = trim(mem, address, false);
	size_t n;

	if (link_kind(s) != LINK_WEB || strlen(s) > 8000)
		return NULL;
	buf_str(b, tolower((unsigned char)s[4]) == 's' ? "https://" : "http://");
	s = strchr(s, ':') + 1;
	s += strspn(s, "/\\");
	n = put_authority(mem, b, s);
	if (n == 0)
		return NULL;
	s += n;
	n = strcspn(s, "?#");
	for (size_t i = 0; i < n; i++)
		s[i] = s[i] == '\\' ? '/' : s[i];
	encode(b, s, n, "\"<>`{}^");
	s += n;
	n = *s == '?' ? strcspn(s, "#") : 0;
	encode(b, s, n, "\"<>'");
	encode(b, s + n, strlen(s + n), "\"<>`");
	return b->data;
}

/* ---- filled in ---- */

enum err link_fill(void *mem, const char *link, struct json_object *data, char **out)
{
	struct liquid_options o = { .escape = LIQUID_PLAIN };
	struct liquid_error error;
	struct liquid *l;
	struct buf *b = buf_new(mem);
	char *marked = mem_printf(mem, "%c%s", LIQUID_ADDRESS, link);
	enum err e = liquid_compile(mem, marked, strlen(marked), &o, &l, &error);

	if (e == OK)
		e = liquid_render(l, mem, data, b, &error);
	if (e != OK)
		return ERR_INVALID;
	*out = link_ascii(mem, b->data + 1);
	return *out ? OK : ERR_INVALID;
}

void link_cut(const char *stored, const char *address, struct token *t)
{
	size_t ns = strlen(stored), na = strlen(address), n = ns < na ? ns : na;
	size_t i = 0, k = 0;

	while (i < n && stored[i] == address[i])
		i++;
	while (k < n - i && stored[ns - 1 - k] == address[na - 1 - k])
		k++;
	t->before = (int)i;
	t->after = (int)k;
	t->between = address + i;
	t->length = (int)(na - i - k);
}

char *link_join(void *mem, const char *stored, const struct token *t)
{
	size_t n = strlen(stored), before = (size_t)t->before, after = (size_t)t->after;

	if (before + after > n)
		return NULL;
	return mem_printf(mem, "%.*s%.*s%s", t->before, stored, t->length, t->between,
	    stored + n - after);
}

/* ---- in a text ---- */

/* Bytes of the address at s: up to white space and what is no part of it. */
static size_t address_length(const char *s, bool *merged)
{
	size_t n = 0, tag, end = 0;

	*merged = false;
	while ((unsigned char)s[n] > ' ' && !strchr("<>\"", s[n])) {
		tag = compose_tag_length(s + n);
		*merged = *merged || tag;
		n += tag ? tag : 1;
		if (tag || !strchr(".,;:!?)'*]", s[n - 1]))
			end = n; /* a full stop at the end is the sentence's */
	}
	return end;
}

static bool begins_address(const char *s)
{
	return strncasecmp(s, "http://", 7) == 0 || strncasecmp(s, "https://", 8) == 0;
}

/* Bytes of the address that is marked already, with its marks. */
static size_t marked_length(const char *s)
{
	const char *end = strchr(s, LIQUID_ADDRESS_END);

	end = end ? strchr(end + 1, LIQUID_ADDRESS_END) : NULL;
	return end ? (size_t)(end - s) + 1 : strlen(s);
}

char *link_mark_text(void *mem, const char *text)
{
	struct buf *b = buf_new(mem);
	bool merged = false;
	size_t n;

	for (const char *s = text; *s; s += n) {
		n = *s == LIQUID_ADDRESS ? marked_length(s) : compose_tag_length(s);
		if (n == 0 && begins_address(s))
			n = address_length(s, &merged);
		else
			merged = false;
		if (n == 0)
			n = 1;
		if (merged)
			buf_printf(b, "%c%.*s%c0%c", LIQUID_ADDRESS, (int)n, s,
			    LIQUID_ADDRESS_END, LIQUID_ADDRESS_END);
		else
			buf_add(b, s, n);
	}
	return b->data;
}
