/*
 * Sessions of PostgreSQL beside each other: a pause, a cancel and whoever leaves wait
 * for an intent that is open, and an intent waits for them.  So nothing is sent after
 * they have been answered.
 */
#include "base/mem.h"
#include "dbtest.h"
#include "repo/campaign.h"
#include "repo/ledger.h"
#include "repo/repo.h"
#include "service/subscriber.h"
#include "tap.h"

enum { NOW = 5000, WAIT_MS = 300 };

static enum err pause_it(struct db *db)
{
	const struct campaign_step s = { .from = 1u << CAMPAIGN_SENDING,
		.to = CAMPAIGN_PAUSED,
		.send_at = -1 };

	return campaign_move(db, 1, 5, &s, NOW);
}

static enum err cancel_it(struct db *db)
{
	const struct campaign_step s = { .from = 1u << CAMPAIGN_SENDING,
		.to = CAMPAIGN_CANCELLED,
		.send_at = -1 };

	return campaign_move(db, 1, 5, &s, NOW);
}

static enum err leave_it(struct db *db)
{
	const struct origin o = { .source = "link",
		.detail = "",
		.ip = "",
		.now = NOW };

	return subscriber_unsubscribe(db, 1, 3, &o, NULL);
}

static enum err bounce_it(struct db *db)
{
	const struct origin o = { .source = "event",
		.detail = "",
		.ip = "",
		.now = NOW };

	return subscriber_stop(db, 1, 3, SUBSCRIBER_BOUNCED, &o, NULL);
}

static const struct {
	const char *name;
	enum err (*act)(struct db *db);
} acts[] = {
	{ "a pause", pause_it },
	{ "a cancel", cancel_it },
	{ "who unsubscribes", leave_it },
	{ "a bounce", bounce_it },
};

static void world(struct dbtest *t, struct claim *c)
{
	int64_t n = 0;

	dbtest_script(t->db,
	    "DELETE FROM send_attempts; DELETE FROM campaigns;"
	    "DELETE FROM campaign_subscribers; DELETE FROM consents;"
	    "DELETE FROM send_batches; DELETE FROM send_leases;"
	    "DELETE FROM send_cursors;"
	    "DELETE FROM suppressions; DELETE FROM subscribers; DELETE FROM brands;"
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
	    " VALUES (1, 'B', 'h', 1, 1);"
	    "INSERT INTO subscribers (id, brand_id, email, email_key, status,"
	    "   created_at, updated_at) VALUES (3, 1, 'p@x.test', 'p@x.test',"
	    "   'active', 1, 1);"
	    "INSERT INTO campaigns (id, brand_id, name, status, audience, frozen_at,"
	    "   created_at, updated_at) VALUES (5, 1, 'C', 'sending', 1, 1, 1, 1);"
	    "INSERT INTO campaign_counts (campaign_id, state, n) VALUES (5, 0, 1);"
	    "INSERT INTO send_cursors (campaign_id, next_id) VALUES (5, 21474836481);"
	    "INSERT INTO campaign_subscribers (id, campaign_id, subscriber_id,"
	    "   email_key) VALUES (21474836481, 5, 3, 'p@x.test');");
	*c->mine = (struct claimed){ .mem = t->mem };
	ok(ledger_claim(t->db, c, &n) == OK && n == 1, "one is claimed");
}

/* The intent is open: it waits, and is done when that has ended. */
static void after_intent(struct dbtest *t, struct db *other, struct claim *c, size_t i)
{
	TX_SCOPE tx = { 0 };
	struct intent_batch b;

	world(t, c);
	ok(tx_begin_keyed(t->db, &tx) == OK &&
		ledger_intent(t->db, t->mem, c, &b) == OK && b.n == 1,
	    "an intent is open");
	is_int(acts[i].act(other), ERR_BUSY, "%s waits for it", acts[i].name);
	ok(tx_commit(&tx) == OK, "it ends");
	is_int(acts[i].act(other), OK, "%s is done then", acts[i].name);
}

/* It is under way: the intent waits, and then nobody is intended. */
static void before_intent(struct dbtest *t, struct db *other, struct claim *c, size_t i)
{
	TX_SCOPE tx = { 0 };
	struct intent_batch b;

	world(t, c);
	ok(tx_begin(other, &tx) == OK && acts[i].act(other) == OK, "%s is under way",
	    acts[i].name);
	is_int(ledger_intent(t->db, t->mem, c, &b), ERR_BUSY, "an intent waits");
	ok(tx_commit(&tx) == OK, "it is done");
	ok(ledger_intent(t->db, t->mem, c, &b) == OK && b.n == 0,
	    "then nothing is intended");
}

static void test(struct dbtest *t)
{
	struct claimed mine;
	struct claim c = { .owner = "w",
		.campaign = 5,
		.n = 10,
		.now = NOW,
		.mine = &mine };
	struct db *other;

	if (db_kind(t->db) != DB_POSTGRES)
		return; /* one writer at a time */
	other = dbtest_connect(t);
	ok(repo_prepare(t->db) == OK && repo_prepare(other) == OK,
	    "all SQL is prepared");
	t->log->least = LOG_ERROR + 1; /* waiting too long is what we want */
	db_set_wait(t->db, WAIT_MS);
	db_set_wait(other, WAIT_MS);
	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
		after_intent(t, other, &c, i);
		before_intent(t, other, &c, i);
	}
}

int main(void)
{
	dbtest_run(test);
	return done_testing();
}
