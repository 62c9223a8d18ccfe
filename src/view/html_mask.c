#include "view/html_mask.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "view/liquid_parts.h"

/*
 * The first and last byte of hidden Liquid.  The parser reads it as U+FFFD; an entity
 * that stands for a brace is not taken for the begin of a tag so.
 */
enum { HIDDEN = 0x0e };
static const char begins[] = "\xef\xbf\xbd", ends[] = "}\xef\xbf\xbd",
		  tag_ends[] = "%\xef\xbf\xbd";

static void hide(char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i] && strchr("\"'<>&", s[i]))
			s[i] = '_';
	s[0] = HIDDEN;
	s[n - 1] = HIDDEN;
}

/* Length of the {{ }} or {% %} at s; to the end when it is never closed. */
static size_t span(const char *s, size_t n)
{
	const char *end = memmem(s + 2, n - 2, s[1] == '{' ? "}}" : "%}", 2);

	return end ? (size_t)(end - s) + 2 : n;
}

/* Offset of the next {{ or {% at or after i, or len. */
static size_t next_span(const char *s, size_t i, size_t len)
{
	const char *p;

	for (; i + 1 < len; i++) {
		p = memchr(s + i, '{', len - 1 - i);
		if (!p)
			break;
		i = (size_t)(p - s);
		if (p[1] == '{' || p[1] == '%')
			return i;
	}
	return len;
}

/* Where hidden Liquid begins, or NULL. */
static const char *find_hidden(const char *s)
{
	while ((s = strstr(s, begins)) && s[3] != '{' && s[3] != '%')
		s += 3;
	return s;
}

/* Read text up to `end`, without what could be taken for Liquid. */
static void add_read(struct buf *b, const char *s, const char *end, char brace)
{
	for (; s < end; s++) {
		bool opens = *s == '{' &&
		    (s[1] == '{' || s[1] == '%' || strncmp(s + 1, begins, 3) == 0);

		buf_char(b, opens ? brace : *s);
	}
}

char *html_unmask(void *mem, const char *value, const char *source, size_t len,
    char brace)
{
	struct buf *b = buf_new(mem);
	const char *from = value, *at, *close;
	size_t i = 0, k;
	char *out;

	while ((at = find_hidden(from)) &&
	    (close = strstr(at, at[3] == '{' ? ends : tag_ends))) {
		i = next_span(source, i, len);
		if (i == len)
			break;
		k = span(source + i, len - i);
		add_read(b, from, at, brace);
		buf_add(b, source + i, k);
		i += k;
		from = close + sizeof ends - 1;
	}
	add_read(b, from, from + strlen(from), brace);
	out = mem_strn(mem, b->data, b->len);
	mem_free(b);
	return out;
}

static void as_comment(char *s, size_t n)
{
	size_t i;

	if (n < 7) {
		memset(s, ' ', n);
		return;
	}
	memcpy(s, "<!--", 4);
	for (i = 4; i < n - 3; i++)
		if (s[i] == '-' || s[i] == '>')
			s[i] = ' ';
	memcpy(s + n - 3, "-->", 3);
}

static void mask_span(char *s, size_t n, const struct place *p)
{
	if (p->where == IN_TEXT && s[1] == '%')
		as_comment(s, n);
	else if (p->where == IN_TEXT || p->where == IN_VALUE || s[1] == '{')
		hide(s, n);
	else if (p->where != IN_RAW && p->where != IN_COMMENT)
		memset(s, ' ', n);
}

char *html_mask(void *mem, const char *html, size_t len)
{
	char *out = bytes_copy(mem, html, len);
	struct place place = { 0 };
	enum place_event event;
	size_t i, n, stop;

	for (i = 0; i < len; i++)
		if (out[i] == HIDDEN)
			out[i] = ' ';
	i = 0;
	while (i < len) {
		stop = next_span(out, i, len);
		while (i < stop)
			i += place_read(&place, out + i, stop - i, &event);
		if (i == len)
			break;
		n = span(out + i, len - i);
		mask_span(out + i, n, &place);
		i += n;
	}
	return out;
}

/* ---- depth ----------------------------------------------------------------------- */

/* Elements that have no end tag, or often none. */
static bool open_ended(const char *s, size_t n)
{
	static const char *const names[] = {
		"area",
		"base",
		"br",
		"col",
		"dd",
		"dt",
		"hr",
		"img",
		"input",
		"li",
		"link",
		"meta",
		"option",
		"p",
		"source",
		"td",
		"th",
		"tr",
		"wbr",
	};
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strlen(names[i]) == n && strncasecmp(names[i], s, n) == 0)
			return true;
	return false;
}

size_t html_depth(const char *html, size_t len)
{
	const char *p = html, *end = html + len, *name;
	size_t depth = 0, most = 0, n;
	bool closing;

	while ((p = memchr(p, '<', (size_t)(end - p)))) {
		closing = ++p < end && *p == '/';
		name = p + closing;
		for (n = 0; name + n < end && strchr("<>/ \t\r\n", name[n]) == NULL;
		     n++)
			;
		if (n == 0 || *name == '!' || open_ended(name, n))
			continue;
		if (!closing && ++depth > most)
			most = depth;
		else if (closing && depth > 0)
			depth--;
	}
	return most;
}
