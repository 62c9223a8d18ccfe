#include "base/token.h"

/*
 * A mail has dozens of tokens and HMAC is two blocks each: half its time would go into
 * OpenSSL 3's bookkeeping around them, and libsodium does not use the processor's SHA
 * instructions.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <sodium.h>
#include <string.h>

#include "base/mem.h"

/*
 * version and purpose (a byte), campaign, subscriber and link as the shortest base-128
 * numbers, then the MAC.  At most 1 + 9 + 9 + 5 + 16 = 40 bytes, 54 characters.
 * Version 2 goes on with before, after and length as numbers and the bytes between.
 */
enum {
	VERSION_1 = 1,
	VERSION_2 = 2,
	MAC_BYTES = 16,
	RAW_MAX = 40 + 3 * 5 + TOKEN_BETWEEN_MAX,
};
_Static_assert(RAW_MAX / 3 * 4 + 5 <= TOKEN_MAX, "the text of the longest fits");

static size_t put_number(uint8_t *to, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		to[n++] = (uint8_t)(v | 0x80);
	to[n++] = (uint8_t)v;
	return n;
}

static size_t put_body(const struct token *t, uint8_t *to)
{
	size_t n = 0;

	int version = t->between ? VERSION_2 : VERSION_1;

	to[n++] = (uint8_t)(version << 4 | (int)t->purpose);
	n += put_number(to + n, (uint64_t)t->campaign & INT64_MAX);
	n += put_number(to + n, (uint64_t)t->subscriber & INT64_MAX);
	n += put_number(to + n, (uint32_t)t->link & INT32_MAX);
	if (!t->between)
		return n;
	n += put_number(to + n, (uint32_t)t->before & INT32_MAX);
	n += put_number(to + n, (uint32_t)t->after & INT32_MAX);
	n += put_number(to + n, (uint32_t)t->length);
	memcpy(to + n, t->between, (size_t)t->length);
	return n + (size_t)t->length;
}

static void sign(const struct keyring *k, const uint8_t *body, size_t n,
    uint8_t mac[32])
{
	hmac_sha256(k->token, sizeof(k->token), body, n, mac);
}

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/*
 * Written here and not by base64url_encode: a mail has dozens, and this needs no
 * memory.
 */
static int encode(const uint8_t *p, size_t n, char *out)
{
	uint32_t bits = 0;
	int have = 0, len = 0;

	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | p[i];
		for (have += 8; have >= 6; have -= 6)
			out[len++] = alphabet[bits >> (have - 6) & 63];
	}
	if (have > 0)
		out[len++] = alphabet[bits << (6 - have) & 63];
	out[len] = '\0';
	return len;
}

int token_write(const struct keyring *k, const struct token *t, char *out)
{
	uint8_t raw[RAW_MAX], mac[32];
	size_t n = put_body(t, raw);

	sign(k, raw, n, mac);
	memcpy(raw + n, mac, MAC_BYTES);
	return encode(raw, n + MAC_BYTES, out);
}

/* SHA-256 begun with the key, inside and outside (RFC 2104); copied for each token. */
struct token_signer {
	SHA256_CTX inner, outer;
};

static int signer_forget(struct token_signer *s)
{
	sodium_memzero(s, sizeof(*s));
	return 0;
}

static void begin_with(SHA256_CTX *h, const struct keyring *k, uint8_t pad)
{
	uint8_t block[SHA256_CBLOCK];

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < sizeof(k->token); i++)
		block[i] ^= k->token[i];
	SHA256_Init(h);
	SHA256_Update(h, block, sizeof(block));
	sodium_memzero(block, sizeof(block));
}

struct token_signer *token_signer_new(void *mem, const struct keyring *k)
{
	struct token_signer *s = mem_new(mem, struct token_signer);

	begin_with(&s->inner, k, 0x36);
	begin_with(&s->outer, k, 0x5c);
	mem_on_free(s, signer_forget);
	return s;
}

int token_sign(const struct token_signer *s, const struct token *t, char *out)
{
	SHA256_CTX inner = s->inner, outer = s->outer;
	uint8_t raw[RAW_MAX], mac[SHA256_DIGEST_LENGTH];
	size_t n = put_body(t, raw);

	SHA256_Update(&inner, raw, n);
	SHA256_Final(mac, &inner);
	SHA256_Update(&outer, mac, sizeof(mac));
	SHA256_Final(mac, &outer);
	memcpy(raw + n, mac, MAC_BYTES);
	return encode(raw, n + MAC_BYTES, out);
}

/*
 * The number at *p, which moves on; false if it runs out, is too big or not the
 * shortest.
 */
static bool get_number(const uint8_t **p, const uint8_t *end, uint64_t max,
    uint64_t *out)
{
	uint64_t v = 0;

	for (int shift = 0; shift < 63 && *p < end; shift += 7) {
		uint8_t c = *(*p)++;

		v |= (uint64_t)(c & 0x7f) << shift;
		if (c >= 0x80)
			continue;
		*out = v;
		return v <= max && (c != 0 || shift == 0);
	}
	return false;
}

/* What version 2 has behind the link number; all of the rest. */
static bool get_between(const uint8_t *p, const uint8_t *end, struct token *t)
{
	uint64_t before, after, length;

	if (!get_number(&p, end, INT32_MAX, &before) ||
	    !get_number(&p, end, INT32_MAX, &after) ||
	    !get_number(&p, end, TOKEN_BETWEEN_MAX, &length) ||
	    (uint64_t)(end - p) != length)
		return false;
	t->before = (int)before;
	t->after = (int)after;
	t->length = (int)length;
	t->between = (const char *)p;
	return true;
}

static bool get_body(const uint8_t *p, const uint8_t *end, struct token *t)
{
	uint64_t campaign, subscriber, link;
	int version = p == end ? 0 : *p >> 4;

	if (version != VERSION_1 && version != VERSION_2)
		return false;
	t->purpose = *p++ & 15;
	if (!get_number(&p, end, INT64_MAX, &campaign) ||
	    !get_number(&p, end, INT64_MAX, &subscriber) ||
	    !get_number(&p, end, INT32_MAX, &link))
		return false;
	t->campaign = (int64_t)campaign;
	t->subscriber = (int64_t)subscriber;
	t->link = (int)link;
	return version == VERSION_1 ? p == end : get_between(p, end, t);
}

enum err token_read_in(void *mem, const struct keyring *k, enum token_purpose purpose,
    const char *text, struct token *out)
{
	struct token t = { 0 };
	uint8_t *raw, mac[32];
	size_t n;

	if (strlen(text) >= TOKEN_MAX || !base64url_decode(mem, text, &raw, &n) ||
	    n <= MAC_BYTES)
		return ERR_NOTFOUND;
	n -= MAC_BYTES;
	sign(k, raw, n, mac);
	if (!equal_secret(raw + n, mac, MAC_BYTES))
		return ERR_NOTFOUND;
	if (!get_body(raw, raw + n, &t) || t.purpose != purpose)
		return ERR_NOTFOUND;
	*out = t;
	return OK;
}

enum err token_read(const struct keyring *k, enum token_purpose purpose,
    const char *text, struct token *out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "token_read");
	enum err e = token_read_in(tmp, k, purpose, text, out);

	if (e == OK)
		out->between = NULL;
	return e;
}
