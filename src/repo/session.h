#pragma once

#include "db/db.h"
#include "model/user.h"

enum err session_prepare(struct db *db) MUST_CHECK;
/* token_hash: SHA-256 of the cookie, 32 bytes. Fills n->id. */
enum err session_add(struct db *db, struct session *n, const uint8_t token_hash[32],
    const char *ip, const char *agent) MUST_CHECK;
/* The session and its user, who is not disabled. ERR_NOTFOUND also when it ended: after
 * expires_at, or not seen for SESSION_IDLE_MS. */
enum err session_find(struct db *db, void *mem, const uint8_t token_hash[32],
    int64_t now, struct session **out, struct user **u) MUST_CHECK;
enum err session_seen(struct db *db, int64_t id, int64_t now) MUST_CHECK;
enum err session_drop(struct db *db, int64_t id) MUST_CHECK;
enum err session_drop_user(struct db *db, int64_t user_id) MUST_CHECK;
/* Removes those that ended. */
enum err session_sweep(struct db *db, int64_t now) MUST_CHECK;
