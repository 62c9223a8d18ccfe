#include "view/liquid_parts.h"

#include <string.h>

#include "base/mem.h"

/* Templates made of several files, and loops. */

#define MOST_FILES 1000
#define MOST_BYTES ((size_t)8 << 20)

/* ---- files ----------------------------------------------------------------------- */

/* Read when it is first taken in; its text is NULL if it is not there. */
static struct source *source_named(struct compiler *c, const char *name)
{
	const struct liquid_options *o = &c->l->options;
	struct source *src = c->sources;

	while (src && strcmp(src->name, name) != 0)
		src = src->next;
	if (src)
		return src;
	src = mem_new(c->l, struct source);
	src->next = c->sources;
	src->name = name;
	src->text = o->load(o->load_ctx, c->l, name);
	src->len = src->text ? strlen(src->text) : 0;
	c->sources = src;
	return src;
}

static enum err load(struct compiler *c, const struct token *t, const char *name,
    struct source **out)
{
	const struct liquid_options *o = &c->l->options;
	struct source *src;

	if (!o->pages || !o->load)
		return liquid_fail(c->error, token_at(c, t),
		    "A mail cannot take in other templates: remove this {%% %.*s %%}.",
		    (int)t->name_len, t->name);
	if (++c->files > MOST_FILES)
		return liquid_fail(c->error, token_at(c, t),
		    "Too many templates are taken in (%.80s).", name);
	src = source_named(c, name);
	if (!src->text)
		return liquid_fail(c->error, token_at(c, t),
		    "There is no template \"%.80s\".", name);
	c->bytes += src->len;
	if (c->bytes > MOST_BYTES)
		return liquid_fail(c->error, token_at(c, t),
		    "The templates are too large together.");
	*out = src;
	return OK;
}

/* The quoted name after the tag. */
static enum err file_name(struct compiler *c, const struct token *t, struct scan *sc,
    const char **name)
{
	scan_start(sc, c->src, t->s, t->len);
	if (sc->now.kind != LEX_TEXT || sc->now.len == 0 || sc->now.len > 200)
		return liquid_fail(c->error, token_at(c, t),
		    "Write the template's name in quotes: {%% %.*s \"name\" "
		    "%%}.",
		    (int)t->name_len, t->name);
	*name = kept(c, sc->now.s, sc->now.len);
	scan_next(sc);
	return OK;
}

/* Compiles tokens [from, to) of src and comes back to where c stood. */
static enum err parse_span(struct compiler *c, struct source *src, size_t from,
    size_t to)
{
	struct source *was = c->src;
	size_t next = c->next, end = c->end;
	const struct token *tag = c->tag;
	enum err e;

	c->src = src;
	c->next = from;
	c->end = to;
	e = parse_body(c, NULL, NULL);
	c->src = was;
	c->next = next;
	c->end = end;
	c->tag = tag;
	return e;
}

/* ---- blocks and layouts ---------------------------------------------------------- */

/* The token that closes the block at `at`, or count. */
static size_t block_end(const struct source *src, size_t at, size_t end)
{
	int open = 1;

	for (at++; at < end; at++) {
		open += token_is(&src->tokens[at], "block") -
		    token_is(&src->tokens[at], "endblock");
		if (open == 0)
			return at;
	}
	return src->count;
}

static enum err block_read(struct compiler *c, struct source *src, size_t at,
    struct block *b)
{
	const struct token *t = &src->tokens[at];
	struct scan sc;
	enum err e = OK;

	scan_start(&sc, src, t->s, t->len);
	if (sc.now.kind != LEX_NAME && sc.now.kind != LEX_TEXT)
		e = liquid_fail(c->error, (struct at){ src, t->offset },
		    "A block needs a name: {%% block main %%}.");
	b->name = kept(c, sc.now.s, sc.now.len);
	b->src = src;
	b->from = at + 1;
	b->to = block_end(src, at, src->count);
	if (e == OK && b->to == src->count)
		e = liquid_fail(c->error, (struct at){ src, t->offset },
		    "This {%% block %%} is never closed; add {%% endblock %%}.");
	return e;
}

enum err tag_block(struct compiler *c, const struct token *t)
{
	struct source *src = c->src;
	struct block own, *b = &own;
	size_t i;
	enum err e;

	if (!c->l->options.pages)
		return liquid_fail(c->error, token_at(c, t), "A mail has no blocks.");
	e = block_read(c, src, (size_t)(t - src->tokens), &own);
	if (e != OK)
		return e;
	for (i = c->block_count; i > 0; i--)
		if (strcmp(c->blocks[i - 1].name, own.name) == 0)
			b = &c->blocks[i - 1];
	c->next = own.to + 1;
	own = *b; /* c->blocks may move */
	return parse_span(c, (struct source *)own.src, own.from, own.to);
}

/*
 * Tags between the blocks of a page that has a layout: they run first and print
 * nothing.
 */
static enum err parse_gap(struct compiler *c, struct source *src, size_t from,
    size_t to)
{
	struct place place = c->place;
	int at = c->l->count;
	size_t i = from;
	enum err e;

	while (i < to && src->tokens[i].kind == TOKEN_TEXT)
		i++;
	if (i == to)
		return OK;
	emit(c, OP_MUTE);
	c->place = (struct place){ 0 };
	e = parse_span(c, src, i, to);
	c->l->ops[at].to = c->l->count;
	c->place = place;
	return e;
}

/* A page with a layout is the layout, with the page's blocks in place of its own. */
static enum err parse_layout(struct compiler *c, struct source *src, size_t layout)
{
	const struct token *t = &src->tokens[layout];
	struct source *base = NULL;
	size_t i, gap = layout + 1;
	const char *name = NULL;
	struct block b;
	struct scan sc;
	enum err e;

	c->src = src;
	e = file_name(c, t, &sc, &name);
	if (e == OK)
		e = expect_end(c, &sc);
	for (i = gap; e == OK && i < src->count; i++) {
		if (!token_is(&src->tokens[i], "block"))
			continue;
		e = block_read(c, src, i, &b);
		if (e == OK)
			e = parse_gap(c, src, gap, i);
		c->blocks =
		    mem_resize(c->l, c->blocks, (c->block_count + 1) * sizeof b);
		c->blocks[c->block_count++] = b;
		i = b.to;
		gap = b.to + 1;
	}
	if (e == OK)
		e = parse_gap(c, src, gap, src->count);
	if (e == OK)
		e = load(c, t, name, &base);
	if (e == OK && ++c->depth > c->l->options.max_depth)
		e = liquid_fail(c->error, token_at(c, t),
		    "These layouts are nested too deeply.");
	return e == OK ? parse_source(c, base) : e;
}

enum err parse_source(struct compiler *c, struct source *src)
{
	size_t i = 0;
	enum err e = src->tokens ? OK : lex_template(c->scratch, src, c->error);

	if (e != OK)
		return e;
	while (i < src->count && src->tokens[i].kind == TOKEN_TEXT &&
	    src->tokens[i].len < 8)
		i++; /* white space before the first tag */
	if (i < src->count && token_is(&src->tokens[i], "layout"))
		return parse_layout(c, src, i);
	return parse_span(c, src, 0, src->count);
}

enum err tag_layout(struct compiler *c, const struct token *t)
{
	return liquid_fail(c->error, token_at(c, t),
	    c->l->options.pages ? "{%% layout %%} must be the first thing in a "
				  "template."
				: "A mail has no layout.");
}

/* ---- include, render ------------------------------------------------------------- */

/* partials/field -> field */
static struct name variable_of(struct compiler *c, const char *name)
{
	const char *slash = strrchr(name, '/');

	slash = slash ? slash + 1 : name;
	return name_kept(c, slash, strlen(slash));
}

static enum err call_spec(struct compiler *c, struct scan *sc, const char *file,
    struct call_spec *call)
{
	enum err e = OK;

	call->var = variable_of(c, file);
	call->each = scan_is_word(sc, "for");
	if (call->each || scan_is_word(sc, "with")) {
		scan_next(sc);
		e = parse_operand(c, sc, &call->with);
		if (e == OK && scan_word(sc, "as") && sc->now.kind == LEX_NAME) {
			call->var = name_kept(c, sc->now.s, sc->now.len);
			scan_next(sc);
		}
	}
	scan_sign(sc, ',');
	if (e == OK)
		e = parse_args(c, sc, &call->args, &call->count);
	return e == OK ? expect_end(c, sc) : e;
}

static enum err take_in(struct compiler *c, const struct token *t, enum op_kind kind)
{
	struct call_spec *call = kept_new(c, struct call_spec);
	struct block *blocks = c->blocks;
	size_t count = c->block_count, i;
	int at = c->l->count, depth = c->depth;
	struct source *src = NULL;
	const char *name = "";
	struct scan sc;
	enum err e = file_name(c, t, &sc, &name);

	if (e == OK)
		e = call_spec(c, &sc, name, call);
	for (i = 0; e == OK && i < call->count; i++)
		if (!call->args[i].key)
			e = liquid_fail(c->error, call->args[i].value->at,
			    "Give this value a name: {%% include \"x\", name: value "
			    "%%}.");
	if (e == OK)
		e = load(c, t, name, &src);
	if (e != OK || !src)
		return e;
	emit(c, kind)->call = call;
	c->blank = false;
	/* of the page, not of what it includes */
	c->blocks = NULL;
	c->block_count = 0;
	e = parse_source(c, src);
	c->blocks = blocks;
	c->block_count = count;
	c->depth = depth;
	c->l->ops[at].to = c->l->count;
	return e;
}

enum err tag_include(struct compiler *c, const struct token *t)
{
	return take_in(c, t, OP_INCLUDE);
}

enum err tag_render(struct compiler *c, const struct token *t)
{
	return take_in(c, t, OP_RENDER);
}

/* ---- loops ----------------------------------------------------------------------- */

static enum err loop_option(struct compiler *c, struct scan *sc, struct loop_spec *spec)
{
	struct expr **out = scan_is_word(sc, "limit") ? &spec->limit
	    : scan_is_word(sc, "offset")              ? &spec->offset
	    : scan_is_word(sc, "cols")                ? &spec->cols
						      : NULL;

	if (scan_word(sc, "reversed")) {
		spec->reversed = true;
		return OK;
	}
	if (!out)
		return expect_end(c, sc);
	scan_next(sc);
	if (!scan_sign(sc, ':'))
		return liquid_fail(c->error, scan_at(sc),
		    "A colon is missing here: limit: 5.");
	if (out == &spec->offset && scan_word(sc, "continue")) {
		spec->resume = true;
		return OK;
	}
	return parse_operand(c, sc, out);
}

/* item in collection limit: 5 offset: 2 reversed */
static enum err loop_head(struct compiler *c, const struct token *t,
    struct loop_spec *spec, struct expr **collection)
{
	const char *from;
	struct scan sc;
	enum err e;

	scan_start(&sc, c->src, t->s, t->len);
	if (sc.now.kind != LEX_NAME)
		return liquid_fail(c->error, token_at(c, t),
		    "Write {%% %.*s item in items %%}.", (int)t->name_len, t->name);
	spec->var = name_kept(c, sc.now.s, sc.now.len);
	scan_next(&sc);
	if (!scan_word(&sc, "in"))
		return liquid_fail(c->error, scan_at(&sc),
		    "The word \"in\" is missing: "
		    "{%% %.*s item in items %%}.",
		    (int)t->name_len, t->name);
	from = sc.now.s;
	if (sc.now.kind == LEX_TEXT)
		from--;
	e = parse_operand(c, &sc, collection);
	spec->label = mem_printf(c->l, "%s-%.*s", spec->var.s,
	    (int)strcspn(from, " \t\r\n%-"), from);
	while (e == OK && sc.now.kind != LEX_END) {
		e = loop_option(c, &sc, spec);
		scan_sign(&sc, ',');
	}
	return e;
}

static enum err loop_body(struct compiler *c, const struct token *t,
    struct loop_spec *spec)
{
	static const char *const of_for[] = { "else", "endfor", NULL };
	static const char *const of_row[] = { "endtablerow", NULL };
	const char *const *ends = token_is(t, "for") ? of_for : of_row;
	const struct place start = c->place, *outer = c->loop;
	enum err e;

	c->loop = &start;
	e = parse_body(c, t, ends);
	c->loop = outer;
	spec->other = c->l->count;
	while (e == OK && token_is(c->tag, "else")) {
		if (!place_same(&c->place, &start))
			break;
		e = parse_body(c, t, ends);
	}
	if (e == OK && c->l->options.escape == LIQUID_HTML &&
	    !place_same(&c->place, &start))
		e = liquid_fail(c->error, token_at(c, t),
		    "This loop begins and ends in different "
		    "places of the HTML: close each tag and quote where it was "
		    "opened.");
	return e;
}

static enum err loop(struct compiler *c, const struct token *t, enum op_kind kind)
{
	struct loop_spec *spec = kept_new(c, struct loop_spec);
	struct expr *collection = NULL;
	bool outer = c->blank;
	int at = c->l->count;
	enum err e = loop_head(c, t, spec, &collection);
	struct op *op = emit(c, kind);

	op->loop = spec;
	op->expr = collection;
	c->blank = kind == OP_FOR;
	if (e == OK)
		e = loop_body(c, t, spec);
	if (c->blank)
		drop_space(c, at);
	c->blank = c->blank && outer;
	c->l->ops[at].to = c->l->count;
	return e;
}

enum err tag_for(struct compiler *c, const struct token *t)
{
	return loop(c, t, OP_FOR);
}

enum err tag_tablerow(struct compiler *c, const struct token *t)
{
	if (c->l->options.escape == LIQUID_HTML && c->place.where != IN_TEXT)
		return liquid_fail(c->error, token_at(c, t),
		    "A table row cannot stand inside a tag.");
	return loop(c, t, OP_TABLEROW);
}
