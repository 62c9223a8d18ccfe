#include "repo/user.h"

#include "base/mem.h"
#include "dbtest.h"
#include "repo/repo.h"
#include "tap.h"

static void test(struct dbtest *t)
{
	struct user u = { .email = "Ines@Nordlicht.example",
		.name = "Ines",
		.admin = true,
		.password_hash = "hash" };
	struct user other = { .email = "ines@nordlicht.example", .name = "" };
	struct user *found;
	int64_t n = -1;

	ok(repo_prepare(t->db) == OK,
	    "repo_prepare prepares the statements of all repositories");
	ok(user_count(t->db, &n) == OK && n == 0, "user_count counts none at first");
	ok(user_find(t->db, t->mem, "ines@nordlicht.example", &found) == ERR_NOTFOUND,
	    "user_find knows nobody yet");
	ok(user_add(t->db, &u, "ines@nordlicht.example", 1000) == OK && u.id > 0,
	    "user_add gives an id");
	ok(user_add(t->db, &other, "ines@nordlicht.example", 1000) == ERR_CONFLICT,
	    "user_add refuses the same address again");
	ok(user_count(t->db, &n) == OK && n == 1, "user_count counts one");
	ok(user_find(t->db, t->mem, "ines@nordlicht.example", &found) == OK,
	    "user_find finds");
	is_text(found->email, "Ines@Nordlicht.example",
	    "user_find keeps the address as written");
	ok(found->admin && !found->disabled, "user_find tells the admin");
	is_text(found->password_hash, "hash", "user_find gives the password's hash");
	ok(user_set_password(t->db, u.id, "other", 2000) == OK,
	    "user_set_password sets");
	ok(user_get(t->db, t->mem, u.id, &found) == OK, "user_get finds");
	is_text(found->password_hash, "other", "user_set_password set it");
	dbtest_script(t->db, "UPDATE users SET disabled_at = 5");
	ok(user_get(t->db, t->mem, u.id, &found) == OK && found->disabled,
	    "user_get tells a disabled one");
	ok(user_get(t->db, t->mem, u.id + 1, &found) == ERR_NOTFOUND,
	    "user_get misses another id");
}

int main(void)
{
	dbtest_run(test);
	return done_testing();
}
