/* What a worker does with the ledger: ranges, batches, results; and what others see. */
#include <string.h>

#include "base/mem.h"
#include "repo/ledger_attempt.h"
#include "repo/ledger_event.h"
#include "repo/ledger_recent.h"
#include "repo/repo.h"
#include "sendtest.h"
#include "tap.h"

enum { PEOPLE = 6 };

static void freeze_all(struct db *db)
{
	bool complete = false;

	for (int i = 0; i < 9 && !complete; i++)
		if (ledger_freeze(db, 5, 4, 1000, &complete) != OK)
			return;
}

static void begin(struct dbtest *t)
{
	sendtest_people(t, PEOPLE);
	ok(repo_prepare(t->db) == OK, "repo_prepare prepares");
	freeze_all(t->db);
}

static int64_t state_of(struct db *db, int subscriber)
{
	STMT_SCOPE s = db_stmt_text(db,
	    "SELECT " STATE_OF_D " FROM campaign_subscribers d" CURSOR_OF_D
	    " WHERE d.campaign_id = 5 AND d.subscriber_id = $1");

	stmt_bind_int(s, 1, subscriber);
	return stmt_row(s) == OK ? stmt_int(s, 0) : -1;
}

static bool counts_hold(struct dbtest *t)
{
	struct delivery_counts told, real;

	return ledger_counts(t->db, 5, &told) == OK &&
	    ledger_recount(t->db, 5, &real) == OK &&
	    memcmp(&told, &real, sizeof(told)) == 0;
}

static struct intent_batch intent(struct dbtest *t, const struct claim *c)
{
	struct intent_batch b = { 0 };

	ok(ledger_intent(t->db, t->mem, c, &b) == OK, "ledger_intent works");
	return b;
}

/* What was under way when a process died says nothing about the provider. */
static void test_own_doing(struct dbtest *t)
{
	struct recent recent;

	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM send_attempts WHERE outcome = 7"
		   " AND cause = 4"),
	    3, "ledger_reclaim says that this is our own doing");
	ok(ledger_recent(t->db, 5, 0, &recent) == OK && recent.n > 3 &&
		recent.doubts == 0,
	    "ledger_recent does not blame the provider for it");
	dbtest_script(t->db, "UPDATE send_attempts SET cause = 3 WHERE outcome = 7;");
	ok(ledger_recent(t->db, 5, 0, &recent) == OK && recent.doubts == 3,
	    "ledger_recent counts the doubts that the provider left");
	ok(sendtest_check(t) == 0, "ledger_reclaim keeps the sum");
}

static void settle(struct dbtest *t, const struct settle *r, size_t n)
{
	const struct results back = { r, n, 3000 };

	ok(ledger_settle(t->db, 5, &back) == OK, "ledger_settle settles");
}

static struct settle result_of(const struct intent *i, enum delivery_state state)
{
	return (struct settle){ i->delivery_id, i->batch_id, i->tries, state,
		CAUSE_RECIPIENT, state == DELIVERY_ACCEPTED ? "m-\"1\"" : NULL, "",
		9000 };
}

/* The worker dies; what was under way is in doubt, and one answer comes after all. */
static void end_owner(struct dbtest *t, const struct claim *a, struct settle *late)
{
	int64_t n;

	ok(ledger_reclaim(t->db, a, &n, &n) == OK && n == 3,
	    "ledger_reclaim puts intents in doubt");
	is_int(state_of(t->db, 6), DELIVERY_PENDING,
	    "ledger_reclaim gives claimed rows back");
	is_int(state_of(t->db, 4), DELIVERY_DOUBT, "ledger_reclaim doubts the rest");
	test_own_doing(t);
	late->tries = 1;
	settle(t, late, 1);
	is_int(state_of(t->db, 4), DELIVERY_ACCEPTED,
	    "ledger_settle lets a late answer resolve a doubt");
	ok(sendtest_check(t) == 0, "ledger_settle keeps the sum then too");
	dbtest_script(t->db, "UPDATE campaigns SET status = 'cancelled' WHERE id = 5;");
	ok(ledger_cancel_open(t->db, 5, 100, 1, &n) == OK && n == 0,
	    "ledger_cancel_open cancels what is open");
	is_int(state_of(t->db, 6), DELIVERY_CANCELLED, "ledger_cancel_open marks it");
	is_int(state_of(t->db, 2), DELIVERY_DOUBT, "and leaves what may be sent");
	ok(sendtest_check(t) == 0, "ledger_cancel_open keeps the sum");
}

static void test_settle(struct dbtest *t)
{
	struct claim a = { .owner = "11",
		.campaign = 5,
		.n = 6,
		.now = 2000,
		.mine = &(struct claimed){ .mem = t->mem } };
	struct intent_batch b;
	struct settle r[4];
	int64_t n;

	begin(t);
	ok(ledger_claim(t->db, &a, &n) == OK && n == 6, "ledger_claim claims");
	is_int(state_of(t->db, 1), DELIVERY_CLAIMED, "the rows are claimed");
	a.n = 5;
	b = intent(t, &a);
	is_int((int64_t)b.n, 5, "ledger_intent allows as many as are wanted");
	is_int(state_of(t->db, 1), DELIVERY_INTENT, "they are under way");
	for (int i = 0; i < 4; i++)
		r[i] = result_of(&b.rows[i], DELIVERY_ACCEPTED);
	r[1].state = DELIVERY_RETRY;
	r[1].message_id = NULL;
	r[2].state = DELIVERY_REJECTED;
	r[2].reason = "He said \"no\"\n";
	r[3].tries += 1000;
	settle(t, r, 4);
	is_int(state_of(t->db, 1), DELIVERY_ACCEPTED, "ledger_settle marks accepted");
	is_int(state_of(t->db, 2), DELIVERY_RETRY, "ledger_settle marks retry");
	is_int(state_of(t->db, 3), DELIVERY_REJECTED, "ledger_settle marks rejected");
	is_int(state_of(t->db, 4), DELIVERY_INTENT,
	    "ledger_settle leaves another try's row alone");
	is_int(dbtest_int(t->db, "SELECT left_open FROM send_batches"), 2,
	    "the batch has two left");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM send_attempts"), 2,
	    "an attempt is written for each that was not accepted");
	ok(sendtest_check(t) == 0, "ledger_settle keeps the sum");
	r[0].state = DELIVERY_REJECTED;
	settle(t, r, 1);
	is_int(state_of(t->db, 1), DELIVERY_ACCEPTED,
	    "ledger_settle does not change what is settled");
	settle(t, r, 3);
	is_int(dbtest_int(t->db, "SELECT left_open FROM send_batches"), 2,
	    "a result that is written again counts once");
	ok(sendtest_check(t) == 0, "ledger_settle keeps the sum then");
	a.n = 3;
	ok(ledger_claim(t->db, &a, &n) == OK && n == 0 && a.mine->n == 1,
	    "ledger_claim leaves a retry until its time");
	a.now = 9000;
	ok(ledger_claim(t->db, &a, &n) == OK && n == 1 && a.mine->n == 2,
	    "ledger_claim finds a retry at its time");
	a.n = 1;
	b = intent(t, &a);
	ok(b.n == 1 && b.rows[0].tries == 2 && a.mine->n == 1,
	    "ledger_intent takes it first");
	is_int(state_of(t->db, 2), DELIVERY_INTENT, "it is under way again");
	ok(sendtest_check(t) == 0, "ledger_intent keeps the sum then");
	end_owner(t, &a, &r[3]);
}

/* Ranges: what is given back is whole, comes first, and is nobody's twice. */
static void test_leases(struct dbtest *t)
{
	struct claimed mine = { .mem = t->mem }, theirs = { .mem = t->mem };
	struct claim a = { "11", 5, 4, 2000, .mine = &mine };
	struct claim b = { "22", 5, 9, 2000, .mine = &theirs };
	struct intent_batch batch;
	int64_t n, left;

	begin(t);
	ok(ledger_claim(t->db, &a, &n) == OK && n == 4, "four are leased");
	a.n = 1;
	batch = intent(t, &a);
	ok(batch.n == 1 && mine.n == 3, "one of them is under way");
	ok(ledger_release(t->db, "11", 5) == OK, "the rest is given back");
	ok(sendtest_check(t) == 0, "the sum holds");
	ok(ledger_claim(t->db, &b, &n) == OK && n == 3, "which others get as it is");
	ok(ledger_claim(t->db, &b, &n) == OK && n == 2 && theirs.nleases == 2,
	    "and then what comes next");
	ok(ledger_intent(t->db, t->mem, &a, &batch) == ERR_CONFLICT,
	    "who gave back may not begin them");
	ok(sendtest_check(t) == 0, "the sum holds");
	batch = intent(t, &b);
	is_int((int64_t)batch.n, 5, "a batch goes across ranges");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM send_leases"), 0,
	    "a range that is used up is gone");
	ok(sendtest_check(t) == 0, "the sum holds");
	dbtest_script(t->db,
	    "DELETE FROM send_batches; DELETE FROM campaign_subscribers;"
	    "DELETE FROM campaign_counts; DELETE FROM send_cursors;"
	    "UPDATE campaigns SET audience = 0, frozen_at = NULL, freeze_after = 0;");
	freeze_all(t->db);
	theirs = (struct claimed){ .mem = t->mem };
	b.n = 4;
	ok(ledger_claim(t->db, &b, &n) == OK && n == 4 &&
		ledger_release(t->db, "22", 5) == OK,
	    "four are leased and given back");
	dbtest_script(t->db, "UPDATE campaigns SET status = 'cancelled' WHERE id = 5;");
	for (int i = 5; i >= 0; i--) {
		ok(ledger_cancel_open(t->db, 5, 1, 1, &left) == OK && left == i,
		    "one after another is cancelled");
		ok(sendtest_check(t) == 0, "and the sum holds");
	}
}

static bool finishes(struct dbtest *t)
{
	bool finished = true;

	ok(ledger_finish(t->db, 5, 1, &finished) == OK, "ledger_finish works");
	return finished;
}

/* Whatever is open keeps a campaign from its end, wherever it stands. */
static void test_waits(struct dbtest *t)
{
	struct claim a = { .owner = "11",
		.campaign = 5,
		.n = 9,
		.now = 2000,
		.mine = &(struct claimed){ .mem = t->mem } };
	struct settle r[6];
	struct intent_batch b;
	int64_t n;

	begin(t);
	ok(!finishes(t), "it waits for who is pending");
	ok(ledger_claim(t->db, &a, &n) == OK && n == 6, "all are claimed");
	ok(!finishes(t), "it waits for who is claimed");
	b = intent(t, &a);
	ok(b.n == 6 && !finishes(t), "it waits for who is under way");
	for (int i = 0; i < 6; i++)
		r[i] = result_of(&b.rows[i], i ? DELIVERY_ACCEPTED : DELIVERY_RETRY);
	settle(t, r, 6);
	ok(!finishes(t), "it waits for who is to be tried again");
	a.now = 9000;
	ok(ledger_claim(t->db, &a, &n) == OK && n == 1, "whose time comes");
	b = intent(t, &a);
	r[0] = result_of(&b.rows[0], DELIVERY_ACCEPTED);
	settle(t, r, 1);
	ok(finishes(t), "and for nobody else");
	ok(sendtest_check(t) == 0, "the sum holds");
}

/* Amazon tells of the first try, which we took for refused, while the second goes on.
 */
static void test_earlier_told(struct dbtest *t)
{
	static const enum delivery_state ends[] = { DELIVERY_ACCEPTED,
		DELIVERY_REJECTED, DELIVERY_RETRY, DELIVERY_DOUBT, DELIVERY_GIVEN_UP,
		DELIVERY_STATES };
	struct claim a = { .owner = "11",
		.campaign = 5,
		.n = 9,
		.now = 2000,
		.mine = &(struct claimed){ .mem = t->mem } };
	struct told_mail *told;
	struct settle r[6];
	struct intent_batch b;
	int64_t n;

	begin(t);
	ok(ledger_claim(t->db, &a, &n) == OK && n == 6, "all are claimed");
	b = intent(t, &a);
	for (int i = 0; i < 6; i++)
		r[i] = result_of(&b.rows[i], DELIVERY_RETRY);
	settle(t, r, 6);
	a.now = 9000;
	ok(ledger_claim(t->db, &a, &n) == OK && n == 6, "all are tried again");
	b = intent(t, &a);
	for (int i = 0; i < 6; i++) {
		ok(ledger_event_find(t->db, t->mem, 1, b.rows[i].delivery_id, 1,
		       &told) == OK &&
			ledger_event_accepted(t->db, told, "m-1", 9001) == OK,
		    "Amazon has the first mail");
		r[i] = result_of(&b.rows[i], ends[i]);
	}
	ok(counts_hold(t), "the sum holds");
	settle(t, r, 5);
	ok(ledger_reclaim(t->db, &a, &n, &n) == OK && n == 0,
	    "and the worker of the last one dies");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM campaign_subscribers WHERE state = 4"
		   " AND message_id IS NOT NULL AND tries = 2"),
	    6, "whatever becomes of the second, they have it");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM send_attempts WHERE try = 1 AND outcome = 4"),
	    6, "which the attempts tell");
	ok(counts_hold(t), "the sum holds");
}

int main(void)
{
	dbtest_run(test_settle);
	dbtest_run(test_leases);
	dbtest_run(test_waits);
	dbtest_run(test_earlier_told);
	return done_testing();
}
