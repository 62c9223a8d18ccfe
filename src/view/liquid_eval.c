#include "view/liquid_parts.h"

#include <string.h>

#include "base/mem.h"

/* ---- names ----------------------------------------------------------------------- */

struct binding *bindings_find(const struct bindings *b, const struct name *n,
    size_t from)
{
	size_t i;

	for (i = b->count; i > from; i--) {
		struct name *x = &b->items[i - 1].name;

		if (x->hash == n->hash && x->len == n->len &&
		    memcmp(x->s, n->s, n->len) == 0)
			return &b->items[i - 1];
	}
	return NULL;
}

void bindings_push(struct run *r, struct bindings *b, const struct name *n,
    struct value v)
{
	if (b->count == b->room) {
		b->room = b->room ? b->room * 2 : 16;
		b->items =
		    mem_resize(r->arena.mem, b->items, b->room * sizeof *b->items);
	}
	b->items[b->count++] = (struct binding){ *n, v };
}

void bindings_set(struct run *r, struct bindings *b, const struct name *n,
    struct value v)
{
	struct binding *x = bindings_find(b, n, 0);

	if (x)
		x->value = v;
	else
		bindings_push(r, b, n, v);
}

static bool is_forloop(const struct name *n)
{
	return (n->len == 7 && memcmp(n->s, "forloop", 7) == 0) ||
	    (n->len == 12 && memcmp(n->s, "tablerowloop", 12) == 0);
}

static bool lookup(struct run *r, const struct name *n, struct value *out)
{
	struct json_object *o;
	struct binding *b;

	if (r->frame) {
		b = bindings_find(&r->scope, n, r->frame->base);
		if (!b)
			b = bindings_find(&r->frame->vars, n, 0);
		if (b) {
			*out = b->value;
			return true;
		}
		if (r->frame->loop && is_forloop(n)) {
			*out = (struct value){ .type = VALUE_LOOP };
			out->loop = r->frame->loop;
			return true;
		}
	}
	if (json_object_object_get_ex(r->data, n->s, &o)) {
		*out = value_json(o);
		return true;
	}
	b = r->frame ? bindings_find(&r->frame->counters, n, 0) : NULL;
	*out = b ? b->value : value_nil();
	return b != NULL;
}

static struct value undefined(struct run *r, const struct expr *e, const char *s,
    size_t n)
{
	if (!r->l->options.strict || r->lenient)
		return value_nil();
	r->at = e->at;
	run_fail(r, "There is no value named \"%.*s\".", (int)(n > 80 ? 80 : n), s);
	return value_nil();
}

static struct value eval_path(struct run *r, const struct expr *e)
{
	struct value v, out;
	struct value key = e->kind == EXPR_INDEX ? run_eval(r, e->right)
						 : value_text(e->name.s, e->name.len);

	if (!e->left) { /* ['a name'] */
		struct value text = value_as_text(&r->arena, key);
		struct name n = name_of(r->arena.mem, text.text, text.len);
		bool found = lookup(r, &n, &out);

		mem_free((void *)(uintptr_t)n.s);
		return found ? out : undefined(r, e, text.text, text.len);
	}
	v = run_eval(r, e->left);
	if (e->kind == EXPR_FIELD && value_is_object(v)) { /* the common case */
		struct json_object *o;

		if (json_object_object_get_ex(v.json, e->name.s, &o))
			return value_json(o);
	}
	if (value_get(&r->arena, v, key, &out))
		return out;
	key = value_as_text(&r->arena, key);
	return undefined(r, e, key.text, key.len);
}

static struct value eval_range(struct run *r, const struct expr *e)
{
	struct value v = { .type = VALUE_RANGE };
	int64_t from = 0, to = 0;

	value_to_int(run_eval(r, e->left), &from);
	value_to_int(run_eval(r, e->right), &to);
	if (from < -(1ll << 40) || from > 1ll << 40 || to < -(1ll << 40) ||
	    to > 1ll << 40) {
		r->at = e->at;
		run_fail(r, "The numbers of this range are too large.");
		return v;
	}
	v.number = from;
	v.len = to >= from ? (size_t)(to - from + 1) : 0;
	return v;
}

/* ---- comparisons ----------------------------------------------------------------- */

static int order(struct value a, struct value b)
{
	double x = a.type == VALUE_INT ? (double)a.number : a.real;
	double y = b.type == VALUE_INT ? (double)b.number : b.real;
	int c;

	if (a.type == VALUE_TEXT) {
		c = memcmp(a.text, b.text, a.len < b.len ? a.len : b.len);
		return c ? c : (a.len > b.len) - (a.len < b.len);
	}
	if (a.type == VALUE_INT && b.type == VALUE_INT)
		return (a.number > b.number) - (a.number < b.number);
	return (x > y) - (x < y);
}

/* Steps that looking at all of a value takes. */
static size_t cost(struct value v)
{
	return v.type == VALUE_TEXT ? 1 + v.len / 1024
	    : value_is_list(v)      ? 1 + v.len / 16
				    : 1;
}

bool run_equal(struct run *r, struct value a, struct value b)
{
	return run_steps(r, cost(a)) && value_equal(a, b);
}

static bool is_number(struct value v)
{
	return v.type == VALUE_INT || v.type == VALUE_FLOAT;
}

static bool compare(struct run *r, const struct expr *e, struct value a, struct value b)
{
	int c;

	if (a.type == VALUE_NIL || b.type == VALUE_NIL || a.type == VALUE_EMPTY ||
	    b.type == VALUE_EMPTY || a.type == VALUE_BLANK || b.type == VALUE_BLANK)
		return false;
	if (!(is_number(a) && is_number(b)) &&
	    !(a.type == VALUE_TEXT && b.type == VALUE_TEXT)) {
		r->at = e->at;
		run_fail(r,
		    "These two cannot be compared: one is a number, the other is not. "
		    "Use \"| plus: 0\" to make a text a number.");
		return false;
	}
	c = order(a, b);
	switch (e->kind) {
	case EXPR_LT: return c < 0;
	case EXPR_LE: return c <= 0;
	case EXPR_GT: return c > 0;
	default: return c >= 0;
	}
}

static bool contains(struct run *r, struct value a, struct value b)
{
	struct value out;
	size_t i;

	if (!value_truth(a) || !value_truth(b))
		return false;
	if (a.type == VALUE_TEXT) {
		b = value_as_text(&r->arena, b);
		return run_steps(r, cost(a)) &&
		    memmem(a.text, a.len, b.text, b.len) != NULL;
	}
	if (value_is_object(a))
		return b.type == VALUE_TEXT && value_get(&r->arena, a, b, &out);
	if (!value_is_list(a))
		return false;
	for (i = 0; i < a.len && !r->failed; i++)
		if (run_equal(r, value_item(a, i), b))
			return true;
	return false;
}

static bool eval_test(struct run *r, const struct expr *e)
{
	struct value a = run_eval(r, e->left), b;

	if (e->kind == EXPR_NOT)
		return !value_truth(a);
	if (e->kind == EXPR_AND && !value_truth(a))
		return false;
	if (e->kind == EXPR_OR && value_truth(a))
		return true;
	b = run_eval(r, e->right);
	switch (e->kind) {
	case EXPR_AND:
	case EXPR_OR: return value_truth(b);
	case EXPR_EQ: return run_equal(r, a, b);
	case EXPR_NE: return !run_equal(r, a, b);
	case EXPR_CONTAINS: return contains(r, a, b);
	default: return compare(r, e, a, b);
	}
}

/* ---- filters --------------------------------------------------------------------- */

static struct value eval_filter(struct run *r, const struct expr *e)
{
	bool lenient = r->lenient,
	     dflt = e->filter && strcmp(e->filter->name, "default") == 0;
	struct call c = { .run = r };
	struct value args[4], v;
	size_t i;

	r->lenient = lenient || dflt;
	c.in = run_eval(r, e->left);
	r->lenient = lenient;
	for (i = 0; i < e->count && e->filter && !r->failed; i++) {
		v = run_eval(r, e->args[i].value);
		if (e->args[i].key && strcmp(e->args[i].key, "allow_false") == 0)
			c.allow_false = value_truth(v);
		else if (!e->args[i].key && c.count < sizeof args / sizeof args[0])
			args[c.count++] = v;
	}
	c.args = args;
	r->at = e->at;
	if (!e->filter || r->failed || !run_steps(r, cost(c.in)))
		return c.in;
	v = e->filter->fn(&c);
	if (r->arena.full)
		run_fail(r, "This template needs too much memory.");
	if (v.type == VALUE_TEXT && v.len > r->longest && v.text != c.in.text)
		run_fail(r, "A value is longer than %zu bytes here.", r->longest);
	return v;
}

struct value run_eval(struct run *r, const struct expr *e)
{
	struct value v;

	if (r->failed || !e)
		return value_nil();
	switch (e->kind) {
	case EXPR_CONST: return e->constant;
	case EXPR_NAME:
		return lookup(r, &e->name, &v)
		    ? v
		    : undefined(r, e, e->name.s, e->name.len);
	case EXPR_FIELD:
	case EXPR_INDEX: return eval_path(r, e);
	case EXPR_RANGE: return eval_range(r, e);
	case EXPR_FILTER: return eval_filter(r, e);
	default: return value_bool(eval_test(r, e));
	}
}
