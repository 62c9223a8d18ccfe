#include "view/liquid_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MOST_ARGS 64

uint32_t name_hash(const char *s, size_t n)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 16777619u;
	return h;
}

char *bytes_copy(void *mem, const char *s, size_t n)
{
	char *copy = mem_resize(mem, NULL, n + 1);

	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

struct name name_of(void *mem, const char *s, size_t n)
{
	return (struct name){ bytes_copy(mem, s, n), (uint32_t)n, name_hash(s, n) };
}

char *kept(struct compiler *c, const char *s, size_t n)
{
	char *copy = arena_take(&c->l->nodes, n + 1);

	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

void *kept_zero(struct compiler *c, size_t n)
{
	return memset(arena_take(&c->l->nodes, n), 0, n);
}

struct name name_kept(struct compiler *c, const char *s, size_t n)
{
	return (struct name){ kept(c, s, n), (uint32_t)n, name_hash(s, n) };
}

static struct expr *node(struct compiler *c, enum expr_kind kind, struct at at)
{
	struct expr *e = arena_take(&c->l->nodes, sizeof *e);

	*e = (struct expr){ .kind = kind, .at = at };
	return e;
}

static enum err unexpected(struct compiler *c, const struct scan *sc)
{
	const struct lexeme *x = &sc->now;

	if (x->kind == LEX_END)
		return liquid_fail(c->error, scan_at(sc),
		    "Something is missing here, at the "
		    "end: a name, a number or a text in quotes.");
	if (x->kind == LEX_BAD && (*x->s == '"' || *x->s == '\''))
		return liquid_fail(c->error, scan_at(sc),
		    "This quote is never closed.");
	return liquid_fail(c->error, scan_at(sc), "\"%.*s\" cannot stand here.",
	    (int)(x->len > 40 ? 40
		    : x->len  ? x->len
			      : 1),
	    x->s);
}

enum err expect_end(struct compiler *c, const struct scan *sc)
{
	return sc->now.kind == LEX_END ? OK : unexpected(c, sc);
}

static enum err parse_number(struct compiler *c, struct scan *sc, struct expr **out)
{
	struct expr *e = node(c, EXPR_CONST, scan_at(sc));
	const char *s = kept(c, sc->now.s, sc->now.len);

	errno = 0;
	if (sc->now.whole)
		e->constant = value_int(strtoll(s, NULL, 10));
	else
		e->constant = value_float(strtod(s, NULL));
	if (errno)
		return liquid_fail(c->error, e->at, "This number is too large.");
	scan_next(sc);
	*out = e;
	return OK;
}

/* nil, true, false, empty, blank; anything else is a name. */
static bool parse_word(struct compiler *c, struct scan *sc, struct expr **out)
{
	static const struct {
		const char *word;
		struct value value;
	} words[] = {
		{ "nil", { .type = VALUE_NIL } },
		{ "null", { .type = VALUE_NIL } },
		{ "true", { .type = VALUE_BOOL, .truth = true } },
		{ "false", { .type = VALUE_BOOL, .truth = false } },
		{ "empty", { .type = VALUE_EMPTY } },
		{ "blank", { .type = VALUE_BLANK } },
	};
	size_t i;

	for (i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (!scan_is_word(sc, words[i].word))
			continue;
		*out = node(c, EXPR_CONST, scan_at(sc));
		(*out)->constant = words[i].value;
		scan_next(sc);
		return true;
	}
	return false;
}

/* (1..5); the parenthesis is consumed already. */
static enum err parse_range(struct compiler *c, struct scan *sc, struct expr **out)
{
	struct expr *e = node(c, EXPR_RANGE, scan_at(sc));
	enum err er = parse_operand(c, sc, &e->left);

	if (er == OK && !scan_sign(sc, SIGN_DOTS))
		er = unexpected(c, sc);
	if (er == OK)
		er = parse_operand(c, sc, &e->right);
	if (er == OK && !scan_sign(sc, ')'))
		er = unexpected(c, sc);
	*out = e;
	return er;
}

static enum err parse_index(struct compiler *c, struct scan *sc, struct expr *left,
    struct expr **out)
{
	struct expr *e = node(c, EXPR_INDEX, scan_at(sc));
	enum err er = parse_operand(c, sc, &e->right);

	e->left = left;
	if (er == OK && !scan_sign(sc, ']'))
		er = unexpected(c, sc);
	*out = e;
	return er;
}

/* .field and [index] after a name. */
static enum err parse_path(struct compiler *c, struct scan *sc, struct expr **e)
{
	enum err er = OK;
	int steps = 0;

	while (er == OK) {
		struct at at = scan_at(sc);
		struct expr *f;

		if (++steps > MOST_ARGS)
			return liquid_fail(c->error, at, "This path is too long.");
		if (scan_sign(sc, '[')) {
			er = parse_index(c, sc, *e, e);
			continue;
		}
		if (!scan_sign(sc, '.'))
			break;
		if (sc->now.kind != LEX_NAME)
			return unexpected(c, sc);
		f = node(c, EXPR_FIELD, at);
		f->name = name_kept(c, sc->now.s, sc->now.len);
		f->left = *e;
		*e = f;
		scan_next(sc);
	}
	return er;
}

static enum err parse_primary(struct compiler *c, struct scan *sc, struct expr **out)
{
	struct at at = scan_at(sc);

	if (sc->now.kind == LEX_NUMBER)
		return parse_number(c, sc, out);
	if (sc->now.kind == LEX_TEXT) {
		*out = node(c, EXPR_CONST, at);
		(*out)->constant = value_text(sc->now.s, sc->now.len);
		scan_next(sc);
		return OK;
	}
	if (scan_sign(sc, '('))
		return parse_range(c, sc, out);
	if (parse_word(c, sc, out))
		return OK;
	if (scan_sign(sc, '[')) { /* ['a name with spaces'] */
		enum err er = parse_index(c, sc, NULL, out);

		return er == OK ? parse_path(c, sc, out) : er;
	}
	if (sc->now.kind != LEX_NAME)
		return unexpected(c, sc);
	*out = node(c, EXPR_NAME, at);
	(*out)->name = name_kept(c, sc->now.s, sc->now.len);
	scan_next(sc);
	return parse_path(c, sc, out);
}

enum err parse_operand(struct compiler *c, struct scan *sc, struct expr **out)
{
	enum err e;

	if (c->depth >= c->l->options.max_depth)
		return liquid_fail(c->error, scan_at(sc), "This is nested too deeply.");
	c->depth++;
	e = parse_primary(c, sc, out);
	c->depth--;
	return e;
}

/* ---- conditions: right-associative, as Liquid has it ----------------------------- */

static bool compare_kind(struct scan *sc, enum expr_kind *kind)
{
	if (scan_sign(sc, SIGN_EQ))
		*kind = EXPR_EQ;
	else if (scan_sign(sc, SIGN_NE))
		*kind = EXPR_NE;
	else if (scan_sign(sc, SIGN_LE))
		*kind = EXPR_LE;
	else if (scan_sign(sc, SIGN_GE))
		*kind = EXPR_GE;
	else if (scan_sign(sc, '<'))
		*kind = EXPR_LT;
	else if (scan_sign(sc, '>'))
		*kind = EXPR_GT;
	else if (scan_word(sc, "contains"))
		*kind = EXPR_CONTAINS;
	else
		return false;
	return true;
}

static enum err parse_comparison(struct compiler *c, struct scan *sc, struct expr **out)
{
	struct at at = scan_at(sc);
	enum expr_kind kind;
	struct expr *e;
	enum err er = parse_operand(c, sc, out);

	if (er != OK || !compare_kind(sc, &kind))
		return er;
	e = node(c, kind, at);
	e->left = *out;
	*out = e;
	return parse_operand(c, sc, &e->right);
}

enum err parse_condition(struct compiler *c, struct scan *sc, struct expr **out)
{
	struct expr **place = out, *e;
	enum err er = parse_comparison(c, sc, place);
	int n = 0;

	while (er == OK && (scan_is_word(sc, "and") || scan_is_word(sc, "or"))) {
		e = node(c, *sc->now.s == 'a' ? EXPR_AND : EXPR_OR, scan_at(sc));
		if (++n > MOST_ARGS)
			return liquid_fail(c->error, e->at,
			    "This condition is too long.");
		scan_next(sc);
		e->left = *place;
		*place = e;
		place = &e->right;
		er = parse_comparison(c, sc, place);
	}
	return er;
}

/* ---- filters --------------------------------------------------------------------- */

static enum err parse_arg(struct compiler *c, struct scan *sc, struct arg *a)
{
	struct scan ahead = *sc;

	*a = (struct arg){ 0 };
	scan_next(&ahead);
	if (sc->now.kind == LEX_NAME && scan_sign(&ahead, ':')) {
		a->key = kept(c, sc->now.s, sc->now.len);
		*sc = ahead;
	}
	return parse_operand(c, sc, &a->value);
}

enum err parse_args(struct compiler *c, struct scan *sc, struct arg **out, size_t *n)
{
	struct arg found[MOST_ARGS];
	enum err e = OK;

	while (e == OK && sc->now.kind != LEX_END) {
		if (sc->now.kind == LEX_SIGN && sc->now.sign == '|')
			break;
		if (*n == MOST_ARGS)
			return liquid_fail(c->error, scan_at(sc),
			    "There are too many values here.");
		e = parse_arg(c, sc, &found[(*n)++]);
		if (e == OK && !scan_sign(sc, ','))
			break;
	}
	*out = arena_take(&c->l->nodes, *n * sizeof **out);
	memcpy(*out, found, *n * sizeof **out);
	return e;
}

static enum err check_filter(struct compiler *c, struct expr *e, const char *s,
    size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < e->count; i++)
		n += !e->args[i].key;
	e->filter = filter_named(s, len);
	if (!e->filter) {
		if (c->l->options.strict || c->l->options.known_filters)
			return liquid_fail(c->error, e->at,
			    "There is no filter named \"%.*s\".",
			    (int)(len > 60 ? 60 : len), s);
		return OK;
	}
	if (e->filter->pages && !c->l->options.pages)
		return liquid_fail(c->error, e->at,
		    "The filter \"%s\" is not for mails.", e->filter->name);
	if (n < e->filter->min)
		return liquid_fail(c->error, e->at,
		    "The filter \"%s\" needs %s after a colon.", e->filter->name,
		    e->filter->min == 1 ? "a value" : "two values");
	if (n > e->filter->max)
		return liquid_fail(c->error, e->at,
		    "The filter \"%s\" takes at most %d value%s.", e->filter->name,
		    e->filter->max, e->filter->max == 1 ? "" : "s");
	return OK;
}

enum err parse_expr(struct compiler *c, struct scan *sc, struct expr **out)
{
	enum err er = parse_operand(c, sc, out);
	int n = 0;

	while (er == OK && scan_sign(sc, '|')) {
		struct expr *e = node(c, EXPR_FILTER, scan_at(sc));
		const char *s = sc->now.s;
		size_t len = sc->now.len;

		if (sc->now.kind != LEX_NAME)
			return unexpected(c, sc);
		if (++n > MOST_ARGS)
			return liquid_fail(c->error, e->at,
			    "There are too many filters here.");
		scan_next(sc);
		e->left = *out;
		*out = e;
		if (scan_sign(sc, ':'))
			er = parse_args(c, sc, &e->args, &e->count);
		if (er == OK)
			er = check_filter(c, e, s, len);
	}
	return er == OK ? expect_end(c, sc) : er;
}
