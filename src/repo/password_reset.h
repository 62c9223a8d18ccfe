#pragma once

#include "db/db.h"

/* Links for a new password, by the SHA-256 of their word. */
enum err password_reset_prepare(struct db *db) MUST_CHECK;
/* A link for user_id; also removes those that have ended. */
enum err password_reset_add(struct db *db, int64_t user_id,
    const uint8_t token_hash[32], int64_t now, int64_t expires_at) MUST_CHECK;
/* Whose link it is while it is good; changes nothing. ERR_NOTFOUND otherwise. */
enum err password_reset_get(struct db *db, const uint8_t token_hash[32], int64_t now,
    int64_t *user_id) MUST_CHECK;
/* Uses a good link up; of any number at once only one succeeds. ERR_NOTFOUND. */
enum err password_reset_take(struct db *db, const uint8_t token_hash[32], int64_t now,
    int64_t *user_id) MUST_CHECK;
/* No link of this user works any more. */
enum err password_reset_drop(struct db *db, int64_t user_id) MUST_CHECK;
