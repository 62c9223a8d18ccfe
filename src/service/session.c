#include <string.h>

#include "base/id.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "kv/cache.h"
#include "repo/session.h"
#include "service/auth.h"

/*
 * Sessions: the database decides.  memcached keeps what it said for half a minute, with
 * a MAC and the time inside, so that neither a lying nor a replaying server helps
 * anybody. Without a shared server nothing is kept: signing out must hold in every
 * process at once.  So what has ended leaves a mark in its place, longer than anybody
 * who read the database before can take to keep what it said: keeping never replaces.
 */
enum { CACHE_S = 30, GONE_S = 60, COOKIE_CHARS = 43, SEEN_EVERY_MS = 5 * 60 * 1000 };

static const char gone[] = "gone";

static void hash_cookie(const char *cookie, uint8_t hash[32])
{
	sha256(cookie, strlen(cookie), hash);
}

static char *cache_key(void *mem, const uint8_t hash[32])
{
	return mem_printf(mem, "session:%s", hex_encode(mem, hash, 32));
}

static void forget(const struct visit *v, void *mem, const uint8_t hash[32])
{
	if (kv_is_shared(v->kv))
		cache_set(v->kv, v->keys, cache_key(mem, hash), gone, GONE_S);
}

enum err session_begin(const struct visit *v, void *mem, const struct user *u,
    char **cookie)
{
	struct session s = {
		.user_id = u->id,
		.csrf = id_secret(mem),
		.created_at = v->now,
		.seen_at = v->now,
		.expires_at = v->now + SESSION_LIFE_MS,
	};
	uint8_t hash[32];
	enum err e = session_sweep(v->db, v->now);

	if (e != OK)
		return e;
	*cookie = id_secret(mem);
	hash_cookie(*cookie, hash);
	return session_add(v->db, &s, hash, v->ip,
	    mem_strn(mem, v->agent ? v->agent : "",
		v->agent ? strnlen(v->agent, 300) : 0));
}

static enum err find(const struct visit *v, void *mem, const char *cookie,
    struct session **s, struct user **u)
{
	uint8_t hash[32];

	hash_cookie(cookie, hash);
	return session_find(v->db, mem, hash, v->now, s, u);
}

enum err session_id_of(const struct visit *v, void *mem, const char *cookie,
    int64_t *id)
{
	struct session *s;
	struct user *u;
	enum err e = find(v, mem, cookie, &s, &u);

	if (e == OK)
		*id = s->id;
	return e;
}

static void fill(struct caller *c, const struct session *s, const struct user *u)
{
	c->user_id = u->id;
	c->session_id = s->id;
	c->email = u->email;
	c->name = u->name;
	c->admin = u->admin;
	c->csrf = s->csrf;
	c->verified_until = s->verified_until;
	c->scopes = SCOPE_ALL;
}

static void keep(const struct visit *v, void *mem, const char *key,
    const struct session *s, const struct user *u)
{
	struct json_object *o = json_obj(mem);

	json_set_int(o, "at", v->now);
	json_set_int(o, "session", s->id);
	json_set_int(o, "user", u->id);
	json_set_text(o, "email", u->email);
	json_set_text(o, "name", u->name);
	json_set_bool(o, "admin", u->admin);
	json_set_text(o, "csrf", s->csrf);
	json_set_int(o, "ends", s->expires_at);
	json_set_int(o, "verified", s->verified_until);
	cache_add(v->kv, v->keys, key, json_write(mem, o), CACHE_S);
}

/* False unless memcached had it, fresh. */
static bool kept(const struct visit *v, void *mem, const char *key, struct caller *c)
{
	struct json_object *o;
	struct session s = { 0 };
	struct user u = { 0 };
	int64_t age;
	char *text;

	if (cache_get(v->kv, v->keys, mem, key, &text) != OK ||
	    json_read(mem, text, strlen(text), &o, NULL) != OK)
		return false;
	age = v->now - json_int(o, "at", 0);
	if (age < 0 || age > CACHE_S * 1000 || json_int(o, "ends", 0) <= v->now)
		return false;
	s.id = json_int(o, "session", 0);
	s.csrf = json_text(o, "csrf", "");
	s.verified_until = json_int(o, "verified", 0);
	u.id = json_int(o, "user", 0);
	u.email = json_text(o, "email", "");
	u.name = json_text(o, "name", "");
	u.admin = json_flag(o, "admin", false);
	fill(c, &s, &u);
	return true;
}

/* As mark_used of keys: a busy database must not keep people out, nor make all of them
 * wait. */
static enum err mark_seen(const struct visit *v, void *mem, const struct session *s)
{
	const char *turn;
	enum err e;

	if (v->now - s->seen_at <= SEEN_EVERY_MS)
		return OK;
	turn = mem_printf(mem, "session:seen:%lld:%lld", (long long)s->id,
	    (long long)(v->now / SEEN_EVERY_MS));
	if (kv_add(v->kv, turn, "1", 1, 2 * SEEN_EVERY_MS / 1000) == ERR_CONFLICT)
		return OK;
	e = session_seen(v->db, s->id, v->now);
	return e == ERR_BUSY ? OK : e;
}

enum err session_read(const struct visit *v, void *mem, const char *cookie,
    struct caller *out)
{
	bool shared = kv_is_shared(v->kv);
	const char *key;
	struct session *s;
	struct user *u;
	uint8_t hash[32];
	enum err e;

	if (strlen(cookie) != COOKIE_CHARS)
		return ERR_NOTFOUND;
	hash_cookie(cookie, hash);
	key = cache_key(mem, hash);
	if (shared && kept(v, mem, key, out))
		return OK;
	e = session_find(v->db, mem, hash, v->now, &s, &u);
	if (e != OK)
		return e;
	fill(out, s, u);
	if (shared)
		keep(v, mem, key, s, u);
	return mark_seen(v, mem, s);
}

enum err sign_out(const struct visit *v, void *mem, const char *cookie)
{
	struct session_pick p = { 0 };
	struct session *s;
	struct user *u;
	enum err e = find(v, mem, cookie, &s, &u);

	if (e != OK)
		return e == ERR_NOTFOUND ? OK : e;
	p.user_id = u->id;
	p.only = s->id;
	return sessions_end(v, &p, NULL);
}

enum err sessions_end(const struct visit *v, const struct session_pick *p, size_t *n)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "sessions_end");
	uint8_t(*hashes)[32];
	size_t ended;
	enum err e = session_end(v->db, tmp, p, &hashes, &ended);

	for (size_t i = 0; e == OK && i < ended; i++)
		forget(v, tmp, hashes[i]);
	if (n)
		*n = ended;
	return e;
}

enum err session_change(const struct visit *v, void *mem, int64_t id, const char *old,
    char **cookie)
{
	uint8_t hash[32];
	enum err e;

	*cookie = id_secret(mem);
	hash_cookie(*cookie, hash);
	e = session_renew(v->db, id, hash, id_secret(mem));
	if (e == OK && old)
		session_forget(v, mem, old);
	return e;
}

void session_forget(const struct visit *v, void *mem, const char *cookie)
{
	uint8_t hash[32];

	hash_cookie(cookie, hash);
	forget(v, mem, hash);
}
