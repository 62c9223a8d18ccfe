#include "repo/ledger_attempt.h"

#include "base/failpoint.h"

/* How a campaign ends: completed when nothing is open, or cancelled. */
enum { FINISH, CANCELLED, CANCEL_RANGE, CANCEL_OPEN, TIDIED, OPEN_LEFT };

static const char *const sql[] = {
	[FINISH] = "UPDATE campaigns SET status = 'completed', finished_at = $2,"
		   "   updated_at = $2"
		   " WHERE id = $1 AND status = 'sending' AND frozen_at IS NOT NULL"
		   "   AND NOT EXISTS (SELECT 1 FROM send_leases l"
		   "         WHERE l.campaign_id = $1)"
		   "   AND NOT EXISTS (SELECT 1 FROM send_batches b"
		   "         WHERE b.campaign_id = $1 AND b.owner IS NOT NULL)"
		   "   AND NOT EXISTS (SELECT 1 FROM campaign_subscribers d"
		   "         WHERE d.campaign_id = $1 AND d.rare < 4)"
		   "   AND NOT EXISTS (SELECT 1 FROM campaign_subscribers d"
		   "         WHERE d.id >= (SELECT u.next_id FROM send_cursors u"
		   "             WHERE u.campaign_id = $1)"
		   "           AND d.id < $3 AND +d.state = 0)",
	/* Held until commit: alone, as ledger_lock. */
	[CANCELLED] = "SELECT 1 FROM campaigns WHERE id = $1 AND status = 'cancelled'"
		      " /*+pg FOR NO KEY UPDATE */",
	[CANCEL_RANGE] = "UPDATE campaign_subscribers SET state = 8, settled_at = $3"
			 " WHERE id >= $1 AND id < $2 AND +state = 0",
	[CANCEL_OPEN] =
	    "UPDATE campaign_subscribers AS d SET settled_at = $3, next_try_at = NULL,"
	    "   state = CASE WHEN " DOUBTED " THEN 7 ELSE 8 END"
	    " WHERE +state = 3 AND id IN (SELECT d.id FROM campaign_subscribers d"
	    "  WHERE d.campaign_id = $1 AND d.rare = 3 ORDER BY d.id LIMIT $2)"
	    " RETURNING state",
	[TIDIED] = "UPDATE campaigns SET tidied_at = $2"
		   " WHERE id = $1 AND status = 'cancelled' AND tidied_at IS NULL"
		   "   AND NOT EXISTS (SELECT 1 FROM campaign_counts"
		   "     WHERE campaign_id = $1 AND state < 4 AND n > 0)",
	[OPEN_LEFT] = "SELECT coalesce(sum(n), 0) FROM campaign_counts"
		      " WHERE campaign_id = $1 AND state < 4",
};

enum err ledger_end_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

/* Alone: a decision to send again waits for us, or we for it. */
static enum err finish_alone(struct db *db, int64_t campaign, int64_t now,
    bool *finished)
{
	STMT_SCOPE s = db_stmt(db, &sql[FINISH]);
	enum err e = ledger_lock(db, campaign, LEDGER_ALONE);

	if (e != OK)
		return e;
	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, now);
	stmt_bind_int(s, 3, (campaign + 1) << 32);
	e = stmt_run(s);
	*finished = e == OK && stmt_changes(s) == 1;
	return e;
}

enum err ledger_finish(struct db *db, int64_t campaign, int64_t now, bool *finished)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin_keyed(db, &tx);

	*finished = false;
	FAILPOINT("finish.before");
	if (e == OK)
		e = finish_alone(db, campaign, now, finished);
	if (e == OK)
		e = tx_commit(&tx);
	*finished &= e == OK;
	FAILPOINT("finish.done");
	return e;
}

/* Of the rows that nobody has leased, `limit` at most. */
static enum err cancel_pending(struct db *db, int64_t campaign, int limit, int64_t now,
    struct moved *m)
{
	STMT_SCOPE s = db_stmt(db, &sql[CANCEL_RANGE]);
	const struct lease_want w = { campaign, NULL, limit };
	struct lease l;
	int64_t rows = 0;
	enum err e = ledger_lease(db, &w, &l, &rows);

	if (e != OK || !rows)
		return e;
	stmt_bind_int(s, 1, l.next);
	stmt_bind_int(s, 2, l.to);
	stmt_bind_int(s, 3, now);
	e = stmt_run(s);
	m->n[DELIVERY_PENDING] -= rows;
	m->n[DELIVERY_CANCELLED] += rows;
	return e == OK && stmt_changes(s) != rows ? ERR_BUSY : e;
}

/* Who was to be sent it again, in spite of doubt, is in doubt once more. */
static enum err cancel_retries(struct db *db, int64_t campaign, int limit, int64_t now,
    struct moved *m)
{
	STMT_SCOPE s = db_stmt(db, &sql[CANCEL_OPEN]);

	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, limit);
	stmt_bind_int(s, 3, now);
	while (stmt_next(s)) {
		m->n[DELIVERY_RETRY]--;
		m->n[stmt_int(s, 0)]++;
	}
	return stmt_error(s);
}

/* ERR_NOTFOUND: the campaign is not cancelled. */
static enum err is_cancelled(struct db *db, int64_t campaign)
{
	STMT_SCOPE s = db_stmt(db, &sql[CANCELLED]);

	stmt_bind_int(s, 1, campaign);
	return stmt_row(s);
}

static enum err cancel_part(struct db *db, int64_t campaign, int limit, int64_t now,
    struct moved *m)
{
	enum err e = is_cancelled(db, campaign);

	if (e != OK)
		return e == ERR_NOTFOUND ? OK : e;
	e = cancel_pending(db, campaign, limit, now, m);
	FAILPOINT("cancel.rows");
	return e == OK ? cancel_retries(db, campaign, limit, now, m) : e;
}

/* From now on no trigger looks at it, for it has no row that could move. */
static enum err mark_tidied(struct db *db, int64_t campaign, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[TIDIED]);

	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, now);
	return stmt_queue(s);
}

enum err ledger_cancel_open(struct db *db, int64_t campaign, int limit, int64_t now,
    int64_t *left)
{
	TX_SCOPE tx = { 0 };
	STMT_SCOPE s = db_stmt(db, &sql[OPEN_LEFT]);
	struct moved m = { { 0 } };
	enum err e = tx_begin_keyed(db, &tx);

	if (e == OK)
		e = cancel_part(db, campaign, limit, now, &m);
	if (e == OK)
		e = ledger_count_moved(db, campaign, &m);
	if (e == OK)
		e = mark_tidied(db, campaign, now);
	if (e == OK)
		e = tx_commit(&tx);
	if (e != OK)
		return e;
	stmt_bind_int(s, 1, campaign);
	e = stmt_row(s);
	*left = e == OK ? stmt_int(s, 0) : 0;
	return e;
}
