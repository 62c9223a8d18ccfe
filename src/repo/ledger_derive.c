#include "repo/ledger_attempt.h"

#include "base/buf.h"
#include "base/mem.h"

enum { READ, WRITE };

#define LAST_WITH(outcome)                                                             \
	"(SELECT max(a.id) FROM send_attempts a WHERE a.delivery_id = d.id"            \
	"   AND a.outcome = " outcome ")"

static const char *const sql[] = {
	/* Under way: the attempt that is open will say. */
	[READ] = "SELECT d.id, d.state, " LAST_WITH("4") ", " LAST_WITH(
	    "7") "  FROM (SELECT " NUMBER(0) " AS id FROM " ROWS("$1") ") r"
								       "  JOIN "
								       "campaign_"
								       "subscribers d "
								       "ON d.id = r.id"
								       " WHERE "
								       "+d.state <> 4 "
								       "AND d.tries > 0"
								       "   AND NOT "
								       "(d.state = 2 "
								       "AND EXISTS "
								       "(SELECT 1"
								       "     FROM "
								       "send_attempts "
								       "o WHERE o.id = "
								       "d.attempt_id"
								       "       AND "
								       "o.outcome = 0))"
								       " ORDER BY d.id "
								       "/*+pg FOR "
								       "UPDATE OF d */",
	[WRITE] =
	    "UPDATE campaign_subscribers AS d SET state = r.became,"
	    "   attempt_id = r.attempt, owner = NULL, next_try_at = NULL,"
	    "   settled_at = $2,"
	    "   reason = CASE WHEN r.became = 4 THEN '' ELSE d.reason END,"
	    "   message_id = (SELECT a.message_id FROM send_attempts a"
	    "     WHERE a.id = r.attempt)"
	    "  FROM (SELECT " NUMBER(0) " AS id, " NUMBER(1) " AS was, " NUMBER(
		2) " AS became, " NUMBER(3) " AS attempt FROM " ROWS("$1") ") r"
									   " WHERE "
									   "d.id = "
									   "r.id AND "
									   "+d.state = "
									   "r.was",
};

enum err ledger_derive_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

void ledger_add_id(struct buf *ids, int64_t id)
{
	buf_printf(ids, "%c[%lld]", ids->len ? ',' : '[', (long long)id);
}

/*
 * Whoever has the mail by an earlier attempt is accepted.  Whoever may have it never
 * ends as one to whom nothing was sent.
 */
static enum delivery_state derived(enum delivery_state state, int64_t accepted,
    int64_t doubted)
{
	if (accepted)
		return DELIVERY_ACCEPTED;
	if (!doubted)
		return state;
	switch (state) {
	case DELIVERY_REJECTED:
	case DELIVERY_SKIPPED: return DELIVERY_GIVEN_UP;
	case DELIVERY_CANCELLED: return DELIVERY_DOUBT;
	default: return state;
	}
}

static enum err read_rows(struct db *db, const char *ids, struct buf *out, int64_t *n,
    struct moved *m)
{
	STMT_SCOPE s = db_stmt(db, &sql[READ]);

	stmt_bind_text(s, 1, ids);
	while (stmt_next(s)) {
		int64_t accepted = stmt_int(s, 2), doubted = stmt_int(s, 3);
		enum delivery_state was = (enum delivery_state)stmt_int(s, 1);
		enum delivery_state became = derived(was, accepted, doubted);

		if (became == was)
			continue;
		buf_printf(out, "%c[%lld,%d,%d,%lld]", out->len ? ',' : '[',
		    (long long)stmt_int(s, 0), (int)was, (int)became,
		    (long long)(accepted ? accepted : doubted));
		m->n[was]--;
		m->n[became]++;
		++*n;
	}
	return stmt_error(s);
}

enum err ledger_derive(struct db *db, struct buf *ids, int64_t now, struct moved *m)
{
	STMT_SCOPE s = db_stmt(db, &sql[WRITE]);
	struct buf *rows = buf_new(ids);
	int64_t n = 0;
	enum err e;

	if (!ids->len)
		return OK;
	buf_char(ids, ']');
	e = read_rows(db, ids->data, rows, &n, m);
	if (e != OK || !n)
		return e;
	buf_char(rows, ']');
	stmt_bind_text(s, 1, rows->data);
	stmt_bind_int(s, 2, now);
	e = stmt_run(s);
	return e == OK && stmt_changes(s) != n ? ERR_BUSY : e;
}
