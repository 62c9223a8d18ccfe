#include "view/liquid_parts.h"

#include <string.h>

#include "base/mem.h"

/*
 * for, tablerow, include, render: bodies that run more than once or with names of their
 * own.
 */

static void scope_cut(struct run *r, size_t count)
{
	r->scope.count = count;
}

/* limit, offset, cols: a whole number, or nothing. */
static bool option(struct run *r, const struct expr *e, const char *name, int64_t *out)
{
	struct value v;

	if (!e)
		return true;
	v = run_eval(r, e);
	if (v.type == VALUE_NIL)
		return true;
	r->at = e->at;
	if (!value_to_int(v, out))
		run_fail(r, "The %s of a loop must be a whole number.", name);
	return !r->failed;
}

/* The part of the list to walk: [*from, *from + *n). */
static bool window(struct run *r, const struct loop_spec *spec, size_t count,
    size_t *from, size_t *n)
{
	int64_t offset = 0, limit = INT64_MAX;
	struct name label = { spec->label, (uint32_t)strlen(spec->label),
		name_hash(spec->label, strlen(spec->label)) };
	struct binding *b = bindings_find(&r->resume, &label, 0);

	if (!option(r, spec->offset, "offset", &offset) ||
	    !option(r, spec->limit, "limit", &limit))
		return false;
	if (spec->resume)
		offset = b ? b->value.number : 0;
	if (offset < 0)
		offset = 0;
	*from = offset > (int64_t)count ? count : (size_t)offset;
	*n = count - *from;
	if (limit < (int64_t)*n)
		*n = limit < 0 ? 0 : (size_t)limit;
	bindings_set(r, &r->resume, &label, value_int((int64_t)(*from + *n)));
	return true;
}

static void row_open(struct run *r, const struct loop *l)
{
	if (l->index % l->cols == 0) {
		if (l->index)
			buf_str(r->out, "</tr>\n");
		buf_printf(r->out, "<tr class=\"row%zu\">%s", l->index / l->cols + 1,
		    l->index ? "" : "\n");
	}
	buf_printf(r->out, "<td class=\"col%zu\">", l->index % l->cols + 1);
}

static enum flow walk(struct run *r, int pc, struct value list, size_t from,
    struct loop *l)
{
	const struct op *op = &r->l->ops[pc];
	size_t scope = r->scope.count, at;
	enum flow flow = FLOW_ON;

	bindings_push(r, &r->scope, &op->loop->var, value_nil());
	for (l->index = 0; l->index < l->length; l->index++) {
		at = from + (op->loop->reversed ? l->length - 1 - l->index : l->index);
		r->scope.items[scope].value = value_item(list, at);
		if (!run_steps(r, 1))
			return FLOW_FAIL;
		if (l->cols)
			row_open(r, l);
		flow = run_ops(r, pc + 1, op->loop->other);
		if (l->cols)
			buf_str(r->out, "</td>");
		if (flow == FLOW_BREAK || flow == FLOW_FAIL)
			break;
	}
	scope_cut(r, scope);
	return flow == FLOW_FAIL ? FLOW_FAIL : FLOW_ON;
}

/* The columns of a table row: all in one when none are given. */
static bool columns(struct run *r, const struct op *op, struct loop *l)
{
	int64_t cols = 0;

	if (op->kind == OP_FOR)
		return true;
	if (!option(r, op->loop->cols, "cols", &cols))
		return false;
	l->cols = cols > 0 ? (size_t)cols : l->length ? l->length : 1;
	return true;
}

enum flow run_loop(struct run *r, int pc)
{
	const struct op *op = &r->l->ops[pc];
	struct value list = value_as_list(&r->arena, run_eval(r, op->expr));
	const struct loop *outer = r->frame->loop;
	struct loop l = { .spec = op->loop,
		.parent = outer && outer->spec ? outer : NULL };
	enum flow flow = FLOW_ON;
	size_t from, n;

	if (r->failed || !window(r, op->loop, value_count(list), &from, &n))
		return FLOW_FAIL;
	l.length = n;
	if (!columns(r, op, &l))
		return FLOW_FAIL;
	if (n == 0 && op->kind == OP_FOR)
		return run_ops(r, op->loop->other, op->to);
	if (n == 0)
		buf_str(r->out, "<tr class=\"row1\">\n");
	r->frame->loop = &l;
	flow = walk(r, pc, list, from, &l);
	r->frame->loop = outer;
	if (op->kind == OP_TABLEROW)
		buf_str(r->out, "</tr>\n");
	return flow;
}

/* ---- include, render ------------------------------------------------------------- */

/*
 * Named values, seen inside only. Includes push them to the scope, renders to their own
 * names.
 */
static void push_named(struct run *r, const struct call_spec *call, struct bindings *to)
{
	struct name n;
	size_t i;

	for (i = 0; i < call->count && !r->failed; i++) {
		n.s = call->args[i].key;
		n.len = (uint32_t)strlen(n.s);
		n.hash = name_hash(n.s, n.len);
		bindings_push(r, to, &n, run_eval(r, call->args[i].value));
	}
}

/* The body once, or once per item of `for list`. */
static enum flow run_each(struct run *r, int pc, const struct call_spec *call,
    struct value with, struct bindings *to)
{
	const struct loop *outer = r->frame->loop;
	struct loop l = { .parent = NULL };
	size_t at = to->count, i, n = 1;
	struct value list = with;
	enum flow flow = FLOW_ON;

	if (call->each) {
		list = value_is_list(with) ? with : value_as_list(&r->arena, with);
		n = value_count(list);
		l.length = n;
	}
	if (call->each || call->with)
		bindings_push(r, to, &call->var, with);
	if (call->each && to != &r->scope) /* render counts its rounds */
		r->frame->loop = &l;
	for (i = 0; i < n && flow == FLOW_ON; i++) {
		l.index = i;
		if (call->each)
			to->items[at].value = value_item(list, i);
		flow = run_ops(r, pc + 1, r->l->ops[pc].to);
	}
	r->frame->loop = outer;
	return flow;
}

enum flow run_call(struct run *r, int pc)
{
	const struct call_spec *call = r->l->ops[pc].call;
	bool isolated = r->l->ops[pc].kind == OP_RENDER;
	struct frame own = { .base = r->scope.count }, *outer = r->frame;
	size_t scope = r->scope.count;
	struct value with = run_eval(r, call->with);
	struct bindings *to = isolated ? &own.vars : &r->scope;
	enum flow flow;

	push_named(r, call, to);
	if (r->failed)
		return FLOW_FAIL;
	if (isolated)
		r->frame = &own;
	flow = run_each(r, pc, call, with, to);
	r->frame = outer;
	scope_cut(r, scope);
	if (isolated && flow != FLOW_FAIL)
		/* a break inside ends the rendered one only */
		return FLOW_ON;
	return flow;
}
