#include "send/test.h"

#include <string.h>

#include "base/mem.h"
#include "repo/brand.h"
#include "repo/campaign.h"
#include "sendtest.h"
#include "tap.h"

static const char *const addresses[] = { "one@x.test", "two@x.test" };

static enum err send(struct dbtest *t, struct app *app, struct test_result *results,
    const char **why)
{
	struct campaign *c;
	struct brand *b;
	struct test_people who = { .addresses = addresses, .n = 2, .results = results };

	if (campaign_get(t->db, t->mem, 1, 5, &c) != OK ||
	    brand_get(t->db, t->mem, 1, &b) != OK)
		return ERR_NOTFOUND;
	return send_test(t->mem, app, c, b, &who, why);
}

static void test_outbox(struct dbtest *t)
{
	struct test_result r[2];
	struct app *app;
	const char *why = NULL;

	sendtest_people(t, 3);
	app = sendtest_app(t, "");
	ok(send(t, app, r, &why) == OK, "send_test sends");
	ok(r[0].sent && r[1].sent, "send_test says that both are sent");
	is_text(r[1].address, "two@x.test", "send_test names the address");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM outbox_messages WHERE kind = 'test'"
		   " AND subject = '[Test] Hi Alex' AND delivery_id IS NULL"
		   " AND html LIKE '%https://shop.test/%' AND html NOT LIKE '%/t/o/%'"),
	    2, "send_test keeps two untracked messages, filled with an example");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM campaign_subscribers"), 0,
	    "send_test leaves the ledger alone");
	dbtest_script(t->db, "UPDATE campaigns SET html = '{{ open' WHERE id = 5;");
	ok(send(t, app, r, &why) == ERR_INVALID && why,
	    "send_test refuses an open tag");
	dbtest_script(t->db,
	    "UPDATE providers SET kind = 'ses';"
	    "UPDATE campaigns SET html = 'x' WHERE id = 5;");
	ok(send(t, app, r, &why) == ERR_INVALID && strstr(why, "access key"),
	    "send_test refuses an account without a key, and says so");
}

static void test_ses(struct dbtest *t)
{
	struct test_result r[2];
	struct fake_ses f;
	struct app *app;
	const char *why = NULL;

	sendtest_people(t, 3);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "--keep");
	sendtest_use_ses(t, app, &f, "single", 1000);
	fake_ses_script(&f,
	    "[{\"at\":2,\"do\":{\"status\":400,\"type\":\"MessageRejected\","
	    "\"message\":\"No such luck\"}}]");
	ok(send(t, app, r, &why) == OK, "send_test sends through SES");
	ok(r[0].sent + r[1].sent == 1,
	    "send_test tells what was sent from what was not");
	ok(strstr(r[r[0].sent ? 1 : 0].text, "No such luck"), "send_test says why not");
	is_int(fake_ses_stat(&f, "malformed"), 0, "send_test writes what SES takes");
	fake_ses_stop(&f);
}

int main(void)
{
	dbtest_run(test_outbox);
	dbtest_run(test_ses);
	return done_testing();
}
