#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * The installation has one secret: 32 random bytes in security.key_file, outside the
 * database and its backups.  Every other key is derived from it, one per purpose.  Only
 * the key of what is sealed in the database can be replaced (secret rotate): the links
 * in mails that were sent must go on working.  The file then has lines "box KEY" below
 * the secret, the newest first; the older ones still open what they sealed.
 */
enum { BOX_KEYS_MAX = 4, BOX_ID = 4 };
struct box_key {
	uint8_t key[32];
	uint8_t id[BOX_ID]; /* the beginning of its hash; written into every box */
};
struct keyring {
	uint8_t token[32];                /* tracking and unsubscribe tokens */
	struct box_key box[BOX_KEYS_MAX]; /* secrets at rest; [0] seals */
	size_t nbox;                      /* 0 counts as 1 */
	uint8_t mac[32];                  /* values in memcached, flash cookies */
	char cron[65];                    /* hex: the cron secret */
	const char *file; /* read again for a key that came later; or NULL */
};

/* Calls sodium_init; reads the file, or makes it (0600) if `make`. */
enum err keyring_load(void *mem, const char *file, bool make,
    struct keyring **out) MUST_CHECK;

/*
 * Puts a new key for boxes before the others, or keeps only the newest.  The file is
 * replaced at once or stays; owner and mode stay.  ERR_CONFLICT: another process is
 * changing it; ERR_TOO_LARGE: there are BOX_KEYS_MAX already, forget some first.
 */
enum err keyring_add_box(const char *file) MUST_CHECK;
enum err keyring_forget_boxes(const char *file) MUST_CHECK;

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
 * secretbox (XSalsa20-Poly1305): version, id of the key, nonce, box.  context (e.g.
 * "provider:12") is bound.
 */
void *secret_seal(void *mem, const struct keyring *k, const char *context,
    const char *plain, size_t *len);
/* ERR_INVALID if it was not sealed by this key for this context. */
enum err secret_open(void *mem, const struct keyring *k, const char *context,
    const void *box, size_t len, char **plain) MUST_CHECK;

/* Overwrites what secret_open gave. */
void secret_wipe(char *plain);
/* Was it sealed by the newest key of this ring? */
bool secret_is_newest(const struct keyring *k, const void *box, size_t len);

/* argon2id 64 MiB / 2; the encoded string holds the parameters. */
char *password_hash(void *mem, const char *password);
/*
 * hash NULL: does the same work and answers false, so that unknown users take as long.
 */
bool password_verify(const char *hash, const char *password);
