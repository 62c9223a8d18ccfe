#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Liquid, as Shopify documents it, compiled to a flat program.  The same engine renders
 * our pages (with layout, block, include, render) and the mails.  No environment, file
 * or network can be reached from a template; loads go through the loader given.
 *
 * Filters beside the standard ones: count (12,345), percent: all (39.9%), share: all
 * (39.9), bytes (1.5 MB), json, date: format, zone; for pages raw_html.
 *
 * Limits (struct liquid_options, zero fields mean the defaults): nesting 16 for mail,
 * 100 for pages; output 2 MiB; 10,000 steps for mail, 1,000,000 for pages; a value 64
 * KiB.
 */
struct liquid;

enum liquid_escape {
	LIQUID_PLAIN, /* no escaping: subjects, text parts, `maillayer render` */
	/* by context: element content, attribute value, URL attribute */
	LIQUID_HTML,
};

/*
 * In a mail (not in pages) the static text between these two bytes is a web address:
 * a value in it is percent-encoded by where it stands.  The first value may be a whole
 * address and stays one; a scheme written before it goes ("https://{{ website }}").
 * Behind "://" a host of its own stays one; everywhere else only unreserved characters
 * stay, unless the filter url_encode has seen to it.  Both bytes go to the output.
 */
enum { LIQUID_ADDRESS = 0x02, LIQUID_ADDRESS_END = 0x03 };
/* Stands for a "{" of static text that shall not begin a tag; goes to the output. */
enum { LIQUID_BRACE = 0x04 };

struct liquid_error {
	int line, column; /* from 1; 0: none */
	char text[200];   /* a sentence: what is wrong and what to do */
};

struct liquid_options {
	enum liquid_escape escape;
	/* an undefined name or unknown filter at render time is an error */
	bool strict;
	/* an unknown filter is an error when compiling, even if not strict */
	bool known_filters;
	/* layout, block, include, render and raw output are allowed */
	bool pages;
	size_t max_output;
	long max_steps;
	int max_depth;
	int64_t now_ms;   /* for "now" | date; 0: system clock */
	const char *zone; /* for date; NULL: UTC */
	/* Source of a named template owned by mem, or NULL. */
	const char *(*load)(void *ctx, void *mem, const char *name);
	void *load_ctx;
};

/* ERR_INVALID fills *error (line, column, sentence). Options are copied. */
enum err liquid_compile(void *mem, const char *source, size_t len,
    const struct liquid_options *o, struct liquid **out,
    struct liquid_error *error) MUST_CHECK;
/* Appends to out. data: a JSON object of the names. */
enum err liquid_render(const struct liquid *l, void *mem, struct json_object *data,
    struct buf *out, struct liquid_error *error) MUST_CHECK;

/*
 * A template whose dynamic parts are plain output is a list of pieces: static bytes and
 * expressions.  The sender fills expressions only.  False when it has tags (if, for
 * ...): then liquid_render per recipient.
 */
struct liquid_piece {
	const char *text; /* static bytes (len), or NULL */
	size_t len;
	int slot; /* expression number when text is NULL */
};
bool liquid_pieces(const struct liquid *l, void *mem, struct liquid_piece **out,
    size_t *n);
/* Value of expression `slot`, escaped as its place demands, appended to out. */
enum err liquid_slot(const struct liquid *l, void *mem, int slot,
    struct json_object *data, struct buf *out, struct liquid_error *error) MUST_CHECK;
/*
 * Names the template reads at top level ("first_name", "tags" ...), each once, sorted:
 * for the checklist.
 */
size_t liquid_names(const struct liquid *l, void *mem, const char ***out);
