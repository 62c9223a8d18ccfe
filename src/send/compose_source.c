#include "send/compose_source.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

size_t compose_tag_length(const char *s)
{
	const char *end;

	if (s[0] != '{' || (s[1] != '{' && s[1] != '%'))
		return 0;
	end = strstr(s + 2, s[1] == '{' ? "}}" : "%}");
	return end ? (size_t)(end - s) + 2 : 0;
}

/* What editors write for a character that means something in a tag. */
static const struct {
	const char *written;
	char ch;
	bool html, curly;
} spellings[] = {
	{ "&quot;", '"', true, false },
	{ "&#34;", '"', true, false },
	{ "&#x22;", '"', true, false },
	{ "&apos;", '\'', true, false },
	{ "&#39;", '\'', true, false },
	{ "&#039;", '\'', true, false },
	{ "&#x27;", '\'', true, false },
	{ "&lt;", '<', true, false },
	{ "&#60;", '<', true, false },
	{ "&gt;", '>', true, false },
	{ "&#62;", '>', true, false },
	{ "&amp;", '&', true, false },
	{ "&#38;", '&', true, false },
	{ "&nbsp;", ' ', true, false },
	{ "&#160;", ' ', true, false },
	{ "&#xa0;", ' ', true, false },
	{ "\xc2\xa0", ' ', false, false },
	{ "&ldquo;", '"', true, true },
	{ "&rdquo;", '"', true, true },
	{ "&bdquo;", '"', true, true },
	{ "&lsquo;", '\'', true, true },
	{ "&rsquo;", '\'', true, true },
	{ "\xe2\x80\x9c", '"', false, true },
	{ "\xe2\x80\x9d", '"', false, true },
	{ "\xe2\x80\x9e", '"', false, true },
	{ "\xe2\x80\x98", '\'', false, true },
	{ "\xe2\x80\x99", '\'', false, true },
};

enum { SPELLINGS = sizeof(spellings) / sizeof(spellings[0]) };

/* The spelling at s, or SPELLINGS. */
static size_t spelled(const char *s, size_t n, bool html)
{
	for (size_t i = 0; i < SPELLINGS; i++) {
		size_t len = strlen(spellings[i].written);

		if (len <= n && (html || !spellings[i].html) &&
		    strncasecmp(s, spellings[i].written, len) == 0)
			return i;
	}
	return SPELLINGS;
}

/*
 * One tag.  A curly quote is a quote where a text begins, and where one ends that began
 * with a curly quote; in "it’s" it is a letter.
 */
static void add_tag(struct buf *b, const char *s, size_t n, bool html)
{
	char quote = 0, ch;
	bool curly = false;
	size_t i, len;

	for (size_t at = 0; at < n; at += len) {
		i = strchr("&\xc2\xe2", s[at]) ? spelled(s + at, n - at, html)
					       : SPELLINGS;
		len = i < SPELLINGS ? strlen(spellings[i].written) : 1;
		ch = i < SPELLINGS ? spellings[i].ch : s[at];
		if (i < SPELLINGS && spellings[i].curly && quote &&
		    (!curly || ch != quote)) {
			buf_add(b, s + at, len);
			continue;
		}
		if (!quote && (ch == '"' || ch == '\'')) {
			quote = ch;
			curly = i < SPELLINGS && spellings[i].curly;
		} else if (ch == quote) {
			quote = 0;
		}
		buf_char(b, ch);
	}
}

/* "%7B%7B%20name%20%7D%7D": its bytes, or 0.  A tag has no line end in it here. */
static size_t encoded_tag(const char *s)
{
	const char *end;

	if (strncasecmp(s, "%7B%7B", 6) != 0)
		return 0;
	for (end = s + 6; *end && !strchr("\"'<> \n", *end); end++)
		if (strncasecmp(end, "%7D%7D", 6) == 0)
			return (size_t)(end - s) + 6;
	return 0;
}

char *compose_source_read(void *mem, const char *text, bool html)
{
	struct buf *b = buf_new(mem);
	size_t n, len;
	char *tag;

	for (const char *s = text; *s; s += n) {
		n = strcspn(s, "{%");
		buf_add(b, s, n);
		s += n;
		n = compose_tag_length(s);
		if (n) {
			add_tag(b, s, n, html);
		} else if ((n = encoded_tag(s)) &&
		    url_decode(mem, s, n, false, &tag, &len) &&
		    !text_has_control(tag)) {
			buf_str(b, tag);
		} else {
			n = *s ? 1 : 0;
			buf_add(b, s, n);
		}
	}
	return b->data;
}
