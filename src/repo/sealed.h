#pragma once

#include <stddef.h>
#include <stdint.h>

#include "db/db.h"

/*
 * Every column that holds a sealed secret (base/crypto.h), for the rotation of its key
 * and for the doctor.  A column of that kind that is added belongs into the table;
 * t/repo/sealed.c finds the one that was forgotten.  (idempotency_keys.body is sealed
 * too, lives a day and is let go.)
 */
enum err sealed_prepare(struct db *db) MUST_CHECK;

struct sealed_column {
	const char *table, *column;
	const char *context; /* of secret_seal: this and the row's id */
};
struct sealed_value {
	int64_t id; /* of the row, in the context */
	const void *box;
	size_t len;
};

size_t sealed_columns(const struct sealed_column **out);
/* Up to 200 values of a column (its place in the table) whose id is above `after`. */
enum err sealed_page(struct db *db, void *mem, size_t column, int64_t after,
    struct sealed_value **out, size_t *n) MUST_CHECK;
/* ERR_NOTFOUND: somebody has changed it meanwhile. */
enum err sealed_replace(struct db *db, size_t column, const struct sealed_value *old,
    const struct sealed_value *fresh) MUST_CHECK;
