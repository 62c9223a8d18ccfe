#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * The installation has one secret: 32 random bytes in security.key_file, outside the
 * database and its backups.  Every other key is derived from it, one per purpose.
 */
struct keyring {
	uint8_t token[32]; /* tracking and unsubscribe tokens */
	uint8_t box[32];   /* secrets at rest */
	uint8_t mac[32];   /* values in memcached, flash cookies */
	char cron[65];     /* hex: the cron secret */
};

/* Calls sodium_init; reads the file, or makes it (0600) if `make`. */
enum err keyring_load(void *mem, const char *file, bool make,
    struct keyring **out) MUST_CHECK;

void random_bytes(void *p, size_t n);
void sha256(const void *p, size_t n, uint8_t out[32]);
void hmac_sha256(const uint8_t *key, size_t key_len, const void *p, size_t n,
    uint8_t out[32]);
bool equal_secret(const void *a, const void *b, size_t n); /* constant time */

char *hex_encode(void *mem, const void *p, size_t n);
bool hex_decode(const char *s, void *out, size_t n); /* exactly n bytes */
char *base64_encode(void *mem, const void *p, size_t n);
char *base64url_encode(void *mem, const void *p, size_t n); /* no padding */
/* strict; standard alphabet */
bool base64_decode(void *mem, const char *s, uint8_t **out, size_t *n);
/* canonical only */
bool base64url_decode(void *mem, const char *s, uint8_t **out, size_t *n);

/*
 * secretbox (XSalsa20-Poly1305): version, nonce, box.  context (e.g. "provider:12") is
 * bound.
 */
void *secret_seal(void *mem, const struct keyring *k, const char *context,
    const char *plain, size_t *len);
/* ERR_INVALID if it was not sealed by this key for this context. */
enum err secret_open(void *mem, const struct keyring *k, const char *context,
    const void *box, size_t len, char **plain) MUST_CHECK;

/* argon2id 64 MiB / 2; the encoded string holds the parameters. */
char *password_hash(void *mem, const char *password);
/*
 * hash NULL: does the same work and answers false, so that unknown users take as long.
 */
bool password_verify(const char *hash, const char *password);
