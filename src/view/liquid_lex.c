#include "view/liquid_parts.h"

#include <string.h>

#include "base/mem.h"

static bool is_space(char ch)
{
	return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

static bool is_alpha(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_';
}

static bool is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

/* Drops the beginning of a character that was cut off at the end. */
static void whole_characters(char *text)
{
	size_t n = strlen(text), at = n;
	unsigned char first;

	while (at > 0 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
		at--;
	first = at > 0 ? (unsigned char)text[at - 1] : 0;
	if (first >= 0xc0 &&
	    n - at + 1 < (first >= 0xf0          ? 4u
				 : first >= 0xe0 ? 3u
						 : 2u))
		text[at - 1] = '\0';
}

enum err liquid_fail(struct liquid_error *error, struct at at, const char *fmt, ...)
{
	size_t i, n = 0;
	va_list ap;

	error->line = 1;
	error->column = 1;
	for (i = 0; at.src && i < at.offset && i < at.src->len; i++) {
		if (at.src->text[i] == '\n') {
			error->line++;
			error->column = 1;
		} else if (((unsigned char)at.src->text[i] & 0xc0) != 0x80) {
			error->column++;
		}
	}
	if (at.src && at.src->name)
		n = (size_t)snprintf(error->text, sizeof error->text,
		    "In %.60s: ", at.src->name);
	va_start(ap, fmt);
	vsnprintf(error->text + n, sizeof error->text - n, fmt, ap);
	va_end(ap);
	whole_characters(error->text);
	return ERR_INVALID;
}

/* ---- tokens ---------------------------------------------------------------------- */

struct lexer {
	void *mem;
	struct source *src;
	struct liquid_error *error;
	size_t pos, room;
	bool trim; /* the last tag ended with -%} or -}} */
};

static struct token *add(struct lexer *lx, enum token_kind kind, size_t offset)
{
	struct source *src = lx->src;
	struct token *t;

	if (src->count == lx->room) {
		lx->room = lx->room ? lx->room * 2 : 32;
		src->tokens =
		    mem_resize(lx->mem, src->tokens, lx->room * sizeof *src->tokens);
	}
	t = &src->tokens[src->count++];
	*t = (struct token){ .kind = kind, .offset = offset };
	return t;
}

static void add_text(struct lexer *lx, size_t from, size_t to, bool trim_end)
{
	const char *s = lx->src->text;
	struct token *t;

	while (lx->trim && from < to && is_space(s[from]))
		from++;
	while (trim_end && to > from && is_space(s[to - 1]))
		to--;
	lx->trim = false;
	if (from == to)
		return;
	t = add(lx, TOKEN_TEXT, from);
	t->s = s + from;
	t->len = to - from;
}

/* Splits "name rest" into a tag token. */
static struct token *add_tag(struct lexer *lx, const char *s, size_t n, size_t offset)
{
	struct token *t = add(lx, TOKEN_TAG, offset);
	size_t i = 0;

	while (n > 0 && is_space(s[n - 1]))
		n--;
	while (i < n && is_space(s[i]))
		i++;
	t->name = s + i;
	if (i < n && s[i] == '#')
		i++;
	else
		while (i < n && (is_alpha(s[i]) || is_digit(s[i])))
			i++;
	t->name_len = (size_t)(s + i - t->name);
	t->s = s + i;
	t->len = n - i;
	return t;
}

/* Every line of {% liquid %} is a tag. */
static void add_lines(struct lexer *lx, const char *s, size_t n)
{
	const char *end = s + n, *p = s, *eol;

	while (p < end) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (!eol)
			eol = end;
		while (p < eol && is_space(*p))
			p++;
		if (p < eol)
			add_tag(lx, p, (size_t)(eol - p), (size_t)(p - lx->src->text));
		p = eol + 1;
	}
}

/* Length of "{%- endraw -%}" at p, or 0. */
static size_t closing_tag(const char *p, const char *end, const char *name,
    bool *before, bool *after)
{
	const char *q = p + 2;
	size_t n = strlen(name);

	*before = q < end && *q == '-';
	if (*before)
		q++;
	while (q < end && is_space(*q))
		q++;
	if ((size_t)(end - q) < n || memcmp(q, name, n) != 0)
		return 0;
	q += n;
	while (q < end && is_space(*q))
		q++;
	*after = q < end && *q == '-';
	if (*after)
		q++;
	if (end - q < 2 || q[0] != '%' || q[1] != '}')
		return 0;
	return (size_t)(q + 2 - p);
}

/* What stands between raw and endraw is text (of doc: nothing). */
static enum err take_raw(struct lexer *lx, const char *name, size_t opener)
{
	const char *s = lx->src->text, *end = s + lx->src->len, *p = s + lx->pos;
	size_t len = 0;
	bool before = false, after = false;
	char close[8];

	snprintf(close, sizeof close, "end%.4s", name);
	for (; p + 1 < end && !len; p++)
		if (p[0] == '{' && p[1] == '%')
			len = closing_tag(p, end, close, &before, &after);
	if (!len)
		return liquid_fail(lx->error, (struct at){ lx->src, opener },
		    "This {%% %s %%} is never closed; add {%% %s %%}.", name, close);
	p--;
	lx->trim = false;
	if (name[0] == 'r')
		add_text(lx, lx->pos, (size_t)(p - s), before);
	lx->pos = (size_t)(p - s) + len;
	lx->trim = after;
	return OK;
}

static enum err take_tag(struct lexer *lx, size_t open, size_t from, size_t to)
{
	const char *s = lx->src->text;
	struct token *t = add_tag(lx, s + from, to - from, open);

	if (token_is(t, "liquid")) {
		lx->src->count--;
		add_lines(lx, t->s, t->len);
		return OK;
	}
	if (token_is(t, "raw") || token_is(t, "doc")) {
		lx->src->count--;
		return take_raw(lx, t->name[0] == 'r' ? "raw" : "doc", open);
	}
	return OK;
}

/* One {{ output }} or {% tag %} that starts at lx->pos. */
static enum err take_code(struct lexer *lx)
{
	const char *s = lx->src->text, *p, *end = s + lx->src->len;
	size_t open = lx->pos, from = open + 2, to;
	char close = s[open + 1] == '{' ? '}' : '%';
	struct token *t;

	for (p = s + from; p + 1 < end && !(p[0] == close && p[1] == '}'); p++)
		;
	if (p + 1 >= end)
		return liquid_fail(lx->error, (struct at){ lx->src, open },
		    close == '}' ? "This {{ is never closed; add }}."
				 : "This {%% is never closed; add %%}.");
	to = (size_t)(p - s);
	lx->pos = to + 2;
	if (from < to && s[from] == '-')
		from++;
	lx->trim = to > from && s[to - 1] == '-';
	if (lx->trim)
		to--;
	if (close == '%')
		return take_tag(lx, open, from, to);
	t = add(lx, TOKEN_OUTPUT, open);
	t->s = s + from;
	t->len = to - from;
	return OK;
}

enum err lex_template(void *mem, struct source *src, struct liquid_error *error)
{
	struct lexer lx = { .mem = mem, .src = src, .error = error };
	const char *s = src->text, *p;
	enum err e = OK;
	size_t from;
	bool code;

	while (e == OK && lx.pos < src->len) {
		from = lx.pos;
		p = memchr(s + from, '{', src->len - from);
		while (
		    p && (size_t)(p - s) + 1 < src->len && p[1] != '{' && p[1] != '%')
			p = memchr(p + 1, '{', src->len - (size_t)(p + 1 - s));
		code = p && (size_t)(p - s) + 1 < src->len;
		lx.pos = code ? (size_t)(p - s) : src->len;
		add_text(&lx, from, lx.pos,
		    code && lx.pos + 2 < src->len && s[lx.pos + 2] == '-');
		if (code)
			e = take_code(&lx);
	}
	return e;
}

bool token_is(const struct token *t, const char *name)
{
	return t->kind == TOKEN_TAG && strlen(name) == t->name_len &&
	    memcmp(t->name, name, t->name_len) == 0;
}

/* ---- lexemes of an expression ---------------------------------------------------- */

static void lex_number(struct scan *sc)
{
	const char *p = sc->p + 1;

	sc->now.kind = LEX_NUMBER;
	sc->now.whole = true;
	while (p < sc->end && is_digit(*p))
		p++;
	if (p + 1 < sc->end && p[0] == '.' && is_digit(p[1])) {
		sc->now.whole = false;
		for (p++; p < sc->end && is_digit(*p); p++)
			;
	}
	sc->now.len = (size_t)(p - sc->now.s);
	sc->p = p;
}

static void lex_name(struct scan *sc)
{
	const char *p = sc->p;

	while (p < sc->end && (is_alpha(*p) || is_digit(*p) || *p == '-'))
		p++;
	if (p < sc->end && *p == '?')
		p++;
	sc->now.kind = LEX_NAME;
	sc->now.len = (size_t)(p - sc->now.s);
	sc->p = p;
}

static void lex_string(struct scan *sc)
{
	const char *p = memchr(sc->p + 1, *sc->p, (size_t)(sc->end - sc->p - 1));

	if (!p) {
		sc->now.kind = LEX_BAD;
		return;
	}
	sc->now.kind = LEX_TEXT;
	sc->now.s = sc->p + 1;
	sc->now.len = (size_t)(p - sc->now.s);
	sc->p = p + 1;
}

static void lex_sign(struct scan *sc)
{
	static const struct {
		char text[3];
		int sign;
	} pairs[] = {
		{ "==", SIGN_EQ },
		{ "!=", SIGN_NE },
		{ "<>", SIGN_NE },
		{ "<=", SIGN_LE },
		{ ">=", SIGN_GE },
		{ "..", SIGN_DOTS },
	};
	size_t i;

	sc->now.kind = LEX_SIGN;
	for (i = 0; sc->end - sc->p > 1 && i < sizeof pairs / sizeof pairs[0]; i++) {
		if (sc->p[0] != pairs[i].text[0] || sc->p[1] != pairs[i].text[1])
			continue;
		sc->now.sign = pairs[i].sign;
		sc->now.len = 2;
		sc->p += 2;
		return;
	}
	if (!strchr("<>|.:,[]()=-", *sc->p))
		sc->now.kind = LEX_BAD;
	sc->now.sign = (unsigned char)*sc->p;
	sc->now.len = 1;
	sc->p++;
	for (; sc->p < sc->end && ((unsigned char)*sc->p & 0xc0) == 0x80; sc->p++)
		sc->now.len++; /* a sentence shows whole characters */
}

void scan_next(struct scan *sc)
{
	while (sc->p < sc->end && is_space(*sc->p))
		sc->p++;
	sc->now = (struct lexeme){ .kind = LEX_END, .s = sc->p };
	if (sc->p >= sc->end)
		return;
	if (is_digit(*sc->p) ||
	    (*sc->p == '-' && sc->p + 1 < sc->end && is_digit(sc->p[1])))
		lex_number(sc);
	else if (is_alpha(*sc->p))
		lex_name(sc);
	else if (*sc->p == '"' || *sc->p == '\'')
		lex_string(sc);
	else if (*sc->p == '\0')
		sc->now.kind = LEX_BAD;
	else
		lex_sign(sc);
}

void scan_start(struct scan *sc, const struct source *src, const char *s, size_t n)
{
	*sc = (struct scan){ .src = src, .p = s, .end = s + n };
	scan_next(sc);
}

bool scan_sign(struct scan *sc, int sign)
{
	if (sc->now.kind != LEX_SIGN || sc->now.sign != sign)
		return false;
	scan_next(sc);
	return true;
}

bool scan_is_word(const struct scan *sc, const char *word)
{
	return sc->now.kind == LEX_NAME && sc->now.len == strlen(word) &&
	    memcmp(sc->now.s, word, sc->now.len) == 0;
}

bool scan_word(struct scan *sc, const char *word)
{
	if (!scan_is_word(sc, word))
		return false;
	scan_next(sc);
	return true;
}

struct at scan_at(const struct scan *sc)
{
	return (struct at){ sc->src, (size_t)(sc->now.s - sc->src->text) };
}
