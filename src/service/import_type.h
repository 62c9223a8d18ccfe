#pragma once

#include "service/field.h"
#include "service/import_file.h"

/* How the dates of a column are written. */
struct import_dates {
	bool some; /* there are dates of numbers whose order matters */
	bool open; /* nothing tells day from month */
	enum field_dates order;
};
struct import_dates import_dates_of(const struct import_file *x, size_t column);
/* "ymd", "dmy", "mdy"; and back: -1 for any other word. */
const char *import_dates_name(enum field_dates d);
int import_dates_from(const char *name);

/* True if the name is one of a day that is past for everybody: a birthday. */
bool import_is_past(const char *name);

/* The field that a column without one could become; w may be NULL. */
enum field_type import_type_guess(const struct import_file *x, size_t column,
    const struct import_words *w);
/* True for what only the program it came from understands: numbers of rows, addresses
 * of computers ... */
bool import_is_technical(const char *name);
