#include <string.h>

#include "base/mem.h"
#include "dbtest.h"
#include "repo/recipient.h"
#include "tap.h"

static const char people[] =
    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
    " VALUES (1, 'Shop', 'h', 1, 1);"
    "INSERT INTO campaigns (id, brand_id, name, created_at, updated_at)"
    " VALUES (5, 1, 'C', 1, 1), (6, 1, 'D', 1, 1);"
    "INSERT INTO campaign_subscribers (id, campaign_id, subscriber_id, email,"
    "   email_key, state, tries, reason, message_id, bounced_at) VALUES"
    " (21474836481, 5, 1, 'Ann@x.test', 'ann@x.test', 4, 1, '', 'm-1', NULL),"
    " (21474836482, 5, 2, NULL, 'joann@x.test', 4, 1, '', 'm-2', 7),"
    " (21474836483, 5, 3, NULL, 'bob@x.test', 5, 1, 'No.', NULL, NULL),"
    " (21474836484, 5, 4, NULL, 'eve@x.test', 0, 0, '', NULL, NULL),"
    " (25769803777, 6, 1, 'Ann@x.test', 'ann@x.test', 4, 1, '', 'm-3', NULL);"
    "INSERT INTO send_cursors (campaign_id, next_id) VALUES (5, 21474836484),"
    " (6, 25769803778);"
    "INSERT INTO send_attempts (campaign_id, delivery_id, try, started_at,"
    "   finished_at, outcome) VALUES (5, 21474836483, 1, 1, 1, 5);";

/* The numbers of the rows of a page: "4 1". */
static const char *ids(struct dbtest *t, struct recipient_filter f)
{
	struct recipient_rows page;
	char *text = mem_str(t->mem, "");
	size_t i;

	f.limit = f.limit ? f.limit : 10;
	if (recipient_page(t->db, t->mem, 5, &f, &page) != OK)
		return "error";
	for (i = 0; i < page.n; i++)
		text = mem_printf(t->mem, "%s%s%lld", text, i ? " " : "",
		    (long long)page.rows[i].d.id & 0xffffffff);
	return page.next ? mem_printf(t->mem, "%s and more", text) : text;
}

static void test_pages(struct dbtest *t)
{
	const unsigned accepted = 1u << DELIVERY_ACCEPTED;

	dbtest_script(t->db, people);
	is_text(ids(t, (struct recipient_filter){ 0 }), "4 1 2 3",
	    "recipient_page goes by state, then id");
	is_text(ids(t, (struct recipient_filter){ .limit = 2 }), "4 1 and more",
	    "and says when there is more");
	is_text(ids(t, (struct recipient_filter){ .states = accepted }), "1 2",
	    "gives the wanted states");
	is_text(ids(t, (struct recipient_filter){ .bounced = true }), "2",
	    "those who bounced");
	is_text(ids(t,
		    (struct recipient_filter){ .bounced = true,
			.states = 1u << DELIVERY_REJECTED }),
	    "", "and of the wanted states");
	is_text(ids(t, (struct recipient_filter){ .reason = "No." }), "3",
	    "those of a reason");
}

static void test_search(struct dbtest *t)
{
	const unsigned rejected = 1u << DELIVERY_REJECTED;

	dbtest_script(t->db, people);
	is_text(ids(t, (struct recipient_filter){ .search = "ann" }), "1 2",
	    "recipient_page finds a part of an address");
	is_text(ids(t, (struct recipient_filter){ .search = "ANN@X.test" }), "1",
	    "a whole one alone");
	is_text(ids(t, (struct recipient_filter){ .search = "m-2" }), "2",
	    "a message id");
	is_text(ids(t, (struct recipient_filter){ .search = "m-3" }), "",
	    "of this campaign only");
	is_text(ids(t,
		    (struct recipient_filter){ .search = "ann@x.test",
			.states = rejected }),
	    "", "in the wanted states only");
	is_text(ids(t,
		    (struct recipient_filter){ .search = "joann@x.test",
			.bounced = true }),
	    "2", "and among those who bounced");
	is_text(ids(t,
		    (struct recipient_filter){ .search = "ann@x.test",
			.bounced = true }),
	    "2", "else by part there");
	is_text(ids(t, (struct recipient_filter){ .search = "%" }), "",
	    "and takes no sign for another");
}

/* Six rows of campaign 5, each in another state that is not in the row itself. */
static const char open_rows[] =
    "INSERT INTO campaign_subscribers (id, campaign_id, subscriber_id, email_key,"
    "   state, tries, next_try_at) VALUES (21474836485, 5, 5, 'a@x.test', 0, 0, NULL),"
    " (21474836486, 5, 6, 'b@x.test', 0, 0, NULL),"
    " (21474836487, 5, 7, 'c@x.test', 0, 0, NULL),"
    " (21474836488, 5, 8, 'd@x.test', 2, 1, NULL),"
    " (21474836489, 5, 9, 'e@x.test', 4, 1, NULL),"
    " (21474836490, 5, 10, 'f@x.test', 0, 0, NULL),"
    " (21474836491, 5, 11, 'g@x.test', 3, 1, 5);"
    "UPDATE send_cursors SET next_id = 21474836490 WHERE campaign_id = 5;"
    "INSERT INTO send_leases (campaign_id, next_id, to_id, owner) VALUES"
    " (5, 21474836484, 21474836485, NULL), (5, 21474836485, 21474836487, 'w');"
    "INSERT INTO send_batches (campaign_id, owner, started_at, left_open, deliveries)"
    " VALUES (5, 'w', 1, 2, '[[21474836487,1],[21474836488,2],[21474836489,1]]');";

/* A state that stands in ranges and batches is read from there. */
static void test_open(struct dbtest *t)
{
	static const char *const want[DELIVERY_STATES] = { "4 10", "5 6", "7 8", "11",
		"1 2 9", "3", "", "", "", "" };
	struct recipient *r;

	dbtest_script(t->db, people);
	dbtest_script(t->db, open_rows);
	for (int i = 0; i < DELIVERY_STATES; i++)
		is_text(ids(t, (struct recipient_filter){ .states = 1u << i }), want[i],
		    "recipient_page: those of state %d", i);
	is_text(ids(t, (struct recipient_filter){ .limit = 20 }),
	    "4 10 5 6 7 8 11 1 2 9 3", "and all of them");
	is_text(ids(t, (struct recipient_filter){ .search = "d@x.test" }), "8",
	    "or one of them");
	ok(recipient_get(t->db, t->mem, 5, 21474836488, &r) == OK &&
		r->d.state == DELIVERY_INTENT && r->d.tries == 2,
	    "recipient_get tells of the try that is under way");
	ok(recipient_get(t->db, t->mem, 5, 21474836485, &r) == OK &&
		r->d.state == DELIVERY_CLAIMED,
	    "and of a claim");
	dbtest_script(t->db,
	    "UPDATE send_cursors SET seen_to = 21474836491 WHERE campaign_id = 5;"
	    "UPDATE campaign_subscribers SET state = 4, tries = 1"
	    " WHERE id = 21474836490;");
	is_text(ids(t, (struct recipient_filter){ .states = 1u << DELIVERY_ACCEPTED }),
	    "1 2 9 10", "who was accepted before a restore is found behind the cursor");
}

int main(void)
{
	dbtest_run(test_open);
	dbtest_run(test_pages);
	dbtest_run(test_search);
	return done_testing();
}
