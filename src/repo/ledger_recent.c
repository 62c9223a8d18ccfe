#include "repo/ledger_recent.h"

#include "repo/ledger_attempt.h"

enum { LOOKED_AT = 4 * RECENT_MAX };

/*
 * The newest attempts, and the rows before the cursor that were accepted at once, which
 * have none.
 */
static const char *const sql[] = {
	"SELECT x.outcome, x.cause FROM"
	"  (SELECT a.finished_at AS at, a.id, a.outcome, a.cause FROM"
	"    (SELECT id, campaign_id, started_at, finished_at, outcome, cause"
	"      FROM send_attempts ORDER BY id DESC LIMIT $3) a"
	"    WHERE a.campaign_id = $1 AND a.started_at >= $2"
	"  UNION ALL SELECT r.settled_at, r.id, 4, 1 FROM"
	"    (SELECT d.id, d.state, d.tries, d.settled_at FROM campaign_subscribers d"
	"      WHERE d.id >= " FIRST_ID(
	    "$1") " AND d.id < (SELECT u.next_id"
		  "          FROM send_cursors u WHERE u.campaign_id = $1)"
		  "      ORDER BY d.id DESC LIMIT $3) r"
		  "    WHERE r.state = 4 AND r.tries = 1 AND r.settled_at >= $2"
		  "      AND NOT EXISTS (SELECT 1 FROM send_attempts a"
		  "        WHERE a.delivery_id = r.id)) x"
		  " ORDER BY x.at, x.id",
};

enum err ledger_recent_prepare(struct db *db)
{
	return db_prepare(db, sql, 1);
}

void recent_add(struct recent *r, enum delivery_state outcome, enum attempt_cause cause)
{
	bool silent = outcome == DELIVERY_DOUBT && cause == CAUSE_PROVIDER;

	if (r->n == RECENT_MAX)
		r->doubts -= r->silent[r->next];
	else
		r->n++;
	r->silent[r->next] = silent;
	r->next = (r->next + 1) % RECENT_MAX;
	r->doubts += silent;
	r->unanswered = outcome == DELIVERY_RETRY && cause == CAUSE_PROVIDER;
	if (outcome == DELIVERY_REJECTED)
		r->failures++;
	else if (outcome == DELIVERY_ACCEPTED)
		r->failures = 0;
}

enum err ledger_recent(struct db *db, int64_t campaign, int64_t since,
    struct recent *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[0]);

	*out = (struct recent){ 0 };
	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, since);
	stmt_bind_int(s, 3, LOOKED_AT);
	while (stmt_next(s))
		recent_add(out, (enum delivery_state)stmt_int(s, 0),
		    (enum attempt_cause)stmt_int(s, 1));
	return stmt_error(s);
}
