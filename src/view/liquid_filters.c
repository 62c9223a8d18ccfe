#include "view/liquid_parts.h"

#include <string.h>

#include "base/mem.h"

/* The table of filters and what they share. Each filter is a function of one call. */

static const struct filter *find_in(const struct filter *table, const char *s, size_t n)
{
	for (; table->name; table++)
		if (strncmp(table->name, s, n) == 0 && table->name[n] == '\0')
			return table;
	return NULL;
}

const struct filter *filter_named(const char *s, size_t n)
{
	const struct filter *const tables[] = {
		filters_text,
		filters_cut,
		filters_list,
		filters_number,
		filters_other,
	};
	const struct filter *f = NULL;
	size_t i;

	for (i = 0; i < sizeof tables / sizeof tables[0] && !f; i++)
		f = find_in(tables[i], s, n);
	return f;
}

struct value call_text(struct call *c, size_t i)
{
	if (i >= c->count || c->args[i].type == VALUE_NIL)
		return value_text("", 0);
	return value_as_text(&c->run->arena, c->args[i]);
}

struct value call_in_text(struct call *c)
{
	return value_as_text(&c->run->arena, c->in);
}

struct buf *call_buf(struct call *c)
{
	return buf_new(c->run->arena.mem);
}

bool call_full(struct call *c, const struct buf *b)
{
	if (b->len > c->run->longest)
		run_fail(c->run, "A value is longer than %zu bytes here.",
		    c->run->longest);
	return c->run->failed;
}

struct value call_built(struct call *c, struct buf *b)
{
	struct value v = value_text("", 0);
	char *s;

	if (!call_full(c, b)) {
		s = arena_take(&c->run->arena, b->len);
		memcpy(s, b->data, b->len);
		v = value_text(s, b->len);
	}
	mem_free(b);
	return v;
}

/* Items of v with the lists in it taken apart; counts only when items is NULL. */
static size_t flatten(struct value v, struct value *items)
{
	size_t i, n = 0;

	for (i = 0; i < value_count(v); i++) {
		struct value item = value_item(v, i);

		if (value_is_list(item))
			n += flatten(item, items ? items + n : NULL);
		else if (items)
			items[n++] = item;
		else
			n++;
	}
	return n;
}

static bool has_lists(struct value v)
{
	size_t i;

	for (i = 0; v.type != VALUE_RANGE && i < value_count(v); i++)
		if (value_is_list(value_item(v, i)))
			return true;
	return false;
}

struct value call_list(struct call *c, struct value v)
{
	struct value *items;
	size_t n = 1;

	if (v.type == VALUE_NIL || v.type == VALUE_EMPTY || v.type == VALUE_BLANK)
		return value_list(NULL, 0);
	if (value_is_list(v)) {
		if (!run_steps(c->run, value_count(v)))
			return value_list(NULL, 0);
		if (!has_lists(v))
			return v;
		n = flatten(v, NULL);
		if (!run_steps(c->run, n))
			return value_list(NULL, 0);
	}
	items = arena_take(&c->run->arena, n * sizeof *items);
	if (value_is_list(v))
		flatten(v, items);
	else
		*items = v;
	return value_list(items, n);
}

struct value *call_items(struct call *c, struct value list, size_t more)
{
	size_t i, n = value_count(list) + more;
	struct value *items;

	if (!run_steps(c->run, n))
		return NULL;
	items = arena_take(&c->run->arena, n * sizeof *items);
	for (i = 0; i < value_count(list); i++)
		items[i] = value_item(list, i);
	return items;
}

/* ---- default, json, raw_html, date ----------------------------------------------- */

static struct value filter_default(struct call *c)
{
	struct value v = c->in;

	if (v.type == VALUE_BOOL && !v.truth && c->allow_false)
		return v;
	if (value_truth(v) && !value_equal(v, (struct value){ .type = VALUE_EMPTY }))
		return v;
	return c->count ? c->args[0] : value_text("", 0);
}

static struct value filter_json(struct call *c)
{
	struct buf *b = call_buf(c);

	value_print_json(b, c->in);
	return call_built(c, b);
}

static struct value filter_raw_html(struct call *c)
{
	struct value v = call_in_text(c);

	v.html = true;
	return v;
}

const struct filter filters_other[] = {
	{ "date", filter_date, 1, 2, false },
	{ "default", filter_default, 0, 1, false },
	{ "json", filter_json, 0, 0, false },
	{ "raw_html", filter_raw_html, 0, 0, true },
	{ 0 },
};
