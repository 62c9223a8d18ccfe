#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Access tokens of Supabase Auth, checked with OpenSSL alone.  The configuration says
 * the one algorithm there is, never the token; the key is found by the token's `kid`
 * among those of the project; nothing of the payload is read before the signature is
 * good.  What a token may be is said once, narrowly: anything odd is refused.
 */
enum jwt_alg { JWT_HS256, JWT_ES256, JWT_RS256 };
enum { JWT_MAX = 8 * 1024, JWT_KID_MAX = 64, JWT_KEYS_MAX = 32, JWT_SKEW_S = 60 };

/* "HS256", "ES256", "RS256"; another word is HS256. */
enum jwt_alg jwt_alg_from(const char *word);

struct jwt_keys;
/* The one key of HS256. */
struct jwt_keys *jwt_keys_secret(void *mem, const char *secret);
/*
 * Those of a JWKS that can check `alg` (ES256 or RS256): right kind and size, with a
 * kid of their own, for signatures; others are left out. ERR_MALFORMED if it is none.
 */
enum err jwt_keys_read(void *mem, enum jwt_alg alg, const char *jwks, size_t n,
    struct jwt_keys **out) MUST_CHECK;
size_t jwt_keys_count(const struct jwt_keys *k);
enum jwt_alg jwt_keys_alg(const struct jwt_keys *k);
/* ERR_NOTFOUND: no key has this kid (HS256 has one, whatever it is called). */
enum err jwt_keys_check(const struct jwt_keys *k, const char *kid, const char *text,
    size_t n, const uint8_t *signature, size_t len) MUST_CHECK;

struct jwt_rules {
	const char *issuer; /* NULL: of tokens that name none */
	const char *audience, *role;
	int64_t now; /* ms */
};
struct jwt {
	const char *sub;        /* UUID */
	const char *session_id; /* UUID, or NULL */
	int64_t ends_at;        /* ms */
};
/*
 * ERR_UNAUTHENTICATED with *why a few words for the log; ERR_NOTFOUND (and *why) if it
 * names a key that is not among these: newer ones may have it.
 */
enum err jwt_verify(void *mem, const struct jwt_keys *k, const struct jwt_rules *r,
    const char *token, struct jwt *out, const char **why) MUST_CHECK;
