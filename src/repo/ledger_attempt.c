#include "repo/ledger_attempt.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/failpoint.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

enum {
	CLAIM,
	CLAIM_RETRY,
	CLAIM_LOST,
	STATUS,
	LOCK_PEOPLE,
	WANTED,
	SKIP,
	ATTEMPT,
	INTENT,
};

enum { NO_WAIT_MS = 1200000 };

/*
 * MATERIALIZED: PostgreSQL would run a plain subquery, its LIMIT too, for each row. The
 * order of the states, though there is one only, leaves it no index but the right one:
 * by id alone it would walk past everybody else's rows, and its own of before.
 */
#define CLAIM_FROM(state, index, which)                                                \
	"WITH due AS MATERIALIZED (SELECT id FROM campaign_subscribers"                \
	"   /*+lite INDEXED BY " index " */"                                           \
	"   WHERE campaign_id = $1 AND " which                                         \
	"   LIMIT $4 /*+pg FOR UPDATE SKIP LOCKED */)"                                 \
	" UPDATE campaign_subscribers SET state = 1, owner = $2, claimed_at = $3"      \
	" WHERE +state = " state " AND id IN (SELECT id FROM due) RETURNING id, tries"

/* The rows whose ids the JSON of $1 has. */
#define CHOSEN                                                                         \
	"(SELECT " NUMBER(0) " AS id FROM " ROWS(                                      \
	    "$1") ") r"                                                                \
		  " JOIN campaign_subscribers d ON d.id = r.id"

static const char *const sql[] = {
	[CLAIM] = CLAIM_FROM("0", "campaign_subscribers_state",
	    "(state, id) > (0, $5) AND state < 1 ORDER BY state, id"),
	[CLAIM_RETRY] = CLAIM_FROM("3", "campaign_subscribers_retry",
	    "state = 3 AND next_try_at <= $5 ORDER BY next_try_at"),
	[CLAIM_LOST] = CLAIM_FROM("3", "campaign_subscribers_retry",
	    "state = 3 AND next_try_at > $5 ORDER BY next_try_at"),
	/* Held until commit: no intent follows a pause or cancel that has answered. */
	[STATUS] = "SELECT c.status, c.brand_id, c.version, p.updated_at, (SELECT n"
		   "  FROM host_marks WHERE host_id = $2 AND slot = $3)"
		   "  FROM campaigns c LEFT JOIN providers p ON p.brand_id = c.brand_id"
		   " WHERE c.id = $1 /*+pg FOR SHARE OF c */",
	/* The same for people: who unsubscribes now waits for us, or we for them. */
	[LOCK_PEOPLE] =
	    "SELECT s.id FROM " CHOSEN " JOIN subscribers s ON s.id = d.subscriber_id"
	    " ORDER BY s.id /*+pg FOR SHARE OF s */",
	[WANTED] =
	    "SELECT d.id, d.email, d.email_key, d.refusals, s.id, s.status, "
	    "s.first_name,"
	    "   s.last_name, s.custom, p.reason,"
	    "   (SELECT /*+lite json_group_array(t.tag) */"
	    "           /*+pg json_agg(t.tag ORDER BY t.tag) */"
	    "      FROM subscriber_tags t WHERE t.subscriber_id = s.id),"
	    "   CASE WHEN d.tries > 0 THEN (SELECT max(a.id) FROM send_attempts a"
	    "     WHERE a.delivery_id = d.id AND a.outcome = 4) END,"
	    "   d.tries"
	    "  FROM " CHOSEN
	    "  LEFT JOIN subscribers s ON s.id = d.subscriber_id AND +s.brand_id = $3"
	    "  LEFT JOIN suppressions p"
	    "    ON p.brand_id = $3 AND p.email_key = d.email_key"
	    " WHERE +d.state = 1 AND d.owner = $2 ORDER BY d.id",
	[SKIP] =
	    "UPDATE campaign_subscribers AS d SET owner = NULL, state = 6,"
	    "   reason = r.reason, settled_at = $2"
	    "  FROM (SELECT " NUMBER(0) " AS id, j.value ->> 1 AS reason FROM " ROWS(
		"$1") ") r WHERE d.id = r.id AND +d.state = 1",
	[ATTEMPT] = "INSERT INTO send_attempts (campaign_id, delivery_id, started_at)"
		    " SELECT d.campaign_id, d.id, CAST($2 AS BIGINT)"
		    "  FROM (SELECT " NUMBER(0) " AS id FROM " ROWS(
			"$1") ") r"
			      "  JOIN campaign_subscribers d ON d.id = r.id"
			      " WHERE +d.state = 1 AND d.owner = $3 ORDER BY d.id"
			      " RETURNING id, delivery_id",
	[INTENT] =
	    "UPDATE campaign_subscribers AS d SET state = 2, attempt_id = r.attempt,"
	    "   tries = d.tries + 1"
	    "  FROM (SELECT " NUMBER(0) " AS id, " NUMBER(
		1) " AS attempt"
		   "          FROM " ROWS(
		       "$1") ") r"
			     " WHERE d.id = r.id AND +d.state = 1 AND d.owner = $2",
};

enum err ledger_attempt_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

/* ---- what is claimed ---- */
static void add_claimed(struct claimed *m, int64_t id)
{
	if (m->n == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 512;
		m->ids = mem_resize(m->mem, m->ids, m->cap * sizeof(*m->ids));
	}
	m->ids[m->n++] = id;
}

static void drop_claimed(struct claimed *m, size_t n)
{
	m->n -= n;
	if (m->n)
		memmove(m->ids, m->ids + n, m->n * sizeof(*m->ids));
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* How many of them an intent is about. */
static size_t take_of(const struct claim *c)
{
	return c->n < 0 || (size_t)c->n > c->mine->n ? c->mine->n : (size_t)c->n;
}

/* ---- claim ---- */
/* tried: gets those that were claimed before. */
static enum err claim_from(struct db *db, const struct claim *c,
    const char *const *which, size_t want, int64_t bound, struct buf *tried)
{
	STMT_SCOPE s = db_stmt(db, which);
	size_t first = c->mine->n;

	stmt_bind_int(s, 1, c->campaign);
	stmt_bind_text(s, 2, c->owner);
	stmt_bind_int(s, 3, c->now);
	stmt_bind_int(s, 4, (int64_t)(want - first));
	stmt_bind_int(s, 5, bound);
	while (stmt_next(s)) {
		add_claimed(c->mine, stmt_int(s, 0));
		if (stmt_int(s, 1) > 0)
			ledger_add_id(tried, stmt_int(s, 0));
	}
	if (c->mine->n > first)
		qsort(c->mine->ids + first, c->mine->n - first, sizeof(int64_t),
		    by_number);
	return stmt_error(s);
}

/*
 * Goes on behind the last one, for what is before it was claimed already, and
 * PostgreSQL would walk all that again.  Who was given back there comes at the end.
 */
static enum err claim_pending(struct db *db, const struct claim *c, size_t want,
    struct buf *tried)
{
	struct claimed *m = c->mine;
	size_t first = m->n;
	enum err e = claim_from(db, c, &sql[CLAIM], want, m->after, tried);

	if (e == OK && m->n < want && m->after)
		e = claim_from(db, c, &sql[CLAIM], want, 0, tried);
	if (e == OK && m->n > first)
		m->after = m->ids[m->n - 1];
	return e;
}

static enum err claim_rows(struct db *db, const struct claim *c, struct moved *m)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "claim");
	struct buf *tried = buf_new(tmp);
	size_t first = c->mine->n, want = first + (size_t)c->n, due, pending;
	enum err e = claim_from(db, c, &sql[CLAIM_RETRY], want, c->now, tried);

	due = c->mine->n;
	if (e == OK && c->mine->n < want)
		e = claim_pending(db, c, want, tried);
	pending = c->mine->n - due;
	/* No wait is that long: the clock was wrong when it was set. */
	if (e == OK && c->mine->n < want)
		e = claim_from(db, c, &sql[CLAIM_LOST], want, c->now + NO_WAIT_MS,
		    tried);
	m->n[DELIVERY_CLAIMED] = (int64_t)(c->mine->n - first);
	m->n[DELIVERY_PENDING] = -(int64_t)pending;
	m->n[DELIVERY_RETRY] = -m->n[DELIVERY_CLAIMED] + (int64_t)pending;
	return e == OK ? ledger_derive(db, tried, c->now, m) : e;
}

enum err ledger_claim(struct db *db, const struct claim *c, int64_t *claimed)
{
	TX_SCOPE tx = { 0 };
	struct claimed before = *c->mine;
	struct moved m = { { 0 } };
	int64_t n;
	enum err e = tx_begin_keyed(db, &tx);

	*claimed = 0;
	if (e == OK)
		e = tx_relax(&tx); /* if it is lost, the rows are pending again */
	if (e == OK)
		e = claim_rows(db, c, &m);
	n = (int64_t)(c->mine->n - before.n);
	if (e == OK && !n)
		return OK;
	FAILPOINT("claim.rows");
	if (e == OK)
		e = ledger_count_moved(db, c->campaign, &m);
	if (e == OK)
		e = tx_commit(&tx);
	FAILPOINT("claim.committed");
	if (e == OK) {
		*claimed = n;
	} else {
		c->mine->n = before.n;
		c->mine->after = before.after;
	}
	return e;
}

/* ---- intent ---- */
/*
 * An older database has taken the place of ours, or may have: the connection is another
 * one, and a standby lacks what was committed last.  A mark would hide that.
 */
static bool restored(struct db *db, const struct claim *c, int64_t marked)
{
	return marked < c->mark->before || db_connects(db) != c->connects;
}

static enum err read_status(struct db *db, const struct claim *c, bool *sending,
    int64_t *brand)
{
	STMT_SCOPE s = db_stmt(db, &sql[STATUS]);
	enum err e;

	stmt_bind_int(s, 1, c->campaign);
	stmt_bind_text(s, 2, c->mark ? c->mark->host : NULL);
	stmt_bind_int(s, 3, c->mark ? c->mark->slot : 0);
	e = stmt_row(s);
	if (e == OK && c->mark && restored(db, c, stmt_int(s, 4)))
		return ERR_CONFLICT;
	*sending = e == OK && strcmp(stmt_text(s, 0), "sending") == 0;
	if (c->version && e == OK && stmt_int(s, 2) != c->version)
		*sending = false; /* edited while it was paused: compile anew */
	if (c->provider_at && e == OK && stmt_int(s, 3) != c->provider_at)
		*sending = false; /* another key since: open the provider anew */
	*brand = e == OK ? stmt_int(s, 1) : 0;
	return e == ERR_NOTFOUND ? OK : e;
}

static enum err lock_people(struct db *db, const char *ids)
{
	STMT_SCOPE s = NULL;

	if (db_kind(db) == DB_SQLITE)
		return OK; /* one writer: nobody can unsubscribe before we commit */
	s = db_stmt(db, &sql[LOCK_PEOPLE]);
	stmt_bind_text(s, 1, ids);
	return stmt_queue(s);
}

static const char *skip_reason(struct stmt *s)
{
	const char *status = stmt_text(s, 5);

	if (stmt_is_null(s, 4))
		return "deleted";
	if (!stmt_is_null(s, 9))
		return stmt_text(s, 9);
	return strcmp(status, "active") == 0 ? NULL : status;
}

static struct json_object *read_json(void *mem, const char *text)
{
	struct json_object *o = NULL;

	if (text_empty(text) || strcmp(text, "{}") == 0 || strcmp(text, "[]") == 0)
		return NULL;
	return json_read(mem, text, strlen(text), &o, NULL) == OK ? o : NULL;
}

static void read_intent(struct stmt *s, void *mem, struct intent *i)
{
	i->delivery_id = stmt_int(s, 0);
	i->to = stmt_copy(s, 1, mem);
	i->refusals = (int)stmt_int(s, 3);
	i->who = (struct subscriber){
		.id = stmt_int(s, 4),
		.email = i->to,
		.email_key = stmt_copy(s, 2, mem),
		.first_name = stmt_copy(s, 6, mem),
		.last_name = stmt_copy(s, 7, mem),
		.custom = read_json(mem, stmt_text(s, 8)),
		.tags = read_json(mem, stmt_text(s, 10)),
	};
}

static void add_skip(struct buf *b, int64_t id, const char *reason)
{
	buf_printf(b, "%s[%lld,\"", b->len > 1 ? "," : "", (long long)id);
	json_escape(b, reason, strlen(reason));
	buf_str(b, "\"]");
}

/* [[id], ...] of the first n claimed. */
static char *ids_json(void *mem, const struct claimed *m, size_t n)
{
	struct buf *b = buf_new(mem);

	buf_char(b, '[');
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s[%lld]", i ? "," : "", (long long)m->ids[i]);
	buf_char(b, ']');
	return b->data;
}

/* Rows that get no intent. */
struct left_out {
	struct buf *skips; /* [[id, reason], ...] without its end */
	struct buf *tried; /* those of them, or already accepted, with an attempt */
};

/* True if it is not to be sent. */
static bool leave_out(struct stmt *s, struct intent_batch *out, struct left_out *l)
{
	const char *reason = skip_reason(s);
	bool accepted = !stmt_is_null(s, 11);

	if (!accepted && reason) {
		add_skip(l->skips, stmt_int(s, 0), reason);
		out->skipped++;
	}
	if ((accepted || reason) && stmt_int(s, 12) > 0)
		ledger_add_id(l->tried, stmt_int(s, 0));
	return accepted || reason;
}

/* Fills out->rows and l. */
static enum err read_wanted(struct db *db, void *mem, const struct claim *c,
    int64_t brand, struct intent_batch *out, struct left_out *l)
{
	size_t n = take_of(c);
	char *ids = ids_json(mem, c->mine, n);
	enum err e = lock_people(db, ids);
	STMT_SCOPE s = db_stmt(db, &sql[WANTED]);

	if (e != OK)
		return e;
	stmt_bind_text(s, 1, ids);
	stmt_bind_text(s, 2, c->owner);
	stmt_bind_int(s, 3, brand);
	out->rows = mem_array(mem, struct intent, n);
	while (out->n < n && stmt_next(s)) {
		struct intent *i = &out->rows[out->n];

		if (leave_out(s, out, l))
			continue;
		i->mem = mem_scope(mem, "intent");
		read_intent(s, i->mem, i);
		out->n++;
	}
	return stmt_error(s);
}

static enum err skip_rows(struct db *db, const struct claim *c, int64_t n,
    struct buf *skips)
{
	STMT_SCOPE s = db_stmt(db, &sql[SKIP]);
	enum err e;

	if (!n)
		return OK;
	buf_char(skips, ']');
	stmt_bind_text(s, 1, skips->data);
	stmt_bind_int(s, 2, c->now);
	e = stmt_run(s);
	return e == OK && stmt_changes(s) != n ? ERR_CONFLICT : e;
}

static int by_delivery(const void *key, const void *row)
{
	int64_t a = *(const int64_t *)key,
		b = ((const struct intent *)row)->delivery_id;

	return a < b ? -1 : a > b;
}

/* The attempt rows; every intent gets the id of its own. */
static enum err write_attempts(struct db *db, void *mem, const struct claim *c,
    struct intent_batch *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[ATTEMPT]);
	struct buf *b = buf_new(mem);
	size_t found = 0;
	enum err e;

	buf_char(b, '[');
	for (size_t i = 0; i < out->n; i++)
		buf_printf(b, "%s[%lld]", i ? "," : "",
		    (long long)out->rows[i].delivery_id);
	buf_char(b, ']');
	stmt_bind_text(s, 1, b->data);
	stmt_bind_int(s, 2, c->now);
	stmt_bind_text(s, 3, c->owner);
	while (stmt_next(s)) {
		int64_t id = stmt_int(s, 1);
		struct intent *i =
		    bsearch(&id, out->rows, out->n, sizeof(*i), by_delivery);

		if (i) {
			i->attempt_id = stmt_int(s, 0);
			found++;
		}
	}
	e = stmt_error(s);
	return e == OK && found != out->n ? ERR_CONFLICT : e;
}

static enum err mark_intent(struct db *db, void *mem, const struct claim *c,
    const struct intent_batch *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[INTENT]);
	struct buf *b = buf_new(mem);
	enum err e;

	buf_char(b, '[');
	for (size_t i = 0; i < out->n; i++)
		buf_printf(b, "%s[%lld,%lld]", i ? "," : "",
		    (long long)out->rows[i].delivery_id,
		    (long long)out->rows[i].attempt_id);
	buf_char(b, ']');
	stmt_bind_text(s, 1, b->data);
	stmt_bind_text(s, 2, c->owner);
	e = stmt_run(s);
	return e == OK && stmt_changes(s) != (int64_t)out->n ? ERR_CONFLICT : e;
}

static enum err write_intent(struct db *db, void *mem, const struct claim *c,
    int64_t brand, struct intent_batch *out)
{
	struct left_out l = { buf_new(mem), buf_new(mem) };
	struct moved m = { { 0 } };
	enum err e;

	buf_char(l.skips, '[');
	e = read_wanted(db, mem, c, brand, out, &l);
	m.n[DELIVERY_CLAIMED] = -(int64_t)out->n - out->skipped;
	m.n[DELIVERY_SKIPPED] = out->skipped;
	m.n[DELIVERY_INTENT] = (int64_t)out->n;
	if (e == OK)
		e = skip_rows(db, c, out->skipped, l.skips);
	if (e == OK)
		e = ledger_derive(db, l.tried, c->now, &m);
	if (e == OK && out->n)
		e = write_attempts(db, mem, c, out);
	FAILPOINT("intent.attempts");
	if (e == OK && out->n)
		e = mark_intent(db, mem, c, out);
	if (e == OK && out->n && c->mark)
		e = host_mark_put(db, c->mark);
	return e == OK ? ledger_count_moved(db, c->campaign, &m) : e;
}

enum err ledger_intent(struct db *db, void *mem, const struct claim *c,
    struct intent_batch *out)
{
	TX_SCOPE tx = { 0 };
	int64_t brand = 0;
	enum err e = tx_begin_keyed(db, &tx);

	*out = (struct intent_batch){ 0 };
	if (e == OK)
		e = read_status(db, c, &out->sending, &brand);
	if (e == OK && !out->sending)
		return OK;
	if (e == OK)
		e = write_intent(db, mem, c, brand, out);
	if (e == OK)
		e = FAILPOINT_ERR("intent.rows", ERR_FULL);
	if (e == OK)
		e = tx_commit(&tx);
	FAILPOINT("intent.committed");
	if (e == OK)
		drop_claimed(c->mine, take_of(c));
	else
		*out = (struct intent_batch){ .sending = out->sending };
	return e;
}
