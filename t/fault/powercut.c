/*
 * Power cuts while mail is sent and people unsubscribe, on a disk that keeps what was
 * synced and of the rest any sectors: after each the database is whole and nothing that
 * was acknowledged is lost (I5, I6).  POWER_CUTS for longer runs.  At last the same
 * with synchronous = OFF, which must lose something, or this test would prove nothing.
 *
 * t/fault/long: sqlite only.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "faulttest.h"
#include "repo/ledger_attempt.h"
#include "service/subscriber.h"
#include "tap.h"
#include "tornvfs.h"

enum { PEOPLE = 300, CLAIM = 40, BATCH = 12 };

/* What the program has been told is done. */
struct world {
	struct dbtest *t;
	const char *path, *copy;
	bool left[PEOPLE + 1];   /* unsubscribed */
	bool begun[PEOPLE + 1];  /* may have been sent */
	int settled[PEOPLE + 1]; /* its state */
	int cuts, wanted;
	int broken, lost, drift; /* cuts after which ... */
	bool looking;
};

/* ---- after the cut ---- */
static int64_t number(sqlite3 *h, const char *sql)
{
	sqlite3_stmt *s = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(h, sql, -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return n;
}

static bool whole(sqlite3 *h)
{
	sqlite3_stmt *s = NULL;
	bool good = sqlite3_prepare_v2(h, "PRAGMA integrity_check", -1, &s, NULL) ==
		SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW &&
	    strcmp((const char *)sqlite3_column_text(s, 0), "ok") == 0;

	sqlite3_finalize(s);
	return good;
}

/* How much of what was acknowledged is not there. */
static int missing(const struct world *w, sqlite3 *h)
{
	bool begun[PEOPLE + 1] = { false };
	int state[PEOPLE + 1] = { 0 }, lost = 0;
	bool left[PEOPLE + 1] = { false };
	sqlite3_stmt *s = NULL;

	sqlite3_prepare_v2(h,
	    "SELECT d.subscriber_id, d.state, d.tries > 0 OR d.id IN (SELECT"
	    "    j.value ->> 0 FROM send_batches b, json_each(b.deliveries) j"
	    "    WHERE b.owner IS NOT NULL), s.status = 'unsubscribed'"
	    "  AND p.email_key IS NOT NULL FROM campaign_subscribers d"
	    "  JOIN subscribers s ON s.id = d.subscriber_id"
	    "  LEFT JOIN suppressions p ON p.email_key = s.email_key",
	    -1, &s, NULL);
	while (sqlite3_step(s) == SQLITE_ROW) {
		int who = sqlite3_column_int(s, 0);

		state[who] = sqlite3_column_int(s, 1);
		begun[who] = sqlite3_column_int(s, 2);
		left[who] = sqlite3_column_int(s, 3);
	}
	sqlite3_finalize(s);
	for (int i = 1; i <= PEOPLE; i++) {
		lost += w->begun[i] && !begun[i];
		lost += w->settled[i] && state[i] != w->settled[i];
		lost += w->left[i] && !left[i];
	}
	return lost;
}

static void examine(struct world *w)
{
	sqlite3 *h = NULL;

	if (sqlite3_open_v2(w->copy, &h, SQLITE_OPEN_READWRITE, "unix") != SQLITE_OK ||
	    !whole(h)) {
		w->broken++;
	} else {
		w->lost += missing(w, h) != 0;
		w->drift +=
		    number(h,
			"SELECT count(*) FROM campaign_counts n WHERE n.n <> "
			"(SELECT count(*) FROM campaign_subscribers d" CURSOR_OF_D
			" WHERE d.campaign_id = 5"
			" AND n.state = " STATE_OF_D ")") != 0;
	}
	sqlite3_close(h);
}

static void maybe_cut(void *ctx)
{
	struct world *w = ctx;

	if (w->looking || w->cuts >= w->wanted || random() % 3)
		return;
	w->looking = true;
	w->cuts++;
	unlink(mem_printf(w->t->mem, "%s-shm", w->copy));
	if (!tornvfs_cut(w->path, w->copy))
		ok(false, "the cut is made");
	examine(w);
	w->looking = false;
}

/* ---- what goes on meanwhile ---- */
static void begin(struct world *w)
{
	bool complete = false;

	dbtest_script(w->t->db,
	    SENDTEST_EMPTY "DELETE FROM suppressions; DELETE FROM consents;"
			   "UPDATE subscribers SET status = 'active';"
			   "UPDATE campaigns SET status = 'sending', audience = 0,"
			   " frozen_at = NULL, freeze_after = 0;");
	memset(w->left, 0, sizeof(w->left));
	memset(w->begun, 0, sizeof(w->begun));
	memset(w->settled, 0, sizeof(w->settled));
	while (!complete)
		if (ledger_freeze(w->t->db, 5, 100, 1, &complete) != OK)
			ok(false, "the audience is frozen");
}

static void leave(struct world *w, int who)
{
	const struct origin o = { .source = "link", .campaign = 5, .now = 2000 };

	if (subscriber_unsubscribe(w->t->db, 1, who, &o, NULL) == OK)
		w->left[who] = true;
}

static enum err send_some(struct world *w, void *mem, const struct claim *c, bool *more)
{
	struct settle r[BATCH];
	struct results back = { .rows = r, .now = 3 };
	struct intent_batch b;
	enum err e = ledger_intent(w->t->db, mem, c, &b);

	*more = e == OK && b.n + (size_t)b.skipped > 0;
	for (size_t i = 0; e == OK && i < b.n; i++) {
		r[i] = (struct settle){ .delivery_id = b.rows[i].delivery_id,
			.batch_id = b.rows[i].batch_id,
			.tries = b.rows[i].tries,
			.message_id = "m",
			.reason = "",
			.state = i % 5 ? DELIVERY_ACCEPTED : DELIVERY_REJECTED };
		w->begun[b.rows[i].who.id] = true;
	}
	back.n = b.n;
	if (e == OK && b.n)
		e = ledger_settle(w->t->db, 5, &back);
	for (size_t i = 0; e == OK && i < b.n; i++)
		w->settled[b.rows[i].who.id] = (int)r[i].state;
	return e;
}

static enum err campaign(struct world *w)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "campaign");
	struct claimed mine = { .mem = tmp };
	struct claim claim = { .owner = "1",
		.campaign = 5,
		.n = CLAIM,
		.now = 2,
		.mine = &mine };
	struct claim take = claim;
	int64_t claimed = 1;
	enum err e = OK;

	take.n = BATCH;
	while (e == OK && claimed > 0) {
		bool more = true;

		e = ledger_claim(w->t->db, &claim, &claimed);
		while (e == OK && more && claimed > 0) {
			e = send_some(w, tmp, &take, &more);
			leave(w, 1 + (int)(random() % PEOPLE));
			if (random() % 8 == 0)
				dbtest_script(w->t->db, "PRAGMA wal_checkpoint");
		}
	}
	return e;
}

static struct world cut(struct dbtest *t, int wanted)
{
	struct world *w = mem_new(t->mem, struct world);

	w->t = t;
	w->wanted = wanted;
	w->path = strchr(t->url, ':') + 1;
	w->copy = mem_printf(t->mem, "%s/cut.db", t->dir);
	for (int round = 0; round < 200 && w->cuts < wanted; round++) {
		tornvfs_watch(NULL, NULL);
		begin(w);
		tornvfs_watch(maybe_cut, w);
		if (campaign(w) != OK)
			ok(false, "the campaign goes on");
	}
	tornvfs_watch(NULL, NULL);
	return *w;
}

static void test_cuts(struct dbtest *t)
{
	int wanted = faulttest_number("POWER_CUTS", 500);
	struct world w;

	if (db_kind(t->db) != DB_SQLITE)
		return;
	sendtest_people(t, PEOPLE);
	w = cut(t, wanted);
	is_int(w.cuts, wanted, "the power is cut %d times", wanted);
	tap_count("cuts", w.cuts);
	tap_count("lost", w.lost + w.broken);
	is_int(w.broken, 0, "integrity_check: the database is whole after each");
	is_int(w.lost, 0,
	    "no attempt, result or unsubscription that was acknowledged "
	    "is lost");
	is_int(w.drift, 0, "counts and rows agree");
	dbtest_script(t->db, "PRAGMA synchronous = OFF");
	w = cut(t, 60);
	ok(w.lost + w.broken > 0,
	    "with synchronous = OFF %d of %d cuts lose something: the test can fail",
	    w.lost + w.broken, w.cuts);
}

int main(void)
{
	srandom((unsigned)faulttest_number("CRASH_SEED", (int)time(NULL)));
	unsetenv("MAILLAYER_TEST_PG"); /* SQLite's disk only */
	tornvfs_begin();
	dbtest_run(test_cuts);
	return done_testing();
}
