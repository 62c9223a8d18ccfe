#include "repo/member.h"

#include "dbtest.h"
#include "repo/brand.h"
#include "repo/user.h"
#include "tap.h"

static void test(struct dbtest *t)
{
	struct brand b = { .name = "B",
		.from_name = "",
		.from_email = "",
		.reply_to = "",
		.postal_address = "",
		.time_zone = "UTC",
		.hook_token = "t" };
	struct user u = { .email = "b@x.example", .name = "B" },
		    v = { .email = "a@x.example", .name = "A" };
	struct member *m;
	int64_t n = -1;
	size_t many;

	ok(brand_add(t->db, &b, 1) == OK &&
		user_add(t->db, &u, "b@x.example", 1) == OK &&
		user_add(t->db, &v, "a@x.example", 1) == OK,
	    "a brand and two people");
	ok(member_set(t->db, b.id, u.id, ROLE_OWNER, 5) == OK &&
		member_set(t->db, b.id, v.id, ROLE_VIEWER, 6) == OK,
	    "member_set takes them in");
	ok(member_list(t->db, t->mem, b.id, &m, &many) == OK && many == 2,
	    "member_list gives both");
	is_text(m[0].email, "a@x.example", "member_list sorts by address");
	ok(m[1].role == ROLE_OWNER && m[1].created_at == 5,
	    "member_list tells role and time");
	ok(member_list(t->db, t->mem, b.id + 1, &m, &many) == OK && many == 0,
	    "member_list gives nobody of another brand");
	ok(member_get(t->db, t->mem, b.id, v.id, &m) == OK && m->role == ROLE_VIEWER,
	    "member_get finds");
	ok(member_other_owners(t->db, b.id, v.id, &n) == OK && n == 1,
	    "member_other_owners counts");
	ok(member_other_owners(t->db, b.id, u.id, &n) == OK && n == 0,
	    "member_other_owners leaves one out");
	ok(member_drop(t->db, b.id + 1, v.id) == ERR_NOTFOUND,
	    "member_drop keeps to the brand");
	ok(member_drop(t->db, b.id, v.id) == OK, "member_drop removes");
	ok(member_drop(t->db, b.id, v.id) == ERR_NOTFOUND, "member_drop removes once");
}

int main(void)
{
	dbtest_run(test);
	return done_testing();
}
