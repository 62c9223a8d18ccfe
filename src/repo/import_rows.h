#pragma once

#include "base/buf.h"
#include "db/db.h"
#include "model/contact.h"

/*
 * Many rows in one statement, for imports.  Rows travel as a JSON array (`rows`), which
 * both databases take apart themselves: a statement costs one round trip, however many
 * rows.
 */
enum err import_rows_prepare(struct db *db) MUST_CHECK;

/* Someone who is here already. */
struct import_known {
	struct subscriber who;
	int64_t lists; /* of those asked for, how many they are on */
};
/* keys: ["key", ...]; lists: [id, ...].  In order of key; array owned by mem. */
enum err import_rows_known(struct db *db, void *mem, int64_t brand,
    const struct buf *keys, struct json_object *lists,
    struct import_known **out) MUST_CHECK;
struct import_suppressed {
	const char *key, *reason;
};
/* Those of the keys that are suppressed, in order. */
enum err import_rows_suppressed(struct db *db, void *mem, int64_t brand,
    const struct buf *keys, struct import_suppressed **out, size_t *n) MUST_CHECK;

struct import_made {
	const char *key;
	int64_t id;
};
/*
 * rows: [[email, key, first, last, {custom}, status], ...] become subscribers; *out, in
 * no order, has their ids.  ERR_CONFLICT: one came in by another way just now.
 */
enum err import_rows_insert(struct db *db, void *mem, int64_t brand,
    const struct buf *rows, int64_t now, struct import_made **out) MUST_CHECK;
/* rows: [[id, first, last, {custom}], ...] */
enum err import_rows_update(struct db *db, int64_t brand, const struct buf *rows,
    int64_t now) MUST_CHECK;
/* ids: [id, ...] join every list of lists: [id, ...] that the brand still has. */
enum err import_rows_join(struct db *db, int64_t brand, struct json_object *lists,
    const struct buf *ids, int64_t now) MUST_CHECK;
/* rows: [[id, "tag"], ...] */
enum err import_rows_tag(struct db *db, int64_t brand,
    const struct buf *rows) MUST_CHECK;
/* rows: [[id, action], ...]: a consent from "import" for each; detail: the file. */
enum err import_rows_consent(struct db *db, int64_t brand, const struct buf *rows,
    const char *detail, int64_t now) MUST_CHECK;
/* rows: [[row, reason, content, 1 if it was stored all the same, else 0], ...] */
enum err import_rows_refuse(struct db *db, int64_t import,
    const struct buf *rows) MUST_CHECK;
