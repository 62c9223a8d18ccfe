#pragma once

#include "db/db.h"

/*
 * A database in use: every table that grows holds a number of rows in proportion to n.
 * Brand 1 has n people, all on list 1; campaign 1 went to all of them, who opened and
 * clicked; campaign 2 has all of them before it and is paused.  Made by SQL, in a few
 * statements.  n is a multiple of 100.
 */
void full_fill(struct db *db, int n);
/*
 * A table that grows, and which of its columns many rows share: an index that is
 * searched by these alone is walked.
 */
struct full_table {
	const char *name;
	const char *shared; /* "brand_id status" */
};
/* The one whose name is the n bytes at `name`; NULL: it does not grow. */
const struct full_table *full_table(const char *name, size_t n);
extern const struct full_table full_tables[]; /* ends with a NULL name */
