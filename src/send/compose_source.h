#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * An author's text with its merge tags as they were meant.  Editors of HTML write
 * &quot; and &gt; and no-break spaces into them, word processors curly quotes, and
 * fields for an address %7B%7B for {{.  Everything else stays as it is, and so do the
 * numbers of the lines.  html: entities are read.
 */
char *compose_source_read(void *mem, const char *text, bool html);
/* Bytes of the {{ }} or {% %} at s, or 0. */
size_t compose_tag_length(const char *s);
