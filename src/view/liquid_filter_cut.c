#include "view/liquid_parts.h"

#include <string.h>

#include "base/mem.h"

/* replace, remove, split, slice: texts cut and put together. */

static const char *find(struct value v, size_t from, struct value what)
{
	return from > v.len ? NULL
			    : memmem(v.text + from, v.len - from, what.text, what.len);
}

static const char *find_last(struct value v, struct value what)
{
	size_t i;

	for (i = v.len >= what.len ? v.len - what.len + 1 : 0; i > 0; i--)
		if (memcmp(v.text + i - 1, what.text, what.len) == 0)
			return v.text + i - 1;
	return NULL;
}

static struct value spliced(struct call *c, struct value v, const char *at, size_t len,
    struct value with)
{
	struct buf *b;

	if (!at)
		return v;
	b = call_buf(c);
	buf_add(b, v.text, (size_t)(at - v.text));
	buf_add(b, with.text, with.len);
	buf_add(b, at + len, (size_t)(v.text + v.len - at) - len);
	return call_built(c, b);
}

/* An empty text is found before every character and at the end. */
static void between(struct call *c, struct buf *b, struct value v, struct value with)
{
	size_t i;

	for (i = 0; i < v.len && !call_full(c, b); i++) {
		if (((unsigned char)v.text[i] & 0xc0) != 0x80)
			buf_add(b, with.text, with.len);
		buf_char(b, v.text[i]);
	}
	buf_add(b, with.text, with.len);
}

static struct value all(struct call *c, struct value what, struct value with)
{
	struct value v = call_in_text(c);
	struct buf *b = call_buf(c);
	size_t from = 0, n = 0;
	const char *p;

	if (what.len == 0) {
		between(c, b, v, with);
		return call_built(c, b);
	}
	while ((p = find(v, from, what)) && !call_full(c, b)) {
		run_steps(c->run, n++ % 16 == 0);
		buf_add(b, v.text + from, (size_t)(p - v.text) - from);
		buf_add(b, with.text, with.len);
		from = (size_t)(p - v.text) + what.len;
	}
	buf_add(b, v.text + from, v.len - from);
	return call_built(c, b);
}

static struct value filter_replace(struct call *c)
{
	return all(c, call_text(c, 0), call_text(c, 1));
}

static struct value filter_remove(struct call *c)
{
	return all(c, call_text(c, 0), value_text("", 0));
}

static struct value filter_replace_first(struct call *c)
{
	struct value v = call_in_text(c), what = call_text(c, 0);

	return spliced(c, v, find(v, 0, what), what.len, call_text(c, 1));
}

static struct value filter_replace_last(struct call *c)
{
	struct value v = call_in_text(c), what = call_text(c, 0);

	if (!run_steps(c->run, v.len / 256 * (what.len / 256)))
		/* each place is compared to the whole of `what` */
		return v;
	return spliced(c, v, find_last(v, what), what.len, call_text(c, 1));
}

/* ---- split ----------------------------------------------------------------------- */

struct parts {
	struct call *c;
	struct value *items;
	size_t count, room;
};

static bool add_part(struct parts *x, const char *s, size_t n)
{
	struct value *more;

	if (!run_steps(x->c->run, 1))
		return false;
	if (x->count == x->room) {
		x->room = x->room ? x->room * 2 : 8;
		more = arena_take(&x->c->run->arena, x->room * sizeof *more);
		if (x->count)
			memcpy(more, x->items, x->count * sizeof *more);
		x->items = more;
	}
	x->items[x->count++] = value_text(s, n);
	return true;
}

static bool is_space(char ch)
{
	return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

static void split_words(struct parts *x, struct value v)
{
	size_t i = 0, from;

	while (i < v.len) {
		while (i < v.len && is_space(v.text[i]))
			i++;
		for (from = i; i < v.len && !is_space(v.text[i]); i++)
			;
		if (i > from && !add_part(x, v.text + from, i - from))
			return;
	}
}

static void split_characters(struct parts *x, struct value v)
{
	size_t i, from = 0;

	for (i = 1; i <= v.len; i++) {
		if (i < v.len && ((unsigned char)v.text[i] & 0xc0) == 0x80)
			continue;
		if (!add_part(x, v.text + from, i - from))
			return;
		from = i;
	}
}

static void split_at(struct parts *x, struct value v, struct value sep)
{
	size_t from = 0;
	const char *p;

	while ((p = find(v, from, sep))) {
		if (!add_part(x, v.text + from, (size_t)(p - v.text) - from))
			return;
		from = (size_t)(p - v.text) + sep.len;
	}
	add_part(x, v.text + from, v.len - from);
	while (x->count && x->items[x->count - 1].len == 0)
		x->count--; /* empty ones at the end are dropped */
}

static struct value filter_split(struct call *c)
{
	struct value v = call_in_text(c), sep = call_text(c, 0);
	struct parts x = { .c = c };

	if (sep.len == 1 && *sep.text == ' ')
		split_words(&x, v);
	else if (sep.len == 0)
		split_characters(&x, v);
	else
		split_at(&x, v, sep);
	return value_list(x.items, x.count);
}

/* ---- slice ----------------------------------------------------------------------- */

/* A whole number, also as a text; nothing else. */
static bool strict_int(struct call *c, size_t i, int64_t *out)
{
	struct value n;

	if (value_number(c->args[i], &n) && n.type == VALUE_INT) {
		*out = n.number;
		return true;
	}
	run_fail(c->run, "The filter \"slice\" needs whole numbers.");
	return false;
}

/* Moves a start and length into [0, count); false when nothing is left. */
static bool clamp(int64_t count, int64_t *start, int64_t *len)
{
	if (*start < 0)
		*start += count;
	if (*start < 0 || *start >= count || *len <= 0)
		return false;
	if (*len > count - *start)
		*len = count - *start;
	return true;
}

static size_t skip_characters(struct value v, size_t at, int64_t n)
{
	for (; n > 0 && at < v.len; n--)
		for (at++; at < v.len && ((unsigned char)v.text[at] & 0xc0) == 0x80;
		     at++)
			;
	return at;
}

static struct value slice_text(struct call *c, int64_t start, int64_t len)
{
	struct value v = call_in_text(c);
	int64_t count = 0;
	size_t i, end;

	for (i = 0; i < v.len; i++)
		count += ((unsigned char)v.text[i] & 0xc0) != 0x80;
	if (!clamp(count, &start, &len))
		return value_text("", 0);
	i = skip_characters(v, 0, start);
	end = skip_characters(v, i, len);
	return value_text(v.text + i, end - i);
}

static struct value filter_slice(struct call *c)
{
	int64_t start = 0, len = 1;
	struct value *items, list;

	if (!strict_int(c, 0, &start))
		return value_nil();
	if (c->count > 1 && c->args[1].type != VALUE_NIL && !strict_int(c, 1, &len))
		return value_nil();
	if (!value_is_list(c->in))
		return slice_text(c, start, len);
	list = c->in;
	if (!clamp((int64_t)value_count(list), &start, &len))
		return value_list(NULL, 0);
	items = call_items(c, list, 0);
	return items ? value_list(items + start, (size_t)len) : value_nil();
}

const struct filter filters_cut[] = {
	{ "remove", filter_remove, 1, 1, false },
	{ "remove_first", filter_replace_first, 1, 1, false },
	{ "remove_last", filter_replace_last, 1, 1, false },
	{ "replace", filter_replace, 1, 2, false },
	{ "replace_first", filter_replace_first, 1, 2, false },
	{ "replace_last", filter_replace_last, 2, 2, false },
	{ "slice", filter_slice, 1, 2, false },
	{ "split", filter_split, 1, 1, false },
	{ 0 },
};
