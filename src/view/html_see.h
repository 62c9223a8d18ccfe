#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* What a reader of mail makes of a finished HTML. */
struct html_seen {
	const char *text;   /* what can be seen, in one line */
	const char **links; /* addresses of the links that can be seen */
	size_t nlinks;
	size_t pictures; /* that can be seen, but for those of one pixel */
	size_t unnamed;  /* of these: without alternative text */
	size_t
	    unreachable; /* pictures that a mail cannot load: no address of the web */
	size_t scripts, forms;
};

/* Everything is owned by mem.  ERR_INVALID when it is nested too deep. */
enum err html_see(void *mem, const char *html, size_t len,
    struct html_seen *out) MUST_CHECK;
/*
 * "style", "title", "textarea", "script" or "comment" when one of them is opened and
 * never closed, which hides all that follows; its line in *line.  Else NULL.
 */
const char *html_unclosed(const char *html, size_t len, int *line);
