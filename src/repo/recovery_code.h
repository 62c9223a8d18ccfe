#pragma once

#include <stddef.h>

#include "db/db.h"

/* What is left of the codes that stand in for a second factor; SHA-256 of each. */
enum err recovery_code_prepare(struct db *db) MUST_CHECK;
/* Replaces them all by n others; n may be 0. Within a transaction of the caller's. */
enum err recovery_code_put(struct db *db, int64_t user_id, uint8_t (*hashes)[32],
    size_t n) MUST_CHECK;
/* Uses one up. ERR_NOTFOUND: it is none of theirs, or was used. */
enum err recovery_code_take(struct db *db, int64_t user_id,
    const uint8_t hash[32]) MUST_CHECK;
enum err recovery_code_count(struct db *db, int64_t user_id, int64_t *n) MUST_CHECK;
