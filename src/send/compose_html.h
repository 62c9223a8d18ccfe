#pragma once

#include "send/content.h"

/* Steps of content_compile that work on the author's HTML. */

/* Where the visible text begins: behind <body ...>, else 0. */
size_t html_body_start(const char *html, size_t len);

/* What is added to an author's HTML, each "" when nothing is. */
struct html_extra {
	const char
	    *preheader; /* template source, shown by mail clients beside the subject */
	const char *footer; /* HTML source */
	bool pixel;
};
/* The preview text, which is a text with merge tags, as HTML. */
char *html_preheader(struct content *c, const char *text);
/*
 * The HTML with every tracked link replaced by its mark and the extras put in; fills
 * c->links.  Owned by mem.
 */
char *html_prepare(struct content *c, void *mem, const char *html,
    const struct html_extra *x);

/* For compose.c and compose_html.c: records a problem (the sentence is formatted). */
void content_problem(struct content *c, enum problem_level level, const char *part,
    const struct liquid_error *at, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* True if the name is one every recipient has. */
bool content_knows(const struct content *c, const char *name);
/* Compiles a template; NULL, and a problem is recorded, when it cannot be. */
struct liquid *content_liquid(struct content *c, const char *part, const char *src,
    enum liquid_escape escape);
/* Fills the part with the pieces of its template, marks included. */
void content_build(struct content *c, enum part_id id, const char *src,
    enum liquid_escape escape);
/* The text part is read from each finished HTML. */
void content_build_read(struct content *c);
/* What everybody sees in a part that is built: tried with the example people. */
struct content_shown {
	bool link;    /* to unsubscribe */
	bool address; /* the postal one; true when the brand has none */
};
struct content_shown content_shows(struct content *c, enum part_id part);
bool content_shows_address(const struct content *c, const char *text);
