#pragma once

#include "base/buf.h"
#include "repo/ledger.h"

/* Inside of the ledger, shared by its files. */

/* By how much the count of each state changes. */
struct moved {
	int64_t n[DELIVERY_STATES];
};
/* Changes campaign_counts; in the transaction of the rows, as its last statement. */
enum err ledger_count_moved(struct db *db, int64_t campaign,
    const struct moved *m) MUST_CHECK;
/* [[id], ...] without its end, for ledger_derive; begins as an empty buffer. */
void ledger_add_id(struct buf *ids, int64_t id);
/*
 * The state of a row follows from all its attempts, never from the last one alone.  In
 * the transaction that has changed those rows or their attempts: whoever has an
 * accepted attempt is accepted, unless a later one is open, and whoever may have the
 * mail by an earlier attempt is not left as one that was not sent.  Only rows with
 * tries need to be asked.  Ends `ids`; adds what it moves to m.
 */
enum err ledger_derive(struct db *db, struct buf *ids, int64_t now,
    struct moved *m) MUST_CHECK;
enum err ledger_derive_prepare(struct db *db) MUST_CHECK;
enum err ledger_attempt_prepare(struct db *db) MUST_CHECK;
enum err ledger_due_prepare(struct db *db) MUST_CHECK;
enum err ledger_settle_prepare(struct db *db) MUST_CHECK;

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
