#include "repo/ledger_attempt.h"

#include <string.h>

#include "base/buf.h"
#include "base/failpoint.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

enum {
	SETTLE,
	SETTLE_DOUBT,
	END_ATTEMPT,
	RELEASE,
	OWNERS,
	DEAD_ATTEMPT,
	DEAD_INTENT,
	KEPT_ATTEMPT,
	KEPT,
};

/* clang-format off */
#define RESULTS \
	"(SELECT " NUMBER(0) " AS delivery, " NUMBER(1) " AS attempt," \
	" " NUMBER(2) " AS became, j.value ->> 3 AS message_id," \
	" j.value ->> 4 AS reason, " NUMBER(5) " AS next_try," \
	" " NUMBER(6) " AS cause" \
	" FROM " ROWS("$1") ") r"
#define REFUSALS \
	" refusals = d.refusals +" \
	"     CASE WHEN r.became IN (3, 9) AND r.cause = 1 THEN 1 ELSE 0 END,"
/* clang-format on */

static const char *const sql[] = {
	[SETTLE] =
	    "UPDATE campaign_subscribers AS d SET state = r.became, reason = r.reason,"
	    "   message_id = r.message_id, owner = NULL, next_try_at = "
	    "r.next_try," REFUSALS "   settled_at ="
	    "     CASE WHEN r.became = 3 THEN NULL ELSE CAST($2 AS BIGINT) END"
	    "  FROM " RESULTS " WHERE d.id = r.delivery AND d.attempt_id = r.attempt"
	    "   AND +d.state = 2 AND +d.campaign_id = $3"
	    " RETURNING state, id, tries",
	/* The answer came after all, when others had already taken us for dead. */
	[SETTLE_DOUBT] =
	    "UPDATE campaign_subscribers AS d SET state = r.became, reason = r.reason,"
	    "   message_id = r.message_id, next_try_at = r.next_try," REFUSALS
	    "   settled_at ="
	    "     CASE WHEN r.became = 3 THEN NULL ELSE CAST($2 AS BIGINT) END"
	    "  FROM " RESULTS " WHERE d.id = r.delivery AND d.attempt_id = r.attempt"
	    "   AND +d.state = 7 AND +d.campaign_id = $3"
	    "   AND r.became <> 7"
	    " RETURNING state, id, tries",
	[END_ATTEMPT] =
	    "UPDATE send_attempts AS a SET finished_at = $2, cause = r.cause,"
	    "   outcome = CASE r.became WHEN 9 THEN 3 ELSE r.became END,"
	    "   message_id = r.message_id, error = r.reason FROM " RESULTS
	    " WHERE a.id = r.attempt AND a.delivery_id = r.delivery AND a.outcome IN "
	    "(0, 7)",
	[RELEASE] =
	    "UPDATE campaign_subscribers SET state = 0, owner = NULL, claimed_at = NULL"
	    " WHERE campaign_id = $1 AND state = 1 AND owner = $2"
	    " RETURNING id, tries",
	[OWNERS] = "SELECT DISTINCT owner FROM campaign_subscribers"
		   " WHERE campaign_id = $1 AND state > 0 AND state < 3"
		   "   AND owner IS NOT NULL",
	[DEAD_ATTEMPT] =
	    "UPDATE send_attempts SET outcome = 7, cause = 4, finished_at = $3,"
	    "   error = $4"
	    " WHERE outcome = 0 AND id IN (SELECT attempt_id FROM campaign_subscribers"
	    "   WHERE campaign_id = $1 AND state = 2 AND owner = $2)",
	[DEAD_INTENT] =
	    "UPDATE campaign_subscribers SET state = 7, owner = NULL, settled_at = $3,"
	    "   reason = $4"
	    " WHERE campaign_id = $1 AND state = 2 AND owner = $2"
	    " RETURNING id, tries",
	/* The outbox keeps a mail with the attempt it is of: no doubt about these. */
	[KEPT_ATTEMPT] =
	    "UPDATE send_attempts SET outcome = 4, finished_at = $3,"
	    "   message_id = (SELECT 'outbox-' || CAST(m.id AS TEXT)"
	    "     FROM outbox_messages m WHERE m.attempt_id = send_attempts.id)"
	    " WHERE outcome = 0 AND id IN (SELECT attempt_id FROM campaign_subscribers"
	    "   WHERE campaign_id = $1 AND state = 2 AND owner = $2)"
	    "   AND (SELECT 1 FROM outbox_messages m"
	    "     WHERE m.attempt_id = send_attempts.id) = 1",
	[KEPT] = "UPDATE campaign_subscribers AS d SET state = 4, owner = NULL,"
		 "   settled_at = $3, reason = '', message_id = a.message_id"
		 "  FROM send_attempts a"
		 " WHERE d.campaign_id = $1 AND d.state = 2 AND d.owner = $2"
		 "   AND a.id = d.attempt_id AND a.outcome = 4",
};

static const char dead_reason[] =
    "The sending process ended before the provider's answer was known.";

enum err ledger_settle_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

/* [[delivery, attempt, state, message id, reason, next try, cause], ...] */
static char *results_json(void *mem, const struct settle *r, size_t n)
{
	struct buf *b = buf_new(mem);

	buf_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		const char *reason = r[i].reason ? r[i].reason : "";

		buf_printf(b, "%s[%lld,%lld,%d,", i ? "," : "",
		    (long long)r[i].delivery_id, (long long)r[i].attempt_id,
		    (int)r[i].state);
		if (r[i].message_id) {
			buf_char(b, '"');
			json_escape(b, r[i].message_id, strlen(r[i].message_id));
			buf_str(b, "\",\"");
		} else {
			buf_str(b, "null,\"");
		}
		json_escape(b, reason, strlen(reason));
		if (r[i].state == DELIVERY_RETRY)
			buf_printf(b, "\",%lld,%d]", (long long)r[i].next_try_at,
			    (int)r[i].cause);
		else
			buf_printf(b, "\",null,%d]", (int)r[i].cause);
	}
	buf_char(b, ']');
	return b->data;
}

struct results {
	const struct settle *rows;
	size_t n;
	const char *json; /* of them */
	int64_t campaign, now;
};

/* tried: gets those that were tried before and are not accepted now. */
static enum err settle_rows(struct db *db, const char *const *text,
    const struct results *r, struct moved *m, struct buf *tried)
{
	STMT_SCOPE s = db_stmt(db, text);
	enum delivery_state from =
	    text == &sql[SETTLE] ? DELIVERY_INTENT : DELIVERY_DOUBT;

	stmt_bind_text(s, 1, r->json);
	stmt_bind_int(s, 2, r->now);
	stmt_bind_int(s, 3, r->campaign);
	while (stmt_next(s)) {
		int64_t state = stmt_int(s, 0);

		m->n[from]--;
		if (state >= 0 && state < DELIVERY_STATES)
			m->n[state]++;
		if (state != DELIVERY_ACCEPTED && stmt_int(s, 2) > 1)
			ledger_add_id(tried, stmt_int(s, 1));
	}
	return stmt_error(s);
}

/*
 * Some had moved on: taken for dead, decided on, told of by an event.  Those that were
 * accepted after all are settled by their attempt.
 */
static enum err settle_late(struct db *db, const struct results *r, struct moved *m,
    struct buf *tried)
{
	enum err e = settle_rows(db, &sql[SETTLE_DOUBT], r, m, tried);

	buf_reset(tried);
	for (size_t i = 0; i < r->n; i++)
		ledger_add_id(tried, r->rows[i].delivery_id);
	return e;
}

static enum err end_attempts(struct db *db, const struct results *r)
{
	STMT_SCOPE s = db_stmt(db, &sql[END_ATTEMPT]);

	stmt_bind_text(s, 1, r->json);
	stmt_bind_int(s, 2, r->now);
	return stmt_queue(s);
}

enum err ledger_settle(struct db *db, int64_t campaign, const struct settle *r,
    size_t n, int64_t now)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "settle");
	TX_SCOPE tx = { 0 };
	const struct results all = { r, n, results_json(tmp, r, n), campaign, now };
	struct buf *tried = buf_new(tmp);
	struct moved m = { { 0 } };
	enum err e = tx_begin_keyed(db, &tx);

	if (e == OK)
		e = settle_rows(db, &sql[SETTLE], &all, &m, tried);
	if (e == OK && m.n[DELIVERY_INTENT] != -(int64_t)n)
		e = settle_late(db, &all, &m, tried);
	if (e == OK)
		e = end_attempts(db, &all);
	if (e == OK)
		e = ledger_derive(db, tried, now, &m);
	if (e == OK)
		e = FAILPOINT_ERR("settle.rows", ERR_BUSY);
	if (e == OK)
		e = ledger_count_moved(db, campaign, &m);
	if (e == OK)
		e = tx_commit(&tx);
	FAILPOINT("settle.committed");
	return e;
}

/* The rows that a statement gives back, [id, tries]; tried: those with an attempt. */
static enum err read_moved(struct stmt *s, int64_t *n, struct buf *tried)
{
	for (*n = 0; stmt_next(s); ++*n)
		if (stmt_int(s, 1) > 0)
			ledger_add_id(tried, stmt_int(s, 0));
	return stmt_error(s);
}

static enum err release_rows(struct db *db, const struct claim *c, int64_t *n)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "release");
	STMT_SCOPE s = db_stmt(db, &sql[RELEASE]);
	struct buf *tried = buf_new(tmp);
	struct moved m = { { 0 } };
	enum err e;

	stmt_bind_int(s, 1, c->campaign);
	stmt_bind_text(s, 2, c->owner);
	e = read_moved(s, n, tried);
	m.n[DELIVERY_CLAIMED] = -*n;
	m.n[DELIVERY_PENDING] = *n;
	if (e == OK)
		e = ledger_derive(db, tried, c->now, &m);
	return e == OK ? ledger_count_moved(db, c->campaign, &m) : e;
}

enum err ledger_release(struct db *db, const char *owner, int64_t campaign, int64_t now)
{
	const struct claim c = { .owner = owner, .campaign = campaign, .now = now };
	TX_SCOPE tx = { 0 };
	int64_t n;
	enum err e = tx_begin_keyed(db, &tx);

	if (e == OK)
		e = release_rows(db, &c, &n);
	return e == OK ? tx_commit(&tx) : e;
}

enum err ledger_owners(struct db *db, void *mem, int64_t campaign, char ***out,
    size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[OWNERS]);

	*out = NULL;
	*n = 0;
	stmt_bind_int(s, 1, campaign);
	while (stmt_next(s)) {
		*out = mem_resize(mem, *out, (*n + 1) * sizeof(**out));
		(*out)[(*n)++] = stmt_copy(s, 0, mem);
	}
	return stmt_error(s);
}

/* Nobody will ever learn what became of these: doubt, not a second try. */
static enum err doubt_rows(struct db *db, const struct claim *dead, int64_t *doubt)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "dead");
	struct buf *tried = buf_new(tmp);
	struct moved m = { { 0 } };
	enum err e = OK;

	for (int i = DEAD_ATTEMPT; e == OK && i <= DEAD_INTENT; i++) {
		STMT_SCOPE s = db_stmt(db, &sql[i]);

		stmt_bind_int(s, 1, dead->campaign);
		stmt_bind_text(s, 2, dead->owner);
		stmt_bind_int(s, 3, dead->now);
		stmt_bind_text(s, 4, dead_reason);
		e = read_moved(s, doubt, tried);
	}
	m.n[DELIVERY_INTENT] = -*doubt;
	m.n[DELIVERY_DOUBT] = *doubt;
	if (e == OK)
		e = ledger_derive(db, tried, dead->now, &m);
	return e == OK ? ledger_count_moved(db, dead->campaign, &m) : e;
}

static enum err kept_rows(struct db *db, const struct claim *dead)
{
	struct moved m = { { 0 } };
	int64_t kept = 0;
	enum err e = OK;

	for (int i = KEPT_ATTEMPT; e == OK && i <= KEPT; i++) {
		STMT_SCOPE s = db_stmt(db, &sql[i]);

		stmt_bind_int(s, 1, dead->campaign);
		stmt_bind_text(s, 2, dead->owner);
		stmt_bind_int(s, 3, dead->now);
		e = stmt_run(s);
		kept = e == OK ? stmt_changes(s) : 0;
	}
	m.n[DELIVERY_INTENT] = -kept;
	m.n[DELIVERY_ACCEPTED] = kept;
	return e == OK ? ledger_count_moved(db, dead->campaign, &m) : e;
}

enum err ledger_reclaim(struct db *db, const struct claim *dead, int64_t *pending,
    int64_t *doubt)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin_keyed(db, &tx);

	*pending = *doubt = 0;
	if (e == OK)
		e = release_rows(db, dead, pending);
	FAILPOINT("reclaim.rows");
	if (e == OK)
		e = kept_rows(db, dead);
	if (e == OK)
		e = doubt_rows(db, dead, doubt);
	return e == OK ? tx_commit(&tx) : e;
}
