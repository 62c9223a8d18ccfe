#include "view/liquid_parts.h"

#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "view/html.h"

void run_fail(struct run *r, const char *fmt, ...)
{
	char text[sizeof r->error->text];
	va_list ap;

	if (r->failed)
		return;
	r->failed = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	liquid_fail(r->error, r->at, "%s", text);
}

bool run_steps(struct run *r, size_t n)
{
	if (n > (size_t)r->max_steps || r->steps > r->max_steps - (long)n) {
		run_fail(r, "This template does too much: more than %ld steps.",
		    r->max_steps);
		return false;
	}
	r->steps += (long)n;
	return !r->failed;
}

/* ---- one op ---------------------------------------------------------------------- */

static void output(struct run *r, const struct op *op)
{
	struct mark m = arena_mark(&r->arena);
	struct value v = run_eval(r, op->expr);

	if (!r->failed)
		run_print(r, v, op->escape);
	arena_back(&r->arena, m);
}

static bool holds(struct run *r, const struct op *op)
{
	struct mark m = arena_mark(&r->arena);
	struct value v;

	r->lenient = true;
	v = run_eval(r, op->expr);
	r->lenient = false;
	arena_back(&r->arena, m);
	return value_truth(v);
}

static void assign(struct run *r, const struct op *op)
{
	struct value v = run_eval(r, op->expr);
	struct loop *copy;

	/* it may be read after the loop has ended */
	if (v.type == VALUE_LOOP) {
		copy = arena_take(&r->arena, sizeof *copy);
		*copy = *v.loop;
		copy->parent = NULL;
		v.loop = copy;
	}
	if (!r->failed)
		bindings_set(r, &r->frame->vars, &op->name, v);
}

/* Runs the body of op `pc` with its output kept aside; the text of it. */
static enum flow aside(struct run *r, int pc, struct value *text)
{
	struct buf *out = r->out, *b = buf_new(r->arena.mem);
	size_t most = r->most;
	enum flow flow;
	char *s;

	r->out = b;
	r->most = r->longest;
	flow = run_ops(r, pc + 1, r->l->ops[pc].to);
	r->out = out;
	r->most = most;
	s = arena_take(&r->arena, b->len);
	memcpy(s, b->data, b->len);
	*text = value_text(s, b->len);
	text->html = r->l->options.escape == LIQUID_HTML;
	mem_free(b);
	return flow;
}

static enum flow capture(struct run *r, int pc)
{
	struct value text;
	enum flow flow = aside(r, pc, &text);

	if (flow != FLOW_FAIL)
		bindings_set(r, &r->frame->vars, &r->l->ops[pc].name, text);
	return flow;
}

static enum flow changed(struct run *r, int pc)
{
	struct value text;
	enum flow flow = aside(r, pc, &text);

	if (flow == FLOW_FAIL || value_equal(text, r->changed))
		return flow;
	buf_add(r->out, text.text, text.len);
	r->changed = text;
	return flow;
}

static void count(struct run *r, const struct op *op)
{
	struct binding *b = bindings_find(&r->frame->counters, &op->name, 0);
	int64_t n = b ? b->value.number : 0;

	if (op->kind == OP_DECREMENT)
		n--;
	buf_int(r->out, n);
	bindings_set(r, &r->frame->counters, &op->name,
	    value_int(op->kind == OP_DECREMENT ? n : n + 1));
}

static void cycle(struct run *r, const struct op *op)
{
	struct name key = op->name;
	struct binding *b;
	size_t i = 0;

	if (op->expr) {
		struct value v = value_as_text(&r->arena, run_eval(r, op->expr));

		key = name_of(r->arena.mem, v.text, v.len);
	}
	b = bindings_find(&r->frame->cycles, &key, 0);
	if (b)
		i = (size_t)b->value.number;
	if (i < op->count)
		run_print(r, run_eval(r, op->args[i].value), op->escape);
	bindings_set(r, &r->frame->cycles, &key,
	    value_int(i + 1 < op->count ? (int64_t)i + 1 : 0));
}

/* Does one of the values of this when equal the subject of its case? */
static bool matches(struct run *r, const struct op *op)
{
	struct case_state *k = &r->cases[op->slot];
	size_t i;

	for (i = 0; i < op->count && !r->failed; i++)
		if (run_equal(r, k->subject, run_eval(r, op->args[i].value)))
			return k->matched = true;
	return false;
}

static void url_end(struct run *r)
{
	if (r->url > r->out->len ||
	    url_harmless(r->out->data + r->url, r->out->len - r->url))
		return;
	buf_cut(r->out, r->url);
	buf_char(r->out, '#');
}

/* Ops that only compute or print; true when they are of that kind. */
static bool simple(struct run *r, const struct op *op)
{
	switch (op->kind) {
	case OP_TEXT:
		buf_add(r->out, op->text, op->len);
		if (r->out->len > r->most)
			run_fail(r, "The output is longer than %zu bytes.", r->most);
		return true;
	case OP_OUTPUT: output(r, op); return true;
	case OP_ASSIGN: assign(r, op); return true;
	case OP_CASE:
		r->cases[op->slot] =
		    (struct case_state){ run_eval(r, op->expr), false };
		return true;
	case OP_CYCLE: cycle(r, op); return true;
	case OP_INCREMENT:
	case OP_DECREMENT: count(r, op); return true;
	case OP_URL: r->url = r->out->len; return true;
	case OP_URL_END: url_end(r); return true;
	default: return false;
	}
}

static enum flow mute(struct run *r, int pc)
{
	struct value text;

	return aside(r, pc, &text);
}

/* Ops with a body or a jump; *pc is moved to where to go on. */
static enum flow structure(struct run *r, int *pc)
{
	const struct op *op = &r->l->ops[*pc];
	int at = *pc;
	bool go_in;

	*pc = op->to;
	switch (op->kind) {
	case OP_JUMP: return FLOW_ON;
	case OP_UNLESS:
	case OP_WHEN:
	case OP_ELSE:
		go_in = op->kind == OP_UNLESS ? holds(r, op)
		    : op->kind == OP_WHEN     ? matches(r, op)
					      : !r->cases[op->slot].matched;
		if (go_in)
			*pc = at + 1;
		return FLOW_ON;
	case OP_CAPTURE: return capture(r, at);
	case OP_MUTE: return mute(r, at);
	case OP_CHANGED: return changed(r, at);
	case OP_FOR:
	case OP_TABLEROW: return run_loop(r, at);
	case OP_INCLUDE:
	case OP_RENDER: return run_call(r, at);
	case OP_BREAK: return FLOW_BREAK;
	default: return FLOW_CONTINUE;
	}
}

enum flow run_ops(struct run *r, int pc, int end)
{
	enum flow flow = FLOW_ON;

	while (pc < end && flow == FLOW_ON) {
		const struct op *op = &r->l->ops[pc];

		r->at = op->at;
		if (!run_steps(r, 1))
			return FLOW_FAIL;
		if (simple(r, op))
			pc++;
		else
			flow = structure(r, &pc);
		if (r->arena.full)
			run_fail(r, "This template needs too much memory.");
		if (r->failed)
			return FLOW_FAIL;
	}
	return flow;
}

/* ---- the two ways to run --------------------------------------------------------- */

static void start(struct run *r, const struct liquid *l, void *mem,
    struct json_object *data)
{
	bool pages = l->options.pages;

	r->l = l;
	r->data = data;
	r->arena.mem = mem;
	r->arena.limit = (size_t)(pages ? 64 : 16) << 20;
	r->longest = pages ? 1 << 20 : 64 << 10;
	r->most = l->options.max_output;
	r->max_steps = l->options.max_steps;
}

enum err liquid_render(const struct liquid *l, void *mem, struct json_object *data,
    struct buf *out, struct liquid_error *error)
{
	MEM_SCOPE void *tmp = mem_scope(mem, "liquid");
	struct liquid_error unused;
	struct run r = { .out = out, .error = error ? error : &unused };
	struct frame frame = { 0 };
	size_t before = out->len;

	*r.error = (struct liquid_error){ 0 };
	start(&r, l, tmp, data);
	r.most += before;
	r.frame = &frame;
	r.cases = mem_array(tmp, struct case_state, (size_t)l->cases);
	if (run_ops(&r, 0, l->count) != FLOW_FAIL)
		return OK;
	buf_cut(out, before);
	return ERR_INVALID;
}

static void check_url(struct run *r, size_t from)
{
	r->url = from;
	url_end(r);
}

enum err liquid_slot(const struct liquid *l, void *mem, int slot,
    struct json_object *data, struct buf *out, struct liquid_error *error)
{
	const struct slot *s = &l->slots[slot];
	struct run r = { .out = out, .error = error, .at = s->at };
	struct liquid_error unused;
	size_t before = out->len;
	struct value v;

	if (!error)
		r.error = &unused;
	start(&r, l, mem, data);
	r.most += before;
	v = run_eval(&r, s->expr);
	if (!r.failed)
		run_print(&r, v, s->escape);
	if (s->url)
		check_url(&r, before);
	arena_back(&r.arena, (struct mark){ 0 });
	mem_free(r.arena.top);
	if (!r.failed)
		return OK;
	buf_cut(out, before);
	return ERR_INVALID;
}
