#include "base/jwt.h"

#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* Until the year 9999: larger times are mistakes. */
#define TIME_MAX_S INT64_C(253402300799)
/* Of a segment: whoever sent it is not known yet. */
enum { MEMORY_MAX = 128 * 1024 };

static enum err refuse(const char **why, const char *what)
{
	*why = what;
	return ERR_UNAUTHENTICATED;
}

/* ---- JSON that says each thing once ---- */

/* Members of all objects in valid JSON: a colon outside of text belongs to one. */
static size_t members_written(const char *s, size_t n)
{
	bool inside = false;
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (inside && s[i] == '\\')
			i++;
		else if (s[i] == '"')
			inside = !inside;
		else if (!inside && s[i] == ':')
			count++;
	}
	return count;
}

static size_t members_read(struct json_object *o)
{
	size_t count = 0;

	if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++)
			count += members_read(json_object_array_get_idx(o, i));
	}
	if (json_object_is_type(o, json_type_object)) {
		json_object_object_foreach (o, key, v) {
			(void)key;
			count += 1 + members_read(v);
		}
	}
	return count;
}

/*
 * A segment of the token as an object.  Of a name that stands in it twice json-c keeps
 * the last, other readers the first: such an object is none.
 */
static struct json_object *read_object(void *mem, const char *segment)
{
	struct json_object *o;
	uint8_t *text;
	size_t n;

	if (!base64url_decode(mem, segment, &text, &n) ||
	    json_read_within(mem, (const char *)text, n, MEMORY_MAX, &o, NULL) != OK ||
	    !json_object_is_type(o, json_type_object))
		return NULL;
	return members_written((const char *)text, n) == members_read(o) ? o : NULL;
}

/* ---- header ---- */

static const char *alg_word(enum jwt_alg alg)
{
	static const char *const words[] = { "HS256", "ES256", "RS256" };

	return words[alg];
}

enum jwt_alg jwt_alg_from(const char *word)
{
	if (text_equal(word, "ES256"))
		return JWT_ES256;
	return text_equal(word, "RS256") ? JWT_RS256 : JWT_HS256;
}

/*
 * Supabase writes three names. Any other is refused, whatever it says: jku, x5u and jwk
 * bring a key along, crit, b64, zip and enc change what is signed.
 */
static bool only_known(struct json_object *header)
{
	json_object_object_foreach (header, key, v) {
		(void)v;
		if (!text_equal(key, "alg") && !text_equal(key, "kid") &&
		    !text_equal(key, "typ"))
			return false;
	}
	return true;
}

static enum err check_header(struct json_object *h, const struct jwt_keys *k,
    const char **kid, const char **why)
{
	*kid = json_text(h, "kid", NULL);
	if (h == NULL)
		return refuse(why, "the header is not an object");
	if (!text_equal(json_text(h, "alg", NULL), alg_word(jwt_keys_alg(k))))
		return refuse(why, "another algorithm than the configured one");
	if (!only_known(h))
		return refuse(why, "the header has a name that is not known");
	if (json_object_object_get_ex(h, "typ", NULL) &&
	    !text_equal(json_text(h, "typ", NULL), "JWT"))
		return refuse(why, "another type than JWT");
	if (json_object_object_get_ex(h, "kid", NULL) &&
	    (text_empty(*kid) || strlen(*kid) > JWT_KID_MAX))
		return refuse(why, "the kid is not 1 to 64 characters");
	if (*kid == NULL && jwt_keys_alg(k) != JWT_HS256)
		return refuse(why, "there is no kid");
	return OK;
}

/* ---- claims ---- */

/* 36 characters, lower case, as Supabase writes them; the one of zeros is nobody's. */
static bool is_uuid(const char *s)
{
	static const char form[] = "00000000-0000-0000-0000-000000000000";

	if (s == NULL || strlen(s) != strlen(form) || text_equal(s, form))
		return false;
	for (size_t i = 0; i < strlen(form); i++) {
		bool digit = s[i] != '-' && strchr("0123456789abcdef", s[i]) != NULL;

		if (form[i] == '-' ? s[i] != '-' : !digit)
			return false;
	}
	return true;
}

static bool is_audience(struct json_object *o, const char *wanted)
{
	bool found = false;

	if (json_object_is_type(o, json_type_string))
		return text_equal(json_object_get_string(o), wanted);
	if (!json_object_is_type(o, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(o); i++) {
		struct json_object *one = json_object_array_get_idx(o, i);

		if (!json_object_is_type(one, json_type_string))
			return false;
		if (text_equal(json_object_get_string(one), wanted))
			found = true;
	}
	return found;
}

/* A time in whole seconds; absent gives `dflt`, anything else -1. */
static int64_t time_of(struct json_object *c, const char *name, int64_t dflt)
{
	struct json_object *o = NULL;
	int64_t t;

	if (!json_object_object_get_ex(c, name, &o))
		return dflt;
	if (!json_object_is_type(o, json_type_int))
		return -1;
	t = json_object_get_int64(o);
	return t < 0 || t > TIME_MAX_S ? -1 : t;
}

static enum err check_times(struct json_object *c, int64_t now_ms, struct jwt *out,
    const char **why)
{
	int64_t now = now_ms / 1000, exp = time_of(c, "exp", -1);
	int64_t nbf = time_of(c, "nbf", 0), iat = time_of(c, "iat", 0);

	if (exp < 0 || nbf < 0 || iat < 0)
		return refuse(why, "exp, nbf or iat is not a time");
	if (now >= exp + JWT_SKEW_S)
		return refuse(why, "it has expired");
	if (nbf > now + JWT_SKEW_S || iat > now + JWT_SKEW_S)
		return refuse(why, "it is of the future");
	out->ends_at = exp * 1000;
	return OK;
}

/* The public and the service key of a project are tokens of the same secret, too. */
static enum err check_claims(struct json_object *c, const struct jwt_rules *r,
    struct jwt *out, const char **why)
{
	struct json_object *anonymous = NULL;
	bool tells = json_object_object_get_ex(c, "is_anonymous", &anonymous);

	if (r->issuer ? !text_equal(json_text(c, "iss", NULL), r->issuer)
		      : json_object_object_get_ex(c, "iss", NULL))
		return refuse(why, "another issuer");
	if (!is_audience(json_get(c, "aud"), r->audience))
		return refuse(why, "for another audience");
	if (!text_equal(json_text(c, "role", NULL), r->role))
		return refuse(why, "another role");
	if (tells &&
	    (!json_object_is_type(anonymous, json_type_boolean) ||
		json_object_get_boolean(anonymous)))
		return refuse(why, "an anonymous user");
	out->sub = json_text(c, "sub", NULL);
	out->session_id = json_text(c, "session_id", NULL);
	if (!is_uuid(out->sub))
		return refuse(why, "sub is not a UUID");
	if (json_object_object_get_ex(c, "session_id", NULL) &&
	    !is_uuid(out->session_id))
		return refuse(why, "session_id is not a UUID");
	return check_times(c, r->now, out, why);
}

/* ---- the whole ---- */

/* header.payload.signature as three texts; false unless there are just three. */
static bool split(void *mem, const char *token, char *part[3])
{
	const char *dot = strchr(token, '.');
	const char *last = dot ? strchr(dot + 1, '.') : NULL;

	if (last == NULL || strchr(last + 1, '.') != NULL)
		return false;
	part[0] = mem_strn(mem, token, (size_t)(dot - token));
	part[1] = mem_strn(mem, dot + 1, (size_t)(last - dot - 1));
	part[2] = mem_str(mem, last + 1);
	return part[0][0] != '\0' && part[1][0] != '\0' && part[2][0] != '\0';
}

enum err jwt_verify(void *mem, const struct jwt_keys *k, const struct jwt_rules *r,
    const char *token, struct jwt *out, const char **why)
{
	struct json_object *claims;
	const char *kid;
	uint8_t *signature;
	char *part[3];
	size_t n;
	enum err e;

	memset(out, 0, sizeof(*out));
	if (strnlen(token, JWT_MAX + 1) > JWT_MAX)
		return refuse(why, "too long");
	if (!split(mem, token, part) || !base64url_decode(mem, part[2], &signature, &n))
		return refuse(why, "not three parts of base64url");
	e = check_header(read_object(mem, part[0]), k, &kid, why);
	if (e != OK)
		return e;
	*why = "the signature does not fit";
	e = jwt_keys_check(k, kid, token, strlen(part[0]) + 1 + strlen(part[1]),
	    signature, n);
	if (e == ERR_NOTFOUND)
		*why = "no key has this kid";
	if (e != OK)
		return e;
	claims = read_object(mem, part[1]);
	if (claims == NULL)
		return refuse(why, "the claims are not an object");
	return check_claims(claims, r, out, why);
}
