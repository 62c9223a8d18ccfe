#include "view/liquid_parts.h"

#include <string.h>
#include <unicase.h>
#include <unistr.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"
#include "view/html.h"

static bool is_space(char ch)
{
	return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

static bool in_html(const struct call *c)
{
	return c->run->l->options.escape == LIQUID_HTML;
}

/* ---- joining --------------------------------------------------------------------- */

/* HTML stays HTML: what is joined to it is escaped first. */
static void add_joined(struct buf *b, struct value v, bool html)
{
	if (html && !v.html)
		html_escape(b, v.text, v.len);
	else
		buf_add(b, v.text, v.len);
}

static struct value joined(struct call *c, struct value a, struct value z)
{
	struct buf *b = call_buf(c);
	bool html = in_html(c) && (a.html || z.html);
	struct value v;

	add_joined(b, a, html);
	add_joined(b, z, html);
	v = call_built(c, b);
	v.html = html;
	return v;
}

static struct value filter_append(struct call *c)
{
	return joined(c, call_in_text(c), call_text(c, 0));
}

static struct value filter_prepend(struct call *c)
{
	return joined(c, call_text(c, 0), call_in_text(c));
}

/* ---- case ------------------------------------------------------------------------ */

static void add_case(struct buf *b, const char *s, size_t n, bool up)
{
	uint8_t out[6];
	ucs4_t ch;
	size_t i, len;
	int k;

	for (i = 0; i < n; i += len) {
		len = (size_t)u8_mbtouc(&ch, (const uint8_t *)s + i, n - i);
		ch = up ? uc_toupper(ch) : uc_tolower(ch);
		k = u8_uctomb(out, ch, sizeof out);
		buf_add(b, out, k > 0 ? (size_t)k : 0);
	}
}

static struct value with_case(struct call *c, bool up)
{
	struct value v = call_in_text(c);
	struct buf *b = call_buf(c);

	add_case(b, v.text, v.len, up);
	return call_built(c, b);
}

static struct value filter_upcase(struct call *c)
{
	return with_case(c, true);
}

static struct value filter_downcase(struct call *c)
{
	return with_case(c, false);
}

/* Bytes of the UTF-8 character at s. */
static size_t char_len(const char *s, size_t n)
{
	size_t i = 1;

	while (i < n && ((unsigned char)s[i] & 0xc0) == 0x80)
		i++;
	return n ? i : 0;
}

static struct value filter_capitalize(struct call *c)
{
	struct value v = call_in_text(c);
	struct buf *b = call_buf(c);
	size_t n = char_len(v.text, v.len);

	add_case(b, v.text, n, true);
	add_case(b, v.text + n, v.len - n, false);
	return call_built(c, b);
}

/* ---- white space ----------------------------------------------------------------- */

static struct value stripped(struct call *c, bool left, bool right)
{
	struct value v = call_in_text(c);

	while (left && v.len && is_space(*v.text)) {
		v.text++;
		v.len--;
	}
	while (right && v.len && is_space(v.text[v.len - 1]))
		v.len--;
	return v;
}

static struct value filter_strip(struct call *c)
{
	return stripped(c, true, true);
}

static struct value filter_lstrip(struct call *c)
{
	return stripped(c, true, false);
}

static struct value filter_rstrip(struct call *c)
{
	return stripped(c, false, true);
}

static struct value filter_strip_newlines(struct call *c)
{
	struct value v = call_in_text(c);
	struct buf *b = call_buf(c);
	size_t i;

	for (i = 0; i < v.len; i++)
		if (v.text[i] != '\n' &&
		    !(v.text[i] == '\r' && i + 1 < v.len && v.text[i + 1] == '\n'))
			buf_char(b, v.text[i]);
	return call_built(c, b);
}

static struct value filter_newline_to_br(struct call *c)
{
	struct value v = call_in_text(c);
	struct buf *b = call_buf(c);
	bool escape = in_html(c) && !v.html;
	size_t i, from = 0;

	for (i = 0; i <= v.len; i++) {
		size_t end = i;

		if (i < v.len && v.text[i] != '\n')
			continue;
		if (i < v.len && end > from && v.text[end - 1] == '\r')
			end--;
		add_joined(b, value_text(v.text + from, end - from), escape);
		if (i < v.len)
			buf_str(b, "<br />\n");
		from = i + 1;
	}
	v = call_built(c, b);
	v.html = in_html(c);
	return v;
}

/* ---- HTML ------------------------------------------------------------------------ */

static struct value filter_escape(struct call *c)
{
	struct value v = call_in_text(c);
	struct buf *b = call_buf(c);

	if (v.html)
		buf_add(b, v.text, v.len);
	else
		html_escape(b, v.text, v.len);
	v = call_built(c, b);
	v.html = in_html(c);
	return v;
}

/* Length of the character reference at s ("&amp;", "&#39;"), or 0. */
static size_t reference(const char *s, size_t n)
{
	size_t i = 1;

	if (i < n && s[i] == '#')
		i++;
	while (i < n && i < 32 &&
	    ((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'z') ||
		(s[i] >= 'A' && s[i] <= 'Z')))
		i++;
	return i > 1 && i < n && s[i] == ';' ? i + 1 : 0;
}

static struct value filter_escape_once(struct call *c)
{
	struct value v = call_in_text(c);
	struct buf *b = call_buf(c);
	size_t i, n;

	for (i = 0; i < v.len; i += n) {
		n = v.text[i] == '&' ? reference(v.text + i, v.len - i) : 0;
		if (n)
			buf_add(b, v.text + i, n);
		else
			html_escape(b, v.text + i, n = 1);
	}
	v = call_built(c, b);
	v.html = in_html(c);
	return v;
}

/* Bytes of the tag, comment, script or style that starts at s with "<"; 0: a text. */
static size_t markup(const char *s, size_t n)
{
	static const char *const pairs[][2] = {
		{ "<!--", "-->" },
		{ "<script", "</script>" },
		{ "<style", "</style>" },
		{ "<", ">" },
	};
	const char *p;
	size_t i, len;

	for (i = 0; i < 4; i++) {
		len = strlen(pairs[i][0]);
		if (n < len || strncasecmp(s, pairs[i][0], len) != 0)
			continue;
		for (p = s + len; p < s + n; p++)
			if ((size_t)(s + n - p) >= strlen(pairs[i][1]) &&
			    strncasecmp(p, pairs[i][1], strlen(pairs[i][1])) == 0)
				return (size_t)(p - s) + strlen(pairs[i][1]);
	}
	return 0;
}

static struct value filter_strip_html(struct call *c)
{
	struct value v = call_in_text(c);
	struct buf *b = call_buf(c);
	size_t i, n;

	for (i = 0; i < v.len; i += n ? n : 1) {
		n = 0;
		if (v.text[i] == '<' && run_steps(c->run, 1 + (v.len - i) / 128))
			n = markup(v.text + i, v.len - i);
		if (!n)
			buf_char(b, v.text[i]);
	}
	return call_built(c, b);
}

/* ---- encodings ------------------------------------------------------------------- */

static struct value filter_url_encode(struct call *c)
{
	struct value v = call_in_text(c);
	struct buf *b = call_buf(c);
	size_t i;

	for (i = 0; i < v.len; i++) {
		char ch = v.text[i];

		if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
		    (ch >= '0' && ch <= '9') || (ch && strchr("-_.", ch)))
			buf_char(b, ch);
		else if (ch == ' ')
			buf_char(b, '+');
		else
			buf_printf(b, "%%%02X", (unsigned char)ch);
	}
	return call_built(c, b);
}

static struct value filter_url_decode(struct call *c)
{
	struct value v = call_in_text(c);
	struct buf *b = call_buf(c);
	size_t len;
	char *s;

	if (!url_decode(b, v.text, v.len, true, &s, &len) || !text_is_utf8(s, len))
		run_fail(c->run, "This is not a URL-encoded text.");
	else
		buf_add(b, s, len);
	return call_built(c, b);
}

static struct value filter_base64_encode(struct call *c)
{
	struct value v = call_in_text(c);
	struct buf *b = call_buf(c);

	buf_str(b, base64_encode(b, v.text, v.len));
	return call_built(c, b);
}

static struct value filter_base64_url_safe_encode(struct call *c)
{
	struct value v = call_in_text(c);
	struct buf *b = call_buf(c);

	buf_str(b, base64url_encode(b, v.text, v.len));
	while (b->len % 4)
		buf_char(b, '=');
	return call_built(c, b);
}

static struct value decoded(struct call *c, bool url)
{
	struct value v = call_in_text(c);
	struct buf *b = call_buf(c);
	size_t n = 0, len = v.len;
	uint8_t *p = NULL;
	bool good;

	while (url && len && v.text[len - 1] == '=')
		len--;
	good = len == 0 ||
	    (url ? base64url_decode(b, mem_strn(b, v.text, len), &p, &n)
		 : base64_decode(b, mem_strn(b, v.text, len), &p, &n));
	if (!good || !text_is_utf8((const char *)p, n))
		run_fail(c->run, "This is not a base64-encoded text.");
	else
		buf_add(b, p, n);
	return call_built(c, b);
}

static struct value filter_base64_decode(struct call *c)
{
	return decoded(c, false);
}

static struct value filter_base64_url_safe_decode(struct call *c)
{
	return decoded(c, true);
}

/* ---- shortening ------------------------------------------------------------------ */

/* A whole number as argument i, or dflt when it is absent. */
static bool whole_argument(struct call *c, size_t i, int64_t dflt, int64_t *out)
{
	*out = dflt;
	if (i >= c->count || value_to_int(c->args[i], out))
		return true;
	run_fail(c->run, "This filter needs a whole number after the colon.");
	return false;
}

static struct value ending(struct call *c)
{
	return c->count > 1 ? call_text(c, 1) : value_text("...", 3);
}

static struct value filter_truncate(struct call *c)
{
	struct value v = call_in_text(c), end = ending(c);
	int64_t most, chars = 0, keep;
	struct buf *b;
	size_t i;

	if (!whole_argument(c, 0, 50, &most))
		return value_nil();
	for (i = 0; i < v.len; i++)
		chars += ((unsigned char)v.text[i] & 0xc0) != 0x80;
	if (chars <= most)
		return v;
	keep = most > 0 ? most : 0;
	for (i = 0; i < end.len; i++)
		keep -= ((unsigned char)end.text[i] & 0xc0) != 0x80;
	b = call_buf(c);
	for (i = 0; i < v.len && keep > 0; keep--)
		i += char_len(v.text + i, v.len - i);
	buf_add(b, v.text, i);
	buf_add(b, end.text, end.len);
	return call_built(c, b);
}

static struct value filter_truncatewords(struct call *c)
{
	struct value v = call_in_text(c), end = ending(c);
	struct buf *b;
	int64_t most, words = 0;
	size_t i = 0, from;

	if (!whole_argument(c, 0, 15, &most))
		return value_nil();
	if (most < 1)
		most = 1;
	b = call_buf(c);
	while (i < v.len && words <= most) {
		while (i < v.len && is_space(v.text[i]))
			i++;
		for (from = i; i < v.len && !is_space(v.text[i]); i++)
			;
		if (i == from || ++words > most)
			break;
		if (words > 1)
			buf_char(b, ' ');
		buf_add(b, v.text + from, i - from);
	}
	if (words > most) {
		buf_add(b, end.text, end.len);
		return call_built(c, b);
	}
	mem_free(b);
	return v;
}

const struct filter filters_text[] = {
	{ "append", filter_append, 1, 1, false },
	{ "base64_decode", filter_base64_decode, 0, 0, false },
	{ "base64_encode", filter_base64_encode, 0, 0, false },
	{ "base64_url_safe_decode", filter_base64_url_safe_decode, 0, 0, false },
	{ "base64_url_safe_encode", filter_base64_url_safe_encode, 0, 0, false },
	{ "capitalize", filter_capitalize, 0, 0, false },
	{ "downcase", filter_downcase, 0, 0, false },
	{ "escape", filter_escape, 0, 0, false },
	{ "escape_once", filter_escape_once, 0, 0, false },
	{ "h", filter_escape, 0, 0, false },
	{ "lstrip", filter_lstrip, 0, 0, false },
	{ "newline_to_br", filter_newline_to_br, 0, 0, false },
	{ "prepend", filter_prepend, 1, 1, false },
	{ "rstrip", filter_rstrip, 0, 0, false },
	{ "strip", filter_strip, 0, 0, false },
	{ "strip_html", filter_strip_html, 0, 0, false },
	{ "strip_newlines", filter_strip_newlines, 0, 0, false },
	{ "truncate", filter_truncate, 0, 2, false },
	{ "truncatewords", filter_truncatewords, 0, 2, false },
	{ "upcase", filter_upcase, 0, 0, false },
	{ "url_decode", filter_url_decode, 0, 0, false },
	{ "url_encode", filter_url_encode, 0, 0, false },
	{ 0 },
};
