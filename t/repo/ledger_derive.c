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

enum { FIRST = 1000011, SECOND = 1000012, NOW = 5000 };
#define ROW INT64_C(21474836481)

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

/*
 * One row in a state after a first attempt in doubt, and a second one that ended as
 * `second`; 0: it is under way.
 */
static void world(struct dbtest *t, int state, const char *by, int second)
{
	dbtest_script(t->db,
	    mem_printf(t->mem,
		"DELETE FROM send_attempts; DELETE FROM email_events;"
		"DELETE FROM send_batches; DELETE FROM send_cursors;"
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
		"INSERT INTO send_cursors (campaign_id, next_id) VALUES (5, %lld);"
		"INSERT INTO campaign_subscribers (id, campaign_id, subscriber_id,"
		"   email_key, state, tries, next_try_at)"
		" VALUES (%lld, 5, 3, 'p@x.test', %d, %d, %s);"
		"INSERT INTO send_attempts (id, campaign_id, delivery_id, try,"
		"   started_at, finished_at, outcome, resent_at, resent_by)"
		" VALUES (%d, 5, %lld, 1, 1, 1, 7, %s, '%s');",
		by ? 1 : 0, state, (long long)ROW + 1, (long long)ROW, state,
		second > 0 ? 2 : 1, state == DELIVERY_RETRY ? "10" : "NULL", FIRST,
		(long long)ROW, by ? "2" : "NULL", by ? by : ""));
	if (second > 0)
		dbtest_script(t->db,
		    mem_printf(t->mem,
			"INSERT INTO send_attempts (id, campaign_id, delivery_id, try,"
			" started_at, finished_at, outcome)"
			" VALUES (%d, 5, %lld, 2, 3, 3, %d);",
			SECOND, (long long)ROW, second));
	if (second == 0)
		dbtest_script(t->db,
		    mem_printf(t->mem,
			"INSERT INTO send_batches (id, campaign_id, owner, started_at,"
			" left_open, deliveries) VALUES (1, 5, 'w', 3, 1,"
			" '[[%lld,2]]');",
			(long long)ROW));
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
	return row(t, "state") == DELIVERY_ACCEPTED &&
	    row(t,
		"CASE WHEN message_id = 'm1' AND next_try_at IS NULL THEN 1 ELSE 0 "
		"END") == 1 &&
	    dbtest_int(t->db,
		"SELECT count(*) FROM send_attempts WHERE try = 1 AND outcome = 4") ==
	    1;
}

/* Each state that the row may be in by then, and what the second attempt was. */
static const struct {
	int state, second;
} waits[] = { { DELIVERY_RETRY, -1 }, { DELIVERY_DOUBT, -1 }, { DELIVERY_GIVEN_UP, -1 },
	{ DELIVERY_RETRY, 3 }, { DELIVERY_DOUBT, 7 }, { DELIVERY_GIVEN_UP, 5 },
	{ DELIVERY_REJECTED, 5 }, { DELIVERY_SKIPPED, -1 },
	{ DELIVERY_CANCELLED, -1 } };

/* Every event of the first attempt, for a row that waits as w says. */
static void prove_waiting(struct dbtest *t, size_t w, const char *by)
{
	int good = 0, bad = 0;

	for (int e = 0; e < EVENTS; e++) {
		world(t, waits[w].state, by, waits[w].second);
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
		.batch_id = 1,
		.tries = 2,
		.reason = "why",
		.next_try_at = NOW };
	const struct results back = { &r, 1, NOW };
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
			ok((i < ENDS ? ledger_settle(t->db, 5, &back)
				     : ledger_reclaim(t->db, &dead, &pending,
					   &doubt)) == OK,
			    "the second attempt ends");
			is_int(row(t, "state"), DELIVERY_ACCEPTED,
			    "accepted after %s, the second: %d", events[e].word, i);
			is_int(faults(t), 0, "which is right");
		}
}

int main(void)
{
	dbtest_run(test_waiting);
	dbtest_run(test_under_way);
	return done_testing();
}
