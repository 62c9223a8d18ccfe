#pragma once

#include <stddef.h>
#include <stdint.h>

#include "db/db.h"

/*
 * How many people a brand has: by status, by the day they came, on each list, those of
 * a list who are active, with each tag; and how many addresses are suppressed.  The
 * counts change in the transaction that changes the people, so that a page reads them
 * and never walks the people.
 *
 * Whoever adds, changes or removes people, memberships or tags notes before what these
 * people count for, and settles the difference afterwards, as the last of all:
 *
 *	e = people_note(db, mem, ids, n, &before);
 *	... write ...
 *	if (e == OK) e = people_settle(db, before, ids, n);
 *
 * Ids of nobody are no error: for one who is new nothing is noted, and one who was
 * removed no longer counts.  Both belong into one transaction; people_note locks these
 * people for it.
 */
enum err people_count_prepare(struct db *db) MUST_CHECK;
/* *before is owned by mem. */
enum err people_note(struct db *db, void *mem, const int64_t *ids, size_t n,
    const char **before) MUST_CHECK;
/* before NULL: they are new. */
enum err people_settle(struct db *db, const char *before, const int64_t *ids,
    size_t n) MUST_CHECK;
/* One more suppressed address in the brand, or one less (-1). */
enum err people_count_suppressed(struct db *db, int64_t brand, int by) MUST_CHECK;
/* The counts of a list that is removed. */
enum err people_count_forget_list(struct db *db, int64_t brand,
    int64_t list) MUST_CHECK;

struct people_total {
	int64_t people, active, fresh, suppressed;
};
/* fresh: those of the days (UTC) after that of `since`. */
enum err people_total(struct db *db, int64_t brand, int64_t since,
    struct people_total *out) MUST_CHECK;

/*
 * A count that is not what counting the people gives; in words, e.g. "active", and the
 * item, e.g. the number of a list.
 */
struct people_fault {
	int64_t brand, told, found;
	const char *kind, *item;
};
/* Counts the people of all brands; at most PEOPLE_FAULTS of what differs, *n of them.
 */
enum { PEOPLE_FAULTS = 100 };
enum err people_check(struct db *db, void *mem, struct people_fault **out,
    size_t *n) MUST_CHECK;
