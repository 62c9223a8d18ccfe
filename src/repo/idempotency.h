#pragma once

#include <stdbool.h>

#include "db/db.h"

/* Answers kept for repeated creations of the API. caller: "user:3" or "key:7". */
struct idempotency {
	uint8_t request_hash[32];
	int status; /* 0: being worked on */
	const char *body;
	int64_t created_at;
};

enum err idempotency_prepare(struct db *db) MUST_CHECK;
/* ERR_CONFLICT if the caller used the key before; idempotency_get tells for what. */
enum err idempotency_begin(struct db *db, const char *caller, const char *key,
    const uint8_t request_hash[32], int64_t now) MUST_CHECK;
enum err idempotency_get(struct db *db, void *mem, const char *caller, const char *key,
    struct idempotency *out) MUST_CHECK;
enum err idempotency_end(struct db *db, const char *caller, const char *key, int status,
    const char *body) MUST_CHECK;
/* Forgets it, so that the same request can be tried again. */
enum err idempotency_drop(struct db *db, const char *caller,
    const char *key) MUST_CHECK;
/* Removes those made before. */
enum err idempotency_sweep(struct db *db, int64_t before) MUST_CHECK;
