#include "base/jwt.h"

#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "forged.h"
#include "tap.h"

#define NOW INT64_C(1764000000000)

/* ---- hundreds of tokens, forged in every way we know, made by t/fake/forge.mjs ----
 */

static struct jwt_keys *keys_of(void *mem, struct json_object *project)
{
	enum jwt_alg alg = jwt_alg_from(json_text(project, "alg", ""));
	const char *jwks = json_text(project, "jwks", "");
	struct jwt_keys *k;

	if (alg == JWT_HS256)
		return jwt_keys_secret(mem, json_text(project, "secret", ""));
	is_int(jwt_keys_read(mem, alg, jwks, strlen(jwks), &k), OK,
	    "jwt_keys_read reads the keys of the project");
	is_int((int64_t)jwt_keys_count(k), 1,
	    "and takes none of those that are weak, of another kind or purpose, or of "
	    "a kid that is taken");
	return k;
}

static void try_one(struct json_object *project, const struct jwt_keys *k,
    struct json_object *t)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "try");
	struct jwt_rules r = {
		.issuer = json_text(project, "issuer", ""),
		.audience = "authenticated",
		.role = "authenticated",
		.now = json_int(project, "now", 0) * 1000,
	};
	const char *alg = json_text(project, "alg", ""), *why = "";
	bool good = json_flag(t, "good", false);
	struct jwt j;
	enum err e = jwt_verify(mem, k, &r, json_text(t, "token", ""), &j, &why);

	ok(good ? e == OK : e == ERR_UNAUTHENTICATED || e == ERR_NOTFOUND,
	    "jwt_verify %s, %s: %s (%s)", good ? "takes" : "refuses", alg,
	    json_text(t, "name", ""), e == OK ? "taken" : why);
	ok(e == OK || !text_empty(why), "and says why");
}

static void corpus(void *mem)
{
	struct json_object *all = forged_tokens(mem);
	size_t count = 0;

	for (size_t i = 0; i < json_object_array_length(all); i++) {
		struct json_object *project = json_object_array_get_idx(all, i);
		struct json_object *tokens = json_get(project, "tokens");
		struct jwt_keys *k = keys_of(mem, project);

		count += json_object_array_length(tokens);
		for (size_t j = 0; j < json_object_array_length(tokens); j++)
			try_one(project, k, json_object_array_get_idx(tokens, j));
	}
	ok(count > 500, "there are hundreds of them (%zu)", count);
}

/* ---- what it reads of a good one ---- */

static const char secret[] = "a secret that is long enough for it";

static char *sign(void *mem, const char *header, const char *payload)
{
	char *body =
	    mem_printf(mem, "%s.%s", base64url_encode(mem, header, strlen(header)),
		base64url_encode(mem, payload, strlen(payload)));
	uint8_t mac[32];

	hmac_sha256((const uint8_t *)secret, strlen(secret), body, strlen(body), mac);
	return mem_printf(mem, "%s.%s", body, base64url_encode(mem, mac, sizeof(mac)));
}

static void claims(void *mem)
{
	static const char header[] = "{\"alg\":\"HS256\",\"kid\":\"any\"}";
	struct jwt_keys *k = jwt_keys_secret(mem, secret);
	struct jwt_rules r = { "i", "a", "r", NOW };
	const char *why = NULL, *token;
	struct jwt j;

	token = sign(mem, header,
	    "{\"iss\":\"i\",\"aud\":\"a\",\"role\":\"r\",\"exp\":1764003600,"
	    "\"sub\":\"8f14e45f-ceea-467f-a0e6-0d9e3f3b1a77\","
	    "\"session_id\":\"0b5c1a52-6a3d-4c1e-9f5e-3c7f0d1e2a4b\"}");
	is_int(jwt_verify(mem, k, &r, token, &j, &why), OK, "jwt_verify takes it");
	is_text(j.sub, "8f14e45f-ceea-467f-a0e6-0d9e3f3b1a77", "says whose it is");
	is_text(j.session_id, "0b5c1a52-6a3d-4c1e-9f5e-3c7f0d1e2a4b",
	    "of which session");
	is_int(j.ends_at, INT64_C(1764003600000), "and until when, without the skew");
	r.issuer = NULL;
	ok(jwt_verify(mem, k, &r, token, &j, &why) == ERR_UNAUTHENTICATED &&
		strcmp(why, "another issuer") == 0,
	    "where tokens name no issuer, one that does is refused");
	token = sign(mem, header,
	    "{\"aud\":\"a\",\"role\":\"r\",\"exp\":1764003600,"
	    "\"sub\":\"8f14e45f-ceea-467f-a0e6-0d9e3f3b1a77\"}");
	is_int(jwt_verify(mem, k, &r, token, &j, &why), OK,
	    "and one that does not taken");
	r.issuer = "i";
	is_int(jwt_verify(mem, k, &r, token, &j, &why), ERR_UNAUTHENTICATED,
	    "which is refused elsewhere");
	token = sign(mem, header,
	    "{\"iss\":\"i\",\"aud\":\"a\",\"role\":\"r\",\"exp\":1764003600,"
	    "\"sub\":\"8f14e45f-ceea-467f-a0e6-0d9e3f3b1a77\"}");
	r.now = j.ends_at + 59999;
	is_int(jwt_verify(mem, k, &r, token, &j, &why), OK, "good for 60 s more");
	r.now = j.ends_at + 60000;
	is_int(jwt_verify(mem, k, &r, token, &j, &why), ERR_UNAUTHENTICATED,
	    "and no longer");
	is_text(why, "it has expired", "which it says");
}

static void sets(void *mem)
{
	struct jwt_keys *k;
	static const char *const none[] = { "", "{}", "[]", "{\"keys\":{}}",
		"{\"keys\":[}", "null" };

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		is_int(jwt_keys_read(mem, JWT_ES256, none[i], strlen(none[i]), &k),
		    ERR_MALFORMED, "jwt_keys_read refuses '%s'", none[i]);
	is_int(jwt_keys_read(mem, JWT_RS256, "{\"keys\":[]}", 11, &k), OK,
	    "an empty set is one");
	is_int((int64_t)jwt_keys_count(k), 0, "of no keys");
	is_int(jwt_keys_check(k, "a", "t", 1, (const uint8_t *)"s", 1), ERR_NOTFOUND,
	    "in which none is found");
	is_int(jwt_keys_read(mem, JWT_HS256, "{\"keys\":[]}", 11, &k), ERR_MALFORMED,
	    "HS256 never takes its key from a set");
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");

	corpus(mem);
	claims(mem);
	sets(mem);
	return done_testing();
}
