#include "repo/ledger_attempt.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/failpoint.h"
#include "base/json.h"
#include "base/mem.h"

enum {
	SETTLE,
	LATE,
	ATTEMPTS,
	END_ATTEMPT,
	EARLIER,
	LESS,
	OWNERS,
	DEAD_ATTEMPT,
	DEAD_ROW,
	DEAD_BATCH,
};

/* clang-format off */
#define RESULTS \
	"(SELECT " NUMBER(0) " AS delivery, " NUMBER(1) " AS try," \
	" " NUMBER(2) " AS became, " NUMBER(3) " AS outcome," \
	" j.value ->> 4 AS message_id, j.value ->> 5 AS reason," \
	" " NUMBER(6) " AS next_try, " NUMBER(7) " AS batch," \
	" " NUMBER(8) " AS cause" \
	" FROM " ROWS("$1") ") r"
/* What a dead owner had under way and no event has settled. */
#define DEAD \
	IN_OPEN_BATCHES("$1") " r JOIN campaign_subscribers d ON d.id = r.delivery" \
	"   AND d.tries = r.try - 1 AND +d.state IN (0, 2)" \
	" LEFT JOIN outbox_messages m ON m.delivery_id = d.id AND m.try = r.try" \
	" WHERE r.owner = $2"
/* clang-format on */

static const char *const sql[] = {
	[SETTLE] =
	    "UPDATE campaign_subscribers AS d SET state = r.became, tries = r.try,"
	    "   reason = CASE WHEN r.became = 4 THEN '' ELSE r.reason END,"
	    "   message_id = COALESCE(r.message_id, d.message_id),"
	    "   refusals = d.refusals +"
	    "     CASE WHEN r.became IN (3, 9) AND r.cause = 1 THEN 1 ELSE 0 END,"
	    "   next_try_at = r.next_try, settled_at ="
	    "     CASE WHEN r.became = 3 THEN NULL ELSE CAST($2 AS BIGINT) END"
	    "  FROM " RESULTS " WHERE d.id = r.delivery AND +d.tries = r.try - 1"
	    "   AND +d.state IN (0, 2) AND +d.campaign_id = $3"
	    " RETURNING id, state",
	/*
	 * The answer came after all, when others had already taken us for dead, or had
	 * decided what becomes of it: a refusal tells nothing of a row that is to be
	 * sent again.
	 */
	[LATE] =
	    "UPDATE campaign_subscribers AS d SET state = r.became, settled_at = $2,"
	    "   reason = CASE WHEN r.became = 4 THEN '' ELSE r.reason END,"
	    "   message_id = COALESCE(r.message_id, d.message_id),"
	    "   next_try_at = NULL"
	    "  FROM " RESULTS " WHERE d.id = r.delivery AND +d.tries = r.try"
	    "   AND +d.state = $4 AND +d.campaign_id = $3"
	    "   AND (r.became = 4 OR CAST($4 AS BIGINT) <> 3)"
	    " RETURNING state",
	[ATTEMPTS] = "INSERT INTO send_attempts (campaign_id, delivery_id, try,"
		     "   started_at, finished_at, outcome, cause, message_id, error)"
		     " SELECT CAST($3 AS BIGINT), r.delivery, r.try, COALESCE((SELECT"
		     "   b.started_at FROM send_batches b WHERE b.id = r.batch),"
		     "   CAST($2 AS BIGINT)), CAST($2 AS BIGINT), r.outcome,"
		     "   r.cause, r.message_id, r.reason"
		     " FROM " RESULTS " WHERE true ORDER BY r.delivery",
	[END_ATTEMPT] =
	    "UPDATE send_attempts AS a SET outcome = r.outcome, cause = r.cause,"
	    "   finished_at = $2,"
	    "   message_id = COALESCE(r.message_id, a.message_id), error = r.reason"
	    "  FROM " RESULTS " WHERE a.delivery_id = r.delivery AND a.try = r.try"
	    "   AND +a.outcome = 7",
	/* What came of earlier tries: the best of each row, 4 before 7. */
	[EARLIER] = "SELECT r.delivery, min(a.outcome) FROM " RESULTS
		    " JOIN send_attempts a ON a.delivery_id = r.delivery"
		    "   AND a.try < r.try AND +a.outcome IN (4, 7)"
		    " GROUP BY r.delivery",
	[LESS] = "UPDATE send_batches SET left_open = left_open - CAST($2 AS BIGINT),"
		 "   owner = CASE WHEN left_open > $2 THEN owner END, deliveries ="
		 "     CASE WHEN left_open > $2 THEN deliveries ELSE '[]' END"
		 " WHERE id = $1 AND left_open > 0 AND left_open >= $2",
	[OWNERS] = "SELECT owner FROM send_leases"
		   " WHERE campaign_id = $1 AND owner IS NOT NULL UNION"
		   " SELECT owner FROM send_batches"
		   " WHERE campaign_id = $1 AND owner IS NOT NULL",
	/* The outbox keeps a mail with its try: no doubt about these. */
	[DEAD_ATTEMPT] =
	    "INSERT INTO send_attempts (campaign_id, delivery_id, try, started_at,"
	    "   finished_at, outcome, cause, message_id, error)"
	    " SELECT d.campaign_id, d.id, r.try, r.started_at, CAST($3 AS BIGINT),"
	    "   CASE WHEN m.id IS NULL THEN 7 ELSE 4 END, 4,"
	    "   'outbox-' || CAST(m.id AS TEXT),"
	    "   CASE WHEN m.id IS NULL THEN CAST($4 AS TEXT) ELSE '' END FROM " DEAD
	    "   AND (r.try > 1 OR m.id IS NULL)",
	[DEAD_ROW] =
	    "UPDATE campaign_subscribers AS d SET tries = x.try, settled_at = $3,"
	    "   state = x.became, reason = CASE x.became WHEN 7 THEN $4 ELSE '' END,"
	    "   message_id = COALESCE(x.kept_as, d.message_id)"
	    "  FROM (SELECT r.delivery, r.try, 'outbox-' || CAST(m.id AS TEXT) AS"
	    "    kept_as, CASE WHEN m.id IS NOT NULL OR EXISTS (SELECT 1"
	    "      FROM send_attempts a WHERE a.delivery_id = d.id AND a.outcome = 4)"
	    "    THEN 4 ELSE 7 END AS became FROM " DEAD ") x"
	    " WHERE d.id = x.delivery RETURNING state",
	[DEAD_BATCH] = "UPDATE send_batches SET owner = NULL, left_open = 0,"
		       "   deliveries = '[]' WHERE campaign_id = $1 AND owner = $2",
};

static const char dead_reason[] =
    "The sending process ended before the provider's answer was known.";

enum err ledger_settle_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

/* One transaction being put together. */
struct settling {
	struct db *db;
	void *mem;
	int64_t campaign, now;
	struct result *all; /* by delivery */
	size_t n;
	struct moved *m;
};
struct result {
	const struct settle *r;
	enum delivery_state became; /* with what is known of earlier tries */
	bool written;
};
typedef bool wanted(const struct result *r);

/*
 * [[delivery, try, became, outcome, message id, reason, next try, batch, cause], ...]
 */
static void add_result(struct buf *b, const struct result *x)
{
	const struct settle *r = x->r;
	const char *reason = r->reason ? r->reason : "";

	/* Who is given up has certainly nothing of this try. */
	buf_printf(b, "%s[%lld,%d,%d,%d,", b->len > 1 ? "," : "",
	    (long long)r->delivery_id, r->tries, (int)x->became,
	    r->state == DELIVERY_GIVEN_UP ? DELIVERY_RETRY : (int)r->state);
	if (r->message_id) {
		buf_char(b, '"');
		json_escape(b, r->message_id, strlen(r->message_id));
		buf_str(b, "\",\"");
	} else {
		buf_str(b, "null,\"");
	}
	json_escape(b, reason, strlen(reason));
	if (x->became == DELIVERY_RETRY)
		buf_printf(b, "\",%lld", (long long)r->next_try_at);
	else
		buf_str(b, "\",null");
	buf_printf(b, ",%lld,%d]", (long long)r->batch_id, (int)r->cause);
}

/* Those that are wanted; NULL: none. */
static const char *results_json(const struct settling *w, wanted *is_wanted)
{
	struct buf *b = buf_new(w->mem);

	buf_char(b, '[');
	for (size_t i = 0; i < w->n; i++)
		if (is_wanted(&w->all[i]))
			add_result(b, &w->all[i]);
	buf_char(b, ']');
	return b->len > 2 ? b->data : NULL;
}

static int by_delivery(const void *a, const void *b)
{
	const struct result *x = a, *y = b;

	return x->r->delivery_id < y->r->delivery_id
	    ? -1
	    : x->r->delivery_id > y->r->delivery_id;
}

static struct result *result_of(const struct settling *w, int64_t delivery)
{
	const struct settle key = { .delivery_id = delivery };
	const struct result x = { .r = &key };

	return bsearch(&x, w->all, w->n, sizeof(x), by_delivery);
}

/* ---- what earlier tries say ---- */
static bool has_earlier(const struct result *x)
{
	return x->r->tries > 1 && x->r->state != DELIVERY_ACCEPTED;
}

/*
 * Whoever has the mail of an earlier try is accepted, and whoever may have it is not
 * told to have got nothing.
 */
static enum err look_at_earlier(const struct settling *w)
{
	STMT_SCOPE s = db_stmt(w->db, &sql[EARLIER]);
	const char *json = results_json(w, has_earlier);

	if (!json)
		return OK;
	stmt_bind_text(s, 1, json);
	while (stmt_next(s)) {
		struct result *x = result_of(w, stmt_int(s, 0));

		if (x && stmt_int(s, 1) == DELIVERY_ACCEPTED)
			x->became = DELIVERY_ACCEPTED;
		else if (x && x->became == DELIVERY_REJECTED)
			x->became = DELIVERY_GIVEN_UP;
	}
	return stmt_error(s);
}

/* ---- rows ---- */
static bool is_any(const struct result *x)
{
	return x->r != NULL;
}

static enum err settle_rows(const struct settling *w)
{
	STMT_SCOPE s = db_stmt(w->db, &sql[SETTLE]);

	stmt_bind_text(s, 1, results_json(w, is_any));
	stmt_bind_int(s, 2, w->now);
	stmt_bind_int(s, 3, w->campaign);
	while (stmt_next(s)) {
		struct result *x = result_of(w, stmt_int(s, 0));

		if (!x)
			return ERR_INTERNAL;
		x->written = true;
		w->m->n[DELIVERY_INTENT]--;
		w->m->n[x->became]++;
	}
	return stmt_error(s);
}

static bool is_attempt(const struct result *x)
{
	return x->written && (x->r->tries > 1 || x->r->state != DELIVERY_ACCEPTED);
}

static enum err write_attempts(const struct settling *w, int which, wanted *is_wanted)
{
	STMT_SCOPE s = db_stmt(w->db, &sql[which]);
	const char *json = results_json(w, is_wanted);

	if (!json)
		return OK;
	stmt_bind_text(s, 1, json);
	stmt_bind_int(s, 2, w->now);
	if (which == ATTEMPTS)
		stmt_bind_int(s, 3, w->campaign);
	return stmt_queue(s);
}

/* ---- late answers ---- */
static bool is_late(const struct result *x)
{
	return !x->written &&
	    (x->r->state == DELIVERY_ACCEPTED || x->r->state == DELIVERY_REJECTED);
}

static enum err settle_from(const struct settling *w, const char *json,
    enum delivery_state from)
{
	STMT_SCOPE s = db_stmt(w->db, &sql[LATE]);

	stmt_bind_text(s, 1, json);
	stmt_bind_int(s, 2, w->now);
	stmt_bind_int(s, 3, w->campaign);
	stmt_bind_int(s, 4, from);
	while (stmt_next(s)) {
		w->m->n[from]--;
		w->m->n[stmt_int(s, 0)]++;
	}
	return stmt_error(s);
}

static enum err settle_late(const struct settling *w)
{
	static const enum delivery_state from[] = { DELIVERY_RETRY, DELIVERY_DOUBT,
		DELIVERY_GIVEN_UP };
	const char *json = results_json(w, is_late);
	enum err e = OK;

	if (!json)
		return OK;
	for (size_t i = 0; e == OK && i < sizeof(from) / sizeof(*from); i++)
		e = settle_from(w, json, from[i]);
	return e == OK ? write_attempts(w, END_ATTEMPT, is_late) : e;
}

/* ---- batches ---- */
enum err ledger_batch_less(struct db *db, int64_t batch, int64_t n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LESS]);
	enum err e;

	stmt_bind_int(s, 1, batch);
	stmt_bind_int(s, 2, n);
	e = stmt_run(s);
	return e == OK && stmt_changes(s) != 1 ? ERR_CONFLICT : e;
}

static int by_batch(const void *a, const void *b)
{
	const struct result *x = a, *y = b;

	return x->r->batch_id < y->r->batch_id ? -1 : x->r->batch_id > y->r->batch_id;
}

/* In the order of their ids.  Sorts the results anew: the last look at them. */
static enum err lessen_batches(const struct settling *w)
{
	enum err e = OK;

	qsort(w->all, w->n, sizeof(*w->all), by_batch);
	for (size_t i = 0, n, end; e == OK && i < w->n; i = end) {
		n = 0;
		for (end = i;
		     end < w->n && w->all[end].r->batch_id == w->all[i].r->batch_id;
		     end++)
			n += w->all[end].written;
		if (n)
			e = ledger_batch_less(w->db, w->all[i].r->batch_id, (int64_t)n);
	}
	return e;
}

enum err ledger_settle_part(struct db *db, int64_t campaign, const struct results *r,
    struct moved *m)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "settle");
	struct settling w = { .db = db,
		.mem = tmp,
		.campaign = campaign,
		.now = r->now,
		.all = mem_array(tmp, struct result, r->n),
		.n = r->n,
		.m = m };
	enum err e;

	for (size_t i = 0; i < r->n; i++)
		w.all[i] =
		    (struct result){ .r = &r->rows[i], .became = r->rows[i].state };
	qsort(w.all, w.n, sizeof(*w.all), by_delivery);
	e = look_at_earlier(&w);
	if (e == OK)
		e = settle_rows(&w);
	if (e == OK)
		e = write_attempts(&w, ATTEMPTS, is_attempt);
	if (e == OK)
		e = settle_late(&w);
	if (e == OK)
		e = lessen_batches(&w);
	return e == OK ? FAILPOINT_ERR("settle.rows", ERR_BUSY) : e;
}

enum err ledger_settle(struct db *db, int64_t campaign, const struct results *r)
{
	TX_SCOPE tx = { 0 };
	struct moved m = { { 0 } };
	enum err e = tx_begin_keyed(db, &tx);

	if (e == OK)
		e = ledger_lock(db, campaign, LEDGER_SHARED);
	if (e == OK && r->n)
		e = ledger_settle_part(db, campaign, r, &m);
	if (e == OK)
		e = ledger_count_moved(db, campaign, &m);
	if (e == OK)
		e = tx_commit(&tx);
	FAILPOINT("settle.committed");
	return e;
}

/* ---- the dead ---- */
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

static void bind_dead(struct stmt *s, const struct claim *dead, bool whole)
{
	stmt_bind_int(s, 1, dead->campaign);
	stmt_bind_text(s, 2, dead->owner);
	if (!whole)
		return;
	stmt_bind_int(s, 3, dead->now);
	stmt_bind_text(s, 4, dead_reason);
}

/* Nobody will ever learn what became of these: doubt, not a second try. */
static enum err doubt_rows(struct db *db, const struct claim *dead, struct moved *m)
{
	STMT_SCOPE attempts = db_stmt(db, &sql[DEAD_ATTEMPT]);
	STMT_SCOPE rows = db_stmt(db, &sql[DEAD_ROW]);
	STMT_SCOPE batches = db_stmt(db, &sql[DEAD_BATCH]);
	enum err e;

	bind_dead(attempts, dead, true);
	e = stmt_run(attempts);
	if (e != OK)
		return e;
	bind_dead(rows, dead, true);
	while (stmt_next(rows)) {
		m->n[DELIVERY_INTENT]--;
		m->n[stmt_int(rows, 0)]++;
	}
	e = stmt_error(rows);
	if (e != OK)
		return e;
	bind_dead(batches, dead, false);
	return stmt_run(batches);
}

enum err ledger_reclaim(struct db *db, const struct claim *dead, int64_t *pending,
    int64_t *doubt)
{
	TX_SCOPE tx = { 0 };
	struct moved m = { { 0 } };
	enum err e = tx_begin_keyed(db, &tx);

	*pending = *doubt = 0;
	if (e == OK)
		e = ledger_lock(db, dead->campaign, LEDGER_ALONE);
	FAILPOINT("reclaim.rows");
	if (e == OK)
		e = doubt_rows(db, dead, &m);
	if (e == OK)
		e = ledger_unlease(db, dead->owner, dead->campaign, pending);
	m.n[DELIVERY_CLAIMED] -= *pending;
	m.n[DELIVERY_PENDING] += *pending;
	if (e == OK)
		e = ledger_count_moved(db, dead->campaign, &m);
	*doubt = m.n[DELIVERY_DOUBT];
	return e == OK ? tx_commit(&tx) : e;
}
