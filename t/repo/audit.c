#include "repo/audit.h"

#include "dbtest.h"
#include "repo/brand.h"
#include "tap.h"

static size_t count(struct dbtest *t, struct audit_filter f)
{
	struct audit_line *l;
	size_t n = 999;

	if (!f.limit)
		f.limit = 10;
	ok(audit_page(t->db, t->mem, &f, &l, &n) == OK, "audit_page reads");
	return n;
}

static void add_lines(struct dbtest *t, int64_t brand)
{
	const struct audit_line lines[] = {
		{ .brand_id = brand,
		    .user_id = 5,
		    .actor = "Ann",
		    .actor_email = "ann@x.example",
		    .action = "list.create",
		    .object_id = 7,
		    .label = "News 100%",
		    .detail = "{\"name\":\"News\"}",
		    .ip = "192.0.2.1",
		    .agent = "Firefox",
		    .at = 1000 },
		{ .brand_id = brand,
		    .key_id = 3,
		    .actor = "Shop",
		    .action = "campaign.send",
		    .object_id = 8,
		    .label = "Sale",
		    .at = 2000 },
		{ .action = "user.sign_in", .at = 3000 },
	};

	for (size_t i = 0; i < 3; i++)
		ok(audit_add(t->db, &lines[i]) == OK, "audit_add adds");
}

static void test(struct dbtest *t)
{
	struct brand b = { .name = "Nordlicht",
		.from_name = "",
		.from_email = "",
		.reply_to = "",
		.postal_address = "",
		.time_zone = "UTC",
		.hook_token = "h" };
	struct audit_line *l;
	struct audit_filter f = { .limit = 2 };
	size_t n = 0;

	ok(brand_add(t->db, &b, 1) == OK, "a brand");
	add_lines(t, b.id);
	ok(audit_page(t->db, t->mem, &f, &l, &n) == OK && n == 2,
	    "audit_page keeps to the limit");
	is_text(l[0].action, "user.sign_in", "the newest comes first");
	is_text(l[0].brand, "", "a line without a brand names none");
	f.cursor = l[1].id;
	ok(audit_page(t->db, t->mem, &f, &l, &n) == OK && n == 1,
	    "and goes on after the cursor");
	ok(l->user_id == 5 && l->key_id == 0 && l->object_id == 7 && l->at == 1000,
	    "with its numbers");
	is_text(l->actor, "Ann", "with who");
	is_text(l->actor_email, "ann@x.example", "their address");
	is_text(l->label, "News 100%", "the object's name");
	is_text(l->detail, "{\"name\":\"News\"}", "the detail");
	is_text(l->brand, "Nordlicht", "and the brand's name");
	is_text(l->agent, "Firefox", "and the browser");
	is_int(count(t, (struct audit_filter){ .brand_id = b.id }), 2,
	    "only of the brand");
	is_int(count(t, (struct audit_filter){ .brand_id = b.id + 1 }), 0,
	    "not of another");
	is_int(count(t, (struct audit_filter){ .person = "aNN" }), 1, "by name");
	is_int(count(t, (struct audit_filter){ .person = "X.EXAMPLE" }), 1,
	    "by address");
	is_int(count(t, (struct audit_filter){ .person = "%" }), 0,
	    "a %% is no wildcard");
	is_int(count(t, (struct audit_filter){ .about = "100%" }), 1, "by object");
	is_int(count(t, (struct audit_filter){ .object_id = 8 }), 1,
	    "by object's number");
	is_int(count(t, (struct audit_filter){ .noun = "campaign" }), 1, "by noun");
	is_int(count(t, (struct audit_filter){ .noun = "campaign.send" }), 1,
	    "by action");
	is_int(count(t, (struct audit_filter){ .noun = "camp" }), 0,
	    "not by half a noun");
	is_int(count(t, (struct audit_filter){ .from = 2000 }), 2, "from a time on");
	is_int(count(t, (struct audit_filter){ .before = 2000 }), 1,
	    "and before one, exclusively");
}

int main(void)
{
	dbtest_run(test);
	return done_testing();
}
