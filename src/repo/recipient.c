#include "repo/recipient.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "repo/like.h"

#include "repo/ledger_attempt.h"

#define COLUMNS(state)                                                                 \
	"d.id, d.campaign_id, d.subscriber_id, " state ","                             \
	" COALESCE(d.email, d.email_key), d.reason, d.message_id, d.tries,"            \
	" d.next_try_at, d.settled_at, d.delivered_at, d.bounced_at, d.opened_at,"     \
	" d.machine_opened_at, d.clicked_at, d.machine_clicked_at,"                    \
	" d.unsubscribed_at, d.bounce, d.complained_at,"                               \
	" COALESCE(s.first_name, ''), COALESCE(s.last_name, '')"

#define PERSON " LEFT JOIN subscribers s ON s.id = d.subscriber_id"
#define FROM "  FROM campaign_subscribers d" CURSOR_OF_D PERSON

#define CHOSEN                                                                         \
	" AND (CAST($4 AS TEXT) = '' OR d.reason = $4)"                                \
	" AND (CAST($5 AS TEXT) = '' OR d.email_key LIKE lower($5) ESCAPE '!'"         \
	"      OR d.message_id = $6)"
/*
 * Of the rows of one state, which are found in a way of their own: those with ids above
 * $3, which is an id of the campaign, or what is below them all.
 */
#define PAGE_OF(from)                                                                  \
	"SELECT " COLUMNS("CAST($2 AS BIGINT)") from CHOSEN " ORDER BY d.id LIMIT $7"
/* As one number, so that it is looked up once: where the pending rows may begin. */
#define OPEN_FROM                                                                      \
	"(SELECT min(x.id) FROM (SELECT u.next_id AS id FROM send_cursors u"           \
	"   WHERE u.campaign_id = $1 UNION ALL SELECT l.next_id FROM send_leases l"    \
	"   WHERE l.campaign_id = $1 AND l.owner IS NULL) x)"
#define SENT_TO                                                                        \
	"(SELECT CASE WHEN u.next_id > u.seen_to THEN u.next_id ELSE u.seen_to END"    \
	"   FROM send_cursors u WHERE u.campaign_id = $1)"

enum {
	PAGE_PENDING,
	PAGE_CLAIMED,
	PAGE_INTENT,
	PAGE_ACCEPTED,
	PAGE_RARE,
	PAGE_BOUNCED,
	EXACT,
	ONE,
	REASONS,
	PACE,
	STEPS,
	NEXT_TRY,
	LATEST,
	STATEMENTS
};

/* When the newest tries were settled: (campaign, begun, settled). */
#define SETTLED_LAST                                                                   \
	"(SELECT a.campaign_id, a.finished_at FROM (SELECT campaign_id, finished_at"   \
	"     FROM send_attempts ORDER BY id DESC LIMIT $4) a"                         \
	"  WHERE a.campaign_id = $1 UNION ALL SELECT CAST($1 AS BIGINT), d.settled_at" \
	"    FROM (SELECT l.state, l.tries, l.settled_at FROM campaign_subscribers l"  \
	"      WHERE l.id >= " FIRST_ID(                                               \
	    "$1") " AND l.id < " SENT_TO "      ORDER BY l.id DESC LIMIT $4) d"        \
		  "   WHERE d.state = 4 AND d.tries = 1) r"

/* clang-format off */
static const char *const sql[STATEMENTS] = {
	[PAGE_PENDING] =
	    PAGE_OF(FROM " WHERE d.id >= " OPEN_FROM " AND d.id < " END_ID("$1")
	    " AND +d.id > $3 AND +d.state = 0 AND " STATE_OF_D " = 0"),
	[PAGE_CLAIMED] =
	    PAGE_OF("  FROM send_leases l CROSS JOIN /*+lite campaign_subscribers d"
	    " *//*+pg LATERAL (SELECT * FROM campaign_subscribers WHERE id >= l.next_id"
	    "   AND id < l.to_id ORDER BY id OFFSET 0) d */" PERSON
	    " WHERE d.id >= l.next_id AND d.id < l.to_id AND l.campaign_id = $1 AND l.owner IS NOT NULL AND +d.id > $3"
	    "   AND +d.state = 0"),
	[PAGE_INTENT] =
	    PAGE_OF("  FROM " IN_OPEN_BATCHES("$1") " o JOIN campaign_subscribers d"
	    "  ON d.id = o.delivery AND +d.tries < o.try" PERSON
	    " WHERE +d.state IN (0, 2) AND +d.id > $3"),
	[PAGE_ACCEPTED] =
	    PAGE_OF("  FROM campaign_subscribers d" PERSON
	    " WHERE d.id > $3 AND d.id < " SENT_TO " AND +d.state = 4"),
	[PAGE_RARE] =
	    PAGE_OF("  FROM campaign_subscribers d" PERSON
	    " WHERE d.campaign_id = $1 AND d.rare = $2 AND d.id > $3"),
	[PAGE_BOUNCED] =
	    PAGE_OF("  FROM campaign_subscribers d"
	    "  /*+lite INDEXED BY campaign_subscribers_bounced */" PERSON
	    " WHERE d.campaign_id = $1 AND +d.state = $2 AND d.id > $3"
	    "   AND d.bounced_at IS NOT NULL"),
	/* A message id is looked for in the attempts, and in the rows where there is none. */
	[EXACT] =
	    "SELECT " COLUMNS(STATE_OF_D) FROM
	    " WHERE +d.campaign_id = $1 AND d.id IN"
	    "   (SELECT x.id FROM campaign_subscribers x"
	    "     WHERE x.campaign_id = $1 AND x.email_key = lower($2)"
	    "    UNION ALL SELECT a.delivery_id FROM send_attempts a"
	    "     WHERE a.message_id = $2)"
	    "   AND (CAST($3 AS BIGINT) = 0 OR d.bounced_at IS NOT NULL)"
	    "   AND (CAST($4 AS TEXT) = '' OR d.reason = $4)"
	    " ORDER BY d.state, d.id LIMIT $5",
	[ONE] = "SELECT " COLUMNS(STATE_OF_D) FROM
	    " WHERE d.campaign_id = $1 AND d.id = $2",
	[REASONS] =
	    "SELECT rare, reason, min(email_key), count(*), max(settled_at)"
	    "  FROM campaign_subscribers"
	    " WHERE campaign_id = $1 AND rare IN (3, 5, 6, 7)"
	    " GROUP BY rare, reason ORDER BY count(*) DESC, rare, reason LIMIT $2",
	[PACE] =
	    "SELECT COALESCE(sum(CASE WHEN r.finished_at > $2 THEN 1 ELSE 0 END), 0),"
	    "   COALESCE(min(r.finished_at), 0), count(*) FROM " SETTLED_LAST
	    " WHERE r.campaign_id > CAST($3 AS BIGINT)",
	[STEPS] =
	    "SELECT (r.finished_at - CAST($2 AS BIGINT)) / CAST($3 AS BIGINT), count(*)"
	    "  FROM " SETTLED_LAST " WHERE r.finished_at >= CAST($2 AS BIGINT)"
	    " GROUP BY 1",
	[NEXT_TRY] =
	    "SELECT min(next_try_at) FROM campaign_subscribers"
	    " WHERE campaign_id = $1 AND next_try_at IS NOT NULL",
	[LATEST] =
	    "SELECT " COLUMNS("d.state")
	    "  FROM (SELECT id, subscriber_id FROM campaign_subscribers WHERE"
	    "     id >= " FIRST_ID("$1") " AND id < " SENT_TO " ORDER BY id DESC LIMIT 2000) r"
	    "  JOIN campaign_subscribers d ON d.id = r.id" PERSON
	    " WHERE d.state = 4 ORDER BY d.settled_at DESC, d.id DESC LIMIT $2",
};
/* clang-format on */

enum err recipient_prepare(struct db *db)
{
	return db_prepare(db, sql, STATEMENTS);
}

static void read_row(struct stmt *s, void *mem, struct recipient *r)
{
	struct delivery *d = &r->d;

	d->id = stmt_int(s, 0);
	d->campaign_id = stmt_int(s, 1);
	d->subscriber_id = stmt_int(s, 2);
	d->state = (enum delivery_state)stmt_int(s, 3);
	d->email = stmt_copy(s, 4, mem);
	d->reason = stmt_copy(s, 5, mem);
	d->message_id = stmt_copy(s, 6, mem);
	d->tries = (int)stmt_int(s, 7) + (d->state == DELIVERY_INTENT);
	d->next_try_at = stmt_int(s, 8);
	d->settled_at = stmt_int(s, 9);
	d->delivered_at = stmt_int(s, 10);
	d->bounced_at = stmt_int(s, 11);
	d->opened_at = stmt_int(s, 12);
	d->machine_opened_at = stmt_int(s, 13);
	d->clicked_at = stmt_int(s, 14);
	d->machine_clicked_at = stmt_int(s, 15);
	d->unsubscribed_at = stmt_int(s, 16);
	r->bounce = stmt_copy(s, 17, mem);
	r->complained_at = stmt_int(s, 18);
	r->name = text_trim(mem,
	    mem_printf(mem, "%s %s", stmt_text(s, 19), stmt_text(s, 20)));
}

/* ---- pages ---- */

/* Of a cursor: state above, below it the number of the row in its campaign. */
enum { CURSOR_BITS = 32 };

static int64_t cursor_of(const struct delivery *d)
{
	return ((int64_t)d->state << CURSOR_BITS) | (d->id & 0xffffffff);
}

static int page_in(const struct recipient_filter *f, int state)
{
	if (f->bounced)
		return PAGE_BOUNCED;
	return state <= DELIVERY_INTENT  ? PAGE_PENDING + state
	    : state == DELIVERY_ACCEPTED ? PAGE_ACCEPTED
					 : PAGE_RARE;
}

/* Appends the rows of one state with ids above f->after, up to one more than wanted. */
static enum err page_of_state(struct db *db, void *mem, int64_t campaign, int state,
    const struct recipient_filter *f, struct recipient_rows *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[page_in(f, state)]);
	size_t most = (size_t)f->limit + 1;

	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, state);
	stmt_bind_int(s, 3, f->after);
	stmt_bind_text(s, 4, f->reason != NULL ? f->reason : "");
	stmt_bind_text(s, 5, like_part(mem, f->search));
	stmt_bind_text(s, 6, f->search != NULL ? f->search : "");
	stmt_bind_int(s, 7, (int64_t)(most - out->n));
	while (out->n < most && stmt_next(s))
		read_row(s, mem, &out->rows[out->n++]);
	return stmt_error(s);
}

static bool is_wanted(const struct recipient_filter *f, const struct recipient *r)
{
	return f->states == 0 || (f->states & 1u << r->d.state) != 0;
}

/* The rows whose whole address or message id was asked for: two looks into an index. */
static enum err page_exact(struct db *db, void *mem, int64_t campaign,
    const struct recipient_filter *f, struct recipient_rows *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[EXACT]);

	stmt_bind_int(s, 1, campaign);
	stmt_bind_text(s, 2, f->search);
	stmt_bind_int(s, 3, f->bounced);
	stmt_bind_text(s, 4, f->reason != NULL ? f->reason : "");
	stmt_bind_int(s, 5, f->limit);
	while (out->n < (size_t)f->limit && stmt_next(s)) {
		read_row(s, mem, &out->rows[out->n]);
		out->n += is_wanted(f, &out->rows[out->n]);
	}
	return stmt_error(s);
}

enum err recipient_page(struct db *db, void *mem, int64_t campaign,
    const struct recipient_filter *f, struct recipient_rows *out)
{
	size_t most =
	    (size_t)f->limit + 1; /* one more tells whether there is a next page */
	struct recipient_filter part = *f;
	int state = (int)(f->after >> CURSOR_BITS);
	enum err e = OK;

	*out =
	    (struct recipient_rows){ .rows = mem_array(mem, struct recipient, most) };
	if (f->after == 0 && !text_empty(f->search))
		e = page_exact(db, mem, campaign, f, out);
	if (e != OK || out->n > 0)
		return e;
	part.after = (campaign << CURSOR_BITS) | (f->after & 0xffffffff);
	for (; e == OK && state < DELIVERY_STATES && out->n < most; state++) {
		if (f->states == 0 || (f->states & 1u << state) != 0)
			e = page_of_state(db, mem, campaign, state, &part, out);
		part.after = campaign << CURSOR_BITS;
	}
	if (e == OK && out->n == most)
		out->next = cursor_of(&out->rows[--out->n - 1].d);
	return e;
}

enum err recipient_get(struct db *db, void *mem, int64_t campaign, int64_t id,
    struct recipient **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[ONE]);
	enum err e;

	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, id);
	e = stmt_row(s);
	if (e != OK)
		return e;
	*out = mem_new(mem, struct recipient);
	read_row(s, mem, *out);
	return OK;
}

/* ---- what is said of a running campaign ---- */

enum err recipient_reasons(struct db *db, void *mem, int64_t campaign,
    struct recipient_reason **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[REASONS]);

	*n = 0;
	*out = mem_array(mem, struct recipient_reason, REASONS_MAX);
	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, REASONS_MAX);
	while (*n < REASONS_MAX && stmt_next(s)) {
		struct recipient_reason *r = &(*out)[(*n)++];

		r->state = (enum delivery_state)stmt_int(s, 0);
		r->reason = stmt_copy(s, 1, mem);
		r->example = stmt_copy(s, 2, mem);
		r->n = stmt_int(s, 3);
		r->last_at = stmt_int(s, 4);
	}
	return stmt_error(s);
}

static enum err read_pace(struct db *db, int64_t campaign, int64_t now,
    struct recipient_pace *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[PACE]);
	enum err e;

	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, now - 60000);
	stmt_bind_int(s, 3, 0);
	stmt_bind_int(s, 4, PACE_ATTEMPTS);
	e = stmt_row(s);
	if (e != OK)
		return e;
	out->settled = stmt_int(s, 0);
	out->span_ms = 60000;
	if (stmt_int(s, 2) >= PACE_ATTEMPTS && now - stmt_int(s, 1) < out->span_ms)
		out->span_ms = now - stmt_int(s, 1) > 0 ? now - stmt_int(s, 1) : 1;
	return OK;
}

static enum err read_steps(struct db *db, int64_t campaign, int64_t now,
    struct recipient_pace *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[STEPS]);

	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, now - (int64_t)PACE_STEPS * PACE_STEP_MS);
	stmt_bind_int(s, 3, PACE_STEP_MS);
	stmt_bind_int(s, 4, PACE_ATTEMPTS);
	while (stmt_next(s)) {
		int64_t i = stmt_int(s, 0);

		if (i >= 0 && i < PACE_STEPS)
			out->step[i] = stmt_int(s, 1);
	}
	return stmt_error(s);
}

enum err recipient_pace(struct db *db, int64_t campaign, int64_t now,
    struct recipient_pace *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[NEXT_TRY]);
	enum err e;

	memset(out, 0, sizeof(*out));
	stmt_bind_int(s, 1, campaign);
	e = stmt_row(s);
	if (e == OK)
		out->next_try_at = stmt_int(s, 0);
	if (e == OK)
		e = read_pace(db, campaign, now, out);
	if (e == OK)
		e = read_steps(db, campaign, now, out);
	return e;
}

enum err recipient_latest(struct db *db, void *mem, int64_t campaign, int limit,
    struct recipient **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LATEST]);

	*n = 0;
	*out = mem_array(mem, struct recipient, (size_t)limit);
	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, limit);
	while (*n < (size_t)limit && stmt_next(s))
		read_row(s, mem, &(*out)[(*n)++]);
	return stmt_error(s);
}
