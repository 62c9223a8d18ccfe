#include "repo/session.h"

#include <string.h>

#include "base/mem.h"
#include "dbtest.h"
#include "repo/user.h"
#include "tap.h"

/* Three sessions of s's user. */
static void test_many(struct dbtest *t, struct session *s)
{
	struct session_pick others = { .user_id = s->user_id },
			    strange = { .user_id = s->user_id + 1 };
	struct session *all;
	struct user *who;
	uint8_t hash[32] = { 1 }, (*gone)[32];
	size_t n;

	for (int i = 0; i < 3; i++) {
		hash[1] = (uint8_t)i;
		s->seen_at = 1000 + i;
		ok(session_add(t->db, s, hash, "::1", "agent") == OK, "one more");
	}
	ok(session_list(t->db, t->mem, s->user_id, 1001, &all, &n) == OK && n == 3,
	    "session_list gives all of a user");
	ok(all[0].id == s->id && all[0].seen_at == 1002, "the last used first");
	is_text(all[0].ip, "::1", "with the address");
	is_text(all[0].agent, "agent", "and the agent");
	ok(session_list(t->db, t->mem, s->user_id, 1001 + SESSION_IDLE_MS, &all, &n) ==
		    OK &&
		n == 1,
	    "session_list leaves out what has ended");
	ok(session_end(t->db, t->mem, &strange, &gone, &n) == OK && n == 0,
	    "session_end ends nothing of others");
	others.but = s->id;
	ok(session_end(t->db, t->mem, &others, &gone, &n) == OK && n == 2,
	    "session_end ends all but one");
	ok(session_find(t->db, t->mem, hash, 1001, &all, &who) == OK, "which is left");
	hash[1] = 9;
	ok(session_renew(t->db, s->id, hash, "d") == OK, "session_renew renews");
	ok(session_find(t->db, t->mem, hash, 1001, &all, &who) == OK &&
		strcmp(all->csrf, "d") == 0,
	    "under another cookie, with another token");
	hash[1] = 2;
	ok(session_find(t->db, t->mem, hash, 1001, &all, &who) == ERR_NOTFOUND,
	    "the one before is worth nothing");
	others.but = 0;
	ok(session_end(t->db, t->mem, &others, &gone, &n) == OK && n == 1,
	    "session_end ends all");
	ok(session_renew(t->db, s->id, hash, "d") == ERR_NOTFOUND,
	    "session_renew misses one that has ended");
}

static void test(struct dbtest *t)
{
	struct user u = { .email = "a@b.example", .name = "A" }, *who;
	struct session s = { .csrf = "c",
		.created_at = 1000,
		.seen_at = 1000,
		.expires_at = 1000 + SESSION_LIFE_MS };
	struct session *found;
	struct session_pick one;
	uint8_t hash[32], other[32], (*gone)[32];
	size_t n;
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
	one = (struct session_pick){ .user_id = u.id };
	ok(session_add(t->db, &s, hash, "::1", "agent") == OK &&
		(one.only = s.id) > 0 &&
		session_end(t->db, t->mem, &one, &gone, &n) == OK && n == 1 &&
		memcmp(gone[0], hash, 32) == 0,
	    "session_end removes one, and tells its hash");
	test_many(t, &s);
	is_int(dbtest_int(t->db, "SELECT count(*) FROM sessions"), 0,
	    "no session is left");
}

int main(void)
{
	dbtest_run(test);
	return done_testing();
}
