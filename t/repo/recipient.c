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
    "INSERT INTO campaign_subscribers (id, campaign_id, subscriber_id, email, "
    "email_key,"
    "   state, reason, attempt_id, message_id, bounced_at) VALUES"
    " (1, 5, 1, 'Ann@x.test', 'ann@x.test', 4, '', 11, 'm-1', NULL),"
    " (2, 5, 2, 'joann@x.test', 'joann@x.test', 4, '', 12, 'm-2', 7),"
    " (3, 5, 3, 'bob@x.test', 'bob@x.test', 5, 'No.', 13, NULL, NULL),"
    " (4, 5, 4, 'eve@x.test', 'eve@x.test', 0, '', NULL, NULL, NULL),"
    " (5, 6, 1, 'Ann@x.test', 'ann@x.test', 4, '', 14, 'm-3', NULL);"
    "INSERT INTO send_attempts (id, campaign_id, delivery_id, started_at, outcome,"
    "   message_id) VALUES (11, 5, 1, 1, 4, 'm-1'), (12, 5, 2, 1, 4, 'm-2'),"
    " (13, 5, 3, 1, 5, NULL), (14, 6, 5, 1, 4, 'm-3');";

/* The ids of a page: "4 1". */
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
		    (long long)page.rows[i].d.id);
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

int main(void)
{
	dbtest_run(test_pages);
	dbtest_run(test_search);
	return done_testing();
}
