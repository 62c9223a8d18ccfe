#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "kv/cache.h"
#include "repo/setting.h"
#include "repo/supabase.h"
#include "repo/user.h"
#include "service/supabase_call.h"

/*
 * The keys of the project: kept in the process, in memcached and in the database, so
 * that every process knows soon what one was told, and a restart while Supabase is
 * silent finds them.  They are asked for again after ten minutes; while Supabase is
 * silent the old ones do, for a day.
 */
enum { COOLDOWN_S = 60, RETRY_S = 10, LOOK_MS = 5000 };
#define FRESH_MS (INT64_C(10) * 60 * 1000)
#define STALE_MS (INT64_C(24) * 3600 * 1000)

static const char kept_as[] = "supabase_jwks"; /* settings */
static const char cached_as[] = "supabase:jwks", asked[] = "supabase:jwks:asked";

struct supabase *supabase_new(void *mem, const struct config *c)
{
	struct supabase *s;

	if (text_empty(c->supabase.url))
		return NULL;
	s = mem_new(mem, struct supabase);
	s->config = c;
	s->auth = mem_printf(s, "%s/auth/v1", c->supabase.url);
	s->browser = mem_printf(s, "%s/auth/v1",
	    text_empty(c->supabase.browser_url) ? c->supabase.url
						: c->supabase.browser_url);
	s->issuer = text_empty(c->supabase.issuer) ? s->auth : c->supabase.issuer;
	if (text_equal(s->issuer, "none"))
		s->issuer = NULL;
	if (text_equal(c->supabase.algorithm, "HS256"))
		s->keys = jwt_keys_secret(s, c->supabase.jwt_secret);
	return s;
}

/* ---- keys ---- */

static enum err take(struct supabase *s, const char *jwks, int64_t at)
{
	enum jwt_alg alg = jwt_alg_from(s->config->supabase.algorithm);
	struct jwt_keys *k;
	enum err e = jwt_keys_read(s, alg, jwks, strlen(jwks), &k);

	if (e != OK)
		return e;
	mem_free(s->keys);
	s->keys = k;
	s->fetched_at = at;
	memset(s->checked, 0, sizeof(s->checked));
	return OK;
}

/* What another process, or an earlier one, was told: {url, at, jwks}. */
static bool take_kept(const struct visit *v, void *mem, const char *text)
{
	struct supabase *s = v->supabase;
	struct json_object *o;
	int64_t at;

	if (json_read(mem, text, strlen(text), &o, NULL) != OK)
		return false;
	at = json_int(o, "at", 0);
	if (!text_equal(json_text(o, "url", NULL), s->auth) || at <= s->fetched_at ||
	    at > v->now || v->now - at > STALE_MS)
		return false;
	return take(s, json_text(o, "jwks", ""), at) == OK;
}

/* True: newer keys than ours were found. */
static bool look(const struct visit *v, void *mem)
{
	struct supabase *s = v->supabase;
	char *text;

	if (v->now - s->looked_at < LOOK_MS)
		return false;
	s->looked_at = v->now;
	if (cache_get(v->kv, v->keys, mem, cached_as, &text) == OK &&
	    take_kept(v, mem, text))
		return true;
	return setting_get(v->db, mem, kept_as, &text) == OK && take_kept(v, mem, text);
}

static void keep(const struct visit *v, void *mem, const char *jwks)
{
	struct json_object *o = json_obj(mem);
	const char *text;

	json_set_text(o, "url", v->supabase->auth);
	json_set_int(o, "at", v->now);
	json_set_text(o, "jwks", jwks);
	text = json_write(mem, o);
	cache_set(v->kv, v->keys, cached_as, text, FRESH_MS / 1000);
	if (setting_put(v->db, kept_as, text, v->now) != OK)
		log_warn(v->log, "supabase.failed", LOG_STR("call", "keep"),
		    LOG_STR("why", "the keys cannot be written down"));
}

/* One process in a minute asks. ERR_CONFLICT: another did. */
static enum err fetch(const struct visit *v, void *mem)
{
	struct supabase *s = v->supabase;
	struct supabase_call c = { .path = "/.well-known/jwks.json" };
	struct supabase_answer a;
	const char *why;
	enum err e;

	if (v->now - s->asked_at < COOLDOWN_S * 1000 ||
	    kv_add(v->kv, asked, "1", 1, COOLDOWN_S) == ERR_CONFLICT)
		return ERR_CONFLICT;
	s->asked_at = v->now;
	e = supabase_ask(v, mem, &c, &a, &why);
	if (e == OK && (a.status != 200 || take(s, a.text, v->now) != OK)) {
		log_error(v->log, "supabase.odd",
		    LOG_STR("why", "the keys of the project cannot be read"));
		e = ERR_BUSY;
	}
	if (e != OK) { /* sooner than what was answered well */
		s->asked_at = v->now - (COOLDOWN_S - RETRY_S) * 1000;
		(void)kv_set(v->kv, asked, "1", 1, RETRY_S);
		return e;
	}
	log_info(v->log, "supabase.keys",
	    LOG_INT("keys", (int64_t)jwt_keys_count(s->keys)));
	keep(v, mem, a.text);
	return OK;
}

/* ERR_BUSY: there are none, and none can be had. */
static enum err keys_ready(const struct visit *v, void *mem)
{
	struct supabase *s = v->supabase;
	enum err e;

	if (s->keys &&
	    (jwt_keys_alg(s->keys) == JWT_HS256 || v->now - s->fetched_at < FRESH_MS))
		return OK;
	look(v, mem);
	if (s->keys && v->now - s->fetched_at < FRESH_MS)
		return OK;
	e = fetch(v, mem);
	if (e == OK || (s->keys && v->now - s->fetched_at < STALE_MS))
		return OK;
	return ERR_BUSY;
}

enum err supabase_keys(const struct visit *v, void *mem, size_t *n)
{
	enum err e = keys_ready(v, mem);

	if (e == OK)
		*n = jwt_keys_count(v->supabase->keys);
	return e;
}

/* A kid nobody knows yet: others may, or Supabase has new keys. */
static bool keys_newer(const struct visit *v, void *mem)
{
	return look(v, mem) || fetch(v, mem) == OK;
}

/* ---- tokens ---- */

static enum err verify(const struct visit *v, void *mem, const char *token,
    struct jwt *out, const char **why)
{
	struct supabase *s = v->supabase;
	struct jwt_rules r = { s->issuer, "authenticated", "authenticated", v->now };
	enum err e = keys_ready(v, mem);

	*why = "there are no keys";
	if (e != OK)
		return e;
	e = jwt_verify(mem, s->keys, &r, token, out, why);
	if (e == ERR_NOTFOUND && keys_newer(v, mem))
		e = jwt_verify(mem, s->keys, &r, token, out, why);
	return e == ERR_NOTFOUND ? ERR_UNAUTHENTICATED : e;
}

enum err supabase_verify(const struct visit *v, void *mem, const char *token,
    struct jwt *out, const char **why)
{
	enum err e = verify(v, mem, token, out, why);

	if (e == ERR_UNAUTHENTICATED)
		log_info(v->log, "supabase.token", LOG_STR("why", *why));
	return e;
}

/*
 * The very text of a token that was good is good until it ends, as long as the keys
 * are.  The text and not what it says: the signature is part of it.
 */
static enum err verify_again(const struct visit *v, void *mem, const char *token,
    const char **sub, const char **why)
{
	struct supabase *s = v->supabase;
	struct checked *c;
	uint8_t hash[32];
	struct jwt j;
	enum err e = keys_ready(v, mem);

	if (e != OK)
		return e;
	sha256(token, strnlen(token, JWT_MAX + 1), hash);
	c = &s->checked[hash[0] % CHECKED_TOKENS];
	if (c->ends_at > v->now && equal_secret(c->hash, hash, sizeof(hash))) {
		*sub = mem_str(mem, c->sub);
		return OK;
	}
	e = supabase_verify(v, mem, token, &j, why);
	if (e != OK)
		return e;
	*sub = j.sub;
	memcpy(c->hash, hash, sizeof(hash));
	memcpy(c->sub, j.sub, sizeof(c->sub));
	c->ends_at = j.ends_at;
	return OK;
}

static enum err account_of(const struct visit *v, void *mem, const char *sub,
    struct user **u)
{
	int64_t id;
	enum err e = supabase_user_find(v->db, sub, &id);

	if (e == OK)
		e = user_get(v->db, mem, id, u);
	return e;
}

enum err supabase_bearer(const struct visit *v, void *mem, const char *token,
    struct caller *out, const char **why)
{
	const char *sub, *what = "";
	struct user *u;
	enum err e = verify_again(v, mem, token, &sub, &what);

	*why = "The keys of Supabase cannot be had just now, so no token can be "
	       "checked. Try again in a minute.";
	if (e == ERR_UNAUTHENTICATED)
		*why = "This token is not one of the project's users, or has expired.";
	if (e == OK)
		e = account_of(v, mem, sub, &u);
	if (e == ERR_NOTFOUND || (e == OK && u->disabled)) {
		*why = e == OK
		    ? "The account of this Supabase user is disabled here."
		    : "This Supabase user has no account here. Sign in with a browser "
		      "first.";
		return ERR_FORBIDDEN;
	}
	if (e != OK)
		return e;
	out->user_id = u->id;
	out->email = u->email;
	out->name = u->name;
	out->admin = u->admin;
	out->csrf = "";
	out->scopes = SCOPE_ALL;
	out->bearer = true;
	return OK;
}
