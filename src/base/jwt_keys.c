#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sodium.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/jwt.h"
#include "base/mem.h"
#include "base/text.h"

enum { P256_BYTES = 32, RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, EXPONENT_MAX = 8 };

struct key {
	char kid[JWT_KID_MAX + 1];
	EVP_PKEY *pkey;
};

struct jwt_keys {
	enum jwt_alg alg;
	char *secret; /* of HS256 */
	struct key key[JWT_KEYS_MAX];
	size_t n;
};

static int forget(struct jwt_keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		EVP_PKEY_free(k->key[i].pkey);
	if (k->secret != NULL)
		sodium_memzero(k->secret, strlen(k->secret));
	return 0;
}

static struct jwt_keys *new_keys(void *mem, enum jwt_alg alg)
{
	struct jwt_keys *k = mem_new(mem, struct jwt_keys);

	k->alg = alg;
	mem_on_free(k, forget);
	return k;
}

struct jwt_keys *jwt_keys_secret(void *mem, const char *secret)
{
	struct jwt_keys *k = new_keys(mem, JWT_HS256);

	k->secret = mem_str(k, secret);
	return k;
}

size_t jwt_keys_count(const struct jwt_keys *k)
{
	return k->alg == JWT_HS256 ? 1 : k->n;
}

enum jwt_alg jwt_keys_alg(const struct jwt_keys *k)
{
	return k->alg;
}

/* ---- a JWK as OpenSSL's key ---- */

/* OpenSSL objects of one key, freed together. */
struct work {
	OSSL_PARAM_BLD *list;
	OSSL_PARAM *params;
	EVP_PKEY_CTX *ctx, *check;
	BIGNUM *n, *e;
};

static void work_done(struct work *w)
{
	EVP_PKEY_CTX_free(w->check);
	EVP_PKEY_CTX_free(w->ctx);
	OSSL_PARAM_free(w->params);
	OSSL_PARAM_BLD_free(w->list);
	BN_free(w->n);
	BN_free(w->e);
	ERR_clear_error();
}
#define WORK_SCOPE __attribute__((cleanup(work_done))) struct work

/* A number of the JWK: canonical base64url of at most `max` bytes. */
static uint8_t *number(void *mem, struct json_object *jwk, const char *name, size_t max,
    size_t *n)
{
	const char *text = json_text(jwk, name, "");
	uint8_t *bytes;

	if (!base64url_decode(mem, text, &bytes, n) || *n == 0 || *n > max)
		return NULL;
	return bytes;
}

/* The key of the parameters in w->list, if it is a sound one of its kind. */
static EVP_PKEY *make(struct work *w, const char *kind)
{
	EVP_PKEY *key = NULL;

	w->params = OSSL_PARAM_BLD_to_param(w->list);
	w->ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
	if (w->params == NULL || w->ctx == NULL ||
	    EVP_PKEY_fromdata_init(w->ctx) != 1 ||
	    EVP_PKEY_fromdata(w->ctx, &key, EVP_PKEY_PUBLIC_KEY, w->params) != 1)
		return NULL;
	w->check = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (w->check != NULL && EVP_PKEY_public_check(w->check) == 1)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static EVP_PKEY *read_ec(void *mem, struct json_object *jwk)
{
	WORK_SCOPE w = { .list = OSSL_PARAM_BLD_new() };
	uint8_t point[1 + 2 * P256_BYTES] = { POINT_CONVERSION_UNCOMPRESSED };
	size_t nx = 0, ny = 0;
	const uint8_t *x = number(mem, jwk, "x", P256_BYTES, &nx);
	const uint8_t *y = number(mem, jwk, "y", P256_BYTES, &ny);

	if (!text_equal(json_text(jwk, "crv", NULL), "P-256") || x == NULL ||
	    y == NULL || nx != P256_BYTES || ny != P256_BYTES)
		return NULL;
	memcpy(point + 1, x, nx);
	memcpy(point + 1 + nx, y, ny);
	if (w.list == NULL ||
	    OSSL_PARAM_BLD_push_utf8_string(w.list, OSSL_PKEY_PARAM_GROUP_NAME,
		"prime256v1", 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(w.list, OSSL_PKEY_PARAM_PUB_KEY, point,
		sizeof(point)) != 1)
		return NULL;
	return make(&w, "EC");
}

static EVP_PKEY *read_rsa(void *mem, struct json_object *jwk)
{
	WORK_SCOPE w = { .list = OSSL_PARAM_BLD_new() };
	size_t nn = 0, ne = 0;
	const uint8_t *n = number(mem, jwk, "n", RSA_BITS_MAX / 8, &nn);
	const uint8_t *e = number(mem, jwk, "e", EXPONENT_MAX, &ne);

	if (n == NULL || e == NULL || w.list == NULL)
		return NULL;
	w.n = BN_bin2bn(n, (int)nn, NULL);
	w.e = BN_bin2bn(e, (int)ne, NULL);
	if (w.n == NULL || w.e == NULL || BN_num_bits(w.n) < RSA_BITS_MIN ||
	    !BN_is_odd(w.e) || BN_is_one(w.e) ||
	    OSSL_PARAM_BLD_push_BN(w.list, OSSL_PKEY_PARAM_RSA_N, w.n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(w.list, OSSL_PKEY_PARAM_RSA_E, w.e) != 1)
		return NULL;
	return make(&w, "RSA");
}

/* ---- the set ---- */

static const struct key *find(const struct jwt_keys *k, const char *kid)
{
	for (size_t i = 0; i < k->n; i++) {
		if (text_equal(k->key[i].kid, kid))
			return &k->key[i];
	}
	return NULL;
}

/* Is it there to check signatures of this algorithm? */
static bool is_meant(struct json_object *jwk, enum jwt_alg alg)
{
	const char *kty = alg == JWT_ES256 ? "EC" : "RSA";
	const char *word = alg == JWT_ES256 ? "ES256" : "RS256";
	struct json_object *use = json_get(jwk, "use"), *its = json_get(jwk, "alg");

	return text_equal(json_text(jwk, "kty", NULL), kty) &&
	    (use == NULL || text_equal(json_text(jwk, "use", NULL), "sig")) &&
	    (its == NULL || text_equal(json_text(jwk, "alg", NULL), word));
}

static void take(struct jwt_keys *k, void *mem, struct json_object *jwk)
{
	const char *kid = json_text(jwk, "kid", "");
	struct key *to = &k->key[k->n];

	if (k->n == JWT_KEYS_MAX || text_empty(kid) || strlen(kid) > JWT_KID_MAX ||
	    find(k, kid) != NULL || !is_meant(jwk, k->alg))
		return;
	to->pkey = k->alg == JWT_ES256 ? read_ec(mem, jwk) : read_rsa(mem, jwk);
	if (to->pkey == NULL)
		return;
	memcpy(to->kid, kid, strlen(kid) + 1);
	k->n++;
}

enum err jwt_keys_read(void *mem, enum jwt_alg alg, const char *jwks, size_t n,
    struct jwt_keys **out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "jwt_keys");
	struct json_object *o, *all;

	*out = NULL;
	if (alg == JWT_HS256 || json_read(tmp, jwks, n, &o, NULL) != OK)
		return ERR_MALFORMED;
	all = json_get(o, "keys");
	if (!json_object_is_type(all, json_type_array))
		return ERR_MALFORMED;
	*out = new_keys(mem, alg);
	for (size_t i = 0; i < json_object_array_length(all); i++)
		take(*out, tmp, json_object_array_get_idx(all, i));
	return OK;
}

/* ---- signatures ---- */

static bool verify(EVP_PKEY *key, const char *text, size_t n, const uint8_t *signature,
    size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestVerify(ctx, signature, len, (const uint8_t *)text, n) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}

/* A token holds r and s, 32 bytes each; OpenSSL wants them as DER. */
static bool verify_ec(EVP_PKEY *key, const char *text, size_t n, const uint8_t *rs,
    size_t len)
{
	ECDSA_SIG *pair;
	BIGNUM *r, *s;
	uint8_t *der = NULL;
	int size;
	bool good;

	if (len != (size_t)2 * P256_BYTES)
		return false;
	pair = ECDSA_SIG_new();
	r = BN_bin2bn(rs, P256_BYTES, NULL);
	s = BN_bin2bn(rs + P256_BYTES, P256_BYTES, NULL);
	if (pair == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		ECDSA_SIG_free(pair);
		return false;
	}
	size = i2d_ECDSA_SIG(pair, &der);
	good = size > 0 && verify(key, text, n, der, (size_t)size);
	OPENSSL_free(der);
	ECDSA_SIG_free(pair);
	return good;
}

static bool verify_secret(const char *secret, const char *text, size_t n,
    const uint8_t *mac, size_t len)
{
	uint8_t want[32];

	hmac_sha256((const uint8_t *)secret, strlen(secret), text, n, want);
	return len == sizeof(want) && equal_secret(mac, want, sizeof(want));
}

enum err jwt_keys_check(const struct jwt_keys *k, const char *kid, const char *text,
    size_t n, const uint8_t *signature, size_t len)
{
	const struct key *key = NULL;
	bool good;

	if (k->alg == JWT_HS256) {
		good = verify_secret(k->secret, text, n, signature, len);
		return good ? OK : ERR_UNAUTHENTICATED;
	}
	key = find(k, kid);
	if (key == NULL)
		return ERR_NOTFOUND;
	good = k->alg == JWT_ES256 ? verify_ec(key->pkey, text, n, signature, len)
				   : verify(key->pkey, text, n, signature, len);
	return good ? OK : ERR_UNAUTHENTICATED;
}
