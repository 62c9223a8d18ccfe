#pragma once

#include "service/field.h"

enum date_got {
	DATE_GOT,     /* a day of a year */
	DATE_NO_YEAR, /* a day and a month, as birthdays are often written */
	DATE_NOT
};

/*
 * A date as people and programs write it: 2021-03-25, 25.3.2021, 3/25/21, 25-Mar-1965,
 * "Mar 25, 1965", "25. März 1965", 20210325; a time of day after it is left out.  *out
 * is "YYYY-MM-DD".  A year of two digits, when how->loose, is the one of that ending
 * which is at most 20 years ahead of how->year, or not ahead at all when how->past.
 */
enum date_got field_date_read(const char *text, const struct field_reading *how,
    char out[11]);
