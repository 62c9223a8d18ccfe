#include "base/totp.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"

enum { SHA1_BYTES = 20 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

uint32_t totp_number(const uint8_t *secret, size_t n, int64_t step)
{
	uint8_t message[8], mac[SHA1_BYTES] = { 0 };
	unsigned len = sizeof(mac);
	const uint8_t *at;

	for (int i = 0; i < 8; i++)
		message[i] = (uint8_t)((uint64_t)step >> (56 - 8 * i));
	HMAC(EVP_sha1(), secret, (int)n, message, sizeof(message), mac, &len);
	at = mac + (mac[SHA1_BYTES - 1] & 0x0f);
	return ((uint32_t)(at[0] & 0x7f) << 24) | ((uint32_t)at[1] << 16) |
	    ((uint32_t)at[2] << 8) | at[3];
}

static void write_code(uint32_t number, char code[TOTP_DIGITS])
{
	for (int i = TOTP_DIGITS - 1; i >= 0; i--, number /= 10)
		code[i] = (char)('0' + number % 10);
}

int64_t totp_step(const uint8_t *secret, size_t n, const char *code, int64_t now_ms)
{
	int64_t now = now_ms / TOTP_STEP_MS, found = -1;
	char want[TOTP_DIGITS];

	if (strlen(code) != TOTP_DIGITS)
		return -1;
	for (int64_t step = now - 1; step <= now + 1; step++) {
		write_code(totp_number(secret, n, step), want);
		if (equal_secret(code, want, TOTP_DIGITS))
			found = step;
	}
	return found;
}

char *base32_encode(void *mem, const void *p, size_t n)
{
	const uint8_t *in = p;
	char *out = mem_array(mem, char, (n * 8 + 4) / 5 + 1), *to = out;
	uint32_t bits = 0;
	int have = 0;

	for (size_t i = 0; i < n; i++) {
		bits = (bits << 8) | in[i];
		for (have += 8; have >= 5; have -= 5)
			*to++ = alphabet[(bits >> (have - 5)) & 31];
	}
	if (have > 0)
		*to++ = alphabet[(bits << (5 - have)) & 31];
	return out;
}

/* -1: not of the alphabet. */
static int value_of(char c)
{
	const char *at;

	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

enum err base32_decode(const char *s, void *out, size_t n)
{
	uint8_t *to = out;
	size_t done = 0;
	uint32_t bits = 0;
	int have = 0;

	for (; *s; s++) {
		int v;

		if (*s == ' ' || *s == '-')
			continue;
		v = value_of(*s);
		if (v < 0)
			return ERR_INVALID;
		bits = (bits << 5) | (uint32_t)v;
		have += 5;
		if (have < 8)
			continue;
		if (done == n)
			return ERR_INVALID;
		have -= 8;
		to[done++] = (uint8_t)(bits >> have);
	}
	/* what is left over is padding: less than a character, and nothing but zeros */
	if (done != n || have >= 5 || (bits & ((1u << have) - 1)) != 0)
		return ERR_INVALID;
	return OK;
}
