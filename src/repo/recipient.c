#include "repo/recipient.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "repo/like.h"

#define COLUMNS                                                                        \
	"d.id, d.campaign_id, d.subscriber_id, d.attempt_id, d.state, d.email, "       \
	"d.reason,"                                                                    \
	" d.message_id, d.tries, d.next_try_at, d.claimed_at, d.settled_at, "          \
	"d.delivered_at,"                                                              \
	" d.bounced_at, d.opened_at, d.machine_opened_at, d.clicked_at, "              \
	"d.machine_clicked_at,"                                                        \
	" d.unsubscribed_at, d.bounce, d.complained_at,"                               \
	" COALESCE(s.first_name, ''), COALESCE(s.last_name, '')"

#define FROM                                                                           \
	"  FROM campaign_subscribers d LEFT JOIN subscribers s ON s.id = "             \
	"d.subscriber_id"

#define CHOSEN                                                                         \
	"d.campaign_id = $1 AND d.state = $2 AND d.id > $3"                            \
	" AND (CAST($4 AS TEXT) = '' OR d.reason = $4)"                                \
	" AND (CAST($5 AS TEXT) = '' OR d.email_key LIKE lower($5) ESCAPE '!'"         \
	"      OR d.message_id = $6)"

enum {
	PAGE,
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

/* clang-format off */
static const char *const sql[STATEMENTS] = {
	[PAGE] =
	    "SELECT " COLUMNS FROM " WHERE " CHOSEN
	    " ORDER BY d.id LIMIT $7",
	[PAGE_BOUNCED] =
	    "SELECT " COLUMNS
	    "  FROM campaign_subscribers d"
	    "  /*+lite INDEXED BY campaign_subscribers_bounced */"
	    "  LEFT JOIN subscribers s ON s.id = d.subscriber_id"
	    " WHERE " CHOSEN " AND d.bounced_at IS NOT NULL ORDER BY d.id LIMIT $7",
	[EXACT] =
	    "SELECT " COLUMNS FROM
	    " WHERE +d.campaign_id = $1 AND d.id IN"
	    "   (SELECT x.id FROM campaign_subscribers x"
	    "     WHERE x.campaign_id = $1 AND x.email_key = lower($2)"
	    "    UNION ALL SELECT a.delivery_id FROM send_attempts a"
	    "     WHERE a.message_id = $2)"
	    "   AND (CAST($3 AS BIGINT) = 0 OR d.bounced_at IS NOT NULL)"
	    "   AND (CAST($4 AS TEXT) = '' OR d.reason = $4)"
	    " ORDER BY d.state, d.id LIMIT $5",
	[ONE] = "SELECT " COLUMNS FROM " WHERE d.campaign_id = $1 AND d.id = $2",
	[REASONS] =
	    "SELECT state, reason, min(email), count(*), max(settled_at)"
	    "  FROM campaign_subscribers"
	    " WHERE campaign_id = $1 AND state IN (3, 5, 6, 7)"
	    " GROUP BY state, reason ORDER BY count(*) DESC, state, reason LIMIT $2",
	[PACE] =
	    "SELECT COALESCE(sum(CASE WHEN r.campaign_id = $1 AND r.finished_at > $2"
	    "         THEN 1 ELSE 0 END), 0), COALESCE(min(r.started_at), 0), count(*)"
	    "  FROM (SELECT campaign_id, started_at, finished_at FROM send_attempts"
	    "         ORDER BY id DESC LIMIT $3) r",
	[STEPS] =
	    "SELECT (r.finished_at - CAST($2 AS BIGINT)) / CAST($3 AS BIGINT), count(*)"
	    "  FROM (SELECT campaign_id, finished_at FROM send_attempts"
	    "         ORDER BY id DESC LIMIT $4) r"
	    " WHERE r.campaign_id = $1 AND r.finished_at >= CAST($2 AS BIGINT)"
	    " GROUP BY 1",
	[NEXT_TRY] =
	    "SELECT min(next_try_at) FROM campaign_subscribers"
	    " WHERE campaign_id = $1 AND state = 3",
	[LATEST] =
	    "SELECT " COLUMNS
	    "  FROM (SELECT id, delivery_id FROM send_attempts WHERE campaign_id = $1"
	    "           AND id > (SELECT COALESCE(max(id), 0) - 2000 FROM"
	    " send_attempts)"
	    "           AND outcome = 4 ORDER BY id DESC LIMIT $2) r"
	    "  JOIN campaign_subscribers d ON d.id = r.delivery_id"
	    "  LEFT JOIN subscribers s ON s.id = d.subscriber_id ORDER BY r.id DESC",
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
	d->attempt_id = stmt_int(s, 3);
	d->state = (enum delivery_state)stmt_int(s, 4);
	d->email = stmt_copy(s, 5, mem);
	d->reason = stmt_copy(s, 6, mem);
	d->message_id = stmt_copy(s, 7, mem);
	d->tries = (int)stmt_int(s, 8);
	d->next_try_at = stmt_int(s, 9);
	d->claimed_at = stmt_int(s, 10);
	d->settled_at = stmt_int(s, 11);
	d->delivered_at = stmt_int(s, 12);
	d->bounced_at = stmt_int(s, 13);
	d->opened_at = stmt_int(s, 14);
	d->machine_opened_at = stmt_int(s, 15);
	d->clicked_at = stmt_int(s, 16);
	d->machine_clicked_at = stmt_int(s, 17);
	d->unsubscribed_at = stmt_int(s, 18);
	r->bounce = stmt_copy(s, 19, mem);
	r->complained_at = stmt_int(s, 20);
	r->name = text_trim(mem,
	    mem_printf(mem, "%s %s", stmt_text(s, 21), stmt_text(s, 22)));
}

/* ---- pages ---- */

enum { CURSOR_ID_BITS = 56 }; /* of a cursor: state above, id below */

static int64_t cursor_of(const struct delivery *d)
{
	return ((int64_t)d->state << CURSOR_ID_BITS) | d->id;
}

/* Appends the rows of one state with ids above f->after, up to one more than wanted. */
static enum err page_of_state(struct db *db, void *mem, int64_t campaign, int state,
    const struct recipient_filter *f, struct recipient_rows *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[f->bounced ? PAGE_BOUNCED : PAGE]);
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
	int state = (int)(f->after >> CURSOR_ID_BITS);
	enum err e = OK;

	*out =
	    (struct recipient_rows){ .rows = mem_array(mem, struct recipient, most) };
	if (f->after == 0 && !text_empty(f->search))
		e = page_exact(db, mem, campaign, f, out);
	if (e != OK || out->n > 0)
		return e;
	part.after &= ((int64_t)1 << CURSOR_ID_BITS) - 1;
	for (; e == OK && state < DELIVERY_STATES && out->n < most; state++) {
		if (f->states == 0 || (f->states & 1u << state) != 0)
			e = page_of_state(db, mem, campaign, state, &part, out);
		part.after = 0;
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
	stmt_bind_int(s, 3, PACE_ATTEMPTS);
	e = stmt_row(s);
	if (e != OK)
		return e;
	out->settled = stmt_int(s, 0);
	out->span_ms = 60000;
	if (stmt_int(s, 2) == PACE_ATTEMPTS && now - stmt_int(s, 1) < out->span_ms)
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
