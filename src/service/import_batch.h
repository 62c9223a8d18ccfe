#pragma once

#include "repo/import.h"
#include "service/import_plan.h"

enum { BATCH_ROWS = 10000, BATCH_BYTES = 8 * 1024 * 1024 }; /* at most */

/* Rows read and not yet stored; owns all its memory. */
struct import_batch {
	struct import_record *rows;
	size_t n, bytes;
	int64_t room;        /* rows it takes */
	struct buf *refused; /* JSON: [[row, reason, content], ...] */
	/* of this batch; rows and invalid while it fills */
	struct import_counts counts;
	int64_t position; /* of the file, after the last row */
};

/* room: rows at most, up to BATCH_ROWS. */
struct import_batch *import_batch_new(void *mem, int64_t room);
/* Takes the row the reader has just given, good or bad; `row` is its number from 1. */
void import_batch_add(struct import_batch *b, const struct import_plan *p,
    const struct csv_reader *r, bool good, int64_t row);
bool import_batch_full(const struct import_batch *b);

/*
 * Stores the rows and the progress of i in one transaction.  *lost: the lease is gone,
 * or the import was stopped; nothing was done.  ERR_CONFLICT without *lost: someone
 * came in by another way between looking and writing; try again.
 */
enum err import_batch_store(struct db *db, struct import_batch *b, struct import *i,
    struct import_plan *p, int64_t now, bool *lost) MUST_CHECK;

/*
 * What would become of each row, without storing: "new", "updated", "unchanged",
 * "suppressed".
 */
enum err import_batch_foresee(struct db *db, void *mem, struct import_batch *b,
    const struct import *i, const char ***out) MUST_CHECK;
