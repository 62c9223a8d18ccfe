#include "service/reach.h"

#include "base/mem.h"
#include "dbtest.h"
#include "tap.h"

static const char people[] =
    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
    " VALUES (1, 'Shop', 'h', 1, 1);"
    "INSERT INTO lists (id, brand_id, name, created_at, updated_at)"
    " VALUES (1, 1, 'a', 1, 1), (2, 1, 'b', 1, 1);"
    "INSERT INTO subscribers (id, brand_id, email, email_key, status, created_at,"
    "   updated_at) VALUES (1, 1, 'a@x.test', 'a@x.test', 'active', 1, 1),"
    " (2, 1, 'b@x.test', 'b@x.test', 'active', 1, 1);"
    "INSERT INTO list_subscribers (list_id, subscriber_id, created_at)"
    " VALUES (1, 1, 1), (1, 2, 1), (2, 2, 1);";

static void test_measure(struct dbtest *t)
{
	int64_t lists[] = { 1, 2 }, n = -1;
	struct campaign c = { .brand_id = 1, .lists = lists, .nlists = 1 };
	struct kv *kv;

	dbtest_script(t->db, people);
	ok(kv_open(t->mem, "", t->log, &kv) == OK, "there is a memory");
	ok(reach_measure(t->db, kv, &c, &n) == OK && n == 2, "reach_measure counts");
	dbtest_script(t->db, "UPDATE subscribers SET status = 'bounced' WHERE id = 1");
	ok(reach_measure(t->db, kv, &c, &n) == OK && n == 1,
	    "counts anew what is counted quickly");
	ok(reach_measure(t->db, NULL, &c, &n) == OK && n == 1, "does without a memory");
	ok(kv_set(kv, kv_key(t->mem, "reach", "1/0/0/1,/"), "77", 2, 60) == OK,
	    "a count is remembered");
	ok(reach_measure(t->db, kv, &c, &n) == OK && n == 77, "takes it from there");
	c.nlists = 2;
	ok(reach_measure(t->db, kv, &c, &n) == OK && n == 1, "not for other lists");
	c.nlists = 1;
	c.exclude_lists = &lists[1];
	c.nexclude_lists = 1;
	ok(reach_measure(t->db, kv, &c, &n) == OK && n == 0, "nor without others");
	c.nexclude_lists = 0;
	c.brand_id = 2;
	ok(reach_measure(t->db, kv, &c, &n) == OK && n == 0, "nor for another brand");
}

int main(void)
{
	dbtest_run(test_measure);
	return done_testing();
}
