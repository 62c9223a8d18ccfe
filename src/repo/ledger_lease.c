#include "repo/ledger_attempt.h"

#include <string.h>

#include "base/failpoint.h"
#include "base/mem.h"

/*
 * Who may intend which rows.  Nothing is written into the rows themselves: a range of
 * ids is leased, so a claim costs the same whatever its size.
 */
enum {
	SHARED,
	ALONE,
	RETRIES,
	LOST,
	GIVEN_BACK,
	FORGET,
	SHORTEN,
	CURSOR,
	RANGE,
	ADVANCE,
	LEASE,
	UNLEASE,
	HELD,
};

enum { NO_WAIT_MS = 1200000 };

static const char *const sql[] = {
	[SHARED] = "SELECT 1 FROM campaigns WHERE id = $1 /*+pg FOR SHARE */",
	[ALONE] = "SELECT 1 FROM campaigns WHERE id = $1 /*+pg FOR NO KEY UPDATE */",
	[RETRIES] = "SELECT count(*) FROM (SELECT 1 FROM campaign_subscribers"
		    "   /*+lite INDEXED BY campaign_subscribers_retry */"
		    "   WHERE campaign_id = $1 AND next_try_at <= $2 LIMIT $3) x",
	/* No wait is that long: the clock was wrong when it was set. */
	[LOST] = "UPDATE campaign_subscribers"
		 "   /*+lite INDEXED BY campaign_subscribers_retry */"
		 " SET next_try_at = $2 WHERE campaign_id = $1 AND next_try_at > $3",
	[GIVEN_BACK] = "UPDATE send_leases SET owner = $2 WHERE owner IS NULL"
		       "   AND id = (SELECT id FROM send_leases"
		       "     WHERE campaign_id = $1 AND owner IS NULL"
		       "     ORDER BY next_id LIMIT 1 /*+pg FOR UPDATE SKIP LOCKED */)"
		       " RETURNING id, next_id, to_id",
	[FORGET] = "DELETE FROM send_leases WHERE id = $1",
	[SHORTEN] = "UPDATE send_leases SET next_id = $2 WHERE id = $1",
	[CURSOR] = "SELECT next_id FROM send_cursors WHERE campaign_id = $1"
		   " /*+pg FOR UPDATE */",
	/* Rows that an event has settled (after a restore) are nobody's to send. */
	[RANGE] = "SELECT max(id), count(*) FROM (SELECT id FROM campaign_subscribers"
		  "   WHERE id >= $1 AND id < $2 AND state = 0 ORDER BY id LIMIT $3) x",
	[ADVANCE] = "UPDATE send_cursors SET next_id = $2 WHERE campaign_id = $1",
	[LEASE] = "INSERT INTO send_leases (campaign_id, next_id, to_id, owner)"
		  " VALUES ($1, $2, $3, $4) RETURNING id",
	[UNLEASE] = "UPDATE send_leases SET owner = NULL"
		    " WHERE campaign_id = $1 AND owner = $2",
	[HELD] = "SELECT count(*) FROM send_leases l JOIN campaign_subscribers d"
		 "   ON d.id >= l.next_id AND d.id < l.to_id AND +d.state = 0"
		 " WHERE l.campaign_id = $1 AND l.owner = $2",
};

enum err ledger_lease_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

enum err ledger_lock(struct db *db, int64_t campaign, enum ledger_lock how)
{
	STMT_SCOPE s = NULL;

	if (db_kind(db) == DB_SQLITE)
		return OK; /* one writer: we are alone */
	s = db_stmt(db, &sql[how == LEDGER_ALONE ? ALONE : SHARED]);
	stmt_bind_int(s, 1, campaign);
	return stmt_queue(s);
}

/* ---- ranges ---- */

/* Of the pending rows from `from` on, up to n: one behind the last, and how many. */
static enum err range(struct db *db, int64_t from, int64_t end, int64_t n,
    struct lease *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[RANGE]);
	enum err e;

	stmt_bind_int(s, 1, from);
	stmt_bind_int(s, 2, end);
	stmt_bind_int(s, 3, n);
	e = stmt_row(s);
	out->next = from;
	out->left = e == OK ? stmt_int(s, 1) : 0;
	out->to = out->left ? stmt_int(s, 0) + 1 : end;
	return e;
}

static enum err shorten(struct db *db, int64_t id, int64_t next, int64_t to)
{
	STMT_SCOPE s = db_stmt(db, &sql[next < to ? SHORTEN : FORGET]);

	stmt_bind_int(s, 1, id);
	if (next < to)
		stmt_bind_int(s, 2, next);
	return stmt_run(s);
}

/* ERR_NOTFOUND: there is none.  Who keeps it takes it whole. */
static enum err take_given_back(struct db *db, const struct lease_want *w,
    struct lease *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[GIVEN_BACK]);
	int64_t end;
	enum err e;

	stmt_bind_int(s, 1, w->campaign);
	stmt_bind_text(s, 2, w->owner);
	e = stmt_row(s);
	if (e != OK)
		return e;
	out->id = stmt_int(s, 0);
	end = stmt_int(s, 2);
	e = range(db, stmt_int(s, 1), end, w->owner ? INT32_MAX : w->n, out);
	if (e == OK && (!w->owner || !out->left))
		e = shorten(db, out->id, out->to, end);
	out->to = w->owner ? end : out->to;
	return e;
}

static enum err keep(struct db *db, const struct lease_want *w, struct lease *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[LEASE]);
	enum err e;

	stmt_bind_int(s, 1, w->campaign);
	stmt_bind_int(s, 2, out->next);
	stmt_bind_int(s, 3, out->to);
	stmt_bind_text(s, 4, w->owner);
	e = stmt_row(s);
	out->id = e == OK ? stmt_int(s, 0) : 0;
	return e;
}

static enum err take_next(struct db *db, const struct lease_want *w, struct lease *out)
{
	STMT_SCOPE cursor = db_stmt(db, &sql[CURSOR]);
	STMT_SCOPE advance = db_stmt(db, &sql[ADVANCE]);
	enum err e;

	stmt_bind_int(cursor, 1, w->campaign);
	e = stmt_row(cursor);
	if (e == OK)
		e = range(db, stmt_int(cursor, 0), (w->campaign + 1) << 32, w->n, out);
	if (e != OK || !out->left)
		return e == ERR_NOTFOUND ? OK : e;
	stmt_bind_int(advance, 1, w->campaign);
	stmt_bind_int(advance, 2, out->to);
	e = stmt_run(advance);
	return e == OK && w->owner ? keep(db, w, out) : e;
}

enum err ledger_lease(struct db *db, const struct lease_want *w, struct lease *out,
    int64_t *rows)
{
	enum err e;

	do {
		*out = (struct lease){ 0 };
		e = take_given_back(db, w, out);
	} while (e == OK && !out->left);
	if (e == ERR_NOTFOUND)
		e = take_next(db, w, out);
	*rows = e == OK ? out->left : 0;
	return e;
}

enum err ledger_unlease(struct db *db, const char *owner, int64_t campaign,
    int64_t *rows)
{
	STMT_SCOPE held = db_stmt(db, &sql[HELD]);
	STMT_SCOPE s = db_stmt(db, &sql[UNLEASE]);
	enum err e;

	stmt_bind_int(held, 1, campaign);
	stmt_bind_text(held, 2, owner);
	e = stmt_row(held);
	*rows = e == OK ? stmt_int(held, 0) : 0;
	if (e != OK)
		return e;
	stmt_bind_int(s, 1, campaign);
	stmt_bind_text(s, 2, owner);
	return stmt_run(s);
}

/* ---- claim ---- */

static enum err count_retries(struct db *db, const struct claim *c, int64_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[RETRIES]);
	enum err e;

	stmt_bind_int(s, 1, c->campaign);
	stmt_bind_int(s, 2, c->now);
	stmt_bind_int(s, 3, c->n);
	e = stmt_row(s);
	*n = e == OK ? stmt_int(s, 0) : 0;
	return e;
}

static enum err find_lost(struct db *db, const struct claim *c, int64_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LOST]);
	enum err e;

	stmt_bind_int(s, 1, c->campaign);
	stmt_bind_int(s, 2, c->now);
	stmt_bind_int(s, 3, c->now + NO_WAIT_MS);
	e = stmt_run(s);
	*n = e == OK ? stmt_changes(s) : 0;
	return e;
}

static void add_lease(struct claimed *m, const struct lease *l)
{
	if (m->nleases == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 4;
		m->leases = mem_resize(m->mem, m->leases, m->cap * sizeof(*m->leases));
	}
	m->leases[m->nleases++] = *l;
}

/* What a claim has found; mine is changed when it is committed. */
struct found {
	int64_t retries, pending;
	struct lease lease;
};

static enum err claim_part(struct db *db, const struct claim *c, struct found *f)
{
	const struct lease_want w = { c->campaign, c->owner, c->n };
	int64_t lost = 0;
	enum err e = ledger_lock(db, c->campaign, LEDGER_SHARED);

	if (e == OK)
		e = count_retries(db, c, &f->retries);
	if (e == OK && f->retries < c->n)
		e = ledger_lease(db, &w, &f->lease, &f->pending);
	if (e == OK && f->retries + f->pending < c->n)
		e = find_lost(db, c, &lost);
	f->retries += lost;
	return e;
}

enum err ledger_claim(struct db *db, const struct claim *c, int64_t *claimed)
{
	TX_SCOPE tx = { 0 };
	struct claimed *mine = c->mine;
	struct found f = { 0 };
	struct moved m = { { 0 } };
	enum err e = tx_begin_keyed(db, &tx);

	*claimed = 0;
	if (e == OK)
		e = tx_relax(&tx); /* if it is lost, the rows are pending again */
	if (e == OK)
		e = claim_part(db, c, &f);
	if (e == OK && !f.pending && !f.retries) {
		mine->n -= mine->retries;
		mine->retries = 0;
		return OK;
	}
	FAILPOINT("claim.rows");
	m.n[DELIVERY_PENDING] = -f.pending;
	m.n[DELIVERY_CLAIMED] = f.pending;
	if (e == OK)
		e = ledger_count_moved(db, c->campaign, &m);
	if (e == OK)
		e = tx_commit(&tx);
	FAILPOINT("claim.committed");
	if (e != OK)
		return e;
	if (f.pending)
		add_lease(mine, &f.lease);
	*claimed = f.pending;
	if (f.retries > (int64_t)mine->retries)
		*claimed += f.retries - (int64_t)mine->retries;
	mine->n = mine->n - mine->retries + (size_t)(f.retries + f.pending);
	mine->retries = (size_t)f.retries;
	return OK;
}

enum err ledger_release(struct db *db, const char *owner, int64_t campaign)
{
	TX_SCOPE tx = { 0 };
	struct moved m = { { 0 } };
	int64_t n = 0;
	enum err e = tx_begin_keyed(db, &tx);

	if (e == OK)
		e = ledger_lock(db, campaign, LEDGER_SHARED);
	if (e == OK)
		e = ledger_unlease(db, owner, campaign, &n);
	m.n[DELIVERY_CLAIMED] = -n;
	m.n[DELIVERY_PENDING] = n;
	if (e == OK)
		e = ledger_count_moved(db, campaign, &m);
	return e == OK ? tx_commit(&tx) : e;
}
