#include "view/liquid_parts.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "view/html.h"

/* How a value reaches the output: escaped for the place where it stands. */

/* HTML that is a value already: in an attribute only what would end it is escaped. */
static void print_quotes(struct buf *b, const char *s, size_t n)
{
	size_t i, from = 0;

	for (i = 0; i < n; i++) {
		if (s[i] != '"' && s[i] != '\'' && s[i] != '<' && s[i] != '>')
			continue;
		buf_add(b, s + from, i - from);
		html_escape(b, s + i, 1);
		from = i + 1;
	}
	buf_add(b, s + from, n - from);
}

/*
 * A value in a style can be a colour, a size, a word or an address; without quotes,
 * brackets, backslash, asterisk and semicolon nothing can be begun or ended.
 */
static void print_css(struct buf *b, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] == '&')
			buf_str(b, "&amp;");
		else if ((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'z') ||
		    (s[i] >= 'A' && s[i] <= 'Z') ||
		    (s[i] && strchr(" #.,%_-/:?=~+", s[i])) || (s[i] & 0x80))
			buf_char(b, s[i]);
	}
}

/* JSON in a script element: nothing in it can close the element. */
static void print_script(struct buf *b, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] == '<' || s[i] == '>' || s[i] == '&')
			buf_printf(b, "\\u%04x", (unsigned)s[i]);
		else if (n - i > 2 && memcmp(s + i, "\xe2\x80", 2) == 0 &&
		    ((unsigned char)s[i + 2] & 0xfe) == 0xa8) {
			buf_printf(b, "\\u20%02x", s[i + 2] == '\xa8' ? 0x28u : 0x29u);
			i += 2;
		} else {
			buf_char(b, s[i]);
		}
	}
}

/* ---- a value in an address ------------------------------------------------------- */

static bool begins_with(const char *s, size_t n, const char *prefix)
{
	size_t len = strlen(prefix);

	return n >= len && strncasecmp(s, prefix, len) == 0;
}

static bool is_whole(const char *s, size_t n)
{
	while (n && (unsigned char)*s <= ' ')
		s++, n--;
	return begins_with(s, n, "http://") || begins_with(s, n, "https://") ||
	    (n && *s == '#');
}

static void print_encoded(struct buf *b, const char *s, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < n; i++) {
		unsigned char ch = (unsigned char)s[i];

		if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
		    (ch >= '0' && ch <= '9') || (ch && strchr("-._~", ch))) {
			buf_char(b, s[i]);
			continue;
		}
		buf_char(b, '%');
		buf_char(b, hex[ch >> 4]);
		buf_char(b, hex[ch & 15]);
	}
}

/* What of the address is written already: from behind LIQUID_ADDRESS. */
static size_t address_start(const struct buf *b)
{
	const char *mark = memrchr(b->data, LIQUID_ADDRESS, b->len);
	size_t at = mark ? (size_t)(mark - b->data) + 1 : b->len;

	while (at < b->len && (unsigned char)b->data[at] <= ' ')
		at++;
	return mark ? at : SIZE_MAX;
}

static void print_address(struct buf *b, const char *s, size_t n)
{
	size_t at = address_start(b), len = at > b->len ? 0 : b->len - at;
	const char *before = b->data + (len ? at : 0);
	bool host = (len == 7 && begins_with(before, len, "http://")) ||
	    (len == 8 && begins_with(before, len, "https://"));

	if (host && is_whole(s, n))
		buf_cut(b, at);
	else if (!(at <= b->len && len == 0) && !(host && memchr(s, '.', n))) {
		print_encoded(b, s, n);
		return;
	}
	/* the two bytes that begin and end an address are never a value's */
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] >= ' ')
			buf_char(b, s[i]);
}

static void print_text(struct buf *b, struct value v, enum escape escape)
{
	if (escape == ESC_ADDRESS) {
		print_address(b, v.text, v.len);
		return;
	}
	if (escape == ESC_CSS)
		print_css(b, v.text, v.len);
	else if (escape == ESC_SCRIPT)
		print_script(b, v.text, v.len);
	else if (v.html && escape == ESC_ATTR)
		print_quotes(b, v.text, v.len);
	else if (v.html)
		buf_add(b, v.text, v.len);
	else
		html_escape(b, v.text, v.len);
}

/* A list prints its items; each is escaped alone, so that HTML among them stays. */
static void print_items(struct run *r, struct value v, enum escape escape)
{
	size_t i;

	for (i = 0; i < v.len && run_steps(r, 1); i++)
		run_print(r, value_item(v, i), escape);
}

void run_print(struct run *r, struct value v, enum escape escape)
{
	if (escape == ESC_NONE)
		value_print(r->out, v);
	else if (v.type == VALUE_TEXT)
		print_text(r->out, v, escape);
	else if (value_is_list(v) && v.type != VALUE_RANGE && escape != ESC_ADDRESS)
		print_items(r, v, escape);
	else if (v.type != VALUE_NIL)
		print_text(r->out, value_as_text(&r->arena, v), escape);
	if (r->out->len > r->most)
		run_fail(r, "The output is longer than %zu bytes.", r->most);
}
