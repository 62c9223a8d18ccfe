#pragma once

#include "service/field.h"
#include "service/import_file.h"

/*
 * What the columns of a file may be, from their names (in several languages) and from
 * the first rows.  A JSON array, one object a column: name, samples (two), guess
 * ("email", "first_name", "last_name", "name", "tags", a field's key, or ""), sure
 * ("sure", "likely", "check", "none"), note (a sentence or ""), dates ("ymd", "dmy",
 * "mdy"; none without dates), dates_open.  No two have the same guess.  Owned by mem.
 * *email is the column of the addresses, or -1.
 */
struct json_object *import_guess(void *mem, const struct import_file *x,
    const struct field *fields, size_t nfields, int *email);

/* True if a column of that name has addresses. */
bool import_is_email_name(const char *name);

/*
 * What only the whole file tells: `status`, which several columns may be (each then has
 * "looks" and "status", as import_words_json says), and for a column without a guess
 * the type of the field that could be made of it ("new": "text" ...; "offer" false: of
 * no use).
 */
void import_guess_rest(const struct import_file *x, const struct import_words *words,
    struct json_object *columns);
