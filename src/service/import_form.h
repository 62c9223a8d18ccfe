#pragma once

#include "base/form.h"
#include "repo/import.h"

/* What a form or the API says of an import, and what it must say before one starts. */

/* The mapping that the guesses of the columns make. */
struct json_object *import_form_guess(void *mem, const struct import *i);

/*
 * date_order, status (of all rows), status_words {word: status or "refuse"} (of a page:
 * say[column_number of the word]) and suppress_only, into i->format; with
 * sentences at what is wrong.
 */
void import_form_options(void *mem, struct import *i, struct form *f);

/*
 * import_form_options, and mapping {column: field} (of a page: map[column number]),
 * otherwise what i->mapping has; "+", "+date" and so on make a field called like the
 * column.  lists, new_list, existing.  A column that looks like a status must be mapped
 * to it or be left out expressly (in the mapping as "", on a page by leave_status), and
 * what its words mean must be known.  ERR_INVALID with sentences.  In a transaction.
 */
enum err import_form_read(struct db *db, void *mem, struct import *i, int64_t now,
    struct form *f) MUST_CHECK;
