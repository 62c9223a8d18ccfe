/*
 * The state of a row follows from all its attempts: what becomes known of the first one
 * settles the row, whatever it waits for since.
 */
#include <string.h>

#include "base/mem.h"
#include "dbtest.h"
#include "repo/ledger.h"
#include "repo/ledger_check.h"
#include "repo/repo.h"
#include "service/ses_event.h"
#include "tap.h"

enum { ROW = 7, FIRST = 11, SECOND = 12, NOW = 5000 };

static const struct {
	const char *word, *part, *more;
} events[] = {
	{ "Send", "send", "" },
	{ "Delivery", "delivery", "\"recipients\":[\"p@x.test\"]" },
	{ "Bounce", "bounce",
	    "\"bounceType\":\"Permanent\",\"feedbackId\":\"f\","
	    "\"bouncedRecipients\":[{\"emailAddress\":\"p@x.test\"}]" },
	{ "Bounce", "bounce",
	    "\"bounceType\":\"Transient\",\"feedbackId\":\"g\","
	    "\"bouncedRecipients\":[{\"emailAddress\":\"p@x.test\"}]" },
	{ "Complaint", "complaint",
	    "\"feedbackId\":\"h\","
	    "\"complainedRecipients\":[{\"emailAddress\":\"p@x.test\"}]" },
	{ "DeliveryDelay", "deliveryDelay",
	    "\"delayedRecipients\":[{\"emailAddress\":\"p@x.test\"}]" },
};
enum { EVENTS = sizeof(events) / sizeof(*events) };

/* Who decided to send again; NULL: nobody. */
static const char *const deciders[] = { "Ines", "policy evidence", "policy resend",
	NULL };
enum { DECIDERS = sizeof(deciders) / sizeof(*deciders) };

/* One row in a state after a first attempt in doubt, and a second one if `second`. */
static void world(struct dbtest *t, int state, const char *by, int second)
{
	bool two = second >= 0, owned = state == DELIVERY_CLAIMED || state == 2;

	dbtest_script(t->db,
	    mem_printf(t->mem,
		"DELETE FROM send_attempts; DELETE FROM email_events;"
		"DELETE FROM campaigns; DELETE FROM campaign_counts;"
		"DELETE FROM campaign_subscribers; DELETE FROM campaign_stats;"
		"DELETE FROM suppressions; DELETE FROM subscribers; DELETE FROM brands;"
		"INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
		" VALUES (1, 'B', 'h', 1, 1);"
		"INSERT INTO subscribers (id, brand_id, email, email_key, status,"
		"   created_at, updated_at) VALUES (3, 1, 'p@x.test', 'p@x.test',"
		"   'active', 1, 1);"
		"INSERT INTO campaigns (id, brand_id, name, status, audience, resends,"
		"   frozen_at, created_at, updated_at)"
		" VALUES (5, 1, 'C', 'sending', 1, %d, 1, 1, 1);"
		"INSERT INTO campaign_counts (campaign_id, state, n) VALUES (5, %d, 1);"
		"INSERT INTO campaign_subscribers (id, campaign_id, subscriber_id,"
		"   email, email_key, state, tries, attempt_id, owner, next_try_at)"
		" VALUES (%d, 5, 3, 'p@x.test', 'p@x.test', %d, %d, %d, %s, %s);"
		"INSERT INTO send_attempts (id, campaign_id, delivery_id, started_at,"
		"   outcome, resent_at, resent_by) VALUES (%d, 5, %d, 1, 7, %s, '%s');",
		by ? 1 : 0, state, ROW, state, two ? 2 : 1, two ? SECOND : FIRST,
		owned ? "'w'" : "NULL", state == DELIVERY_RETRY ? "10" : "NULL", FIRST,
		ROW, by ? "2" : "NULL", by ? by : ""));
	if (two)
		dbtest_script(t->db,
		    mem_printf(t->mem,
			"INSERT INTO send_attempts (id, campaign_id, delivery_id,"
			" started_at, outcome) VALUES (%d, 5, %d, 3, %d);",
			SECOND, ROW, second));
}

static void happens(struct dbtest *t, int event)
{
	const struct ses_notice n = { .brand_id = 1,
		.now = NOW,
		.text = mem_printf(t->mem,
		    "{\"eventType\":\"%s\",\"mail\":{\"messageId\":\"m1\","
		    "\"timestamp\":\"2026-11-24T10:00:00Z\","
		    "\"tags\":{\"maillayer_attempt\":[\"%d\"]}},\"%s\":{%s}}",
		    events[event].word, FIRST, events[event].part,
		    events[event].more) };
	const char *kind;
	TX_SCOPE tx = { 0 };

	if (tx_begin_keyed(t->db, &tx) != OK ||
	    ses_event_apply(t->db, t->mem, &n, &kind) != OK || tx_commit(&tx) != OK)
		ok(false, "the event is taken");
}

static int64_t row(struct dbtest *t, const char *what)
{
	return dbtest_int(t->db,
	    mem_printf(t->mem, "SELECT %s FROM campaign_subscribers", what));
}

static int faults(struct dbtest *t)
{
	struct ledger_verdict v;

	if (ledger_check(t->db, t->mem, 5, &v) != OK)
		return -1;
	for (size_t i = 0; i < v.n; i++)
		diag("%s: %s", v.faults[i].text, v.faults[i].example);
	return (int)v.n;
}

static bool accepted_by_first(struct dbtest *t)
{
	return row(t, "state") == DELIVERY_ACCEPTED && row(t, "attempt_id") == FIRST &&
	    row(t,
		"CASE WHEN message_id = 'm1' AND owner IS NULL AND next_try_at IS NULL"
		" THEN 1 ELSE 0 END") == 1;
}

/* Each state that the row may be in by then, and what the second attempt was. */
static const struct {
	int state, second;
} waits[] = { { DELIVERY_PENDING, -1 }, { DELIVERY_CLAIMED, -1 },
	{ DELIVERY_RETRY, -1 }, { DELIVERY_DOUBT, -1 }, { DELIVERY_GIVEN_UP, -1 },
	{ DELIVERY_PENDING, 3 }, { DELIVERY_CLAIMED, 3 }, { DELIVERY_RETRY, 3 },
	{ DELIVERY_DOUBT, 7 }, { DELIVERY_GIVEN_UP, 5 } };

/* Every event of the first attempt, for a row that waits as w says. */
static void prove_waiting(struct dbtest *t, size_t w, const char *by)
{
	int good = 0, bad = 0;

	for (int e = 0; e < EVENTS; e++) {
		world(t, waits[w].state, by, waits[w].second);
		if (waits[w].state == DELIVERY_GIVEN_UP)
			dbtest_script(t->db,
			    "UPDATE campaign_subscribers SET attempt_id = 11");
		happens(t, e);
		happens(t, 0);
		good += accepted_by_first(t);
		bad += by || waits[w].second < 0 ? faults(t) : 0;
	}
	is_int(good, EVENTS, "each event settles %s, second %d, by %s",
	    delivery_state_name((enum delivery_state)waits[w].state), waits[w].second,
	    by ? by : "nobody");
	is_int(bad, 0, "and the ledger is good");
}

static void test_waiting(struct dbtest *t)
{
	ok(repo_prepare(t->db) == OK, "all SQL is prepared");
	for (size_t w = 0; w < sizeof(waits) / sizeof(*waits); w++)
		for (int d = 0; d < DECIDERS; d++)
			prove_waiting(t, w, deciders[d]);
}

/* While the second is under way the row is its; then it is what the first made it. */
static void test_under_way(struct dbtest *t)
{
	enum { ENDS = 5 };
	static const enum delivery_state ends[ENDS] = { DELIVERY_ACCEPTED,
		DELIVERY_REJECTED, DELIVERY_RETRY, DELIVERY_DOUBT, DELIVERY_GIVEN_UP };
	struct settle r = { .delivery_id = ROW,
		.attempt_id = SECOND,
		.reason = "why",
		.next_try_at = NOW };
	int64_t pending, doubt;
	struct claim dead = { .owner = "w", .campaign = 5, .now = NOW };

	for (int e = 0; e < EVENTS; e++)
		for (int i = 0; i < ENDS + 1; i++) {
			world(t, DELIVERY_INTENT, "Ines", 0);
			happens(t, e);
			is_int(row(t, "state"), DELIVERY_INTENT, "it is under way");
			is_int(faults(t), 0, "which is right");
			if (i < ENDS)
				r.state = ends[i];
			r.message_id = i == 0 ? "m2" : NULL;
			ok((i < ENDS ? ledger_settle(t->db, 5, &r, 1, NOW)
				     : ledger_reclaim(t->db, &dead, &pending,
					   &doubt)) == OK,
			    "the second attempt ends");
			is_int(row(t, "state"), DELIVERY_ACCEPTED,
			    "accepted after %s, the second: %d", events[e].word, i);
			is_int(faults(t), 0, "which is right");
		}
}

/* The database knows it already, as one of before did: nothing leaves. */
static void test_known(struct dbtest *t)
{
	static const char known[] =
	    "UPDATE send_attempts SET outcome = 4, message_id = 'm1'";
	struct claimed mine = { .mem = t->mem };
	struct claim c = { "w", 5, 10, NOW, .mine = &mine };
	struct intent_batch b;
	int64_t n;

	for (int state = 0; state <= 3; state += 3) {
		world(t, state, "Ines", -1);
		dbtest_script(t->db, known);
		ok(ledger_claim(t->db, &c, &n) == OK, "claiming works");
		ok(accepted_by_first(t), "a claim accepts it");
		world(t, state, "Ines", -1);
		dbtest_script(t->db, known);
		dbtest_script(t->db, "UPDATE campaigns SET status = 'cancelled'");
		ok(ledger_cancel_open(t->db, 5, 10, NOW, &n) == OK && n == 0,
		    "cancelling works");
		ok(accepted_by_first(t), "a cancel accepts it");
	}
	for (int gone = 0; gone < 2; gone++) {
		world(t, gone ? DELIVERY_PENDING : DELIVERY_RETRY, "Ines", -1);
		mine.n = 0;
		mine.after = 0;
		ok(ledger_claim(t->db, &c, &n) == OK && n == 1, "one is claimed");
		dbtest_script(t->db, known);
		if (gone)
			dbtest_script(t->db,
			    "UPDATE subscribers SET status = 'unsubscribed'");
		ok(ledger_intent(t->db, t->mem, &c, &b) == OK && b.n == 0,
		    "nothing is intended");
		ok(accepted_by_first(t), "an intent accepts it");
		is_int(faults(t), 0, "which is right");
	}
	world(t, DELIVERY_CLAIMED, "Ines", -1);
	dbtest_script(t->db, known);
	ok(ledger_release(t->db, "w", 5, NOW) == OK && accepted_by_first(t),
	    "who gives it back accepts it");
	is_int(faults(t), 0, "which is right");
}

int main(void)
{
	dbtest_run(test_waiting);
	dbtest_run(test_under_way);
	dbtest_run(test_known);
	return done_testing();
}
