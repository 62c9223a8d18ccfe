#include "repo/password_reset.h"

#include "dbtest.h"
#include "repo/recovery_code.h"
#include "repo/user.h"
#include "tap.h"

static int64_t person(struct dbtest *t, const char *email)
{
	struct user u = { .email = email, .name = "" };

	ok(user_add(t->db, &u, email, 1) == OK, "there is %s", email);
	return u.id;
}

static void test_links(struct dbtest *t)
{
	const uint8_t a[32] = { 1 }, b[32] = { 2 }, c[32] = { 3 };
	int64_t id = person(t, "a@x.test"), other = person(t, "b@x.test"), got = 0;

	ok(password_reset_add(t->db, id, a, 10, 100) == OK &&
		password_reset_add(t->db, id, b, 10, 100) == OK &&
		password_reset_add(t->db, other, c, 10, 100) == OK,
	    "password_reset_add adds");
	ok(password_reset_get(t->db, a, 99, &got) == OK && got == id,
	    "password_reset_get tells whose it is");
	is_int(password_reset_get(t->db, a, 100, &got), ERR_NOTFOUND,
	    "until its time is over");
	is_int(password_reset_take(t->db, a, 100, &got), ERR_NOTFOUND,
	    "and then nobody takes it");
	ok(password_reset_take(t->db, a, 99, &got) == OK && got == id,
	    "password_reset_take takes it");
	is_int(password_reset_take(t->db, a, 99, &got), ERR_NOTFOUND, "once");
	is_int(password_reset_get(t->db, a, 99, &got), ERR_NOTFOUND, "and it is gone");
	ok(password_reset_drop(t->db, id) == OK &&
		password_reset_get(t->db, b, 50, &got) == ERR_NOTFOUND,
	    "password_reset_drop drops what is left");
	is_int(password_reset_get(t->db, c, 50, &got), OK, "but not that of others");
	ok(password_reset_add(t->db, id, a, 100, 200) == OK, "one more");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM password_resets"), 1,
	    "password_reset_add removes those that have ended");
}

static void test_codes(struct dbtest *t)
{
	uint8_t codes[2][32] = { { 1 }, { 2 } }, more[1][32] = { { 3 } };
	int64_t id = person(t, "a@x.test"), other = person(t, "b@x.test"), n = -1;

	ok(recovery_code_put(t->db, id, codes, 2) == OK &&
		recovery_code_put(t->db, other, codes, 2) == OK,
	    "recovery_code_put puts");
	is_int(recovery_code_take(t->db, id, more[0]), ERR_NOTFOUND,
	    "recovery_code_take misses another");
	is_int(recovery_code_take(t->db, id, codes[0]), OK, "and takes one");
	is_int(recovery_code_take(t->db, id, codes[0]), ERR_NOTFOUND, "once");
	ok(recovery_code_count(t->db, id, &n) == OK && n == 1, "one is left");
	ok(recovery_code_count(t->db, other, &n) == OK && n == 2,
	    "the same code of others is theirs");
	ok(recovery_code_put(t->db, id, more, 1) == OK &&
		recovery_code_take(t->db, id, codes[1]) == ERR_NOTFOUND,
	    "recovery_code_put replaces");
	ok(recovery_code_put(t->db, id, NULL, 0) == OK &&
		recovery_code_count(t->db, id, &n) == OK && n == 0,
	    "or takes all away");
}

int main(void)
{
	dbtest_run(test_links);
	dbtest_run(test_codes);
	return done_testing();
}
