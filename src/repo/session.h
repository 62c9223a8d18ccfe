#pragma once

#include <stddef.h>

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
struct session_pick {
	int64_t user_id;
	int64_t only; /* this session; 0: all of the user's */
	int64_t but;  /* not this one; 0: no exception */
};
/* Removes them; gives the hashes of their cookies, owned by mem: n may be 0. */
enum err session_end(struct db *db, void *mem, const struct session_pick *p,
    uint8_t (**hashes)[32], size_t *n) MUST_CHECK;
/* A user's sessions that have not ended, the last used first, at most 100; without
 * their csrf. */
enum err session_list(struct db *db, void *mem, int64_t user_id, int64_t now,
    struct session **out, size_t *n) MUST_CHECK;
/* Gives a session another cookie and token of forms. ERR_NOTFOUND: it has ended. */
enum err session_renew(struct db *db, int64_t id, const uint8_t token_hash[32],
    const char *csrf) MUST_CHECK;
/* Removes those that ended. */
enum err session_sweep(struct db *db, int64_t now) MUST_CHECK;
