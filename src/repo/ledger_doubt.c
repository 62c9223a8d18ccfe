#include "repo/ledger_doubt.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/pace.h"
#include "repo/ledger_attempt.h"

enum { FIRST = 500, LEAST = 50, MOST = 5000 };
enum { STATUS, CHOSEN, ALL, MARK, AGAIN, POLICY, FEED };
enum { POLICY_ROWS = 500 };

#define DECIDE                                                                         \
	"UPDATE campaign_subscribers SET state = CAST($2 AS BIGINT), refusals = 0,"    \
	"   reason = CASE WHEN CAST($2 AS BIGINT) = 3 THEN '' ELSE reason END,"        \
	"   next_try_at = CASE WHEN CAST($2 AS BIGINT) = 3"                            \
	"     THEN CAST($3 AS BIGINT) ELSE NULL END,"                                  \
	"   settled_at = CASE WHEN CAST($2 AS BIGINT) = 3"                             \
	"     THEN NULL ELSE CAST($3 AS BIGINT) END"                                   \
	" WHERE +campaign_id = $1 AND +state = CAST($5 AS BIGINT) AND id IN "

/* POLICY: CROSS JOIN and OFFSET keep a planner from beginning with the rows. */
static const char *const sql[] = {
	/* As ledger_lock: alone. */
	[STATUS] = "SELECT status FROM campaigns WHERE id = $1"
		   " /*+pg FOR NO KEY UPDATE */",
	[CHOSEN] = DECIDE "(SELECT " NUMBER(0) " FROM " ROWS("$4") ") RETURNING id",
	[ALL] = DECIDE "(SELECT id FROM campaign_subscribers WHERE campaign_id = $1"
		       "   AND rare = CAST($5 AS BIGINT) AND settled_at <= $3"
		       "   ORDER BY id LIMIT $4)"
		       " RETURNING id",
	/* One at most of a row: it is sent again only after a decision. */
	[MARK] = "UPDATE send_attempts AS a SET resent_at = $2, resent_by = $3"
		 "  FROM (SELECT " NUMBER(0) " AS delivery FROM " ROWS(
		     "$1") ") r"
			   " WHERE a.delivery_id = r.delivery AND +a.outcome = 7"
			   "   AND a.resent_at IS NULL",
	[AGAIN] = "UPDATE campaigns SET resends = resends + $2, updated_at = $3,"
		  "   finished_at ="
		  "     CASE WHEN status = 'completed' THEN NULL ELSE finished_at END,"
		  "   status ="
		  "     CASE WHEN status = 'completed' THEN 'sending' ELSE status END"
		  " WHERE id = $1",
	[POLICY] =
	    "SELECT c.id, d.id, c.on_doubt"
	    "  FROM campaigns c /*+lite INDEXED BY campaigns_policy */"
	    "   CROSS JOIN campaign_counts n CROSS JOIN"
	    "   /*+lite campaign_subscribers d"
	    "   *//*+pg LATERAL (SELECT * FROM campaign_subscribers"
	    "     WHERE campaign_id = c.id AND rare = 7 OFFSET 0) d */"
	    " WHERE c.on_doubt <> 'hold' AND c.status IN ('sending', 'completed')"
	    "   AND n.campaign_id = c.id AND n.state = 7 AND n.n > 0"
	    "   AND d.campaign_id = c.id AND d.rare = 7"
	    "   AND (c.on_doubt = 'resend' AND d.settled_at <= $1"
	    "    OR c.on_doubt = 'evidence' AND d.settled_at <= $2"
	    "     AND EXISTS (SELECT 1 FROM ses_topics t WHERE t.brand_id = c.brand_id"
	    "       AND t.state = 'confirmed'"
	    "       AND t.last_event_at >= d.settled_at + CAST($3 AS BIGINT)))"
	    "   AND (SELECT count(a.resent_at) FROM send_attempts a"
	    "     WHERE a.delivery_id = d.id) < CAST($4 AS BIGINT)"
	    " ORDER BY c.id, d.id LIMIT $5",
	[FEED] = "SELECT max(last_event_at) FROM ses_topics"
		 " WHERE brand_id = $1 AND state = 'confirmed'",
};

enum err ledger_doubt_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

/* Held until commit: a cancel waits for us, or we for it. */
static enum err may_decide(struct db *db, const struct doubt_choice *c)
{
	STMT_SCOPE s = db_stmt(db, &sql[STATUS]);
	enum err e;

	stmt_bind_int(s, 1, c->campaign);
	e = stmt_row(s);
	if (e != OK || !c->resend)
		return e;
	return strcmp(stmt_text(s, 0), "cancelled") == 0 ? ERR_CONFLICT : OK;
}

static void add_id(struct buf *b, int64_t id)
{
	buf_printf(b, "%s[%lld]", b->len > 1 ? "," : "", (long long)id);
}

/* Moves the rows; their ids as JSON. */
static enum err move_rows(struct db *db, const struct doubt_choice *c, int batch,
    struct buf *rows, int64_t *moved)
{
	STMT_SCOPE s = db_stmt(db, &sql[c->n ? CHOSEN : ALL]);
	struct buf *ids = buf_new(rows);

	stmt_bind_int(s, 1, c->campaign);
	stmt_bind_int(s, 2, c->resend ? DELIVERY_RETRY : DELIVERY_GIVEN_UP);
	stmt_bind_int(s, 3, c->now);
	buf_char(ids, '[');
	for (size_t i = 0; i < c->n; i++)
		add_id(ids, c->ids[i]);
	buf_char(ids, ']');
	stmt_bind_int(s, 5, c->from);
	if (c->n)
		stmt_bind_text(s, 4, ids->data);
	else
		stmt_bind_int(s, 4, batch);
	*moved = 0;
	buf_char(rows, '[');
	while (stmt_next(s)) {
		add_id(rows, stmt_int(s, 0));
		(*moved)++;
	}
	buf_char(rows, ']');
	return stmt_error(s);
}

/* Who was given up without a doubt certainly has no mail: no second copy, no resend. */
static enum err note_resends(struct db *db, const struct doubt_choice *c,
    const struct buf *rows)
{
	STMT_SCOPE mark = db_stmt(db, &sql[MARK]);
	STMT_SCOPE again = db_stmt(db, &sql[AGAIN]);
	enum err e;

	stmt_bind_text(mark, 1, rows->data);
	stmt_bind_int(mark, 2, c->now);
	stmt_bind_text(mark, 3, c->by);
	e = stmt_run(mark);
	if (e != OK)
		return e;
	stmt_bind_int(again, 1, c->campaign);
	stmt_bind_int(again, 2, stmt_changes(mark));
	stmt_bind_int(again, 3, c->now);
	return stmt_run(again);
}

static enum err decide_batch(struct db *db, const struct doubt_choice *c, int batch,
    int64_t *moved)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "decide");
	struct buf *rows = buf_new(tmp);
	struct moved m = { { 0 } };
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin_keyed(db, &tx);

	if (e == OK)
		e = may_decide(db, c);
	if (e == OK)
		e = move_rows(db, c, batch, rows, moved);
	if (e == OK && *moved && c->resend)
		e = note_resends(db, c, rows);
	if (e != OK)
		return e;
	m.n[c->from] = -*moved;
	m.n[c->resend ? DELIVERY_RETRY : DELIVERY_GIVEN_UP] = *moved;
	e = ledger_count_moved(db, c->campaign, &m);
	return e == OK ? tx_commit(&tx) : e;
}

enum err ledger_decide(struct db *db, const struct doubt_choice *c, int64_t *decided)
{
	struct pace pace = { FIRST, LEAST, MOST };
	int64_t moved = 0;
	int batch;
	enum err e;

	*decided = 0;
	do {
		batch = pace.rows;
		e = decide_batch(db, c, batch, &moved);
		*decided += e == OK ? moved : 0;
		pace_took(&pace, moved, db_held_us(db));
	} while (e == OK && !c->n && moved == batch);
	return e;
}

enum err ledger_feed_at(struct db *db, int64_t brand, int64_t *at)
{
	STMT_SCOPE s = db_stmt(db, &sql[FEED]);
	enum err e;

	stmt_bind_int(s, 1, brand);
	e = stmt_row(s);
	*at = e == OK ? stmt_int(s, 0) : 0;
	return e;
}

/* ---- policies ---- */
struct due_doubts {
	int64_t campaign[POLICY_ROWS], id[POLICY_ROWS];
	bool evidence[POLICY_ROWS];
	size_t n;
};

static enum err read_due(struct db *db, int64_t now, struct due_doubts *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[POLICY]);

	stmt_bind_int(s, 1, now - RESEND_AFTER_MS);
	stmt_bind_int(s, 2, now - EVIDENCE_AFTER_MS);
	stmt_bind_int(s, 3, EVIDENCE_AFTER_MS);
	stmt_bind_int(s, 4, RESENDS_MAX);
	stmt_bind_int(s, 5, POLICY_ROWS);
	while (out->n < POLICY_ROWS && stmt_next(s)) {
		out->campaign[out->n] = stmt_int(s, 0);
		out->id[out->n] = stmt_int(s, 1);
		out->evidence[out->n++] = strcmp(stmt_text(s, 2), "evidence") == 0;
	}
	return stmt_error(s);
}

enum err ledger_policy(struct db *db, int64_t now, int64_t *decided)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "policy");
	struct due_doubts *d = mem_new(tmp, struct due_doubts);
	enum err e = read_due(db, now, d);

	*decided = 0;
	for (size_t i = 0, n; e == OK && i < d->n; i += n) {
		struct doubt_choice c = { .campaign = d->campaign[i],
			.from = DELIVERY_DOUBT,
			.resend = true,
			.ids = &d->id[i],
			.now = now,
			.by = d->evidence[i] ? "policy evidence" : "policy resend" };
		int64_t moved = 0;

		for (n = 0; i + n < d->n && d->campaign[i + n] == c.campaign;)
			n++;
		c.n = n;
		e = ledger_decide(db, &c, &moved);
		*decided += moved;
		if (e == ERR_CONFLICT) /* cancelled meanwhile */
			e = OK;
	}
	return e;
}
