#include "view/liquid_parts.h"

#include <string.h>

#include "base/mem.h"

#define MOST_OPS 200000
#define SCRATCH (512 * 1024) /* enough for most pages */

static bool html(const struct compiler *c)
{
	return c->l->options.escape == LIQUID_HTML;
}

struct at token_at(const struct compiler *c, const struct token *t)
{
	return (struct at){ c->src, t ? t->offset : 0 };
}

struct op *emit(struct compiler *c, enum op_kind kind)
{
	struct liquid *l = c->l;
	struct op *op;

	if (l->count == l->room) {
		l->room = l->room ? l->room * 2 : 64;
		l->ops =
		    mem_resize(c->scratch, l->ops, (size_t)l->room * sizeof *l->ops);
	}
	op = &l->ops[l->count++];
	*op = (struct op){ .kind = kind, .at = token_at(c, c->tag) };
	return op;
}

static void emit_bytes(struct compiler *c, const char *s, size_t n)
{
	struct op *op;

	if (n == 0)
		return;
	op = emit(c, OP_TEXT);
	op->text = s;
	op->len = n;
}

static bool only_space(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strchr(" \t\r\n\f\v", s[i]) || !s[i])
			return false;
	return true;
}

/*
 * Static bytes.  In HTML they move the place; a URL attribute that a value may follow
 * before its scheme is known is put between OP_URL and OP_URL_END, which check the
 * whole.
 */
enum err emit_text(struct compiler *c, const char *s, size_t n)
{
	size_t start = 0, pos = 0, url = 0;
	struct place *p = &c->place;
	enum place_event event;

	if (!only_space(s, n))
		c->blank = false;
	if (!c->l->options.pages)
		place_address(p, s, n);
	while (html(c) && pos < n) {
		pos += place_read(p, s + pos, n - pos, &event);
		if (event == PLACE_URL)
			url = pos;
		if (event != PLACE_URL_END || !p->watched)
			continue;
		emit_bytes(c, s + start, pos - 1 - start);
		emit(c, OP_URL_END);
		start = pos - 1;
		p->watched = false;
	}
	if (p->where == IN_VALUE && p->attr == ATTR_URL && !p->settled && !p->watched &&
	    !p->address && !memchr(p->name, ':', p->n)) {
		emit_bytes(c, s + start, url - start);
		emit(c, OP_URL);
		start = url;
		p->watched = true;
	}
	emit_bytes(c, s + start, n - start);
	return OK;
}

static bool ends_in_json(const struct expr *e)
{
	return e && e->kind == EXPR_FILTER && e->filter &&
	    strcmp(e->filter->name, "json") == 0;
}

/* Does it go through url_encode, so that its value fits into an address already? */
static bool is_encoded(const struct expr *e)
{
	for (; e && e->kind == EXPR_FILTER; e = e->left)
		if (e->filter && strcmp(e->filter->name, "url_encode") == 0)
			return true;
	return false;
}

enum err emit_output(struct compiler *c, const char *s, size_t n)
{
	struct expr *e = NULL;
	const char *why = NULL;
	enum escape escape = ESC_NONE;
	enum err er = OK;
	struct scan sc;
	struct op *op;

	c->blank = false;
	scan_start(&sc, c->src, s, n);
	if (sc.now.kind == LEX_END)
		return OK;
	er = parse_expr(c, &sc, &e);
	if (er != OK)
		return er;
	if (html(c) || c->place.address)
		escape = place_escape(&c->place, ends_in_json(e), &why);
	if (escape == ESC_ADDRESS && is_encoded(e))
		escape = ESC_NONE;
	if (why)
		return liquid_fail(c->error, e->at, "%s", why);
	op = emit(c, OP_OUTPUT);
	op->expr = e;
	op->escape = escape;
	return OK;
}

static bool among(const struct token *t, const char *const *ends)
{
	for (; ends && *ends; ends++)
		if (token_is(t, *ends))
			return true;
	return false;
}

static enum err unknown_tag(struct compiler *c, const struct token *t)
{
	int n = (int)(t->name_len > 40 ? 40 : t->name_len);

	if (n == 0)
		return liquid_fail(c->error, token_at(c, t), "This tag has no name.");
	if (n > 3 && memcmp(t->name, "end", 3) == 0)
		return liquid_fail(c->error, token_at(c, t),
		    "There is no open {%% %.*s %%} that this {%% %.*s %%} could "
		    "close.",
		    n - 3, t->name + 3, n, t->name);
	if (token_is(t, "else") || token_is(t, "elsif") || token_is(t, "when"))
		return liquid_fail(c->error, token_at(c, t),
		    "This {%% %.*s %%} stands outside of a block it could belong "
		    "to.",
		    n, t->name);
	return liquid_fail(c->error, token_at(c, t), "There is no tag named \"%.*s\".",
	    n, t->name);
}

static enum err parse_token(struct compiler *c, const struct token *t)
{
	enum err e;
	tag_fn *fn;

	if (c->l->count >= MOST_OPS)
		return liquid_fail(c->error, token_at(c, t),
		    "This template is too large.");
	c->tag = t;
	if (t->kind == TOKEN_TEXT)
		return emit_text(c, t->s, t->len);
	if (t->kind == TOKEN_OUTPUT)
		return emit_output(c, t->s, t->len);
	fn = tag_find(t);
	if (!fn)
		return unknown_tag(c, t);
	if (c->depth >= c->l->options.max_depth)
		return liquid_fail(c->error, token_at(c, t),
		    "This is nested too deeply.");
	c->depth++;
	e = fn(c, t);
	c->depth--;
	return e;
}

enum err parse_body(struct compiler *c, const struct token *opener,
    const char *const *ends)
{
	const struct token *t;
	enum err e = OK;
	const char *last = NULL;

	while (e == OK && c->next < c->end) {
		t = &c->src->tokens[c->next++];
		if (t->kind == TOKEN_TAG && among(t, ends)) {
			c->tag = t;
			return OK;
		}
		e = parse_token(c, t);
	}
	if (e != OK || !ends)
		return e;
	for (; *ends; ends++)
		last = *ends; /* the closing one is named last */
	return liquid_fail(c->error, token_at(c, opener),
	    "This {%% %.*s %%} is never closed; add {%% %s %%}.",
	    (int)(opener->name_len > 40 ? 40 : opener->name_len), opener->name, last);
}

static void defaults(struct liquid_options *o, const struct liquid_options *given)
{
	*o = *given;
	if (!o->max_output)
		o->max_output = 2 << 20;
	if (!o->max_steps)
		o->max_steps = o->pages ? 1000000 : 10000;
	if (!o->max_depth)
		o->max_depth = o->pages ? 100 : 16;
	if (!o->zone)
		o->zone = "UTC";
}

/* Only the program is kept, and the texts its ops and errors point into. */
static void keep_program(struct compiler *c, struct source *src)
{
	struct liquid *l = c->l;

	for (src->next = c->sources; src; src = src->next) {
		src->tokens = NULL;
	}
	l->ops = mem_copy(l, l->ops, (size_t)l->count * sizeof *l->ops);
}

/*
 * What is needed only while compiling stands apart: it leaves no holes between what
 * stays, which the processes that share it would write into.
 */
static size_t scratch_for(size_t len, const struct liquid_options *o)
{
	return o->pages ? SCRATCH : len + 1000;
}

enum err liquid_compile(void *mem, const char *source, size_t len,
    const struct liquid_options *o, struct liquid **out, struct liquid_error *error)
{
	struct liquid *l = mem_new(mem, struct liquid);
	struct source *src = mem_new(l, struct source);
	struct liquid_error unused;
	MEM_SCOPE void *scratch = mem_pool(NULL, "compiling", scratch_for(len, o));
	struct compiler c = { .l = l,
		.scratch = scratch,
		.error = error ? error : &unused };
	enum err e;

	*out = NULL;
	*c.error = (struct liquid_error){ 0 };
	defaults(&l->options, o);
	l->nodes = (struct arena){ .mem = l, .limit = SIZE_MAX };
	l->options.zone = mem_str(l, l->options.zone);
	src->text = bytes_copy(l, source, len);
	src->len = len;
	e = parse_source(&c, src);
	if (e == OK && html(&c) && c.place.where == IN_COMMENT)
		e = liquid_fail(c.error, (struct at){ src, len },
		    "A comment is never closed; add -->.");
	if (e != OK) {
		mem_free(l);
		return e;
	}
	*c.error = (struct liquid_error){ 0 }; /* of something tried another way */
	l->options.load_ctx = NULL;
	keep_program(&c, src);
	pieces_make(l);
	names_make(l);
	*out = l;
	return OK;
}
