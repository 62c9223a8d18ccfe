#include "service/auth.h"

#include <string.h>

#include "base/mem.h"
#include "dbtest.h"
#include "kv/cache.h"
#include "memcached.h"
#include "repo/user.h"
#include "tap.h"

#define NOW INT64_C(1764000000000)

static struct user *person(struct dbtest *t)
{
	struct form *f = form_new(t->mem);
	struct user *u = NULL;

	form_add(f, "email", "ines@nordlicht.example");
	form_add(f, "password", "four words do well");
	ok(user_create(t->db, t->mem, f, false, NOW, &u) == OK,
	    "user_create makes an account");
	return u;
}

/* What memcached holds of a session is worth nothing unless it is ours, fresh, and not
 * ended. */
static void with_cache(struct dbtest *t, struct visit *v)
{
	struct caller c = { 0 };
	struct user *u = person(t);
	char *cookie, *key, *value;
	uint8_t hash[32];

	ok(session_begin(v, t->mem, u, &cookie) == OK, "session_begin begins");
	sha256(cookie, strlen(cookie), hash);
	key = mem_printf(t->mem, "session:%s", hex_encode(t->mem, hash, 32));
	ok(session_read(v, t->mem, cookie, &c) == OK,
	    "session_read reads the database");
	ok(cache_get(v->kv, v->keys, t->mem, key, &value) == OK,
	    "and keeps it in memcached");
	ok(strstr(value, cookie) == NULL, "without the cookie");
	dbtest_script(t->db, "UPDATE users SET name = 'Changed'");
	ok(session_read(v, t->mem, cookie, &c) == OK && strcmp(c.name, "") == 0,
	    "session_read takes what memcached has");
	v->now += 31000;
	ok(session_read(v, t->mem, cookie, &c) == OK && strcmp(c.name, "Changed") == 0,
	    "but for half a minute only, whatever memcached says");
	v->now -= 31000 * 2;
	dbtest_script(t->db, "UPDATE users SET name = 'Before'");
	ok(session_read(v, t->mem, cookie, &c) == OK && strcmp(c.name, "Before") == 0,
	    "and not from the future");
	ok(kv_set(v->kv, key, "{\"user\":1}", 10, 60) == OK,
	    "somebody poisons memcached");
	ok(session_read(v, t->mem, cookie, &c) == OK && strcmp(c.name, "Before") == 0,
	    "session_read believes only what is signed");
	ok(sign_out(v, t->mem, cookie) == OK, "sign_out ends");
	ok(session_read(v, t->mem, cookie, &c) == ERR_NOTFOUND, "in memcached too");
}

/* A process that read the database before the session ended comes late with it. */
static void with_a_late_reader(struct dbtest *t, struct visit *v, struct user *u)
{
	struct session_pick all = { .user_id = u->id };
	struct caller c = { 0 };
	char *cookie, *next, *key, *value;
	uint8_t hash[32];
	size_t n;

	ok(session_begin(v, t->mem, u, &cookie) == OK &&
		session_read(v, t->mem, cookie, &c) == OK,
	    "a session is kept in memcached");
	sha256(cookie, strlen(cookie), hash);
	key = mem_printf(t->mem, "session:%s", hex_encode(t->mem, hash, 32));
	ok(cache_get(v->kv, v->keys, t->mem, key, &value) == OK, "as it says");
	ok(session_change(v, t->mem, c.session_id, cookie, &next) == OK,
	    "session_change gives it another cookie");
	ok(session_read(v, t->mem, cookie, &c) == ERR_NOTFOUND,
	    "the one before is worth nothing at once");
	cache_add(v->kv, v->keys, key, value, 30);
	ok(session_read(v, t->mem, cookie, &c) == ERR_NOTFOUND,
	    "and nobody can bring it back");
	ok(session_read(v, t->mem, next, &c) == OK && c.user_id == u->id,
	    "the new one is good");
	ok(sessions_end(v, &all, &n) == OK && n == 1, "sessions_end ends it");
	ok(session_read(v, t->mem, next, &c) == ERR_NOTFOUND, "at once too");
}

static void test_shared(struct dbtest *t)
{
	struct keyring keys = { .mac = { 7 } };
	struct visit v = { .db = t->db, .keys = &keys, .ip = "10.0.0.1", .now = NOW };
	struct memcached m;
	struct caller c = { 0 };
	struct user *u;
	char *cookie;

	memcached_begin(&m);
	ok(kv_open(t->mem, m.servers, t->log, &v.kv) == OK, "kv_open opens memcached");
	with_cache(t, &v);
	ok(user_find(t->db, t->mem, "ines@nordlicht.example", &u) == OK,
	    "user_find finds");
	with_a_late_reader(t, &v, u);
	ok(session_begin(&v, t->mem, u, &cookie) == OK, "session_begin begins another");
	memcached_stop(&m);
	ok(session_read(&v, t->mem, cookie, &c) == OK,
	    "session_read works without memcached");
	ok(sign_out(&v, t->mem, cookie) == OK, "and so does sign_out");
	ok(session_read(&v, t->mem, cookie, &c) == ERR_NOTFOUND, "for good");
	memcached_end(&m);
}

int main(void)
{
	dbtest_run(test_shared);
	return done_testing();
}
