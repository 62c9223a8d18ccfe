#pragma once

/* One name a line would push this over the size of a file. */
/* clang-format off */

/*
 * The inner parts of the Liquid engine; only src/view/liquid_*.c includes this.
 *
 *	source text --lex--> tokens --parse--> ops (flat, with jumps) --render--> bytes
 *
 * Includes and layouts are resolved while compiling: their ops stand in the same
 * program.
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "view/liquid.h"

/* ---- values (liquid_value.c) ----------------------------------------------------- */

enum value_type {
	VALUE_NIL, VALUE_BOOL, VALUE_INT, VALUE_FLOAT, VALUE_TEXT,
	VALUE_LIST,		/* items made while rendering */
	VALUE_JSON,		/* an array or object of the data */
	VALUE_RANGE, VALUE_LOOP, VALUE_EMPTY, VALUE_BLANK,
};

struct loop;
struct value {
	enum value_type type;
	/* a text that is HTML already: not escaped again */
	bool html;
	size_t len;			/* bytes of a text, items of a list or range */
	union {
		bool truth;
		int64_t number;		/* also the first number of a range */
		double real;
		const char *text;	/* not NUL-terminated */
		const struct value *items;
		struct json_object *json;
		const struct loop *loop;
	};
};

/*
 * Memory of one rendering: chunks that are taken back to a mark after each statement.
 */
struct arena {
	void *mem;
	struct chunk *top;
	size_t used, limit;		/* bytes live, most allowed */
	bool full;
};
struct mark {
	struct chunk *top;
	size_t used, fill;
};
/* Never NULL; sets `full` when the limit is passed: the caller's run stops then. */
void *arena_take(struct arena *a, size_t n);
struct mark arena_mark(const struct arena *a);
void arena_back(struct arena *a, struct mark m);

struct value value_nil(void);
struct value value_bool(bool b);
struct value value_int(int64_t n);
struct value value_float(double d);
struct value value_text(const char *s, size_t n);
struct value value_str(const char *s);			/* NUL-terminated */
struct value value_list(const struct value *items, size_t n);
struct value value_json(struct json_object *o);
bool value_truth(struct value v);
bool value_equal(struct value a, struct value b);
/* Appends the text of v, unescaped. */
void value_print(struct buf *b, struct value v);
/* v as text: borrowed when it is one, else printed into the arena. */
struct value value_as_text(struct arena *a, struct value v);
/* Appends v as JSON. */
void value_print_json(struct buf *b, struct value v);
/*
 * A list to walk: items of a list, range or array; pairs of an object; a text is one
 * item.
 */
struct value value_as_list(struct arena *a, struct value v);
bool value_is_list(struct value v);			/* list, JSON array or range */
bool value_is_object(struct value v);
/* items of what value_is_list */
size_t value_count(struct value v);
struct value value_item(struct value v, size_t i);
/* Field of an object, item of a list, size/first/last; false when there is none. */
bool value_get(struct arena *a, struct value v, struct value key, struct value *out);
/* An integer or float: from text too ("12", "1.5 kg" gives 0 and false). */
bool value_number(struct value v, struct value *out);
bool value_to_int(struct value v, int64_t *out);
/* Shortest text that reads back as the same double, with ".0" for whole numbers. */
size_t float_text(double d, char *s, size_t size);

/* ---- program --------------------------------------------------------------------- */

enum escape { ESC_NONE, ESC_HTML, ESC_ATTR, ESC_CSS, ESC_SCRIPT, ESC_ADDRESS };

struct name {
	const char *s;		/* NUL-terminated */
	uint32_t len, hash;
};

struct source {
	struct source *next;	/* taken in before it */
	const char *name;	/* NULL: the template itself */
	const char *text;
	size_t len;
	struct token *tokens;
	size_t count;
};

/* Where in the source something stands, for errors. */
struct at {
	const struct source *src;
	size_t offset;
};

enum expr_kind {
	EXPR_CONST, EXPR_NAME, EXPR_FIELD, EXPR_INDEX, EXPR_RANGE, EXPR_FILTER,
	EXPR_NOT, EXPR_AND, EXPR_OR, EXPR_EQ, EXPR_NE, EXPR_LT, EXPR_LE, EXPR_GT,
	EXPR_GE, EXPR_CONTAINS,
};

struct arg {
	const char *key;		/* NULL: by position */
	struct expr *value;
};

struct expr {
	enum expr_kind kind;
	struct at at;
	struct expr *left;
	union {
		struct value constant;	/* EXPR_CONST */
		struct name name;	/* EXPR_NAME, EXPR_FIELD */
		struct {		/* EXPR_FILTER */
			/* NULL: unknown, passes its input on */
			const struct filter *filter;
			struct arg *args;
			size_t count;
		};
		struct expr *right;	/* all others */
	};
};

enum op_kind {
	OP_TEXT, OP_OUTPUT, OP_ASSIGN, OP_CAPTURE, OP_MUTE, OP_JUMP, OP_UNLESS, OP_CASE,
	OP_WHEN, OP_ELSE, OP_FOR, OP_TABLEROW, OP_BREAK, OP_CONTINUE, OP_CYCLE,
	OP_CHANGED, OP_INCREMENT, OP_DECREMENT, OP_INCLUDE, OP_RENDER, OP_URL,
	OP_URL_END,
};

struct loop_spec {
	struct name var;
	const char *label;		/* "item-collection" */
	struct expr *limit, *offset, *cols;
	bool reversed, resume;		/* resume: offset: continue */
	/* first op of {% else %}, or the end of the body */
	int other;
};

struct call_spec {			/* include, render */
	struct arg *args;
	size_t count;
	struct name var;		/* of with / for */
	struct expr *with;
	bool each;			/* for: once per item */
};

struct op {
	enum op_kind kind;
	enum escape escape;
	struct at at;
	/* jump target, or end of the body that follows */
	int to;
	int slot;			/* of a case */
	struct expr *expr;
	union {
		struct {		/* OP_TEXT */
			const char *text;
			size_t len;
		};
		struct {		/* values of OP_WHEN, OP_CYCLE */
			struct arg *args;
			size_t count;
		};
	};
	union {
		struct name name;	/* assigned, counted; key of an unnamed cycle */
		struct loop_spec *loop;	/* OP_FOR, OP_TABLEROW */
		struct call_spec *call;	/* OP_INCLUDE, OP_RENDER */
	};
};

struct slot {
	struct expr *expr;
	enum escape escape;
	bool url;			/* the scheme of its value is checked */
	struct at at;
};

struct liquid {
	struct liquid_options options;
	struct arena nodes;		/* its expressions and their names */
	struct op *ops;
	int count, room;
	int cases;			/* most cases inside each other */
	struct liquid_piece *pieces;	/* NULL: it has tags */
	size_t piece_count;
	struct slot *slots;
	const char **names;
	size_t name_count;
};

/* ---- lexer (liquid_lex.c) -------------------------------------------------------- */

enum token_kind { TOKEN_TEXT, TOKEN_OUTPUT, TOKEN_TAG };

struct token {
	enum token_kind kind;
	/* text; inside of the output; what follows the tag's name */
	const char *s;
	size_t len;
	const char *name;		/* of a tag */
	size_t name_len;
	size_t offset;			/* of "{{", "{%" or the text in the source */
};

/* Cuts src->text into src->tokens, owned by mem. */
enum err lex_template(void *mem, struct source *src, struct liquid_error *error)
    MUST_CHECK;

enum lexeme_kind {
	LEX_END, LEX_NAME, LEX_NUMBER, LEX_TEXT, LEX_SIGN, LEX_BAD,
};
struct lexeme {
	enum lexeme_kind kind;
	const char *s;			/* without quotes */
	size_t len;
	int sign;			/* of LEX_SIGN: a character, or enum sign */
	bool whole;			/* LEX_NUMBER without point */
};
enum sign { SIGN_EQ = 256, SIGN_NE, SIGN_LE, SIGN_GE, SIGN_DOTS };

/* Reads an expression lexeme by lexeme; `now` is the one not consumed yet. */
struct scan {
	const struct source *src;
	const char *p, *end;
	struct lexeme now;
};
void scan_start(struct scan *sc, const struct source *src, const char *s, size_t n);
void scan_next(struct scan *sc);
bool scan_sign(struct scan *sc, int sign);		/* consumes it if it is next */
bool scan_word(struct scan *sc, const char *word);
bool scan_is_word(const struct scan *sc, const char *word);
struct at scan_at(const struct scan *sc);

/* Fills line, column and the sentence. Returns ERR_INVALID. */
enum err liquid_fail(struct liquid_error *error, struct at at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- place in the HTML (liquid_place.c) ------------------------------------------ */

enum place_where {
	IN_TEXT, IN_TAG_OPEN, IN_TAG_NAME, IN_TAG, IN_ATTR_NAME, AFTER_ATTR_NAME,
	BEFORE_VALUE, IN_VALUE, IN_UNQUOTED, IN_COMMENT, IN_DECLARATION, IN_RAW,
};
enum place_attr { ATTR_PLAIN, ATTR_URL, ATTR_STYLE, ATTR_CODE };
enum place_element { ELEMENT_PLAIN, ELEMENT_SCRIPT, ELEMENT_STYLE, ELEMENT_TITLE,
    ELEMENT_TEXTAREA };

struct place {
	enum place_where where;
	enum place_attr attr;
	enum place_element element;
	char quote;
	bool closing;			/* </tag */
	bool settled;			/* a URL whose scheme is known to be harmless */
	bool watched;			/* a URL whose scheme is checked at its end */
	bool address;			/* behind LIQUID_ADDRESS */
	unsigned char n;
	char name[23];			/* of the tag or attribute; start of the URL */
};
enum place_event { PLACE_NONE, PLACE_URL, PLACE_URL_END };

/* Reads static text up to the next event; returns the bytes read. */
size_t place_read(struct place *p, const char *s, size_t n, enum place_event *event);
bool place_same(const struct place *a, const struct place *b);
/*
 * Where two ways meet: false if they cannot; an attribute's name that differs is
 * poisoned.
 */
bool place_join(struct place *a, const struct place *b);
/* Follows LIQUID_ADDRESS and its end through static text. */
void place_address(struct place *p, const char *s, size_t n);
/* How a value is escaped here; a sentence in *why when no value may stand here. */
enum escape place_escape(struct place *p, bool json, const char **why);
/*
 * False when the rendered attribute value has a scheme other than those of links and
 * pictures.
 */
bool url_harmless(const char *s, size_t n);

/* ---- parser (liquid_expr.c, liquid_parse.c, liquid_tags.c, liquid_join.c) -------- */

struct block {
	const char *name;
	const struct source *src;
	size_t from, to;		/* tokens of its body */
};

struct compiler {
	struct liquid *l;
	void *scratch;			/* gone when it is compiled */
	struct liquid_error *error;
	struct source *src;		/* being read */
	struct source *sources;		/* taken in: each is read once */
	size_t next, end;		/* tokens of it */
	const struct token *tag;	/* the tag being compiled */
	struct place place;
	const struct place *loop;	/* place where the innermost loop started */
	struct block *blocks;		/* overrides, the most derived first */
	size_t block_count;
	int depth, files, cases;
	size_t bytes;			/* of all sources read */
	/* nothing but white space so far in this body */
	bool blank;
};

/* Memory and copies that stand with the program's expressions. */
void *kept_zero(struct compiler *c, size_t n);
#define kept_new(c, type) ((type *)kept_zero((c), sizeof(type)))
char *kept(struct compiler *c, const char *s, size_t n);
struct name name_kept(struct compiler *c, const char *s, size_t n);
struct op *emit(struct compiler *c, enum op_kind kind);
enum err emit_text(struct compiler *c, const char *s, size_t n) MUST_CHECK;
enum err emit_output(struct compiler *c, const char *s, size_t n) MUST_CHECK;
/*
 * Compiles up to a tag of `ends` (NULL-terminated list) or the end; c->tag is that tag.
 */
enum err parse_body(struct compiler *c, const struct token *opener,
    const char *const *ends)
    MUST_CHECK;
bool token_is(const struct token *t, const char *name);
/*
 * A block of nothing but white space prints nothing: empties the texts from op `from`
 * on.
 */
void drop_space(struct compiler *c, int from);
struct at token_at(const struct compiler *c, const struct token *t);
/* n bytes, which may hold NULs (mem_strn stops at one), and a NUL. */
char *bytes_copy(void *mem, const char *s, size_t n);
struct name name_of(void *mem, const char *s, size_t n);
uint32_t name_hash(const char *s, size_t n);
/* A filtered expression, a condition, one operand. */
enum err parse_expr(struct compiler *c, struct scan *sc, struct expr **out) MUST_CHECK;
enum err parse_condition(struct compiler *c, struct scan *sc, struct expr **out)
    MUST_CHECK;
enum err parse_operand(struct compiler *c, struct scan *sc, struct expr **out)
    MUST_CHECK;
/* "key: value" pairs and, if allowed, bare values up to the end or `|`. */
enum err parse_args(struct compiler *c, struct scan *sc, struct arg **out, size_t *n)
    MUST_CHECK;
enum err expect_end(struct compiler *c, const struct scan *sc) MUST_CHECK;

typedef enum err tag_fn(struct compiler *c, const struct token *t);
tag_fn *tag_find(const struct token *t);
tag_fn tag_for, tag_tablerow, tag_include, tag_render, tag_block, tag_layout;
/* Compiles a whole source: its layout if it begins with one, else its tokens. */
enum err parse_source(struct compiler *c, struct source *src) MUST_CHECK;
/* Fills l->pieces and l->slots if the program is plain output. */
void pieces_make(struct liquid *l);
void names_make(struct liquid *l);

/* ---- running (liquid_render.c, liquid_loop.c) ------------------------------------ */

struct binding {
	struct name name;
	struct value value;
};
struct bindings {
	struct binding *items;
	size_t count, room;
};

struct loop {				/* forloop, tablerowloop */
	const struct loop_spec *spec;
	const struct loop *parent;
	size_t index, length;
	size_t cols;			/* 0: a for loop */
};

struct case_state {
	struct value subject;
	bool matched;
};

struct frame {				/* isolated by {% render %} */
	struct bindings vars;		/* assigned */
	size_t base;			/* of the scope visible in this frame */
	struct bindings counters, cycles;
	const struct loop *loop;
};

struct run {
	const struct liquid *l;
	struct json_object *data;
	struct buf *out;
	struct liquid_error *error;
	/* lenient: an undefined name is nil even when strict */
	bool failed, lenient;
	size_t most, longest;		/* bytes of out, of one value */
	struct arena arena;
	/* loop variables and named values, innermost last */
	struct bindings scope;
	struct frame *frame;
	struct case_state *cases;
	struct value changed;		/* last output of ifchanged */
	struct bindings resume;		/* offsets for offset: continue */
	size_t url;			/* where in out a watched URL starts */
	long steps, max_steps;
	struct at at;			/* what is being evaluated */
};

enum flow { FLOW_ON = 0, FLOW_BREAK, FLOW_CONTINUE, FLOW_FAIL };

/* Runs ops [pc, end). */
enum flow run_ops(struct run *r, int pc, int end);
enum flow run_loop(struct run *r, int pc);
enum flow run_call(struct run *r, int pc);
struct value run_eval(struct run *r, const struct expr *e);
/* Notes the error; the first one counts. */
void run_fail(struct run *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Counts n steps; false and a failure when there are too many. */
bool run_steps(struct run *r, size_t n);
/* value_equal, which takes steps. */
bool run_equal(struct run *r, struct value a, struct value b);
void run_print(struct run *r, struct value v, enum escape escape);
struct binding *bindings_find(const struct bindings *b, const struct name *n,
    size_t from);
void bindings_set(struct run *r, struct bindings *b, const struct name *n,
    struct value v);
void bindings_push(struct run *r, struct bindings *b, const struct name *n,
    struct value v);

/* ---- filters (liquid_filters.c, liquid_filter_{text,list,number}.c, liquid_date.c) */

struct call {
	struct run *run;
	struct value in;
	const struct value *args;
	size_t count;
	bool allow_false;		/* named argument of default */
};
typedef struct value filter_fn(struct call *c);

struct filter {
	const char *name;
	filter_fn *fn;
	unsigned char min, max;		/* arguments */
	bool pages;			/* pages only */
};
/* NULL if there is none. */
const struct filter *filter_named(const char *s, size_t n);
extern const struct filter filters_text[], filters_cut[], filters_list[],
    filters_number[], filters_other[];

/* Argument i as text, or "" when absent. */
struct value call_text(struct call *c, size_t i);
struct value call_in_text(struct call *c);
/* A text built in b becomes a value; b is freed. */
struct value call_built(struct call *c, struct buf *b);
struct buf *call_buf(struct call *c);
/* Too long for a value: the run fails and the filter stops. */
bool call_full(struct call *c, const struct buf *b);
/* v as a list (nil: none, one value: a list of it); its items count as steps. */
struct value call_list(struct call *c, struct value v);
/*
 * A copy of the items with room for more, in the arena; NULL when there are too many.
 */
struct value *call_items(struct call *c, struct value list, size_t more);
struct value filter_date(struct call *c);
