#pragma once

#include "repo/ledger.h"

/* Inside of the ledger, shared by its files; nobody else includes it. */

/* By how much the count of each state changes. */
struct moved {
	int64_t n[DELIVERY_STATES];
};
/* Changes campaign_counts; in the transaction of the rows, as its last statement. */
enum err ledger_count_moved(struct db *db, int64_t campaign,
    const struct moved *m) MUST_CHECK;
/*
 * The first statement of whatever moves rows, held until commit: workers, who look that
 * the campaign is sending, share it; an event that settles, a decision, a cancel and a
 * reclaim have it alone.  After it come, in this order: cursor, rows, batches, people,
 * leases, counts.  So nobody waits crosswise.
 */
enum ledger_lock { LEDGER_SHARED, LEDGER_ALONE };
enum err ledger_lock(struct db *db, int64_t campaign, enum ledger_lock how) MUST_CHECK;
enum err ledger_due_prepare(struct db *db) MUST_CHECK;
enum err ledger_end_prepare(struct db *db) MUST_CHECK;
enum err ledger_lease_prepare(struct db *db) MUST_CHECK;
enum err ledger_intent_prepare(struct db *db) MUST_CHECK;
enum err ledger_settle_prepare(struct db *db) MUST_CHECK;

/* ---- parts of a transaction that the caller has begun and will count ---- */
/*
 * Takes a range of pending rows that is nobody's: one that was given back, else the
 * next of the audience.  At most n rows in a new one; *rows 0: nothing is left.
 */
struct lease_want {
	int64_t campaign;
	const char *owner; /* NULL: the range is not kept */
	int64_t n;
};
enum err ledger_lease(struct db *db, const struct lease_want *w, struct lease *out,
    int64_t *rows) MUST_CHECK;
/* Gives back what an owner has leased; *rows: how many rows that were. */
enum err ledger_unlease(struct db *db, const char *owner, int64_t campaign,
    int64_t *rows) MUST_CHECK;
/* Writes results, and adds to m what they move.  The lock is held. */
enum err ledger_settle_part(struct db *db, int64_t campaign, const struct results *r,
    struct moved *m) MUST_CHECK;
/*
 * n deliveries of a batch have their result now; with the last one it is closed.
 * ERR_CONFLICT: it is not open.
 */
enum err ledger_batch_less(struct db *db, int64_t batch, int64_t n) MUST_CHECK;

/*
 * A JSON array of arrays as rows: one statement for a whole batch, on both databases.
 * The + before other columns of the condition keeps SQLite from walking an index of the
 * table and the whole array once for each of its rows: it has to look each id of the
 * array up.
 * PostgreSQL, which keeps a plan that it made while the table was small, would do the
 * same.  The condition on n, which is always true, makes it expect one row, and then
 * there is nothing cheaper than to look it up.
 */
#define ROWS(param)                                                                    \
	"/*+lite json_each(" param ") j *//*+pg (SELECT value FROM"                    \
	" jsonb_array_elements(CAST(" param                                            \
	" AS jsonb)) WITH ORDINALITY AS e(value, n)"                                   \
	" WHERE n BETWEEN 1 AND 1000000000) j */"
#define NUMBER(i) "CAST(j.value ->> " #i " AS BIGINT)"
/* Where the rows of campaign $n begin, and those of the next one. */
#define FIRST_ID(param) "(CAST(" param " AS BIGINT) << 32)"
#define END_ID(param) "((CAST(" param " AS BIGINT) + 1) << 32)"
#define OF_CAMPAIGN(d, param)                                                          \
	d ".id >= " FIRST_ID(param) " AND " d ".id < " END_ID(param)
/*
 * Row d has an attempt whose outcome nobody knows.  It may have the mail whatever a
 * later try said: it never ends as one that was not sent.
 */
#define DOUBTED                                                                        \
	"(d.tries > 0 AND EXISTS (SELECT 1 FROM send_attempts a"                       \
	" WHERE a.delivery_id = d.id AND a.outcome = 7))"
/*
 * The state of row d as people see it: a row that is pending in the table may be leased
 * (claimed), or stand in an open batch (intent).  Needs CURSOR_OF_D.
 */
#define CURSOR_OF_D " LEFT JOIN send_cursors u ON u.campaign_id = d.campaign_id"
#define STATE_OF_D                                                                     \
	"CASE WHEN d.state <> 0 THEN d.state"                                          \
	" WHEN d.id >= COALESCE(u.next_id, 0) THEN 0"                                  \
	" ELSE COALESCE((SELECT CASE WHEN l.owner IS NULL THEN 0 ELSE 1 END"           \
	"   FROM send_leases l WHERE l.campaign_id = d.campaign_id"                    \
	"    AND d.id >= l.next_id AND d.id < l.to_id), 2) END"
/* clang-format off */
/* What stands in open batches of campaign $n: (batch, owner, started_at, delivery, try). */
#define IN_OPEN_BATCHES(param) \
	"(SELECT b.id AS batch, b.owner, b.started_at, " NUMBER(0) " AS delivery," \
	"   " NUMBER(1) " AS try" \
	"  FROM send_batches b, /*+pg LATERAL */ " ROWS("b.deliveries") \
	" WHERE b.campaign_id = " param " AND b.owner IS NOT NULL)"
/* clang-format on */
