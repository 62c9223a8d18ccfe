#include "service/api_key.h"

#include <string.h>

#include "base/mem.h"
#include "dbtest.h"
#include "repo/api_key.h"
#include "tap.h"

#define NOW INT64_C(1764000000000)
#define DAY (INT64_C(24) * 3600 * 1000)

static struct form *filled(void *mem, const char *name, const char *scopes)
{
	struct form *f = form_new(mem);

	form_add(f, "name", name);
	form_add(f, "scopes", scopes);
	return f;
}

/* User 1 is an administrator, users 2 to 4 are in brand 1. */
static void add_users(struct dbtest *t)
{
	dbtest_script(t->db,
	    "INSERT INTO users (id, email, email_key, is_admin, created_at, updated_at)"
	    " VALUES (1, 'a@x', 'a@x', 1, 1, 1), (2, 'o@x', 'o@x', 0, 1, 1),"
	    " (3, 'e@x', 'e@x', 0, 1, 1), (4, 'v@x', 'v@x', 0, 1, 1);"
	    "INSERT INTO brands (id, name, from_name, from_email, reply_to,"
	    " postal_address, time_zone, hook_token, created_at, updated_at)"
	    " VALUES (1, 'B', '', '', '', '', 'UTC', 'h', 1, 1);"
	    "INSERT INTO members (brand_id, user_id, role, created_at) VALUES"
	    " (1, 2, 'owner', 1), (1, 3, 'editor', 1), (1, 4, 'viewer', 1);");
}

static void test_refused(struct dbtest *t)
{
	struct key_grant g = {
		.user_id = 1,
		.scopes = SCOPE_ALL & ~(unsigned)(SCOPE_SEND | SCOPE_MANAGE),
		.now = NOW,
	};
	struct form *f = filled(t->mem, "", "read");
	struct api_key *k;
	char *secret;

	add_users(t);
	ok(key_create(t->db, t->mem, &g, f, &k, &secret) == OK &&
		strncmp(k->name, "Key ml_", 7) == 0,
	    "a key without a name is called by its beginning");
	f = filled(t->mem, "shop", "");
	ok(key_create(t->db, t->mem, &g, f, &k, &secret) == ERR_INVALID &&
		form_error(f, "scopes"),
	    "key_create wants a scope");
	f = filled(t->mem, "shop", "read,fly");
	ok(key_create(t->db, t->mem, &g, f, &k, &secret) == ERR_INVALID,
	    "key_create knows its scopes");
	f = filled(t->mem, "shop", "read,send");
	ok(key_create(t->db, t->mem, &g, f, &k, &secret) == ERR_INVALID,
	    "key_create gives no more than the giver has");
	f = filled(t->mem, "shop", "read,manage");
	ok(key_create(t->db, t->mem, &g, f, &k, &secret) == ERR_INVALID &&
		strstr(form_error(f, "scopes"), "Only an owner"),
	    "key_create says that only an owner gives manage");
}

static void test_end(struct dbtest *t)
{
	static const struct {
		const char *expires, *on;
		int64_t at; /* -1: refused */
	} cases[] = {
		{ "never", NULL, 0 },
		{ "", NULL, 0 },
		{ "90", NULL, NOW + 90 * DAY },
		{ "2025-12-31", NULL, INT64_C(1767221999000) }, /* 22:59:59 UTC */
		{ "2025-12-31T12:00:00Z", NULL, INT64_C(1767182400000) },
		{ "date", "2025-12-31", INT64_C(1767221999000) },
		{ "date", "", -1 },
		{ "date", "2025-02-30", -1 },
		{ "soon", NULL, -1 },
		{ "2020-01-01", NULL, -1 },
		{ "2199-01-01", NULL, -1 },
		{ "0", NULL, -1 },
		{ "3651", NULL, -1 },
	};
	struct key_grant g = { .user_id = 1,
		.scopes = SCOPE_ALL,
		.zone = "Europe/Berlin",
		.now = NOW };

	add_users(t);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct form *f = filled(t->mem, "shop", "transactional");
		struct api_key *k = NULL;
		char *secret;
		enum err e;

		form_add(f, "expires", cases[i].expires);
		if (cases[i].on)
			form_add(f, "expires_on", cases[i].on);
		e = key_create(t->db, t->mem, &g, f, &k, &secret);
		if (cases[i].at < 0)
			ok(e == ERR_INVALID &&
				form_error(f, cases[i].on ? "expires_on" : "expires"),
			    "key_create refuses the end “%s”", cases[i].expires);
		else
			is_int(e == OK ? k->expires_at : -2, cases[i].at,
			    "key_create takes the end “%s”", cases[i].expires);
	}
}

static void test_made(struct dbtest *t)
{
	struct key_grant g = { .user_id = 1,
		.scopes = SCOPE_READ | SCOPE_WRITE,
		.now = NOW };
	struct form *f = filled(t->mem, "shop", "read");
	struct caller c = { 0 };
	struct api_key *k;
	struct kv *kv;
	char *secret;

	add_users(t);
	ok(kv_open(t->mem, "", t->log, &kv) == OK, "kv_open opens the local table");
	form_add(f, "scopes", "write");
	form_add(f, "expires", "30");
	ok(key_create(t->db, t->mem, &g, f, &k, &secret) == OK,
	    "key_create takes a list of scopes");
	ok(k->scopes == (SCOPE_READ | SCOPE_WRITE), "and gives them");
	is_int(k->expires_at, NOW + 30 * DAY, "and the end");
	ok(strncmp(secret, "ml_", 3) == 0 && strlen(secret) == 46,
	    "the key is long and known by its beginning");
	is_int(dbtest_int(t->db,
		   mem_printf(t->mem,
		       "SELECT count(*) FROM api_keys WHERE prefix = '%s'", secret)),
	    0, "the key itself is not kept");
	ok(key_read(t->db, kv, t->mem, secret, NOW, &c) == OK && c.key_id == k->id,
	    "key_read knows it");
	ok(c.admin && c.scopes == k->scopes && c.user_id == 1,
	    "key_read tells what it may");
	is_int(dbtest_int(t->db, "SELECT last_used_at FROM api_keys"), NOW,
	    "key_read marks it used");
	ok(key_read(t->db, kv, t->mem, secret, NOW + 30000, &c) == OK,
	    "key_read knows it again");
	is_int(dbtest_int(t->db, "SELECT last_used_at FROM api_keys"), NOW,
	    "key_read marks it at most once a minute");
	ok(key_read(t->db, kv, t->mem, secret, NOW + 61000, &c) == OK,
	    "key_read knows it later");
	is_int(dbtest_int(t->db, "SELECT last_used_at FROM api_keys"), NOW + 61000,
	    "and marks it then");
	ok(key_read(t->db, kv, t->mem, secret, NOW + 30 * DAY, &c) == ERR_NOTFOUND,
	    "key_read refuses an expired one");
	ok(key_read(t->db, kv, t->mem, "ml_x", NOW, &c) == ERR_NOTFOUND,
	    "key_read refuses nonsense");
	secret[10] ^= 1;
	ok(key_read(t->db, kv, t->mem, secret, NOW, &c) == ERR_NOTFOUND,
	    "key_read refuses a changed one");
	secret[10] ^= 1;
	dbtest_script(t->db, "UPDATE api_keys SET revoked_at = 1");
	ok(key_read(t->db, kv, t->mem, secret, NOW, &c) == ERR_NOTFOUND,
	    "key_read refuses a revoked one");
}

/* Makes a key of a user for brand 1, or with `by` by that key. */
static struct api_key *made(struct dbtest *t, int64_t user, const struct api_key *by,
    const char *expires, char **secret)
{
	struct key_grant g = { .brand_id = 1,
		.user_id = user,
		.key_id = by ? by->id : 0,
		.ends = by ? by->expires_at : 0,
		.scopes = SCOPE_ALL,
		.now = NOW };
	struct form *f = filled(t->mem, "shop", "read,manage");
	struct api_key *k = NULL;

	if (expires)
		form_add(f, "expires", expires);
	return key_create(t->db, t->mem, &g, f, &k, secret) == OK ? k : NULL;
}

static bool works(struct dbtest *t, struct kv *kv, const char *secret)
{
	struct caller c = { 0 };

	return key_read(t->db, kv, t->mem, secret, NOW, &c) == OK;
}

static void test_user(struct dbtest *t)
{
	static const struct {
		const char *change, *back, *words;
	} ends[] = {
		{ "UPDATE users SET disabled_at = 1 WHERE id = 3",
		    "UPDATE users SET disabled_at = NULL WHERE id = 3", "is disabled" },
		{ "DELETE FROM members WHERE user_id = 3",
		    "INSERT INTO members (brand_id, user_id, role, created_at)"
		    " VALUES (1, 3, 'viewer', 1)",
		    "has left the brand" },
		{ "UPDATE api_keys SET user_id = NULL",
		    "UPDATE api_keys SET user_id = 3", "is none" },
	};
	struct caller c = { 0 };
	struct kv *kv;
	char *secret;

	add_users(t);
	ok(kv_open(t->mem, "", t->log, &kv) == OK, "kv_open opens the local table");
	ok(made(t, 3, NULL, NULL, &secret) != NULL, "an editor has a key");
	ok(key_read(t->db, kv, t->mem, secret, NOW, &c) == OK && c.user_id == 3 &&
		!c.admin,
	    "key_read tells whose it is, and that they are no administrator");
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		dbtest_script(t->db, ends[i].change);
		ok(!works(t, kv, secret), "key_read refuses a key whose user %s",
		    ends[i].words);
		dbtest_script(t->db, ends[i].back);
		ok(works(t, kv, secret), "and knows it when that is over");
	}
}

static void test_children(struct dbtest *t)
{
	struct api_key *top, *child, *grandchild;
	char *first, *second, *third;
	struct kv *kv;

	add_users(t);
	ok(kv_open(t->mem, "", t->log, &kv) == OK, "kv_open opens the local table");
	top = made(t, 2, NULL, "30", &first);
	child = made(t, 2, top, NULL, &second);
	ok(child && child->expires_at == top->expires_at,
	    "what a key makes ends with it unless told otherwise");
	ok(!made(t, 2, top, "31", &third), "and never later");
	ok(!made(t, 2, top, "never", &third), "nor not at all");
	grandchild = made(t, 2, child, "29", &third);
	ok(grandchild && grandchild->expires_at < top->expires_at, "but earlier");
	ok(works(t, kv, second) && works(t, kv, third), "all of them work");
	ok(api_key_revoke(t->db, 1, top->id, NOW) == OK, "the first is revoked");
	ok(!works(t, kv, first) && !works(t, kv, second) && !works(t, kv, third),
	    "and with it all that come from it");
	ok(api_key_get(t->db, t->mem, 1, grandchild->id, &child) == OK &&
		child->revoked_at == NOW,
	    "which the list says as well");
}

int main(void)
{
	dbtest_run(test_user);
	dbtest_run(test_children);
	dbtest_run(test_refused);
	dbtest_run(test_end);
	dbtest_run(test_made);
	return done_testing();
}
