#pragma once

#include "base/config.h"
#include "base/jwt.h"
#include "service/auth.h"

/*
 * Signing in through Supabase Auth.  Supabase says who somebody is; who may come in and
 * what they may do is ours to say.  An account here belongs to a Supabase user by the
 * user's id (users.supabase_user_id) and by nothing else: address and name are copies,
 * and metadata decides nothing.  v->supabase is NULL where it is not configured; only
 * call these where it is not.
 */
/* What a process has of it: configuration, keys of the project, tokens lately checked.
 * NULL if it is not configured. */
struct supabase *supabase_new(void *mem, const struct config *c);

/*
 * A token of the project: as jwt_verify, with the keys of the project, which are
 * fetched when one is not known (at most once a minute by all processes).
 * ERR_UNAUTHENTICATED with *why for the log; ERR_BUSY: the keys cannot be had.
 */
enum err supabase_verify(const struct visit *v, void *mem, const char *token,
    struct jwt *out, const char **why) MUST_CHECK;
/*
 * Who calls the API with such a token: the account of its user.  ERR_UNAUTHENTICATED,
 * ERR_FORBIDDEN (no account, or disabled), ERR_BUSY; *why is a sentence for the caller.
 */
enum err supabase_bearer(const struct visit *v, void *mem, const char *token,
    struct caller *out, const char **why) MUST_CHECK;

/* ---- there and back: PKCE ---- */
struct supabase_trip {
	const char *provider, *next; /* next: a path of ours */
	int64_t link_user;           /* the account that is to be linked; 0: sign in */
};
enum { SUPABASE_TRIP_S = 600, SUPABASE_CODE_MAX = 512 };
/* The address to send the browser to, and the cookie it must bring back. */
void supabase_depart(const struct visit *v, void *mem, const struct supabase_trip *t,
    const char **url, const char **cookie);
/* What an error of Supabase means, for people: of a callback, or of a call. */
const char *supabase_words(void *mem, const char *code);
/* ERR_INVALID: not of this browser, or too old. *verifier: of the code. */
enum err supabase_return(const struct visit *v, void *mem, const char *cookie,
    struct supabase_trip *t, const char **verifier) MUST_CHECK;

/* What Supabase says of somebody, its signature checked. */
struct supabase_person {
	const char *id;     /* UUID */
	const char *email;  /* as they have it there; "" if none */
	bool confirmed;     /* that the address is theirs */
	const char *name;   /* fit for users.name; may be "" */
	const char *access; /* tokens: secrets */
	const char *refresh;
	int64_t verified_until; /* ms: when the access token ends */
};
/*
 * Changes the code of a callback for a person.  ERR_FORBIDDEN: Supabase or we refuse;
 * ERR_BUSY: it cannot be reached, or is not set up as we are.  *why: a sentence.
 */
enum err supabase_exchange(const struct visit *v, void *mem, const char *code,
    const char *verifier, struct supabase_person *out, const char **why) MUST_CHECK;

/* ---- who may come in ---- */
struct supabase_guest {
	struct user *user;
	bool made; /* the account was made just now */
	struct invitation *accepted;
	size_t naccepted;
};
/*
 * The account of the person; for a new one an invitation to their confirmed address, or
 * [supabase] self_register, makes it.  An account that has the address already is never
 * taken over.  ERR_FORBIDDEN with *why, a sentence.
 */
enum err supabase_admit(const struct visit *v, void *mem,
    const struct supabase_person *p, struct supabase_guest *out,
    const char **why) MUST_CHECK;
/*
 * The account will be signed in to by the person from now on.  It must be signed in at
 * this browser: that is the proof that both are the same.  ERR_FORBIDDEN, *why.
 */
enum err supabase_link(const struct visit *v, const struct supabase_person *p,
    int64_t user_id, const char **why) MUST_CHECK;

/* ---- sessions ---- */
/* Keeps the tokens, sealed, with our session. */
enum err supabase_keep(const struct visit *v, int64_t session_id,
    const struct supabase_person *p) MUST_CHECK;
/*
 * A session that began at Supabase is looked at: shortly before the token ends one
 * process renews it.  OK: stay, perhaps with c->warning; ERR_NOTFOUND: Supabase ended
 * it, and so did we; ERR_BUSY: what Supabase said last has run out, and it says nothing
 * now. *why: a sentence for the latter two.
 */
enum err supabase_stay(const struct visit *v, void *mem, const char *cookie,
    struct caller *c, const char **why) MUST_CHECK;
struct supabase_tokens {
	const char *access, *refresh;
};
/* Of a session that is about to end here. ERR_NOTFOUND: it did not begin there. */
enum err supabase_tokens_of(const struct visit *v, void *mem, int64_t session_id,
    struct supabase_tokens *out) MUST_CHECK;
/* Ends their session at Supabase too, if it answers in time; nothing depends on it. */
void supabase_leave(const struct visit *v, void *mem, const struct supabase_tokens *t);
