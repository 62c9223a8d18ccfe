#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/jwt.h"
#include "base/mem.h"
#include "base/text.h"
#include "fuzz/fuzz.h"

/*
 * A token as it comes, which nobody can sign; a head and a payload, two lines, signed
 * for them; a set of keys.
 */
const size_t fuzz_max = 6000;

static const char secret[] = "a secret of at least thirty-two characters";
static const struct jwt_rules rules = { .issuer = "https://p.example/auth/v1",
	.audience = "authenticated",
	.role = "authenticated",
	.now = 1764000000000 };

static const char *hs256_signed(void *mem, const char *head, const char *payload)
{
	char *text = mem_printf(mem, "%s.%s", base64url_encode(mem, head, strlen(head)),
	    base64url_encode(mem, payload, strlen(payload)));
	uint8_t mac[32];

	hmac_sha256((const uint8_t *)secret, strlen(secret), text, strlen(text), mac);
	return mem_printf(mem, "%s.%s", text, base64url_encode(mem, mac, sizeof(mac)));
}

/* A key whose other half nobody here has. */
static struct jwt_keys *public_key(void *mem)
{
	static const char set[] =
	    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\",\"alg\":"
	    "\"ES256\","
	    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";
	struct jwt_keys *k = NULL;

	FUZZ_CHECK(jwt_keys_read(mem, JWT_ES256, set, strlen(set), &k) == OK &&
	    jwt_keys_count(k) == 1);
	return k;
}

static void verify(void *mem, struct jwt_keys *k, const char *token, bool ours)
{
	const char *why = NULL;
	struct jwt j = { 0 };
	enum err e = jwt_verify(mem, k, &rules, token, &j, &why);

	if (e != OK) {
		FUZZ_CHECK((e == ERR_UNAUTHENTICATED || e == ERR_NOTFOUND) &&
		    !text_empty(why));
		return;
	}
	FUZZ_CHECK(ours);
	FUZZ_CHECK(strlen(j.sub) == 36 && j.ends_at > rules.now - JWT_SKEW_S * 1000);
	FUZZ_CHECK(!j.session_id || strlen(j.session_id) == 36);
}

void fuzz_one(void *mem, const char *s, size_t n)
{
	char *text = fuzz_text(mem, s, n), *rest = text;
	const char *head;
	struct jwt_keys *k;

	verify(mem, jwt_keys_secret(mem, secret), text, false);
	verify(mem, public_key(mem), text, false);
	for (int alg = JWT_ES256; alg <= JWT_RS256; alg++)
		if (jwt_keys_read(mem, (enum jwt_alg)alg, s, n, &k) == OK)
			FUZZ_CHECK(jwt_keys_count(k) <= JWT_KEYS_MAX);
	head = strsep(&rest, "\n");
	if (rest != NULL)
		verify(mem, jwt_keys_secret(mem, secret), hs256_signed(mem, head, rest),
		    true);
}
