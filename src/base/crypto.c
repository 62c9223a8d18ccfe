#include "base/crypto.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void random_bytes(void *p, size_t n)
{
	randombytes_buf(p, n);
}

/* OpenSSL rather than libsodium: it uses the processor's SHA instructions. */
void sha256(const void *p, size_t n, uint8_t out[32])
{
	if (EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL) != 1)
		abort();
}

void hmac_sha256(const uint8_t *key, size_t key_len, const void *p, size_t n,
    uint8_t out[32])
{
	if (HMAC(EVP_sha256(), key, (int)key_len, p, n, out, NULL) == NULL)
		abort();
}

bool equal_secret(const void *a, const void *b, size_t n)
{
	return sodium_memcmp(a, b, n) == 0;
}

/* ---- text forms ---- */

char *hex_encode(void *mem, const void *p, size_t n)
{
	char *out = mem_array(mem, char, n * 2 + 1);

	return sodium_bin2hex(out, n * 2 + 1, p, n);
}

bool hex_decode(const char *s, void *out, size_t n)
{
	size_t len;

	return strlen(s) == n * 2 &&
	    sodium_hex2bin(out, n, s, n * 2, NULL, &len, NULL) == 0 && len == n;
}

static char *encode64(void *mem, const void *p, size_t n, int variant)
{
	size_t size = sodium_base64_ENCODED_LEN(n, variant);
	char *out = mem_array(mem, char, size);

	return sodium_bin2base64(out, size, p, n, variant);
}

/*
 * libsodium refuses bits left over in the last character, so one text means one value.
 */
static bool decode64(void *mem, const char *s, int variant, uint8_t **out, size_t *n)
{
	size_t len = strlen(s);
	const char *end;
	int bad;

	*out = mem_array(mem, uint8_t, len / 4 * 3 + 4);
	bad = sodium_base642bin(*out, len / 4 * 3 + 3, s, len, NULL, n, &end, variant);
	if (bad == 0 && end == s + len)
		return true;
	mem_free(*out);
	*out = NULL;
	return false;
}

char *base64_encode(void *mem, const void *p, size_t n)
{
	return encode64(mem, p, n, sodium_base64_VARIANT_ORIGINAL);
}

char *base64url_encode(void *mem, const void *p, size_t n)
{
	return encode64(mem, p, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool base64_decode(void *mem, const char *s, uint8_t **out, size_t *n)
{
	return decode64(mem, s, sodium_base64_VARIANT_ORIGINAL, out, n);
}

bool base64url_decode(void *mem, const char *s, uint8_t **out, size_t *n)
{
	return decode64(mem, s, sodium_base64_VARIANT_URLSAFE_NO_PADDING, out, n);
}

/* ---- passwords ---- */

enum { PASSWORD_PASSES = 2, PASSWORD_BYTES = 64 * 1024 * 1024 };

char *password_hash(void *mem, const char *password)
{
	char *hash = mem_array(mem, char, crypto_pwhash_STRBYTES);

	if (crypto_pwhash_str(hash, password, strlen(password), PASSWORD_PASSES,
		PASSWORD_BYTES) != 0)
		abort(); /* out of memory */
	return hash;
}

bool password_verify(const char *hash, const char *password)
{
	/* as costly as a real one; what it matches does not count */
	static const char nobody[] =
	    "$argon2id$v=19$m=65536,t=2,p=1$W+85hs0Dczwh9gvjPSnBeA"
	    "$OgzhrUj496Q+3uZPENYbx78y4UMwBYZcFhIn9ZMoJ/Q";
	bool match = crypto_pwhash_str_verify(hash ? hash : nobody, password,
			 strlen(password)) == 0;

	return hash != NULL && match;
}
