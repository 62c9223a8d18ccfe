#include "repo/ledger_doubt.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "repo/ledger_attempt.h"

enum { BATCH = 5000 };
enum { STATUS, CHOSEN, ALL, MARK, AGAIN };

#define DECIDE                                                                         \
	"UPDATE campaign_subscribers SET state = $2,"                                  \
	"   reason = CASE WHEN CAST($2 AS BIGINT) = 3 THEN '' ELSE reason END,"        \
	"   next_try_at = CASE WHEN CAST($2 AS BIGINT) = 3"                            \
	"     THEN CAST($3 AS BIGINT) ELSE NULL END,"                                  \
	"   settled_at = CASE WHEN CAST($2 AS BIGINT) = 3"                             \
	"     THEN NULL ELSE CAST($3 AS BIGINT) END"                                   \
	" WHERE campaign_id = $1 AND state = 7 AND id IN "

static const char *const sql[] = {
	[STATUS] = "SELECT status FROM campaigns WHERE id = $1 /*+pg FOR UPDATE */",
	[CHOSEN] = DECIDE "(SELECT " NUMBER(0) " FROM " ROWS("$4") ")"
			  " RETURNING attempt_id",
	[ALL] = DECIDE "(SELECT id FROM campaign_subscribers WHERE campaign_id = $1"
		       "   AND state = 7 AND settled_at <= $3 ORDER BY id LIMIT $4)"
		       " RETURNING attempt_id",
	[MARK] = "UPDATE send_attempts AS a SET resent_at = $2, resent_by = $3"
		 "  FROM (SELECT " NUMBER(0) " AS id FROM " ROWS("$1") ") r"
		 " WHERE a.id = r.id",
	[AGAIN] = "UPDATE campaigns SET resends = resends + $2, updated_at = $3,"
		  "   finished_at ="
		  "     CASE WHEN status = 'completed' THEN NULL ELSE finished_at END,"
		  "   status ="
		  "     CASE WHEN status = 'completed' THEN 'sending' ELSE status END"
		  " WHERE id = $1",
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

/* Moves the rows; their attempts as JSON. */
static enum err move_rows(struct db *db, const struct doubt_choice *c,
    struct buf *attempts, int64_t *moved)
{
	STMT_SCOPE s = db_stmt(db, &sql[c->n ? CHOSEN : ALL]);
	struct buf *ids = buf_new(attempts);

	stmt_bind_int(s, 1, c->campaign);
	stmt_bind_int(s, 2, c->resend ? DELIVERY_RETRY : DELIVERY_GIVEN_UP);
	stmt_bind_int(s, 3, c->now);
	buf_char(ids, '[');
	for (size_t i = 0; i < c->n; i++)
		add_id(ids, c->ids[i]);
	buf_char(ids, ']');
	if (c->n)
		stmt_bind_text(s, 4, ids->data);
	else
		stmt_bind_int(s, 4, BATCH);
	*moved = 0;
	buf_char(attempts, '[');
	while (stmt_next(s)) {
		add_id(attempts, stmt_int(s, 0));
		(*moved)++;
	}
	buf_char(attempts, ']');
	return stmt_error(s);
}

static enum err note_resends(struct db *db, const struct doubt_choice *c,
    const struct buf *attempts, int64_t n)
{
	STMT_SCOPE mark = db_stmt(db, &sql[MARK]);
	STMT_SCOPE again = db_stmt(db, &sql[AGAIN]);
	enum err e;

	stmt_bind_text(mark, 1, attempts->data);
	stmt_bind_int(mark, 2, c->now);
	stmt_bind_text(mark, 3, c->by);
	e = stmt_run(mark);
	if (e != OK)
		return e;
	stmt_bind_int(again, 1, c->campaign);
	stmt_bind_int(again, 2, n);
	stmt_bind_int(again, 3, c->now);
	return stmt_run(again);
}

static enum err decide_batch(struct db *db, const struct doubt_choice *c,
    int64_t *moved)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "decide");
	struct buf *attempts = buf_new(tmp);
	struct moved m = { { 0 } };
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = may_decide(db, c);
	if (e == OK)
		e = move_rows(db, c, attempts, moved);
	if (e == OK && *moved && c->resend)
		e = note_resends(db, c, attempts, *moved);
	if (e != OK)
		return e;
	m.n[DELIVERY_DOUBT] = -*moved;
	m.n[c->resend ? DELIVERY_RETRY : DELIVERY_GIVEN_UP] = *moved;
	e = ledger_count_moved(db, c->campaign, &m);
	return e == OK ? tx_commit(&tx) : e;
}

enum err ledger_decide(struct db *db, const struct doubt_choice *c, int64_t *decided)
{
	int64_t moved = 0;
	enum err e;

	*decided = 0;
	do {
		e = decide_batch(db, c, &moved);
		*decided += e == OK ? moved : 0;
	} while (e == OK && !c->n && moved == BATCH);
	return e;
}
