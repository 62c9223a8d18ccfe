#pragma once

#include <stddef.h>
#include <json-c/json.h>

/*
 * Tags in one line of text, in a form and in a CSV file: separated by commas,
 * semicolons or line ends.  A tag that has one of these in it stands in quotes, in
 * which "" is a quote.
 */

/* The parts, trimmed, empty ones too; *out is owned by mem. */
size_t tag_split(void *mem, const char *text, const char ***out);
/* An array of tags as such a line, with "; " between them. */
const char *tag_join(void *mem, struct json_object *tags);
