#pragma once

#include <stddef.h>

#include "db/db.h"
#include "model/user.h"

/* What is kept about Supabase Auth: whose account is whose, and sessions that began
 * there. */
enum err supabase_prepare(struct db *db) MUST_CHECK;

/* ---- accounts: users.supabase_user_id ---- */
/* The account of a Supabase user. ERR_NOTFOUND: none. */
enum err supabase_user_find(struct db *db, const char *supabase_id,
    int64_t *user_id) MUST_CHECK;
/* The Supabase user of an account, NULL if it has none. ERR_NOTFOUND: no such account.
 */
enum err supabase_user_of(struct db *db, void *mem, int64_t user_id,
    char **supabase_id) MUST_CHECK;
/* ERR_CONFLICT: the account has one, or another account has this one. */
enum err supabase_user_link(struct db *db, int64_t user_id, const char *supabase_id,
    int64_t now) MUST_CHECK;
/* Copies the address of there, unless the account has a password (and so a life of its
 * own) or another account has it; the name only where there is none. */
enum err supabase_user_copy(struct db *db, const struct user *u, const char *email_key,
    int64_t now) MUST_CHECK;
/* ERR_CONFLICT: the account has no password and nobody could sign in to it then. */
enum err supabase_user_unlink(struct db *db, int64_t user_id, int64_t now) MUST_CHECK;

/* ---- sessions ---- */
struct supabase_row {
	const void *box; /* the sealed tokens; NULL: the session began here */
	size_t len;
	int64_t verified_until; /* ms; end of what Supabase last said */
	int64_t renewing_until; /* ms; a process asks until then, or nobody may */
};
enum err supabase_row_get(struct db *db, void *mem, int64_t session_id,
    struct supabase_row *out) MUST_CHECK;
enum err supabase_row_put(struct db *db, int64_t session_id,
    const struct supabase_row *row) MUST_CHECK;
/*
 * The right to ask Supabase until `until`: one process of all gets it, as long as
 * verified_until is still what it saw. ERR_CONFLICT: another has it, or has asked.
 */
enum err supabase_row_claim(struct db *db, int64_t session_id, int64_t verified_until,
    int64_t now, int64_t until) MUST_CHECK;
/* Asked in vain: nobody asks again before `until`. */
enum err supabase_row_rest(struct db *db, int64_t session_id, int64_t until) MUST_CHECK;
