#include "repo/ledger_attempt.h"

#include <json-c/json.h>
#include <string.h>

#include "base/buf.h"
#include "base/failpoint.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

enum {
	STATUS,
	LOCK_PEOPLE,
	LOCK_AGAIN,
	WANTED,
	AGAIN,
	RETRY,
	SKIP,
	SHORTEN,
	USED,
	BATCH,
};

/* The next rows of a lease, and those whose ids the JSON of $1 has. */
#define OF_LEASE                                                                       \
	"(SELECT id, subscriber_id, email, email_key, tries, refusals"                 \
	"  FROM campaign_subscribers"                                                  \
	"  WHERE id >= $1 AND id < $2 AND state = 0 ORDER BY id LIMIT $3) d"
#define CHOSEN                                                                         \
	"(SELECT " NUMBER(0) " AS id FROM " ROWS(                                      \
	    "$1") ") r"                                                                \
		  " JOIN campaign_subscribers d ON d.id = r.id"
#define PEOPLE_OF(rows, brand)                                                         \
	"SELECT d.id, COALESCE(d.email, d.email_key), d.email_key, d.tries, s.id,"     \
	"   s.status, s.first_name, s.last_name, s.custom, p.reason,"                  \
	"   (SELECT /*+lite json_group_array(t.tag) */"                                \
	"           /*+pg json_agg(t.tag ORDER BY t.tag) */"                           \
	"      FROM subscriber_tags t WHERE t.subscriber_id = s.id), d.refusals,"      \
	"   CASE WHEN s.email_key = d.email_key THEN 1 ELSE 0 END"                     \
	"  FROM " rows                                                                 \
	"  LEFT JOIN subscribers s ON s.id = d.subscriber_id AND +s.brand_id = " brand \
	"  LEFT JOIN suppressions p"                                                   \
	"    ON p.brand_id = " brand " AND p.email_key = d.email_key ORDER BY d.id"
#define LOCK_OF(rows)                                                                  \
	"SELECT s.id FROM " rows " JOIN subscribers s ON s.id = d.subscriber_id"       \
	" ORDER BY s.id /*+pg FOR SHARE OF s */"
#define MY_LEASE " WHERE id = $1 AND owner = $2 AND next_id = $3"

static const char *const sql[] = {
	/* Held until commit: no intent follows a pause or cancel that has answered. */
	[STATUS] = "SELECT c.status, c.brand_id, c.version, p.updated_at, (SELECT n"
		   "  FROM host_marks WHERE host_id = $2 AND slot = $3)"
		   "  FROM campaigns c LEFT JOIN providers p ON p.brand_id = c.brand_id"
		   " WHERE c.id = $1 /*+pg FOR SHARE OF c */",
	/* The same for people: who unsubscribes now waits for us, or we for them. */
	[LOCK_PEOPLE] = LOCK_OF(OF_LEASE),
	[LOCK_AGAIN] = LOCK_OF(CHOSEN),
	[WANTED] = PEOPLE_OF(OF_LEASE, "$4"),
	[AGAIN] = PEOPLE_OF(CHOSEN, "$2"),
	/*
	 * MATERIALIZED: PostgreSQL would run a plain subquery, its LIMIT too, for each
	 * row.
	 */
	[RETRY] = "WITH due AS MATERIALIZED (SELECT id FROM campaign_subscribers"
		  "   /*+lite INDEXED BY campaign_subscribers_retry */"
		  "   WHERE campaign_id = $1 AND next_try_at <= $2 ORDER BY next_try_at"
		  "   LIMIT $3 /*+pg FOR UPDATE SKIP LOCKED */)"
		  " UPDATE campaign_subscribers SET state = 2, next_try_at = NULL"
		  " WHERE +state = 3 AND id IN (SELECT id FROM due) RETURNING id",
	[SKIP] =
	    "UPDATE campaign_subscribers AS d SET reason = r.reason,"
	    "   state = CASE WHEN " DOUBTED " THEN 9 ELSE 6 END, settled_at = $2"
	    "  FROM (SELECT " NUMBER(0) " AS id, j.value ->> 1 AS reason FROM " ROWS(
		"$1") ") r WHERE d.id = r.id AND +d.state IN (0, 2)"
		      " RETURNING state",
	[SHORTEN] = "UPDATE send_leases SET next_id = $4" MY_LEASE,
	[USED] = "DELETE FROM send_leases" MY_LEASE,
	[BATCH] = "INSERT INTO send_batches"
		  "   (campaign_id, owner, started_at, left_open, deliveries)"
		  " VALUES ($1, $2, $3, $4, $5) RETURNING id",
};

enum err ledger_intent_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

/* One transaction being put together. */
struct writing {
	struct db *db;
	void *mem;
	const struct claim *c;
	int64_t brand;
	size_t want, taken; /* rows; retries among those taken */
	struct buf *skips;  /* JSON */
	size_t used;        /* leases at the front of c->mine that have no rows left */
	struct lease part;  /* what is left of the one behind them; id 0: all of it */
	struct moved m;
};

/* ---- may it be sent ---- */
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

/*
 * A mail has the values of the address that it goes to, so who has another one since
 * the audience was frozen gets none: neither there, with a consent for elsewhere, nor
 * here, with what another may have written.
 */
static const char *skip_reason(struct stmt *s)
{
	const char *status = stmt_text(s, 5);

	if (stmt_is_null(s, 4))
		return "deleted";
	if (!stmt_is_null(s, 9))
		return stmt_text(s, 9);
	if (strcmp(status, "active") != 0)
		return status;
	return stmt_int(s, 12) ? NULL : "changed";
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
	i->tries = (int)stmt_int(s, 3) + 1;
	i->refusals = (int)stmt_int(s, 11);
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

/* What a statement of people gives; *n: how many rows, *last: the last of them. */
static enum err read_people(struct writing *w, struct stmt *s, struct intent_batch *out,
    size_t *n, int64_t *last)
{
	for (*n = 0; out->n + (size_t)out->skipped < w->want && stmt_next(s); ++*n) {
		const char *reason = skip_reason(s);

		*last = stmt_int(s, 0);
		if (reason) {
			add_skip(w->skips, *last, reason);
			out->skipped++;
		} else {
			struct intent *i = &out->rows[out->n++];

			i->mem = mem_scope(w->mem, "intent");
			read_intent(s, i->mem, i);
		}
	}
	return stmt_error(s);
}

/* ---- retries ---- */
static enum err take_retries(struct writing *w, struct buf *ids)
{
	STMT_SCOPE s = db_stmt(w->db, &sql[RETRY]);
	size_t due = w->c->mine->retries;

	stmt_bind_int(s, 1, w->c->campaign);
	stmt_bind_int(s, 2, w->c->now);
	stmt_bind_int(s, 3, (int64_t)(due < w->want ? due : w->want));
	buf_char(ids, '[');
	while (stmt_next(s))
		buf_printf(ids, "%s[%lld]", w->taken++ ? "," : "",
		    (long long)stmt_int(s, 0));
	buf_char(ids, ']');
	return stmt_error(s);
}

static enum err read_retries(struct writing *w, struct intent_batch *out)
{
	STMT_SCOPE lock = db_stmt(w->db, &sql[LOCK_AGAIN]);
	STMT_SCOPE s = db_stmt(w->db, &sql[AGAIN]);
	struct buf *ids = buf_new(w->mem);
	size_t n = 0;
	int64_t last;
	enum err e = take_retries(w, ids);

	if (e != OK || !w->taken)
		return e;
	stmt_bind_text(lock, 1, ids->data);
	e = db_kind(w->db) == DB_SQLITE ? OK : stmt_queue(lock);
	if (e != OK)
		return e;
	stmt_bind_text(s, 1, ids->data);
	stmt_bind_int(s, 2, w->brand);
	w->m.n[DELIVERY_RETRY] -= (int64_t)w->taken;
	e = read_people(w, s, out, &n, &last);
	return e == OK && n != w->taken ? ERR_INTERNAL : e;
}

/* ---- leases ---- */
static void bind_lease(struct stmt *s, const struct lease *l, int64_t want)
{
	stmt_bind_int(s, 1, l->next);
	stmt_bind_int(s, 2, l->to);
	stmt_bind_int(s, 3, want);
}

static enum err lock_people(struct writing *w, const struct lease *l, int64_t want)
{
	STMT_SCOPE s = NULL;

	if (db_kind(w->db) == DB_SQLITE)
		return OK; /* one writer: nobody can unsubscribe before we commit */
	s = db_stmt(w->db, &sql[LOCK_PEOPLE]);
	bind_lease(s, l, want);
	return stmt_queue(s);
}

/* The rest of a lease from `next` on is ours still; ERR_CONFLICT: nothing of it is. */
static enum err shorten(struct writing *w, const struct lease *l, int64_t next)
{
	STMT_SCOPE s = db_stmt(w->db, &sql[next < l->to ? SHORTEN : USED]);
	enum err e;

	stmt_bind_int(s, 1, l->id);
	stmt_bind_text(s, 2, w->c->owner);
	stmt_bind_int(s, 3, l->next);
	if (next < l->to)
		stmt_bind_int(s, 4, next);
	e = stmt_run(s);
	return e == OK && stmt_changes(s) != 1 ? ERR_CONFLICT : e;
}

/* Takes from one lease what is still wanted. */
static enum err read_lease(struct writing *w, const struct lease *l,
    struct intent_batch *out)
{
	STMT_SCOPE s = db_stmt(w->db, &sql[WANTED]);
	size_t want = w->want - out->n - (size_t)out->skipped, n = 0;
	int64_t next = l->next;
	enum err e = lock_people(w, l, (int64_t)want);

	if (e != OK)
		return e;
	bind_lease(s, l, (int64_t)want);
	stmt_bind_int(s, 4, w->brand);
	e = read_people(w, s, out, &n, &next);
	next = n < want ? l->to : next + 1;
	w->m.n[DELIVERY_CLAIMED] -= (int64_t)n;
	if (next >= l->to)
		w->used++;
	else
		w->part = (struct lease){ l->id, next, l->to, l->left - (int64_t)n };
	return e == OK ? shorten(w, l, next) : e;
}

/* What mine has after it is committed. */
static void drop_claimed(const struct writing *w)
{
	struct claimed *m = w->c->mine;
	size_t asked = m->retries < w->want ? m->retries : w->want;

	m->nleases -= w->used;
	if (m->nleases)
		memmove(m->leases, m->leases + w->used,
		    m->nleases * sizeof(*m->leases));
	if (w->part.id)
		m->leases[0] = w->part;
	/* Others are at them when fewer came than were asked for. */
	m->retries = w->taken < asked ? 0 : m->retries - w->taken;
	m->n = m->retries;
	for (size_t i = 0; i < m->nleases; i++)
		m->n += (size_t)(m->leases[i].left > 0 ? m->leases[i].left : 1);
}

/* ---- writing ---- */

/* Whoever may have the mail of an earlier attempt is given up and not skipped. */
static enum err skip_rows(struct writing *w)
{
	STMT_SCOPE s = db_stmt(w->db, &sql[SKIP]);

	buf_char(w->skips, ']');
	stmt_bind_text(s, 1, w->skips->data);
	stmt_bind_int(s, 2, w->c->now);
	while (stmt_next(s))
		w->m.n[stmt_int(s, 0) == DELIVERY_GIVEN_UP ? DELIVERY_GIVEN_UP
							   : DELIVERY_SKIPPED]++;
	return stmt_error(s);
}

static enum err write_batch(struct writing *w, struct intent_batch *out)
{
	STMT_SCOPE s = db_stmt(w->db, &sql[BATCH]);
	struct buf *b = buf_new(w->mem);
	enum err e;

	for (size_t i = 0; i < out->n; i++)
		buf_printf(b, "%c[%lld,%d]", i ? ',' : '[',
		    (long long)out->rows[i].delivery_id, out->rows[i].tries);
	buf_char(b, ']');
	stmt_bind_int(s, 1, w->c->campaign);
	stmt_bind_text(s, 2, w->c->owner);
	stmt_bind_int(s, 3, w->c->now);
	stmt_bind_int(s, 4, (int64_t)out->n);
	stmt_bind_text(s, 5, b->data);
	e = stmt_row(s);
	for (size_t i = 0; e == OK && i < out->n; i++)
		out->rows[i].batch_id = stmt_int(s, 0);
	w->m.n[DELIVERY_INTENT] += (int64_t)out->n;
	return e;
}

static enum err intent_part(struct writing *w, struct intent_batch *out)
{
	struct claimed *mine = w->c->mine;
	enum err e = OK;

	w->skips = buf_new(w->mem);
	buf_char(w->skips, '[');
	out->rows = mem_array(w->mem, struct intent, w->want);
	if (mine->retries)
		e = read_retries(w, out);
	for (size_t i = 0;
	     e == OK && i < mine->nleases && out->n + (size_t)out->skipped < w->want;
	     i++)
		e = read_lease(w, &mine->leases[i], out);
	if (e == OK && out->skipped)
		e = skip_rows(w);
	FAILPOINT("intent.attempts");
	if (e == OK && out->n)
		e = write_batch(w, out);
	if (e == OK && out->n && w->c->mark)
		e = host_mark_put(w->db, w->c->mark);
	return e == OK ? FAILPOINT_ERR("intent.rows", ERR_FULL) : e;
}

/* How many of them an intent is about. */
static size_t take_of(const struct claim *c)
{
	return c->n < 0 || (size_t)c->n > c->mine->n ? c->mine->n : (size_t)c->n;
}

enum err ledger_turn(struct db *db, void *mem, const struct results *back,
    const struct claim *c, struct intent_batch *out)
{
	struct writing w = { .db = db, .mem = mem, .c = c, .want = take_of(c) };
	TX_SCOPE tx = { 0 };
	bool sending = false;
	enum err e = tx_begin_keyed(db, &tx);

	*out = (struct intent_batch){ 0 };
	if (e == OK)
		e = read_status(db, c, &sending, &w.brand);
	if (e == OK && back && back->n)
		e = ledger_settle_part(db, c->campaign, back, &w.m);
	if (e == OK && sending)
		e = intent_part(&w, out);
	if (e == OK)
		e = ledger_count_moved(db, c->campaign, &w.m);
	if (e == OK)
		e = tx_commit(&tx);
	FAILPOINT("intent.committed");
	if (e == OK && sending)
		drop_claimed(&w);
	if (e != OK)
		*out = (struct intent_batch){ 0 };
	out->sending = sending;
	return e;
}

enum err ledger_intent(struct db *db, void *mem, const struct claim *c,
    struct intent_batch *out)
{
	return ledger_turn(db, mem, NULL, c, out);
}
