#include "repo/ledger_recent.h"

enum { LOOKED_AT = 4 * RECENT_MAX };

static const char *const sql[] = {
	"SELECT r.outcome, r.cause FROM"
	"  (SELECT id, campaign_id, started_at, outcome, cause"
	"    FROM send_attempts ORDER BY id DESC LIMIT $3) r"
	" WHERE r.campaign_id = $1 AND r.started_at >= $2 AND r.outcome <> 0"
	" ORDER BY r.id",
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
