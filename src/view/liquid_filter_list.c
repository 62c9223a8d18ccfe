#include "view/liquid_parts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

static struct value filter_join(struct call *c)
{
	struct value sep = c->count ? call_text(c, 0) : value_text(" ", 1), list, item;
	struct buf *b;
	size_t i;

	if (c->in.type == VALUE_TEXT)
		return c->in;
	list = call_list(c, c->in);
	b = call_buf(c);
	for (i = 0; i < value_count(list) && !call_full(c, b); i++) {
		item = value_item(list, i);
		if (i)
			buf_add(b, sep.text, sep.len);
		value_print(b, item);
	}
	return call_built(c, b);
}

static struct value filter_first(struct call *c)
{
	struct value v =
	    value_is_object(c->in) ? value_as_list(&c->run->arena, c->in) : c->in;

	return value_is_list(v) ? value_item(v, 0) : value_nil();
}

static struct value filter_last(struct call *c)
{
	if (!value_is_list(c->in) || value_count(c->in) == 0)
		return value_nil();
	return value_item(c->in, value_count(c->in) - 1);
}

static struct value filter_size(struct call *c)
{
	struct value out = value_int(0);

	value_get(&c->run->arena, c->in, value_str("size"), &out);
	return out;
}

static struct value filter_concat(struct call *c)
{
	struct value list = call_list(c, c->in), *items;
	size_t n = value_count(list), i;

	if (!value_is_list(c->args[0])) {
		run_fail(c->run, "The filter \"concat\" needs a list.");
		return value_nil();
	}
	items = call_items(c, list, value_count(c->args[0]));
	for (i = 0; items && i < value_count(c->args[0]); i++)
		items[n + i] = value_item(c->args[0], i);
	return items ? value_list(items, n + i) : value_nil();
}

static struct value filter_reverse(struct call *c)
{
	struct value list = call_list(c, c->in), *items = call_items(c, list, 0);
	size_t n = value_count(list), i;

	for (i = 0; items && i < n; i++)
		items[i] = value_item(list, n - 1 - i);
	return items ? value_list(items, n) : value_nil();
}

/* ---- properties of items --------------------------------------------------------- */

/* What `item[key]` is: a field; a text has the texts in it. False stops the filter. */
static bool property(struct call *c, struct value item, struct value key,
    struct value *out)
{
	*out = value_nil();
	if (item.type == VALUE_NIL || key.type == VALUE_NIL)
		return false;
	if (value_is_object(item)) {
		value_get(&c->run->arena, item, key, out);
		return true;
	}
	if (item.type == VALUE_TEXT) {
		if (key.type == VALUE_TEXT &&
		    memmem(item.text, item.len, key.text, key.len))
			*out = key;
		return true;
	}
	if (item.type == key.type) {
		*out = value_equal(item, key) ? key : value_nil();
		return true;
	}
	run_fail(c->run, "This filter needs a list of objects.");
	return false;
}

/* Does the item pass `where: key` or `where: key, value`? */
static bool passes(struct call *c, struct value v)
{
	if (c->count < 2 || c->args[1].type == VALUE_NIL)
		return value_truth(v);
	return value_equal(v, c->args[1]);
}

enum filtering { WHERE, REJECT };

static struct value filtered(struct call *c, enum filtering how)
{
	struct value list = call_list(c, c->in), *items = call_items(c, list, 0), v;
	size_t i, n = 0;

	for (i = 0; items && i < value_count(list); i++) {
		if (!property(c, value_item(list, i), c->args[0], &v))
			return value_nil();
		if (passes(c, v) == (how == WHERE))
			items[n++] = value_item(list, i);
	}
	return items ? value_list(items, n) : value_nil();
}

static struct value filter_where(struct call *c)
{
	return filtered(c, WHERE);
}

static struct value filter_reject(struct call *c)
{
	return filtered(c, REJECT);
}

/* Index of the first that passes; -1: none; -2: an item that cannot be asked. */
static int64_t first_passing(struct call *c, struct value list)
{
	struct value v;
	size_t i;

	for (i = 0; i < value_count(list); i++) {
		if (!property(c, value_item(list, i), c->args[0], &v))
			return -2;
		if (passes(c, v))
			return (int64_t)i;
	}
	return -1;
}

static struct value filter_find(struct call *c)
{
	struct value list = call_list(c, c->in);
	int64_t i = first_passing(c, list);

	return i < 0 ? value_nil() : value_item(list, (size_t)i);
}

static struct value filter_find_index(struct call *c)
{
	int64_t i = first_passing(c, call_list(c, c->in));

	return i < 0 ? value_nil() : value_int(i);
}

static struct value filter_has(struct call *c)
{
	int64_t i = first_passing(c, call_list(c, c->in));

	return i == -2 ? value_nil() : value_bool(i >= 0);
}

/* ---- map, sum, compact, uniq ----------------------------------------------------- */

static struct value filter_map(struct call *c)
{
	struct value list = call_list(c, c->in), *items = call_items(c, list, 0);
	size_t i;

	for (i = 0; items && i < value_count(list); i++) {
		if (!value_is_object(value_item(list, i))) {
			run_fail(c->run, "The filter \"map\" needs a list of objects.");
			return value_nil();
		}
		items[i] = value_nil();
		value_get(&c->run->arena, value_item(list, i), c->args[0], &items[i]);
	}
	return items ? value_list(items, i) : value_nil();
}

static void add_up(struct call *c, struct value v, int64_t *whole, long double *rest)
{
	struct value n;
	char s[64];

	if (value_is_object(v) && c->count) {
		struct value field = value_nil();

		value_get(&c->run->arena, v, c->args[0], &field);
		v = field;
	}
	value_number(v, &n);
	if (n.type == VALUE_FLOAT) {
		float_text(n.real, s, sizeof s);
		*rest += strtold(s, NULL);
	} else if (__builtin_add_overflow(*whole, n.number, whole)) {
		run_fail(c->run, "This sum is too large.");
	}
}

static struct value filter_sum(struct call *c)
{
	struct value list = call_list(c, c->in);
	long double rest = -0.0L;
	int64_t whole = 0;
	size_t i;

	for (i = 0; i < value_count(list); i++)
		add_up(c, value_item(list, i), &whole, &rest);
	if (rest == 0)
		return value_int(whole);
	return value_float((double)(rest + (long double)whole));
}

/* What an item is compared by: itself, or its field when one is named. */
static struct value key_of(struct call *c, struct value item)
{
	struct value key = value_nil();

	if (!c->count || c->args[0].type == VALUE_NIL)
		return item;
	if (value_is_object(item))
		value_get(&c->run->arena, item, c->args[0], &key);
	return key;
}

static struct value filter_compact(struct call *c)
{
	struct value list = call_list(c, c->in), *items = call_items(c, list, 0);
	size_t i, n = 0;

	for (i = 0; items && i < value_count(list); i++)
		if (key_of(c, value_item(list, i)).type != VALUE_NIL)
			items[n++] = value_item(list, i);
	return items ? value_list(items, n) : value_nil();
}

static struct value filter_uniq(struct call *c)
{
	struct value list = call_list(c, c->in), *items = call_items(c, list, 0);
	size_t i, k, n = 0;

	for (i = 0; items && i < value_count(list); i++) {
		struct value key = key_of(c, value_item(list, i));

		if (!run_steps(c->run, 1 + n / 16))
			return value_nil();
		for (k = 0; k < n && !value_equal(key_of(c, items[k]), key); k++)
			;
		if (k == n)
			items[n++] = value_item(list, i);
	}
	return items ? value_list(items, n) : value_nil();
}

/* ---- sort ------------------------------------------------------------------------ */

struct entry {
	struct value key, item;
	size_t at; /* equal ones keep their order */
};

static int by_place(const struct entry *a, const struct entry *b)
{
	bool x = a->key.type == VALUE_NIL, y = b->key.type == VALUE_NIL;

	if (x != y)
		return x - y; /* nothing comes last */
	return (a->at > b->at) - (a->at < b->at);
}

static int by_key(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	const struct value x = a->key, y = b->key;
	int c = 0;

	if (x.type == VALUE_TEXT && y.type == VALUE_TEXT) {
		c = memcmp(x.text, y.text, x.len < y.len ? x.len : y.len);
		if (c == 0)
			c = (x.len > y.len) - (x.len < y.len);
	} else if (x.type != VALUE_NIL && y.type != VALUE_NIL) {
		double d = x.type == VALUE_INT ? (double)x.number : x.real;
		double e = y.type == VALUE_INT ? (double)y.number : y.real;

		c = (d > e) - (d < e);
	}
	return c ? c : by_place(a, b);
}

static int by_letter(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	const struct value x = a->key, y = b->key;
	int c = 0;

	if (x.type == VALUE_TEXT && y.type == VALUE_TEXT) {
		c = strncasecmp(x.text, y.text, x.len < y.len ? x.len : y.len);
		if (c == 0)
			c = (x.len > y.len) - (x.len < y.len);
	}
	return c ? c : by_place(a, b);
}

/* Only numbers, or only texts, can be put in order. */
static bool comparable(struct call *c, const struct entry *e, size_t n)
{
	bool text = false, number = false, other = false;
	size_t i;

	for (i = 0; i < n; i++) {
		text |= e[i].key.type == VALUE_TEXT;
		number |= e[i].key.type == VALUE_INT || e[i].key.type == VALUE_FLOAT;
		other |= e[i].key.type != VALUE_TEXT && e[i].key.type != VALUE_INT &&
		    e[i].key.type != VALUE_FLOAT && e[i].key.type != VALUE_NIL;
	}
	if ((text && number) || (other && n > 1))
		run_fail(c->run,
		    "These cannot be sorted: numbers, texts and objects are mixed.");
	return !c->run->failed;
}

static struct value sorted(struct call *c, bool natural)
{
	struct value list = call_list(c, c->in), *items = call_items(c, list, 0);
	size_t i, n = value_count(list);
	struct entry *e;

	if (!items)
		return value_nil();
	e = arena_take(&c->run->arena, n * sizeof *e);
	for (i = 0; i < n; i++) {
		e[i] = (struct entry){ key_of(c, items[i]), items[i], i };
		if (natural && e[i].key.type != VALUE_NIL)
			e[i].key = value_as_text(&c->run->arena, e[i].key);
	}
	if (!natural && !comparable(c, e, n))
		return value_nil();
	if (n)
		qsort(e, n, sizeof *e, natural ? by_letter : by_key);
	for (i = 0; i < n; i++)
		items[i] = e[i].item;
	return value_list(items, n);
}

static struct value filter_sort(struct call *c)
{
	return sorted(c, false);
}

static struct value filter_sort_natural(struct call *c)
{
	return sorted(c, true);
}

const struct filter filters_list[] = {
	{ "compact", filter_compact, 0, 1, false },
	{ "concat", filter_concat, 1, 1, false },
	{ "find", filter_find, 1, 2, false },
	{ "find_index", filter_find_index, 1, 2, false },
	{ "first", filter_first, 0, 0, false },
	{ "has", filter_has, 1, 2, false },
	{ "join", filter_join, 0, 1, false },
	{ "last", filter_last, 0, 0, false },
	{ "map", filter_map, 1, 1, false },
	{ "reject", filter_reject, 1, 2, false },
	{ "reverse", filter_reverse, 0, 0, false },
	{ "size", filter_size, 0, 0, false },
	{ "sort", filter_sort, 0, 1, false },
	{ "sort_natural", filter_sort_natural, 0, 1, false },
	{ "sum", filter_sum, 0, 1, false },
	{ "uniq", filter_uniq, 0, 1, false },
	{ "where", filter_where, 1, 2, false },
	{ 0 },
};
