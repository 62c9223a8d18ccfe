#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * A copy of an author's HTML that an HTML parser reads without seeing Liquid, with
 * every byte at the same offset:
 *	{{ ... }}	keeps its letters between two bytes that are read as U+FFFD;
 *quotes, angle brackets and & become _
 *	{% ... %}	in text: a comment; in a value: like {{ }}; else spaces
 */
char *html_mask(void *mem, const char *html, size_t len);
/*
 * A value or text as the parser read it, with the Liquid of its source bytes put back.
 * A "{" that was no Liquid and would be read as such now is written as `brace`.
 */
char *html_unmask(void *mem, const char *value, const char *source, size_t len,
    char brace);
/*
 * Elements open inside each other, as far as a glance tells: a parser's time grows with
 * it.
 */
size_t html_depth(const char *html, size_t len);
