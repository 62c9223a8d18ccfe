/* Doubt decided by hand: sent again or given up, exactly, and counted. */
#include "repo/ledger_doubt.h"

#include <string.h>

#include "base/mem.h"
#include "repo/ledger.h"
#include "repo/ledger_check.h"
#include "send/slice.h"
#include "service/ses_event.h"
#include "sendtest.h"
#include "tap.h"

static int64_t of_campaign(struct dbtest *t, const char *what)
{
	return dbtest_int(t->db,
	    mem_printf(t->mem, "SELECT %s FROM campaigns WHERE id = 5", what));
}

static void is_good(struct dbtest *t, const char *when)
{
	struct ledger_verdict v;

	ok(ledger_check(t->db, t->mem, 0, &v) == OK && v.n == 0,
	    "the ledger is good %s", when);
	for (size_t i = 0; i < v.n; i++)
		diag("%s: %s", v.faults[i].text, v.faults[i].example);
	is_int(sendtest_check(t), 0, "the sum holds");
}

static void run(struct dbtest *t, struct app *app)
{
	struct work_report r;

	(void)t;
	ok(slice_run(app, 1500, &r) == OK, "slice_run runs");
}

/* Twenty people; the answers of 3 calls are lost. */
static struct app *doubts(struct dbtest *t, struct fake_ses *f)
{
	struct app *app;

	sendtest_people(t, 20);
	app = sendtest_app(t, "");
	fake_ses_start(t, f, "");
	sendtest_use_ses(t, app, f, "single", 10000);
	fake_ses_script(f,
	    "[{\"at\":2,\"do\":\"drop\"},{\"at\":5,\"do\":\"drop\"},"
	    "{\"at\":9,\"do\":\"drop\"}]");
	run(t, app);
	is_int(sendtest_rows(t, 7), 3, "three are in doubt");
	ok(of_campaign(t, "CASE WHEN status = 'completed' THEN 1 ELSE 0 END") == 1,
	    "the campaign is completed");
	return app;
}

static int64_t doubt_row(struct dbtest *t)
{
	return dbtest_int(t->db,
	    "SELECT min(id) FROM campaign_subscribers WHERE state = 7");
}

static void test_decide(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app = doubts(t, &f);
	int64_t one = doubt_row(t), n = 0, now = clock_now(&clock_system);
	struct doubt_choice again = { 5, DELIVERY_DOUBT, true, &one, 1, "Ines", now };
	struct doubt_choice rest = { 5, DELIVERY_DOUBT, false, NULL, 0, "Ines", now };

	fake_ses_script(&f, "[]");
	ok(ledger_decide(t->db, &again, &n) == OK && n == 1, "one is sent again");
	ok(of_campaign(t,
	       "CASE WHEN status = 'sending' AND finished_at IS NULL"
	       " THEN 1 ELSE 0 END") == 1,
	    "the campaign goes back to sending");
	is_int(of_campaign(t, "resends"), 1, "it is counted");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM send_attempts WHERE outcome = 7"
		   " AND resent_at IS NOT NULL AND resent_by = 'Ines'"),
	    1, "who decided it is kept on the attempt");
	is_good(t, "before it is sent again");
	ok(ledger_decide(t->db, &again, &n) == OK && n == 0,
	    "a second click changes nothing");
	run(t, app);
	is_int(sendtest_rows(t, 4), 18, "it is accepted then");
	is_int(dbtest_int(t->db,
		   mem_printf(t->mem,
		       "SELECT count(*) FROM send_attempts"
		       " WHERE delivery_id = %lld",
		       (long long)one)),
	    2, "by a second attempt");
	ok(of_campaign(t,
	       "CASE WHEN status = 'completed' AND finished_at IS NOT NULL"
	       " THEN 1 ELSE 0 END") == 1,
	    "the campaign is completed again");
	ok(ledger_decide(t->db, &rest, &n) == OK && n == 2, "the others are given up");
	is_int(sendtest_rows(t, 9), 2, "which is their state");
	is_int(of_campaign(t, "resends"), 1, "and no resend");
	is_good(t, "in the end");
	fake_ses_stop(&f);
}

static void test_cancel(struct dbtest *t)
{
	struct fake_ses f;
	int64_t left, n = 0, now = clock_now(&clock_system) + 60000;
	struct doubt_choice all = { 5, DELIVERY_DOUBT, true, NULL, 0, "Ines", now };

	doubts(t, &f);
	ok(ledger_decide(t->db, &all, &n) == OK && n == 3, "all three are sent again");
	is_int(sendtest_rows(t, 3), 3, "they wait for it");
	dbtest_script(t->db, "UPDATE campaigns SET status = 'cancelled' WHERE id = 5;");
	ok(ledger_cancel_open(t->db, 5, 100, now, &left) == OK && left == 0,
	    "the campaign is cancelled before");
	is_int(sendtest_rows(t, 7), 3, "they are in doubt as they were");
	is_int(sendtest_rows(t, 8), 0, "and not told to have got nothing");
	is_good(t, "after that");
	ok(ledger_decide(t->db, &all, &n) == ERR_CONFLICT,
	    "nothing of a cancelled campaign is sent again");
	all.resend = false;
	ok(ledger_decide(t->db, &all, &n) == OK && n == 3, "but it can be given up");
	is_good(t, "then too");
	fake_ses_stop(&f);
}

static void due(struct dbtest *t, int64_t row)
{
	dbtest_script(t->db,
	    mem_printf(t->mem,
		"UPDATE campaign_subscribers SET next_try_at = 1 WHERE id = %lld",
		(long long)row));
}

static int64_t row_state(struct dbtest *t, int64_t row)
{
	return dbtest_int(t->db,
	    mem_printf(t->mem, "SELECT state FROM campaign_subscribers WHERE id = %lld",
		(long long)row));
}

/*
 * In doubt, sent again and throttled: it may have got through at first, so it must not
 * end as one that was not sent.
 */
static void test_earlier(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app = doubts(t, &f);
	int64_t row[3], left, n = 0, now = clock_now(&clock_system) + 60000;
	struct doubt_choice all = { 5, DELIVERY_DOUBT, true, NULL, 0, "Ines", now };

	row[0] = doubt_row(t);
	for (int i = 1; i < 3; i++)
		row[i] = dbtest_int(t->db,
		    mem_printf(t->mem,
			"SELECT min(id) FROM campaign_subscribers"
			" WHERE state = 7 AND id > %lld",
			(long long)row[i - 1]));
	ok(ledger_decide(t->db, &all, &n) == OK && n == 3, "all three are sent again");
	dbtest_script(t->db,
	    "UPDATE campaign_subscribers SET next_try_at = 1"
	    " WHERE state = 3");
	fake_ses_script(&f,
	    "[{\"do\":{\"status\":429,\"type\":\"TooManyRequestsException\","
	    "\"message\":\"Maximum sending rate exceeded.\"}}]");
	run(t, app);
	is_int(sendtest_rows(t, 3), 3, "and throttled");
	dbtest_script(t->db,
	    mem_printf(t->mem,
		"UPDATE campaign_subscribers SET next_try_at = %lld WHERE state = 3;"
		"INSERT INTO suppressions (brand_id, email_key, reason, created_at)"
		" SELECT 1, email_key, 'unsubscribed', 1 FROM campaign_subscribers"
		" WHERE id = %lld",
		(long long)now + 600000, (long long)row[0]));
	due(t, row[0]);
	fake_ses_script(&f, "[]");
	run(t, app);
	is_int(row_state(t, row[0]), 9, "who left meanwhile is given up, not skipped");
	is_good(t, "after that");
	due(t, row[1]);
	fake_ses_script(&f,
	    "[{\"do\":{\"status\":400,\"type\":\"MessageRejected\","
	    "\"message\":\"Spam\"}}]");
	run(t, app);
	is_int(row_state(t, row[1]), 9,
	    "who is refused then is given up, not rejected");
	is_good(t, "after that");
	dbtest_script(t->db, "UPDATE campaigns SET status = 'cancelled' WHERE id = 5;");
	ok(ledger_cancel_open(t->db, 5, 100, now, &left) == OK && left == 0,
	    "the campaign is cancelled");
	is_int(row_state(t, row[2]), 7, "the last is in doubt, not cancelled");
	is_int(sendtest_rows(t, 6) + sendtest_rows(t, 8), 0, "nobody got nothing");
	is_good(t, "in the end");
	fake_ses_stop(&f);
}

/* The answer comes after all, when it was decided to send again. */
static void test_late(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app = doubts(t, &f);
	int64_t one = doubt_row(t), n = 0, now = clock_now(&clock_system);
	struct doubt_choice again = { 5, DELIVERY_DOUBT, true, &one, 1, "Ines", now };
	struct settle late = { .delivery_id = one,
		.tries = 1,
		.state = DELIVERY_ACCEPTED,
		.message_id = "m1" };
	const struct results back = { &late, 1, now };

	ok(ledger_decide(t->db, &again, &n) == OK && n == 1, "one is to be sent again");
	ok(ledger_settle(t->db, 5, &back) == OK, "its answer comes late");
	is_int(sendtest_rows(t, 4), 18, "it counts");
	is_good(t, "after that");
	run(t, app);
	is_int(dbtest_int(t->db, "SELECT sum(tries) FROM campaign_subscribers"), 20,
	    "and nothing is sent again");
	fake_ses_stop(&f);
}

static void later(struct dbtest *t, int64_t ms)
{
	dbtest_script(t->db,
	    mem_printf(t->mem,
		"UPDATE campaign_subscribers SET settled_at = settled_at - %lld"
		" WHERE state = 7;",
		(long long)ms));
}

static void test_resend(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app = doubts(t, &f);
	int64_t n = 0;

	later(t, 3600000);
	run(t, app);
	is_int(sendtest_rows(t, 7), 3, "hold never sends again by itself");
	dbtest_script(t->db,
	    "UPDATE campaigns SET on_doubt = 'resend';"
	    "UPDATE campaign_subscribers SET settled_at ="
	    " settled_at + 3600000 WHERE state = 7;");
	run(t, app);
	is_int(sendtest_rows(t, 7), 3, "resend waits a little");
	fake_ses_script(&f, "[{\"do\":\"drop\"}]");
	for (int i = 0; i < 5; i++) {
		later(t, RESEND_AFTER_MS);
		run(t, app);
	}
	is_int(of_campaign(t, "resends"), 9, "then it sends again, three times each");
	is_int(sendtest_rows(t, 7), 3, "and no more");
	is_good(t, "after so many");
	ok(ledger_policy(t->db, clock_now(&clock_system) + 9000000, &n) == OK && n == 0,
	    "nothing is left to decide");
	fake_ses_stop(&f);
}

static void test_evidence(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app = doubts(t, &f);
	int64_t at;

	fake_ses_script(&f, "[]");
	dbtest_script(t->db, "UPDATE campaigns SET on_doubt = 'evidence';");
	later(t, 2 * EVIDENCE_AFTER_MS);
	run(t, app);
	is_int(sendtest_rows(t, 7), 3, "without a feed evidence holds");
	ok(ledger_feed_at(t->db, 1, &at) == OK && at == 0, "which is known");
	dbtest_script(t->db,
	    "INSERT INTO ses_topics (brand_id, topic_arn, state, created_at,"
	    " last_event_at) VALUES (1, 'arn', 'confirmed', 1, 1000);");
	run(t, app);
	is_int(sendtest_rows(t, 7), 3, "a feed that was heard before proves nothing");
	dbtest_script(t->db,
	    mem_printf(t->mem, "UPDATE ses_topics SET last_event_at = %lld;",
		(long long)clock_now(&clock_system)));
	run(t, app);
	is_int(sendtest_rows(t, 7), 0, "a feed that is live and silent does");
	is_int(sendtest_rows(t, 4), 20, "so they are sent again");
	is_int(of_campaign(t, "resends"), 3, "and counted");
	is_good(t, "with evidence");
	fake_ses_stop(&f);
}

/*
 * All that were decided on are proven before the next slice: not one leaves again, and
 * a campaign to those it was not sent to has none of them.
 */
static void test_proof(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app = doubts(t, &f);
	int64_t n = 0, before = fake_ses_stat(&f, "accepted"),
		now = clock_now(&clock_system);
	struct doubt_choice all = { .campaign = 5,
		.from = DELIVERY_DOUBT,
		.resend = true,
		.by = "Ines",
		.now = now };
	STMT_SCOPE s = db_stmt_text(t->db,
	    "SELECT id FROM send_attempts WHERE outcome = 7 ORDER BY id");

	fake_ses_script(&f, "[]");
	ok(ledger_decide(t->db, &all, &n) == OK && n == 3, "all three are sent again");
	while (stmt_next(s)) {
		const struct ses_notice e = { 1,
			mem_printf(t->mem,
			    "{\"eventType\":\"Send\",\"mail\":{\"messageId\":\"m%lld\","
			    "\"timestamp\":\"2026-11-24T10:00:00Z\",\"tags\":"
			    "{\"maillayer_attempt\":[\"%lld\"]}},\"send\":{}}",
			    (long long)stmt_int(s, 0), (long long)stmt_int(s, 0)),
			now };
		const char *kind;
		TX_SCOPE tx = { 0 };

		ok(tx_begin_keyed(t->db, &tx) == OK &&
			ses_event_apply(t->db, t->mem, &e, &kind) == OK &&
			tx_commit(&tx) == OK,
		    "an event of a first attempt comes");
	}
	run(t, app);
	is_int(fake_ses_stat(&f, "accepted"), before, "no second copy leaves");
	is_int(sendtest_rows(t, 4), 20, "all are accepted");
	is_int(dbtest_int(t->db, "SELECT sum(tries) FROM campaign_subscribers"), 20,
	    "by one try each");
	is_good(t, "then");
	fake_ses_stop(&f);
}

int main(void)
{
	dbtest_run(test_proof);
	dbtest_run(test_decide);
	dbtest_run(test_cancel);
	dbtest_run(test_earlier);
	dbtest_run(test_late);
	dbtest_run(test_resend);
	dbtest_run(test_evidence);
	return done_testing();
}
