#pragma once

#include "base/crypto.h"
#include "base/form.h"
#include "db/db.h"
#include "kv/kv.h"
#include "model/user.h"
#include "repo/session.h"

/*
 * Accounts and sessions.  A session's cookie is a secret of 256 bits of which the
 * database keeps the hash; it ends 12 h after it was last used and 7 days after it
 * began.
 */
struct visit { /* from where a person comes */
	struct db *db;
	struct kv *kv;
	const struct keyring *keys;
	const char *ip, *agent;
	const char *known; /* kept by a browser that was here before: service/door.h */
	const char *state_dir; /* where passwords queue: two are checked at once */
	const struct log *log;
	struct supabase *supabase; /* NULL: not configured */
	int64_t now;
};

/* ---- the first account ---- */
/* Makes the word of /setup/<word> and keeps its hash; the one made before stops
 * working. ERR_CONFLICT once there is an account. */
enum err setup_token_make(struct db *db, void *mem, int64_t now,
    char **token) MUST_CHECK;
/* OK while the word is good; else ERR_NOTFOUND. */
enum err setup_token_check(struct db *db, void *mem, const char *token) MUST_CHECK;
/* Uses the word up and makes the installation admin. Fields: email, name, password. */
enum err setup_complete(struct db *db, void *mem, const char *token, struct form *f,
    int64_t now, struct user **out) MUST_CHECK;

/* ---- accounts ---- */
/* Fields: email, name (optional), password. ERR_INVALID: the form says why. */
enum err user_create(struct db *db, void *mem, struct form *f, bool admin, int64_t now,
    struct user **out) MUST_CHECK;

/* ---- signing in and out ---- */
/*
 * Fields: email, password.  Wrong: ERR_INVALID with the sentence at `password`; too
 * often (service/door.h): ERR_LIMITED, *retry_after seconds and the same place.
 * Unknown and known accounts take the same time.
 */
enum err sign_in(const struct visit *v, void *mem, struct form *f, struct user **out,
    int *retry_after) MUST_CHECK;
/* Begins a session; *cookie is its secret, told nowhere else. */
enum err session_begin(const struct visit *v, void *mem, const struct user *u,
    char **cookie) MUST_CHECK;
/* Which session a cookie has, as the database says. ERR_NOTFOUND as session_read. */
enum err session_id_of(const struct visit *v, void *mem, const char *cookie,
    int64_t *id) MUST_CHECK;
/* Whose cookie it is: fills user_id, session_id, email, name, admin, csrf and scopes.
 * ERR_NOTFOUND if the session ended or never was. */
enum err session_read(const struct visit *v, void *mem, const char *cookie,
    struct caller *out) MUST_CHECK;
enum err sign_out(const struct visit *v, void *mem, const char *cookie) MUST_CHECK;
/*
 * Ends sessions, in every process at once; *n (may be NULL): how many there were.  Also
 * for within a transaction: until it commits the sessions live on.
 */
enum err sessions_end(const struct visit *v, const struct session_pick *p,
    size_t *n) MUST_CHECK;
/*
 * Gives session `id`, whose cookie is `old`, another cookie and another token of forms:
 * after a change of what the person may do or how they prove who they are.
 */
enum err session_change(const struct visit *v, void *mem, int64_t id, const char *old,
    char **cookie) MUST_CHECK;
/* What is kept of it outside the database is read anew: after a change of the name. */
void session_forget(const struct visit *v, void *mem, const char *cookie);
