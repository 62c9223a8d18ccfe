#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { USER_NAME_MAX = 100, PASSWORD_MIN = 10, PASSWORD_MAX = 200 };

struct user {
	int64_t id;
	const char *email, *name;
	const char *password_hash; /* NULL: cannot sign in with a password */
	bool admin;                /* sees every brand, makes brands and users */
	bool disabled;
	int64_t created_at;
	const void
	    *totp_secret; /* sealed, context "totp:<id>"; NULL: no second factor */
	unsigned long totp_len;
	int64_t totp_step; /* the last step of 30 s whose code was used */
};

enum role { ROLE_NONE, ROLE_VIEWER, ROLE_EDITOR, ROLE_ADMIN, ROLE_OWNER };

/* A session ends when it was not used for so long, and after so long anyway. */
#define SESSION_IDLE_MS (INT64_C(12) * 3600 * 1000)
#define SESSION_LIFE_MS (INT64_C(7) * 24 * 3600 * 1000)

struct session {
	int64_t id, user_id;
	const char *csrf;
	const char *ip, *agent; /* where it began; only in lists */
	int64_t created_at, seen_at, expires_at;
	int64_t verified_until; /* began at Supabase, which vouches until then; or 0 */
};

/*
 * send: campaigns; transactional: single mails to whom the caller names; manage: the
 * team, invitations, keys and accounts, which only an owner gives
 */
enum {
	SCOPE_READ = 1,
	SCOPE_WRITE = 2,
	SCOPE_SEND = 4,
	SCOPE_TRANSACTIONAL = 8,
	SCOPE_MANAGE = 16,
	SCOPE_ALL = 31
};

/* A key acts for its user and has at most the rights they have at this moment. */
struct api_key {
	int64_t id, brand_id, user_id; /* brand_id 0: all brands */
	int64_t parent_id;             /* the key that made it; 0: a person did */
	const char *name, *prefix;
	unsigned scopes;
	int64_t created_at, last_used_at, expires_at;
	int64_t revoked_at;     /* its own, or that of a key it comes from */
	const char *user_email; /* "" without a user */
	bool user_admin;
	bool user_there; /* has an account that may sign in, and sees the brand */
};

/*
 * Who made the request: a person with a session, or a key.  Anonymous: user_id and
 * key_id 0.  Of a key, user_id is the user it acts for, and admin whether that user is
 * an administrator.
 */
struct caller {
	int64_t user_id, session_id, key_id;
	int64_t key_brand; /* brand a key is bound to; 0: all */
	int64_t key_ends;  /* when the key expires; 0: never */
	const char *email, *name;
	const char *csrf;       /* of the session */
	int64_t verified_until; /* as of the session */
	const char *warning;    /* a sentence for the top of the page, or NULL */
	bool bearer;            /* with a token of Supabase instead of a session */
	bool admin;
	unsigned scopes;     /* all for a person */
	enum role role;      /* in the brand of the route */
	struct brand *brand; /* of the route, or NULL */
	/* Idempotency-Key of the answer to keep, or NULL */
	const char *kept_as;
};
