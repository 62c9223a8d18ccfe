#pragma once

#include "http/client.h"
#include "service/supabase.h"

/* Inside the service of Supabase: its state, and its calls. */
enum { CHECKED_TOKENS = 256 };

struct checked { /* a token that was good */
	uint8_t hash[32];
	char sub[37];
	int64_t ends_at;
};

struct supabase {
	const struct config *config;
	const char *auth;      /* {url}/auth/v1 */
	const char *browser;   /* the same as a browser reaches it */
	const char *issuer;    /* of its tokens; NULL: they name none */
	struct jwt_keys *keys; /* NULL until they are needed */
	int64_t fetched_at;    /* when Supabase said so */
	int64_t looked_at;     /* when others were last asked for newer ones */
	int64_t asked_at;      /* when Supabase was last asked */
	struct checked checked[CHECKED_TOKENS];
};

struct supabase_call {
	const char *method, *path; /* path: after /auth/v1 */
	struct json_object *body;  /* or NULL */
	const char *access;        /* bearer, or NULL */
	int timeout_ms;            /* 0: as http_fetch */
};
struct supabase_answer {
	int status;
	struct json_object *body; /* NULL: none, or no JSON */
	const char *text;
	const char *code; /* of an error, as Supabase calls it; "" if none */
};
/* Has it lately not answered? */
bool supabase_silent(const struct visit *v);
/* ERR_BUSY: no answer, or one that says to come later (429, 5xx); *why a sentence. */
enum err supabase_ask(const struct visit *v, void *mem, const struct supabase_call *c,
    struct supabase_answer *out, const char **why) MUST_CHECK;
/* The keys of the project are at hand: of what kind and how many. ERR_BUSY: not. */
enum err supabase_keys(const struct visit *v, void *mem, size_t *n) MUST_CHECK;
/*
 * Tokens for a code or for a refresh token (grant: "pkce", "refresh_token"), checked.
 * ERR_FORBIDDEN: Supabase says no, *code; ERR_BUSY.  *why: a sentence.
 */
struct supabase_grant {
	const char *grant;
	struct json_object *body;
	const char *code; /* answered */
};
enum err supabase_grant(const struct visit *v, void *mem, struct supabase_grant *g,
    struct supabase_person *out, const char **why) MUST_CHECK;
