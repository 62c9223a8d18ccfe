#include "repo/brand.h"

#include "base/mem.h"
#include "dbtest.h"
#include "repo/user.h"
#include "tap.h"

static struct brand make(struct dbtest *t, const char *name, const char *token)
{
	struct brand b = { .name = name,
		.from_name = name,
		.from_email = "hi@b.example",
		.reply_to = "",
		.postal_address = "Road 1",
		.time_zone = "Europe/Berlin",
		.hook_token = token };

	ok(brand_add(t->db, &b, 1000) == OK && b.id > 0, "brand_add gives an id");
	return b;
}

static void test_brands(struct dbtest *t)
{
	struct user u = { .email = "a@b.example", .name = "A" };
	struct brand b = make(t, "zebra", "t1"), c = make(t, "Apple", "t2"), *found;
	enum role role;
	size_t n;

	ok(user_add(t->db, &u, "a@b.example", 1000) == OK, "user_add adds");
	ok(brand_get(t->db, t->mem, b.id, &found) == OK, "brand_get finds");
	is_text(found->time_zone, "Europe/Berlin", "brand_get reads all");
	ok(brand_get(t->db, t->mem, 999, &found) == ERR_NOTFOUND,
	    "brand_get misses an unknown one");
	ok(brand_by_hook(t->db, t->mem, "t2", &found) == OK && found->id == c.id,
	    "brand_by_hook finds");
	ok(brand_get_for(t->db, t->mem, b.id, u.id, &found, &role) == OK &&
		role == ROLE_NONE,
	    "brand_get_for tells who is no member");
	ok(member_set(t->db, b.id, u.id, ROLE_VIEWER, 1) == OK, "member_set adds");
	ok(member_set(t->db, b.id, u.id, ROLE_EDITOR, 2) == OK, "member_set changes");
	ok(brand_get_for(t->db, t->mem, b.id, u.id, &found, &role) == OK &&
		role == ROLE_EDITOR,
	    "brand_get_for tells the role");
	ok(brand_list(t->db, t->mem, 0, &found, &n) == OK && n == 2,
	    "brand_list gives every brand");
	is_text(found[0].name, "Apple", "brand_list sorts by name, case ignored");
	ok(brand_list(t->db, t->mem, u.id, &found, &n) == OK && n == 1 &&
		found[0].id == b.id,
	    "brand_list gives a member's brands only");
	b.name = "Zorro";
	ok(brand_set(t->db, &b, 2000) == OK &&
		brand_get(t->db, t->mem, b.id, &found) == OK,
	    "brand_set writes");
	is_text(found->name, "Zorro", "brand_set wrote the name");
	is_int(found->updated_at, 2000, "brand_set wrote the time");
	is_text(role_word(role_from("admin")), "admin",
	    "role_from and role_word agree");
	ok(role_from("king") == ROLE_NONE, "role_from knows no king");
}

static void test_overview(struct dbtest *t)
{
	struct brand b = make(t, "B", "t1"), c = make(t, "C", "t2");
	struct brand_overview v = { 0 };
	struct brand_counts n;
	char *sql = mem_printf(t->mem,
	    "INSERT INTO subscribers (brand_id, email, email_key, status, created_at, "
	    "updated_at) VALUES"
	    " (%lld, 'a@x.example', 'a@x.example', 'active', 9000000000, 1),"
	    " (%lld, 'b@x.example', 'b@x.example', 'bounced', 1, 1),"
	    " (%lld, 'a@x.example', 'a@x.example', 'active', 9000000000, 1);"
	    "INSERT INTO lists (brand_id, name, created_at, updated_at) VALUES (%lld, "
	    "'L', 1, 1);"
	    "INSERT INTO suppressions (brand_id, email_key, reason, created_at) VALUES "
	    "(%lld, 'x', 'manual', 1);"
	    "INSERT INTO campaigns (id, brand_id, name, status, audience, created_at, "
	    "updated_at)"
	    " VALUES (70, %lld, 'K', 'sending', 10, 1, 1), (71, %lld, 'D', 'draft', 0, "
	    "1, 1);"
	    "INSERT INTO campaign_counts (campaign_id, state, n) VALUES (70, 0, 3), "
	    "(70, 4, 5), (70, 7, 2);"
	    "INSERT INTO campaign_stats (campaign_id, delivered, opened, clicked) "
	    "VALUES (70, 4, 3, 1)",
	    (long long)b.id, (long long)b.id, (long long)c.id, (long long)b.id,
	    (long long)b.id, (long long)b.id, (long long)b.id);

	dbtest_script(t->db, sql);
	dbtest_count_people(t->db);
	ok(brand_overview(t->db, t->mem, b.id, 10000000000, &v) == OK,
	    "brand_overview reads");
	is_int(v.subscribers, 2, "brand_overview counts this brand's people only");
	is_int(v.active, 1, "brand_overview counts the active");
	is_int(v.new_30_days, 1, "brand_overview counts the new");
	is_int(v.suppressed, 1, "brand_overview counts the suppressed");
	is_int(v.lists, 1, "brand_overview counts the lists");
	is_int(v.campaigns, 2, "brand_overview counts the campaigns");
	is_int((int64_t)v.nlast, 2, "brand_overview gives the last campaigns");
	is_int(v.last[0].id, 71, "brand_overview gives the newest first");
	is_int(v.last[0].opened, 0, "brand_overview has zeros where nothing happened");
	is_int(v.last[1].settled, 7, "brand_overview adds up what is settled");
	is_int(v.last[1].accepted, 5, "brand_overview tells the accepted");
	is_int(v.last[1].doubt, 2, "brand_overview tells the doubt");
	is_int(v.last[1].opened, 3, "brand_overview reads the rollup");
	ok(brand_counts(t->db, c.id, &n) == OK && n.subscribers == 1 && n.lists == 0,
	    "brand_counts counts for the side bar");
}

int main(void)
{
	dbtest_run(test_brands);
	dbtest_run(test_overview);
	return done_testing();
}
