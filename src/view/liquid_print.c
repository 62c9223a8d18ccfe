#include "view/liquid_parts.h"

#include <string.h>

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

static void print_text(struct buf *b, struct value v, enum escape escape)
{
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
	else if (value_is_list(v) && v.type != VALUE_RANGE)
		print_items(r, v, escape);
	else if (v.type != VALUE_NIL)
		print_text(r->out, value_as_text(&r->arena, v), escape);
	if (r->out->len > r->most)
		run_fail(r, "The output is longer than %zu bytes.", r->most);
}
