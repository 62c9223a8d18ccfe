#pragma once

#include <gumbo.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* An author's HTML as gumbo reads it: for src/view/html*.c only. */

/* All of its memory belongs to `mem`. */
struct tree {
	void *mem;
	const char *source;
	char *masked;
	const GumboNode *root;
};

/*
 * ERR_INVALID when it is nested too deep, or too long.  tree_read_mail: a finished
 * mail, in which nothing is Liquid any more.
 */
enum err tree_read_mail(struct tree *t, void *mem, const char *html,
    size_t len) MUST_CHECK;
enum err tree_read(struct tree *t, void *mem, const char *html, size_t len) MUST_CHECK;
/* NULL when the node has none. */
const GumboVector *tree_children(const GumboNode *n);
/*
 * The next node of the tree below `top`, in order, without recursion; NULL at the end.
 */
const GumboNode *tree_after(const GumboNode *n, const GumboNode *top, bool inside);
bool tree_is(const GumboNode *n, GumboTag tag);
const GumboAttribute *tree_attribute(const GumboNode *n, const char *name);
/*
 * What a text or value says, with the Liquid in it as it was written.  A "{" that is no
 * Liquid but would read as such is written as `brace`.
 */
char *tree_text(const struct tree *t, const GumboNode *n, char brace);
char *tree_value(const struct tree *t, const GumboAttribute *a, char brace);
/* The visible text of a node in one line, cut where it is long. */
const char *tree_label(const struct tree *t, const GumboNode *a);
/* An element that the reader does not see: by its kind, its style or an attribute. */
bool tree_is_hidden(const GumboNode *n);
