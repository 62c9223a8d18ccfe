#include "repo/invitation.h"

#include <string.h>

#include "dbtest.h"
#include "repo/brand.h"
#include "repo/user.h"
#include "tap.h"

static struct brand brand(const char *name)
{
	return (struct brand){ .name = name,
		.from_name = "",
		.from_email = "",
		.reply_to = "",
		.postal_address = "",
		.time_zone = "UTC",
		.hook_token = name };
}

static struct invitation to(int64_t brand_id, const char *email, enum role role)
{
	return (struct invitation){ .brand_id = brand_id,
		.email = email,
		.email_key = email,
		.role = role,
		.inviter = "Ann",
		.created_at = 10,
		.expires_at = 20 };
}

static void test(struct dbtest *t)
{
	struct brand a = brand("A"), b = brand("B");
	struct user u = { .email = "ann@x.example", .name = "Ann" };
	struct invitation i, *found;
	uint8_t one[32], two[32];
	int64_t first, n = -1;
	size_t many;

	memset(one, 1, sizeof(one));
	memset(two, 2, sizeof(two));
	ok(brand_add(t->db, &a, 1) == OK && brand_add(t->db, &b, 1) == OK &&
		user_add(t->db, &u, "ann@x.example", 1) == OK,
	    "two brands and a person");
	i = to(a.id, "ben@x.example", ROLE_EDITOR);
	i.invited_by = u.id;
	ok(invitation_put(t->db, &i, one) == OK && i.id > 0, "invitation_put adds");
	first = i.id;
	ok(invitation_find(t->db, t->mem, two, &found) == ERR_NOTFOUND,
	    "invitation_find misses another word");
	ok(invitation_find(t->db, t->mem, one, &found) == OK,
	    "invitation_find finds it");
	ok(found->brand_id == a.id && found->role == ROLE_EDITOR && !found->by_mail &&
		found->invited_by == u.id && found->created_at == 10 &&
		found->expires_at == 20,
	    "with all that was put");
	is_text(found->brand, "A", "and the name of the brand");
	is_text(found->inviter, "Ann", "and of who invited");
	i.role = ROLE_ADMIN;
	ok(invitation_put(t->db, &i, two) == OK && i.id == first,
	    "invitation_put renews the one of the address");
	ok(invitation_find(t->db, t->mem, one, &found) == ERR_NOTFOUND &&
		invitation_find(t->db, t->mem, two, &found) == OK &&
		found->role == ROLE_ADMIN,
	    "and the old word is no longer good");
	i = to(b.id, "ben@x.example", ROLE_VIEWER);
	ok(invitation_put(t->db, &i, two) == ERR_CONFLICT,
	    "invitation_put gives no word twice");
	ok(invitation_put(t->db, &i, one) == OK && i.id != first,
	    "another brand invites the same address");
	ok(invitation_list(t->db, t->mem, a.id, &found, &many) == OK && many == 1 &&
		found->id == first,
	    "invitation_list keeps to the brand");
	ok(invitation_list_for(t->db, t->mem, "ben@x.example", 19, &found, &many) ==
		    OK &&
		many == 2,
	    "invitation_list_for gives those of all brands");
	ok(invitation_list_for(t->db, t->mem, "ben@x.example", 20, &found, &many) ==
		    OK &&
		many == 0,
	    "invitation_list_for gives no expired ones");
	ok(invitation_count(t->db, a.id, &n) == OK && n == 1,
	    "invitation_count counts");
	ok(invitation_get(t->db, t->mem, b.id, first, &found) == ERR_NOTFOUND &&
		invitation_drop(t->db, b.id, first) == ERR_NOTFOUND,
	    "another brand neither sees nor drops it");
	ok(invitation_drop(t->db, a.id, first) == OK &&
		invitation_drop(t->db, a.id, first) == ERR_NOTFOUND,
	    "invitation_drop drops once");
}

static void test_by(struct dbtest *t)
{
	static const char *const who[] = { "v@x.example", "e@x.example", "a@x.example",
		"o@x.example" };
	struct brand a = brand("A"), b = brand("B");
	struct user u = { .email = "ann@x.example", .name = "Ann" };
	int64_t n = -1;

	ok(brand_add(t->db, &a, 1) == OK && brand_add(t->db, &b, 1) == OK &&
		user_add(t->db, &u, "ann@x.example", 1) == OK,
	    "two brands and a person");
	for (int k = 0; k < 8; k++) {
		struct invitation i = to(k < 4 ? a.id : b.id, who[k % 4],
		    (enum role)(ROLE_VIEWER + k % 4));
		uint8_t hash[32] = { (uint8_t)k };

		i.invited_by = u.id;
		if (invitation_put(t->db, &i, hash) != OK)
			ok(false, "invitation_put adds");
	}
	ok(invitation_drop_by(t->db, a.id, u.id, ROLE_EDITOR) == OK &&
		invitation_count(t->db, a.id, &n) == OK && n == 2,
	    "invitation_drop_by takes back what is more than the role");
	ok(invitation_drop_by(t->db, a.id, u.id + 1, ROLE_NONE) == OK &&
		invitation_count(t->db, a.id, &n) == OK && n == 2,
	    "invitation_drop_by leaves other people's");
	ok(invitation_drop_by(t->db, a.id, u.id, ROLE_NONE) == OK &&
		invitation_count(t->db, a.id, &n) == OK && n == 0,
	    "and all of who has none");
	ok(invitation_count(t->db, b.id, &n) == OK && n == 4,
	    "invitation_drop_by keeps to the brand");
}

int main(void)
{
	dbtest_run(test);
	dbtest_run(test_by);
	return done_testing();
}
