#pragma once

#include "service/field.h"
#include "service/import_file.h"

/*
 * What the columns of a file may be, from their names (in several languages) and from
 * the first rows.  A JSON array, one object a column: name, samples (two), guess
 * ("email", "first_name", "last_name", "tags", a field's key, or ""), sure ("sure",
 * "likely", "check", "none"), note (a sentence or ""), dates ("ymd", "dmy", "mdy").  No
 * two have the same guess. Owned by mem.  *email is the column of the addresses, or -1.
 */
struct json_object *import_guess(void *mem, const struct import_file *x,
    const struct field *fields, size_t nfields, int *email);

/* How the dates of a column are written: most of them tell, else day first. */
enum field_dates import_guess_dates(const struct import_file *x, size_t column);
/* "ymd", "dmy", "mdy"; else DATES_DMY. */
enum field_dates import_dates_from(const char *name);
