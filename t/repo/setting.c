#include "repo/setting.h"

#include <string.h>

#include "dbtest.h"
#include "repo/audit.h"
#include "repo/idempotency.h"
#include "tap.h"

static void test_settings(struct dbtest *t)
{
	char *v;

	ok(setting_get(t->db, t->mem, "k", &v) == ERR_NOTFOUND, "setting_get misses");
	ok(setting_put(t->db, "k", "one", 1) == OK &&
		setting_put(t->db, "k", "two", 2) == OK,
	    "setting_put adds and replaces");
	ok(setting_get(t->db, t->mem, "k", &v) == OK, "setting_get finds");
	is_text(v, "two", "setting_get gives the last value");
	ok(setting_take(t->db, "k", "one") == ERR_NOTFOUND,
	    "setting_take leaves another value");
	ok(setting_take(t->db, "k", "two") == OK, "setting_take takes");
	ok(setting_take(t->db, "k", "two") == ERR_NOTFOUND, "setting_take takes once");
}

static void test_idempotency(struct dbtest *t)
{
	uint8_t hash[32];
	struct idempotency was;

	memset(hash, 3, sizeof(hash));
	ok(idempotency_begin(t->db, "user:1", "k", hash, 10) == OK,
	    "idempotency_begin begins");
	ok(idempotency_begin(t->db, "user:1", "k", hash, 10) == ERR_CONFLICT,
	    "idempotency_begin begins once");
	ok(idempotency_begin(t->db, "user:2", "k", hash, 10) == OK,
	    "idempotency_begin keeps callers apart");
	ok(idempotency_get(t->db, t->mem, "user:1", "k", &was) == OK && was.status == 0,
	    "idempotency_get tells that it is being worked on");
	ok(memcmp(was.request_hash, hash, 32) == 0, "idempotency_get gives the hash");
	ok(idempotency_end(t->db, "user:1", "k", 201, "{}") == OK,
	    "idempotency_end keeps the answer");
	ok(idempotency_get(t->db, t->mem, "user:1", "k", &was) == OK &&
		was.status == 201,
	    "idempotency_get gives the status");
	is_text(was.body, "{}", "idempotency_get gives the answer");
	ok(idempotency_drop(t->db, "user:2", "k") == OK, "idempotency_drop forgets");
	ok(idempotency_get(t->db, t->mem, "user:2", "k", &was) == ERR_NOTFOUND,
	    "idempotency_drop forgot");
	ok(idempotency_sweep(t->db, 11) == OK, "idempotency_sweep runs");
	ok(idempotency_get(t->db, t->mem, "user:1", "k", &was) == ERR_NOTFOUND,
	    "idempotency_sweep removes the old");
}

static void test_audit(struct dbtest *t)
{
	struct audit_line l = { .user_id = 3,
		.action = "list.create",
		.object_id = 7,
		.at = 9 };

	ok(audit_add(t->db, &l) == OK, "audit_add adds");
	is_int(
	    dbtest_int(t->db,
		"SELECT count(*) FROM audit_log WHERE brand_id IS NULL AND user_id = 3"
		" AND api_key_id IS NULL AND action = 'list.create' AND object_id = 7 "
		"AND detail = '{}'"),
	    1, "audit_add writes NULL for none");
}

int main(void)
{
	dbtest_run(test_settings);
	dbtest_run(test_idempotency);
	dbtest_run(test_audit);
	return done_testing();
}
