#include "view/liquid_parts.h"

#include <string.h>

#include "base/mem.h"

/* ---- bodies ---------------------------------------------------------------------- */

void drop_space(struct compiler *c, int from)
{
	struct op *op;
	int i;

	for (i = from; i < c->l->count; i++) {
		op = &c->l->ops[i];
		if (op->kind == OP_TEXT)
			op->len = 0;
		if (op->kind == OP_CAPTURE)
			i = op->to - 1; /* captures keep theirs */
	}
}

/* All branches of a block must end in the same place of the HTML. */
static enum err same_place(struct compiler *c, const struct token *opener,
    const struct place *p)
{
	if (c->l->options.escape != LIQUID_HTML || place_join(&c->place, p))
		return OK;
	return liquid_fail(c->error, token_at(c, opener),
	    "The ways through this {%% %.*s %%} end "
	    "in different places of the HTML: close each tag and quote where it was "
	    "opened.",
	    (int)(opener->name_len > 20 ? 20 : opener->name_len), opener->name);
}

static struct at args_at(const struct compiler *c, const struct token *t)
{
	return (struct at){ c->src, (size_t)(t->s - c->src->text) };
}

static enum err condition(struct compiler *c, const struct token *t, struct expr **out)
{
	struct scan sc;
	enum err e;

	scan_start(&sc, c->src, t->s, t->len);
	if (sc.now.kind == LEX_END)
		return liquid_fail(c->error, token_at(c, t),
		    "This {%% %.*s %%} needs a condition.", (int)t->name_len, t->name);
	e = parse_condition(c, &sc, out);
	return e == OK ? expect_end(c, &sc) : e;
}

/* ---- if, unless ------------------------------------------------------------------ */

struct branches {
	const struct token *opener;
	/* place at the start; where the first branch ended */
	struct place start, end;
	bool any, otherwise;
	int jumps[128], count; /* jumps to the end, to be filled */
};

/* One branch: [condition] body [jump to the end]. */
static enum err branch(struct compiler *c, struct branches *b, const char *const *ends)
{
	enum err e;

	c->place = b->start;
	e = parse_body(c, b->opener, ends);
	if (e == OK && b->any)
		e = same_place(c, b->opener, &b->end);
	b->end = c->place;
	b->any = true;
	if (e == OK && b->count == 128)
		e = liquid_fail(c->error, token_at(c, b->opener),
		    "This block has too many branches.");
	if (e == OK) {
		b->jumps[b->count++] = c->l->count;
		emit(c, OP_JUMP);
	}
	return e;
}

static enum err branches_end(struct compiler *c, struct branches *b)
{
	int i;

	for (i = 0; i < b->count; i++)
		c->l->ops[b->jumps[i]].to = c->l->count;
	return b->otherwise ? OK : same_place(c, b->opener, &b->start);
}

/* `unless` asks for the opposite in its first branch. */
static enum err test(struct compiler *c, const struct token *t, bool opposite, int *op)
{
	struct expr *e = NULL, *opposed;
	enum err er = condition(c, t, &e);

	if (e && opposite) {
		opposed = arena_take(&c->l->nodes, sizeof *opposed);
		*opposed = (struct expr){ .kind = EXPR_NOT, .at = e->at, .left = e };
		e = opposed;
	}
	*op = c->l->count;
	emit(c, OP_UNLESS)->expr = e;
	return er;
}

/* After the first else everything up to the end is read and dropped. */
static enum err surplus(struct compiler *c, struct branches *b, const char *const *ends,
    const char *end)
{
	int from = c->l->count;
	enum err e = OK;

	while (e == OK && !token_is(c->tag, end)) {
		c->place = b->start;
		e = parse_body(c, b->opener, ends);
	}
	c->l->count = from;
	c->place = b->end;
	return e;
}

static enum err conditional(struct compiler *c, const struct token *t, bool opposite)
{
	static const char *const of_if[] = { "elsif", "else", "endif", NULL };
	static const char *const of_unless[] = { "elsif", "else", "endunless", NULL };
	const char *const *ends = opposite ? of_unless : of_if;
	struct branches b = { .opener = t, .start = c->place };
	bool outer = c->blank;
	int op, from = c->l->count;
	enum err e;

	c->blank = true;
	e = test(c, t, opposite, &op);
	while (e == OK) {
		e = branch(c, &b, ends);
		if (e == OK)
			c->l->ops[op].to = c->l->count;
		if (e != OK || !token_is(c->tag, "elsif"))
			break;
		e = test(c, c->tag, false, &op);
	}
	if (e == OK && token_is(c->tag, "else")) {
		b.otherwise = true;
		e = branch(c, &b, ends);
	}
	if (e == OK)
		e = surplus(c, &b, ends, ends[2]);
	if (c->blank)
		drop_space(c, from);
	c->blank = c->blank && outer;
	return e == OK ? branches_end(c, &b) : e;
}

static enum err tag_if(struct compiler *c, const struct token *t)
{
	return conditional(c, t, false);
}

static enum err tag_unless(struct compiler *c, const struct token *t)
{
	return conditional(c, t, true);
}

/* ---- case ------------------------------------------------------------------------ */

static const char *const case_ends[] = { "when", "else", "endcase", NULL };

static enum err when_values(struct compiler *c, struct op *op, const struct token *t)
{
	struct arg *args = NULL;
	struct scan sc;
	size_t n = 0;
	int at = (int)(op - c->l->ops);
	enum err e = OK;

	scan_start(&sc, c->src, t->s, t->len);
	do {
		args = mem_resize(c->l, args, (n + 1) * sizeof *args);
		args[n] = (struct arg){ 0 };
		e = parse_operand(c, &sc, &args[n++].value);
	} while (e == OK && n < 256 && (scan_sign(&sc, ',') || scan_word(&sc, "or")));
	c->l->ops[at].args = args;
	c->l->ops[at].count = n;
	return e;
}

static enum err case_branches(struct compiler *c, struct branches *b, int slot)
{
	enum err e = OK;
	struct op *op;
	int at;

	while (e == OK && !token_is(c->tag, "endcase")) {
		const struct token *t = c->tag;

		b->otherwise |= token_is(t, "else");
		at = c->l->count;
		op = emit(c, token_is(t, "else") ? OP_ELSE : OP_WHEN);
		op->slot = slot;
		if (op->kind == OP_WHEN)
			e = when_values(c, op, t);
		c->place = b->start;
		if (e == OK)
			e = parse_body(c, b->opener, case_ends);
		if (e == OK && b->any)
			e = same_place(c, b->opener, &b->end);
		b->end = c->place;
		b->any = true;
		c->l->ops[at].to = c->l->count;
	}
	return e;
}

static enum err tag_case(struct compiler *c, const struct token *t)
{
	struct branches b = { .opener = t, .start = c->place };
	bool outer = c->blank;
	int from = c->l->count, at = from, slot = c->cases++;
	struct scan sc;
	enum err e;

	c->blank = true;
	if (c->cases > c->l->cases)
		c->l->cases = c->cases;
	emit(c, OP_CASE)->slot = slot;
	scan_start(&sc, c->src, t->s, t->len);
	e = parse_operand(c, &sc, &c->l->ops[at].expr);
	if (e == OK)
		e = expect_end(c, &sc);
	/* what stands before the first when is dropped */
	if (e == OK) {
		e = parse_body(c, t, case_ends);
		c->l->count = at + 1;
		c->place = b.start;
		c->blank = true;
	}
	if (e == OK)
		e = case_branches(c, &b, slot);
	if (c->blank)
		drop_space(c, from);
	c->blank = c->blank && outer;
	c->cases--;
	return e == OK ? branches_end(c, &b) : e;
}

/* ---- assign, capture, counters --------------------------------------------------- */

/* A name to assign to: an identifier, digits or a text in quotes. */
static enum err target(struct compiler *c, const struct token *t, struct scan *sc,
    struct name *name)
{
	scan_start(sc, c->src, t->s, t->len);
	if (sc->now.kind != LEX_NAME && sc->now.kind != LEX_TEXT &&
	    !(sc->now.kind == LEX_NUMBER && sc->now.whole && *sc->now.s != '-'))
		return liquid_fail(c->error, args_at(c, t),
		    "This {%% %.*s %%} needs a name.", (int)t->name_len, t->name);
	*name = name_kept(c, sc->now.s, sc->now.len);
	scan_next(sc);
	return OK;
}

static enum err tag_assign(struct compiler *c, const struct token *t)
{
	struct expr *x = NULL;
	struct name name;
	struct scan sc;
	struct op *op;
	enum err e = target(c, t, &sc, &name);

	if (e == OK && !scan_sign(&sc, '='))
		return liquid_fail(c->error, scan_at(&sc),
		    "Write {%% assign name = value %%}.");
	if (e == OK)
		e = parse_expr(c, &sc, &x);
	op = emit(c, OP_ASSIGN);
	op->name = name;
	op->expr = x;
	return e;
}

/* A body whose output is kept aside starts and ends between tags. */
static enum err aside(struct compiler *c, const struct token *t, const char *end)
{
	const char *const ends[] = { end, NULL };
	struct place place = c->place;
	enum err e;

	c->place = (struct place){ 0 };
	e = parse_body(c, t, ends);
	if (e == OK)
		e = same_place(c, t, &(struct place){ 0 });
	c->place = place;
	return e;
}

static enum err tag_capture(struct compiler *c, const struct token *t)
{
	struct name name;
	struct scan sc;
	bool blank = c->blank;
	int at = c->l->count;
	enum err e = target(c, t, &sc, &name);

	if (e == OK)
		e = expect_end(c, &sc);
	emit(c, OP_CAPTURE)->name = name;
	if (e == OK)
		e = aside(c, t, "endcapture");
	c->l->ops[at].to = c->l->count;
	c->blank = blank;
	return e;
}

static enum err tag_ifchanged(struct compiler *c, const struct token *t)
{
	static const char *const ends[] = { "endifchanged", NULL };
	int at = c->l->count;
	enum err e;

	emit(c, OP_CHANGED);
	e = parse_body(c, t, ends);
	c->l->ops[at].to = c->l->count;
	c->blank = false;
	return e;
}

static enum err counter(struct compiler *c, const struct token *t, enum op_kind kind)
{
	struct name name;
	struct scan sc;
	enum err e = target(c, t, &sc, &name);

	c->blank = false;
	emit(c, kind)->name = name;
	return e == OK ? expect_end(c, &sc) : e;
}

static enum err tag_increment(struct compiler *c, const struct token *t)
{
	return counter(c, t, OP_INCREMENT);
}

static enum err tag_decrement(struct compiler *c, const struct token *t)
{
	return counter(c, t, OP_DECREMENT);
}

/* ---- the rest -------------------------------------------------------------------- */

static enum err tag_echo(struct compiler *c, const struct token *t)
{
	return emit_output(c, t->s, t->len);
}

static enum err tag_cycle(struct compiler *c, const struct token *t)
{
	int at = c->l->count;
	struct arg *args = NULL;
	struct expr *key = NULL;
	struct scan sc, ahead;
	const char *why = NULL;
	enum escape escape = ESC_NONE;
	size_t n = 0;
	enum err e = OK;

	c->blank = false;
	scan_start(&sc, c->src, t->s, t->len);
	ahead = sc;
	if (sc.now.kind != LEX_END && parse_operand(c, &ahead, &key) == OK &&
	    scan_sign(&ahead, ':'))
		sc = ahead;
	else
		key = NULL;
	e = parse_args(c, &sc, &args, &n);
	if (e == OK && n == 0)
		e = liquid_fail(c->error, token_at(c, t),
		    "Write {%% cycle \"one\", \"two\" %%}.");
	if (c->l->options.escape == LIQUID_HTML || c->place.address)
		escape = place_escape(&c->place, false, &why);
	if (e == OK && why)
		e = liquid_fail(c->error, token_at(c, t), "%s", why);
	emit(c, OP_CYCLE)->args = args;
	c->l->ops[at].count = n;
	c->l->ops[at].expr = key;
	c->l->ops[at].escape = escape;
	c->l->ops[at].name = name_kept(c, t->s, t->len);
	return e == OK ? expect_end(c, &sc) : e;
}

static enum err tag_comment(struct compiler *c, const struct token *t)
{
	const struct token *x;
	int open = 1;

	while (c->next < c->end) {
		x = &c->src->tokens[c->next++];
		open += token_is(x, "comment") - token_is(x, "endcomment");
		if (open == 0)
			return OK;
	}
	return liquid_fail(c->error, token_at(c, t),
	    "This {%% comment %%} is never closed; add {%% endcomment %%}.");
}

/* {% # words %}: every line begins with #. */
static enum err tag_remark(struct compiler *c, const struct token *t)
{
	const char *p = t->s, *end = t->s + t->len;

	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		while (p < end && strchr(" \t\r\n", *p))
			p++;
		if (p < end && *p != '#')
			return liquid_fail(c->error,
			    (struct at){ c->src, (size_t)(p - c->src->text) },
			    "Every line of this comment must begin with #.");
	}
	return OK;
}

static enum err leave(struct compiler *c, const struct token *t, enum op_kind kind)
{
	emit(c, kind);
	if (t->len)
		return liquid_fail(c->error, args_at(c, t), "Nothing can follow here.");
	return c->loop ? same_place(c, t, c->loop) : OK;
}

static enum err tag_break(struct compiler *c, const struct token *t)
{
	return leave(c, t, OP_BREAK);
}

static enum err tag_continue(struct compiler *c, const struct token *t)
{
	return leave(c, t, OP_CONTINUE);
}

tag_fn *tag_find(const struct token *t)
{
	static const struct {
		const char *name;
		tag_fn *fn;
	} tags[] = {
		{ "#", tag_remark },
		{ "assign", tag_assign },
		{ "block", tag_block },
		{ "break", tag_break },
		{ "capture", tag_capture },
		{ "case", tag_case },
		{ "comment", tag_comment },
		{ "continue", tag_continue },
		{ "cycle", tag_cycle },
		{ "decrement", tag_decrement },
		{ "echo", tag_echo },
		{ "for", tag_for },
		{ "if", tag_if },
		{ "ifchanged", tag_ifchanged },
		{ "include", tag_include },
		{ "increment", tag_increment },
		{ "layout", tag_layout },
		{ "render", tag_render },
		{ "tablerow", tag_tablerow },
		{ "unless", tag_unless },
	};
	size_t i;

	for (i = 0; i < sizeof tags / sizeof tags[0]; i++)
		if (token_is(t, tags[i].name))
			return tags[i].fn;
	return NULL;
}
