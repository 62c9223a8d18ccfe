#pragma once

#include "base/form.h"
#include "db/db.h"
#include "kv/kv.h"
#include "model/user.h"

/* Who gives a key, and the most it may be allowed. */
struct key_grant {
	int64_t brand_id; /* 0: all brands */
	int64_t user_id;  /* whose rights it has */
	int64_t key_id;   /* the key that makes it; 0: a person or a command */
	int64_t ends;     /* when that key ends, and this one at the latest; 0: never */
	unsigned scopes;  /* the most it may have */
	const char *zone; /* of a day on which it ends; NULL: UTC */
	int64_t now;
};

/*
 * Makes a key.  Fields: name (optional), scopes ("read,write" or an array), expires:
 * "never", a number of days, the last day, a time, or "date" with the day in
 * expires_on.  *secret is the key itself: shown once, kept only as a hash.
 */
enum err key_create(struct db *db, void *mem, const struct key_grant *g, struct form *f,
    struct api_key **out, char **secret) MUST_CHECK;

/*
 * Whose key it is.  Fills key_id, key_brand, key_ends, user_id, name, scopes and admin
 * (of its user).  ERR_NOTFOUND for an unknown, revoked or expired one, for one that an
 * ended key made, and while its user is disabled or has no part in its brand.  Marks it
 * used, at most once a minute.
 */
enum err key_read(struct db *db, struct kv *kv, void *mem, const char *text,
    int64_t now, struct caller *out) MUST_CHECK;
