/*
 * Many campaigns at once: fair parts of the rate of one account, nobody starves, other
 * accounts do not wait, and many triggers are as one.  Nothing here asks how fast it
 * goes, only who gets how much of it.
 */
#include "base/mem.h"
#include "faulttest.h"
#include "send/ses_call.h"
#include "send/slice.h"
#include "tap.h"

enum { MANY = 3000, FEW = 20, ACROSS = 9 };

static void run(struct app *app, int64_t ms)
{
	struct work_report r = { 0 };

	ok(slice_run(app, ms, &r) == OK, "slice_run runs");
}

static int64_t accepted(struct dbtest *t, int campaign)
{
	return dbtest_int(t->db,
	    mem_printf(t->mem,
		"SELECT count(*) FROM campaign_subscribers"
		" WHERE campaign_id = %d AND state = 4",
		campaign));
}

static int64_t completed(struct dbtest *t)
{
	return dbtest_int(t->db,
	    "SELECT count(*) FROM campaigns WHERE status = 'completed'");
}

/* Campaign `id` of a brand to one of its lists, sending since `at`. */
static void add_campaign(struct dbtest *t, int id, int brand, int list, int at)
{
	dbtest_script(t->db,
	    mem_printf(t->mem,
		"INSERT INTO campaigns (id, brand_id, name, status, subject, html,"
		" send_at, created_at, updated_at) VALUES (%d, %d, 'C', 'sending',"
		" 'Hi', '<p>Dear {{ first_name }}</p>', %d, 1, 1);"
		"INSERT INTO campaign_audience (campaign_id, list_id, exclude)"
		" VALUES (%d, %d, 0);",
		id, brand, at, id, list));
}

/* Brand 1 with all in list 1 and few in list 2; brand 2 with a list 3 of its own. */
static struct app *begin(struct dbtest *t, double rate)
{
	sendtest_people(t, MANY);
	dbtest_script(t->db,
	    mem_printf(t->mem,
		"INSERT INTO lists (id, brand_id, name, created_at, updated_at)"
		" VALUES (2, 1, 'few', 1, 1);"
		"INSERT INTO list_subscribers (list_id, subscriber_id, created_at)"
		" SELECT 2, id, 1 FROM subscribers WHERE id <= %d;"
		"INSERT INTO brands (id, name, from_name, from_email, reply_to,"
		" postal_address, hook_token, created_at, updated_at) VALUES (2, 'B',"
		" 'B', 'b@b.test', '', 'B 1', 'h2', 1, 1);"
		"INSERT INTO providers (brand_id, updated_at) VALUES (2, 1);"
		"INSERT INTO lists (id, brand_id, name, created_at, updated_at)"
		" VALUES (3, 2, 'own', 1, 1);"
		"INSERT INTO subscribers (id, brand_id, email, email_key, status,"
		" first_name, custom, created_at, updated_at) SELECT id + 10000, 2,"
		" email, email_key, status, first_name, custom, 1, 1"
		" FROM subscribers;"
		"INSERT INTO list_subscribers (list_id, subscriber_id, created_at)"
		" SELECT 3, id, 1 FROM subscribers WHERE brand_id = 2;"
		"UPDATE providers SET rate = %g;",
		FEW, rate));
	return sendtest_app(t, "");
}

static void test_fair(struct dbtest *t)
{
	struct app *app = begin(t, 150);
	int64_t n[3], sum = 0, other;

	add_campaign(t, 6, 1, 1, 200);
	add_campaign(t, 7, 1, 1, 300);
	add_campaign(t, 8, 2, 3, 400);
	run(app, 4000);
	for (int i = 0; i < 3; i++)
		sum += n[i] = accepted(t, 5 + i);
	other = accepted(t, 8);
	for (int i = 0; i < 3; i++)
		ok(n[i] * 3 > sum * 3 / 4 && n[i] * 3 < sum * 5 / 4,
		    "one of three campaigns of an account gets a third (%lld of %lld)",
		    (long long)n[i], (long long)sum);
	ok(other > sum * 3 / 4,
	    "that of another account does not wait for them (%lld beside %lld)",
	    (long long)other, (long long)sum);
}

static void test_small(struct dbtest *t)
{
	struct app *app = begin(t, 100);

	add_campaign(t, 6, 1, 2, 200);
	run(app, 3000);
	is_int(accepted(t, 6), FEW, "a small campaign behind a large one is sent");
	is_int(completed(t), 1, "and completed");
	ok(accepted(t, 5) > FEW, "while the large one goes on (%lld of %d)",
	    (long long)accepted(t, 5), MANY);
}

static void test_many(struct dbtest *t)
{
	struct app *app = begin(t, 100);
	int moved = 0, twice = 0;

	for (int i = 1; i < ACROSS; i++)
		add_campaign(t, 5 + i, 1, 1, 100 + i);
	/* three slices do, and a few more where the machine is slow */
	for (int i = 0; i < 9 && moved < ACROSS; i++) {
		run(app, 800);
		moved = 0;
		for (int j = 0; j < ACROSS; j++)
			moved += accepted(t, 5 + j) > 0;
	}
	is_int(moved, ACROSS, "more campaigns than lanes: in a few slices all move");
	dbtest_script(t->db, "UPDATE providers SET rate = 0");
	add_campaign(t, 50, 1, 2, 1);
	for (int i = 0; i < 30 && completed(t) <= ACROSS; i++)
		run(app, 5000);
	is_int(completed(t), ACROSS + 1, "in the end all are completed");
	twice += (int)dbtest_int(t->db,
	    "SELECT count(*) FROM (SELECT campaign_id, to_email FROM outbox_messages"
	    " GROUP BY campaign_id, to_email HAVING count(*) > 1) x");
	is_int(twice, 0, "nobody got one twice");
}

/* What can be in flight is the slice's: lanes divide it. */
static void test_flight(struct dbtest *t)
{
	struct app *app = begin(t, 0);
	struct fake_ses f;
	int64_t n;

	add_campaign(t, 6, 1, 1, 200);
	add_campaign(t, 7, 1, 1, 300);
	add_campaign(t, 8, 1, 1, 400);
	fake_ses_start(t, &f, "--latency 100");
	sendtest_use_ses(t, app, &f, "single", 1000000);
	run(app, 4000);
	/* and for each campaign one that asked for the account, and one asks for this
	 */
	n = fake_ses_stat(&f, "connections") - 5;
	ok(n >= 80 && n <= SINGLE_CONNECTIONS,
	    "four campaigns together open no more connections than one may (%lld)",
	    (long long)n);
	fake_ses_stop(&f);
}

/* A turn within one slice: who waits gets the lane of who had it for a while. */
static void test_turns(struct dbtest *t)
{
	struct app *app = begin(t, 50);
	int moved = 0;

	for (int i = 1; i < 6; i++)
		add_campaign(t, 5 + i, 1, 1, 100 + i);
	run(app, 8000);
	for (int i = 0; i < 6; i++)
		moved += accepted(t, 5 + i) > 0;
	is_int(moved, 6, "six campaigns in four lanes all move within one slice");
}

static void test_triggers(struct dbtest *t)
{
	const struct trigger how = { .servers = "", .budget_ms = 30000 };
	pid_t pid[4];
	int bad = 0;

	begin(t, 0);
	for (int i = 1; i < ACROSS; i++)
		add_campaign(t, 5 + i, 1, 2, 100 + i);
	for (int i = 0; i < 4; i++)
		pid[i] = faulttest_trigger(t, &how);
	for (int i = 0; i < 4; i++)
		bad += faulttest_wait(pid[i]) != 0;
	for (int i = 0; i < 10 && completed(t) < ACROSS; i++)
		faulttest_wait(faulttest_trigger(t, &how));
	is_int(bad, 0, "four triggers at once: none fails");
	is_int(completed(t), ACROSS, "all campaigns are completed");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM outbox_messages"),
	    MANY + (ACROSS - 1) * FEW, "everybody got each once");
	is_int(dbtest_int(t->db, "SELECT sum(tries) FROM campaign_subscribers"),
	    MANY + (ACROSS - 1) * FEW, "with one attempt, as by one trigger");
}

int main(void)
{
	dbtest_run(test_fair);
	dbtest_run(test_small);
	dbtest_run(test_many);
	dbtest_run(test_flight);
	dbtest_run(test_turns);
	dbtest_run(test_triggers);
	return done_testing();
}
