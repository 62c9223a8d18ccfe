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
	SETTLE_RESENT,
	END_ATTEMPT,
	RELEASE,
	OWNERS,
	DEAD_ATTEMPT,
	DEAD_INTENT,
	KEPT_ATTEMPT,
	KEPT,
	REFUSED_LATER,
};

/* clang-format off */
#define RESULTS \
	"(SELECT " NUMBER(0) " AS id, " NUMBER(1) " AS attempt," \
	" " NUMBER(2) " AS became, j.value ->> 3 AS message_id," \
	" j.value ->> 4 AS reason, " NUMBER(5) " AS next_try," \
	" " NUMBER(6) " AS cause" \
	" FROM " ROWS("$1") ") r"
/* clang-format on */

static const char *const sql[] = {
	[SETTLE] =
	    "UPDATE campaign_subscribers AS d SET state = r.became, reason = r.reason,"
	    "   message_id = r.message_id, owner = NULL, next_try_at = r.next_try,"
	    "   refusals = d.refusals +"
	    "     CASE WHEN r.became IN (3, 9) AND r.cause = 1 THEN 1 ELSE 0 END,"
	    "   settled_at ="
	    "     CASE WHEN r.became = 3 THEN NULL ELSE CAST($2 AS BIGINT) END"
	    "  FROM " RESULTS " WHERE d.id = r.id AND d.attempt_id = r.attempt"
	    "   AND +d.state = 2 AND +d.campaign_id = $3"
	    " RETURNING state",
	/* The answer came after all, when others had already taken us for dead. */
	[SETTLE_DOUBT] =
	    "UPDATE campaign_subscribers AS d SET state = r.became, reason = r.reason,"
	    "   message_id = r.message_id, settled_at = $2"
	    "  FROM " RESULTS " WHERE d.id = r.id AND d.attempt_id = r.attempt"
	    "   AND +d.state = 7 AND +d.campaign_id = $3"
	    "   AND r.became IN (4, 5)"
	    " RETURNING state",
	/* Or when somebody had already decided to send it again: no need any more. */
	[SETTLE_RESENT] =
	    "UPDATE campaign_subscribers AS d SET state = r.became, reason = r.reason,"
	    "   message_id = r.message_id, settled_at = $2, next_try_at = NULL"
	    "  FROM " RESULTS " WHERE d.id = r.id AND d.attempt_id = r.attempt"
	    "   AND +d.state = 3 AND +d.campaign_id = $3 AND r.became = 4"
	    " RETURNING state",
	[END_ATTEMPT] =
	    "UPDATE send_attempts AS a SET finished_at = $2, cause = r.cause,"
	    "   outcome = CASE r.became WHEN 9 THEN 3 ELSE r.became END,"
	    "   message_id = r.message_id, error = r.reason FROM " RESULTS
	    " WHERE a.id = r.attempt AND a.delivery_id = r.id AND a.outcome IN (0, 7)",
	[RELEASE] =
	    "UPDATE campaign_subscribers SET state = 0, owner = NULL, claimed_at = NULL"
	    " WHERE campaign_id = $1 AND state = 1 AND owner = $2",
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
	    " WHERE campaign_id = $1 AND state = 2 AND owner = $2",
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
	/* Refused, but after a try that may have got through. */
	[REFUSED_LATER] =
	    "UPDATE campaign_subscribers AS d SET state = 9, attempt_id = " DOUBTED
	    " WHERE +d.campaign_id = $1 AND +d.state = 5 AND d.tries > 1"
	    "   AND d.id IN (SELECT " NUMBER(0) " FROM " ROWS("$2") ")"
								    "   AND " DOUBTED
								    " IS NOT NULL",
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

static enum err settle_rows(struct db *db, const char *const *text, const char *json,
    int64_t campaign, int64_t now, struct moved *m)
{
	STMT_SCOPE s = db_stmt(db, text);
	enum delivery_state from = text == &sql[SETTLE] ? DELIVERY_INTENT
	    : text == &sql[SETTLE_DOUBT]                ? DELIVERY_DOUBT
							: DELIVERY_RETRY;

	stmt_bind_text(s, 1, json);
	stmt_bind_int(s, 2, now);
	stmt_bind_int(s, 3, campaign);
	while (stmt_next(s)) {
		int64_t state = stmt_int(s, 0);

		m->n[from]--;
		if (state >= 0 && state < DELIVERY_STATES)
			m->n[state]++;
	}
	return stmt_error(s);
}

static enum err settle_late(struct db *db, const char *json, int64_t campaign,
    int64_t now, struct moved *m)
{
	enum err e = settle_rows(db, &sql[SETTLE_DOUBT], json, campaign, now, m);

	return e == OK ? settle_rows(db, &sql[SETTLE_RESENT], json, campaign, now, m)
		       : e;
}

static enum err end_attempts(struct db *db, const char *json, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[END_ATTEMPT]);

	stmt_bind_text(s, 1, json);
	stmt_bind_int(s, 2, now);
	return stmt_queue(s);
}

static bool any_refused(const struct settle *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (r[i].state == DELIVERY_REJECTED)
			return true;
	return false;
}

static enum err refused_later(struct db *db, int64_t campaign, const char *json,
    struct moved *m)
{
	STMT_SCOPE s = db_stmt(db, &sql[REFUSED_LATER]);
	int64_t moved;
	enum err e;

	stmt_bind_int(s, 1, campaign);
	stmt_bind_text(s, 2, json);
	e = stmt_run(s);
	moved = e == OK ? stmt_changes(s) : 0;
	m->n[DELIVERY_REJECTED] -= moved;
	m->n[DELIVERY_GIVEN_UP] += moved;
	return e;
}

enum err ledger_settle(struct db *db, int64_t campaign, const struct settle *r,
    size_t n, int64_t now)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "settle");
	TX_SCOPE tx = { 0 };
	const char *json = results_json(tmp, r, n);
	struct moved m = { { 0 } };
	enum err e = tx_begin_keyed(db, &tx);

	if (e == OK)
		e = settle_rows(db, &sql[SETTLE], json, campaign, now, &m);
	if (e == OK && m.n[DELIVERY_INTENT] != -(int64_t)n)
		e = settle_late(db, json, campaign, now, &m);
	if (e == OK)
		e = end_attempts(db, json, now);
	if (e == OK && any_refused(r, n))
		e = refused_later(db, campaign, json, &m);
	if (e == OK)
		e = FAILPOINT_ERR("settle.rows", ERR_BUSY);
	if (e == OK)
		e = ledger_count_moved(db, campaign, &m);
	if (e == OK)
		e = tx_commit(&tx);
	FAILPOINT("settle.committed");
	return e;
}

static enum err release_rows(struct db *db, const char *owner, int64_t campaign,
    int64_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[RELEASE]);
	struct moved m = { { 0 } };
	enum err e;

	stmt_bind_int(s, 1, campaign);
	stmt_bind_text(s, 2, owner);
	e = stmt_run(s);
	*n = e == OK ? stmt_changes(s) : 0;
	m.n[DELIVERY_CLAIMED] = -*n;
	m.n[DELIVERY_PENDING] = *n;
	return e == OK ? ledger_count_moved(db, campaign, &m) : e;
}

enum err ledger_release(struct db *db, const char *owner, int64_t campaign)
{
	TX_SCOPE tx = { 0 };
	int64_t n;
	enum err e = tx_begin_keyed(db, &tx);

	if (e == OK)
		e = release_rows(db, owner, campaign, &n);
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
static enum err doubt_rows(struct db *db, const char *owner, int64_t campaign,
    int64_t now, int64_t *doubt)
{
	struct moved m = { { 0 } };
	enum err e = OK;

	for (int i = DEAD_ATTEMPT; e == OK && i <= DEAD_INTENT; i++) {
		STMT_SCOPE s = db_stmt(db, &sql[i]);

		stmt_bind_int(s, 1, campaign);
		stmt_bind_text(s, 2, owner);
		stmt_bind_int(s, 3, now);
		stmt_bind_text(s, 4, dead_reason);
		e = stmt_run(s);
		*doubt = e == OK ? stmt_changes(s) : 0;
	}
	m.n[DELIVERY_INTENT] = -*doubt;
	m.n[DELIVERY_DOUBT] = *doubt;
	return e == OK ? ledger_count_moved(db, campaign, &m) : e;
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
		e = release_rows(db, dead->owner, dead->campaign, pending);
	FAILPOINT("reclaim.rows");
	if (e == OK)
		e = kept_rows(db, dead);
	if (e == OK)
		e = doubt_rows(db, dead->owner, dead->campaign, dead->now, doubt);
	return e == OK ? tx_commit(&tx) : e;
}
