#pragma once

#include "db/db.h"
#include "model/contact.h"

enum err import_prepare(struct db *db) MUST_CHECK;

enum {
	IMPORT_CHUNK = 1024 * 1024,
	IMPORT_MAX = 100 * 1024 * 1024,
	IMPORT_ROWS = 1000000,
	IMPORT_COLUMNS = 256,
	IMPORT_CELL = 64 * 1024,
	/* Number of the first chunk of the file as it was uploaded, kept until the
	 * import starts, so that it can be read again in another encoding */
	IMPORT_RAW = 1000000
};

enum import_existing { EXISTING_UPDATE, EXISTING_FILL, EXISTING_LEAVE };

/*
 * rows = new + updated + unchanged + left + suppressed + invalid, always; noted are
 * those of them which were stored without a value that could not be read.
 */
struct import_counts {
	int64_t rows, fresh, updated, unchanged, left, suppressed, invalid, noted;
};

struct import {
	int64_t id, brand_id, created_by;
	const char *file_name;
	enum import_state state;
	int64_t size, position; /* bytes, of the file as stored: UTF-8 */
	/* delimiter, encoding, rows, columns [{name, samples ...}], and what was
	 * chosen: date_order, status, status_words, suppress_only */
	struct json_object *format;
	struct json_object *mapping; /* column name -> field */
	struct json_object *lists;   /* ids */
	enum import_existing existing;
	struct import_counts counts;
	const char *error;
	const char *lease_owner;
	int64_t created_at, started_at, finished_at;
};

const char *import_state_name(enum import_state s);
const char *import_existing_name(enum import_existing e);
int import_existing_from(const char *name); /* -1: no such word */

enum err import_get(struct db *db, void *mem, int64_t brand, int64_t id,
    struct import **out) MUST_CHECK;
/* Newest first, ids below `before` (0: all); the array, owned by mem, ends at id 0. */
enum err import_page(struct db *db, void *mem, int64_t brand, int64_t before,
    size_t limit, struct import **out) MUST_CHECK;
/* Rows only stop addresses: nobody comes in who was not here. */
bool import_suppresses_only(const struct import *i);

/* Sets i->id; the file goes into chunks of IMPORT_CHUNK. Call in a transaction. */
enum err import_row_insert(struct db *db, struct import *i, const char *data,
    size_t len, int64_t now) MUST_CHECK;
/* The upload as it came, beside the text that was read from it; in a transaction. */
enum err import_row_keep(struct db *db, int64_t id, const char *data,
    size_t len) MUST_CHECK;
/* Another reading of the same upload: format, mapping, size, position and text. */
enum err import_row_replace(struct db *db, const struct import *i, const char *data,
    size_t len) MUST_CHECK;
/*
 * format, mapping, lists, existing; mapping -> waiting. ERR_CONFLICT: it has been
 * started.  The upload as it came goes.
 */
enum err import_row_start(struct db *db, const struct import *i) MUST_CHECK;
/* Unless it is over already (ERR_CONFLICT). The file goes. */
enum err import_row_cancel(struct db *db, int64_t brand, int64_t id,
    int64_t now) MUST_CHECK;

/* The oldest import nobody works on, leased to `owner`; ERR_NOTFOUND: none. */
enum err import_lease(struct db *db, void *mem, const char *owner, int64_t now,
    int64_t until, struct import **out) MUST_CHECK;
/*
 * Position and counts, and the lease longer: in the transaction of the rows.
 * ERR_CONFLICT when the lease was lost or the import stopped: roll back.
 */
enum err import_settle(struct db *db, const struct import *i, int64_t until) MUST_CHECK;
/* done or failed (with i->error), and the file goes. */
enum err import_finish(struct db *db, const struct import *i, int64_t now) MUST_CHECK;
/* Gives the lease back, so that the next slice needs not wait. */
enum err import_release(struct db *db, const struct import *i) MUST_CHECK;
/* Imports waiting or running. */
enum err import_open(struct db *db, int64_t *n) MUST_CHECK;

/* Chunk `number` of the file; data is owned by mem. ERR_NOTFOUND past the end. */
enum err import_chunk(struct db *db, void *mem, int64_t id, int64_t number, char **data,
    size_t *len) MUST_CHECK;

struct import_refusal {
	int64_t row;                  /* of data, from 1 */
	const char *reason, *content; /* the row as CSV with commas */
};
struct import_refusals_asked {
	int64_t id, after; /* rows above */
	bool noted; /* rows that were stored all the same, or those that were not */
	size_t limit;
};
/* In order; an array owned by mem that ends at row 0. */
enum err import_refusals(struct db *db, void *mem,
    const struct import_refusals_asked *q, struct import_refusal **out) MUST_CHECK;
