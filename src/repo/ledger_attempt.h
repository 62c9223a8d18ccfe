#pragma once

#include "repo/ledger.h"

/* Inside of the ledger, shared by ledger.c, ledger_due.c, ledger_attempt.c and
 * ledger_settle.c. */

/* By how much the count of each state changes. */
struct moved {
	int64_t n[DELIVERY_STATES];
};
/* Changes campaign_counts; in the transaction of the rows, as its last statement. */
enum err ledger_count_moved(struct db *db, int64_t campaign,
    const struct moved *m) MUST_CHECK;
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
/*
 * The last attempt of row d whose outcome nobody knows, or NULL.  Such a row may have
 * the mail whatever a later try said: it never ends as one that was not sent.
 */
#define DOUBTED                                                                        \
	"CASE WHEN d.tries > 0 THEN (SELECT max(a.id) FROM send_attempts a"            \
	" WHERE a.delivery_id = d.id AND a.outcome = 7) END"
#define NUMBER(i) "CAST(j.value ->> " #i " AS BIGINT)"
