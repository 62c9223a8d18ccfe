#include "repo/session.h"

#include <string.h>

#include "base/mem.h"
#include "dbtest.h"
#include "repo/user.h"
#include "tap.h"

static void test(struct dbtest *t)
{
	struct user u = { .email = "a@b.example", .name = "A" }, *who;
	struct session s = { .csrf = "c",
		.created_at = 1000,
		.seen_at = 1000,
		.expires_at = 1000 + SESSION_LIFE_MS };
	struct session *found;
	uint8_t hash[32], other[32];
	int64_t later = 1000 + SESSION_IDLE_MS;

	memset(hash, 7, sizeof(hash));
	memset(other, 8, sizeof(other));
	ok(user_add(t->db, &u, "a@b.example", 1000) == OK, "user_add adds");
	s.user_id = u.id;
	ok(session_add(t->db, &s, hash, "::1", NULL) == OK && s.id > 0,
	    "session_add gives an id");
	ok(session_add(t->db, &s, hash, "::1", NULL) == ERR_CONFLICT,
	    "session_add refuses the same token");
	ok(session_find(t->db, t->mem, other, 1001, &found, &who) == ERR_NOTFOUND,
	    "session_find misses another token");
	ok(session_find(t->db, t->mem, hash, 1001, &found, &who) == OK,
	    "session_find finds");
	is_int(who->id, u.id, "session_find tells the user");
	is_text(found->csrf, "c", "session_find tells the token of forms");
	ok(session_find(t->db, t->mem, hash, later, &found, &who) == ERR_NOTFOUND,
	    "session_find ends one that was idle for 12 hours");
	ok(session_seen(t->db, s.id, later - 1) == OK, "session_seen writes");
	ok(session_find(t->db, t->mem, hash, later, &found, &who) == OK,
	    "session_find finds one used since");
	is_int(found->seen_at, later - 1, "session_seen wrote the time");
	dbtest_script(t->db, "UPDATE users SET disabled_at = 5");
	ok(session_find(t->db, t->mem, hash, later, &found, &who) == ERR_NOTFOUND,
	    "session_find keeps a disabled user out");
	dbtest_script(t->db,
	    "UPDATE users SET disabled_at = NULL; UPDATE sessions SET "
	    "seen_at = 900000000000");
	ok(session_find(t->db, t->mem, hash, s.expires_at, &found, &who) ==
		ERR_NOTFOUND,
	    "session_find ends after seven days, used or not");
	ok(session_sweep(t->db, s.expires_at - 1) == OK, "session_sweep runs");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM sessions"), 1,
	    "session_sweep leaves a good one");
	ok(session_sweep(t->db, s.expires_at) == OK, "session_sweep runs again");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM sessions"), 0,
	    "session_sweep removes an ended one");
	ok(session_add(t->db, &s, hash, "::1", "agent") == OK &&
		session_drop(t->db, s.id) == OK,
	    "session_drop removes");
	ok(session_add(t->db, &s, hash, "::1", "agent") == OK &&
		session_drop_user(t->db, u.id) == OK,
	    "session_drop_user removes");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM sessions"), 0,
	    "no session is left");
}

int main(void)
{
	dbtest_run(test);
	return done_testing();
}
