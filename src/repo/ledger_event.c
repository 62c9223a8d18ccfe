#include "repo/ledger_event.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "repo/ledger_attempt.h"

enum {
	FIND,
	FIND_MESSAGE,
	STATE,
	ATTEMPT,
	DELIVERED,
	BOUNCED,
	COMPLAINED,
	STATS,
};

/* clang-format off */
#define FOUND \
	"SELECT d.id, d.campaign_id, d.subscriber_id, a.id, d.attempt_id, d.state," \
	"  d.email_key, d.message_id, d.bounce, d.delivered_at, d.bounced_at, d.complained_at" \
	"  FROM send_attempts a JOIN campaign_subscribers d ON d.id = a.delivery_id" \
	"  JOIN campaigns c ON c.id = d.campaign_id"
#define PLUS(column) column " = campaign_stats." column " + excluded." column

static const char *const sql[] = {
	[FIND] = FOUND " WHERE a.id = $2 AND c.brand_id = $1 /*+pg FOR UPDATE OF d */",
	[FIND_MESSAGE] = FOUND " WHERE a.message_id = $2 AND +c.brand_id = $1"
	                 " ORDER BY +a.id LIMIT 1 /*+pg FOR UPDATE OF d */",
	[STATE] = "UPDATE campaign_subscribers SET state = $3, reason = $4, settled_at = $5,"
	          "   owner = NULL, next_try_at = NULL, message_id = COALESCE(message_id, $6)"
	          " WHERE id = $1 AND state = $2",
	[ATTEMPT] = "UPDATE send_attempts SET outcome = $2, error = $3,"
	            "   finished_at = COALESCE(finished_at, $4),"
	            "   message_id = COALESCE(message_id, $5)"
	            " WHERE id = $1 AND (outcome IN (0, 3, 7) OR outcome = 4"
	            "   AND (CAST($2 AS BIGINT) = 5 OR message_id IS NULL))",
	[DELIVERED] = "UPDATE campaign_subscribers SET delivered_at = $2 WHERE id = $1",
	[BOUNCED] = "UPDATE campaign_subscribers SET bounced_at = $2, bounce = $3 WHERE id = $1",
	[COMPLAINED] = "UPDATE campaign_subscribers SET complained_at = $2 WHERE id = $1",
	[STATS] = "INSERT INTO campaign_stats (campaign_id, delivered, bounced, soft_bounced,"
	          "   complained, last_event_at) VALUES ($1, $2, $3, $4, $5, $6)"
	          " ON CONFLICT (campaign_id) DO UPDATE SET " PLUS("delivered") ", "
	          PLUS("bounced") ", " PLUS("soft_bounced") ", " PLUS("complained") ","
	          " last_event_at = CASE WHEN campaign_stats.last_event_at > excluded.last_event_at"
	          "   THEN campaign_stats.last_event_at ELSE excluded.last_event_at END",
};
/* clang-format on */

enum err ledger_event_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

/* ---- finding ---- */

static enum err read_row(struct stmt *s, void *mem, struct told_mail **out)
{
	struct told_mail *m;
	enum err e = stmt_row(s);

	if (e != OK)
		return e;
	m = *out = mem_new(mem, struct told_mail);
	*m = (struct told_mail){
		.delivery_id = stmt_int(s, 0),
		.campaign_id = stmt_int(s, 1),
		.subscriber_id = stmt_int(s, 2),
		.attempt_id = stmt_int(s, 3),
		.last_attempt_id = stmt_int(s, 4),
		.state = (enum delivery_state)stmt_int(s, 5),
		.email_key = stmt_copy(s, 6, mem),
		.message_id = stmt_copy(s, 7, mem),
		.bounce = stmt_copy(s, 8, mem),
		.delivered_at = stmt_int(s, 9),
		.bounced_at = stmt_int(s, 10),
		.complained_at = stmt_int(s, 11),
	};
	return OK;
}

enum err ledger_event_find(struct db *db, void *mem, int64_t brand, int64_t attempt,
    struct told_mail **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[FIND]);

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, attempt);
	return read_row(s, mem, out);
}

enum err ledger_event_find_message(struct db *db, void *mem, int64_t brand,
    const char *message_id, struct told_mail **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[FIND_MESSAGE]);

	stmt_bind_int(s, 1, brand);
	stmt_bind_text(s, 2, message_id);
	return read_row(s, mem, out);
}

/* ---- states ---- */

/* What an event says of its attempt. */
struct told {
	enum delivery_state outcome;
	const char *message_id, *error;
	int64_t now;
};

static enum err move(struct db *db, struct told_mail *m, enum delivery_state to,
    const struct told *what)
{
	STMT_SCOPE s = db_stmt(db, &sql[STATE]);
	struct moved moved = { { 0 } };
	enum err e;

	stmt_bind_int(s, 1, m->delivery_id);
	stmt_bind_int(s, 2, m->state);
	stmt_bind_int(s, 3, to);
	stmt_bind_text(s, 4, what->error);
	stmt_bind_int(s, 5, what->now);
	stmt_bind_text(s, 6, what->message_id);
	e = stmt_run(s);
	if (e == OK && stmt_changes(s) != 1)
		return ERR_BUSY; /* moved under us: the provider comes again */
	moved.n[m->state] = -1;
	moved.n[to] = 1;
	m->state = to;
	return e == OK ? ledger_count_moved(db, m->campaign_id, &moved) : e;
}

static enum err end_attempt(struct db *db, const struct told_mail *m,
    const struct told *what)
{
	STMT_SCOPE s = db_stmt(db, &sql[ATTEMPT]);

	stmt_bind_int(s, 1, m->attempt_id);
	stmt_bind_int(s, 2, what->outcome);
	stmt_bind_text(s, 3, what->error);
	stmt_bind_int(s, 4, what->now);
	stmt_bind_text(s, 5, what->message_id);
	return stmt_run(s);
}

/* The row by all its attempts. */
static enum err derive(struct db *db, const struct told_mail *m, int64_t now)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "told");
	struct buf *ids = buf_new(tmp);
	struct moved moved = { { 0 } };
	enum err e;

	ledger_add_id(ids, m->delivery_id);
	e = ledger_derive(db, ids, now, &moved);
	return e == OK ? ledger_count_moved(db, m->campaign_id, &moved) : e;
}

enum err ledger_event_accepted(struct db *db, const struct told_mail *m,
    const char *message_id, int64_t now)
{
	const struct told what = { DELIVERY_ACCEPTED, message_id, "", now };
	enum err e = end_attempt(db, m, &what);

	return e == OK && m->state != DELIVERY_ACCEPTED ? derive(db, m, now) : e;
}

/* The row is what it is by this attempt, or waits for another one after it. */
static bool rests_on(const struct told_mail *m)
{
	return m->attempt_id == m->last_attempt_id && m->state != DELIVERY_SKIPPED &&
	    m->state != DELIVERY_CANCELLED && m->state != DELIVERY_REJECTED;
}

enum err ledger_event_rejected(struct db *db, struct told_mail *m,
    const char *message_id, const char *reason, int64_t now)
{
	const struct told what = { DELIVERY_REJECTED, message_id, reason, now };
	enum err e = end_attempt(db, m, &what);

	if (e == OK && rests_on(m))
		e = move(db, m, DELIVERY_REJECTED, &what);
	return e == OK ? derive(db, m, now) : e;
}

/* ---- facts ---- */

/* What one event adds to the figures of the campaign. */
struct gain {
	int delivered, bounced, soft_bounced, complained;
};

static enum err count(struct db *db, const struct told_mail *m, const struct gain *g,
    int64_t at)
{
	STMT_SCOPE s = db_stmt(db, &sql[STATS]);

	stmt_bind_int(s, 1, m->campaign_id);
	stmt_bind_int(s, 2, g->delivered);
	stmt_bind_int(s, 3, g->bounced);
	stmt_bind_int(s, 4, g->soft_bounced);
	stmt_bind_int(s, 5, g->complained);
	stmt_bind_int(s, 6, at);
	return stmt_run(s);
}

/* The earliest time stays, so that order does not matter. */
static enum err mark(struct db *db, int which, const struct told_mail *m, int64_t *was,
    int64_t at)
{
	STMT_SCOPE s = db_stmt(db, &sql[which]);

	if (*was != 0 && *was <= at)
		return OK;
	*was = at;
	stmt_bind_int(s, 1, m->delivery_id);
	stmt_bind_int(s, 2, at);
	return stmt_run(s);
}

enum err ledger_event_delivered(struct db *db, struct told_mail *m, int64_t at)
{
	const struct gain g = { .delivered = m->delivered_at == 0 };
	enum err e = mark(db, DELIVERED, m, &m->delivered_at, at);

	return e == OK ? count(db, m, &g, at) : e;
}

enum err ledger_event_complained(struct db *db, struct told_mail *m, int64_t at)
{
	const struct gain g = { .complained = m->complained_at == 0 };
	enum err e = mark(db, COMPLAINED, m, &m->complained_at, at);

	return e == OK ? count(db, m, &g, at) : e;
}

enum { NO_BOUNCE, TRANSIENT, SUPPRESSED, PERMANENT };

static int rank(const char *bounce)
{
	if (text_empty(bounce))
		return NO_BOUNCE;
	if (text_starts(bounce, "permanent"))
		return PERMANENT;
	return text_starts(bounce, "suppressed") ? SUPPRESSED : TRANSIENT;
}

/* Stronger; else earlier; else the smaller text: a total order. */
static bool replaces(const struct told_mail *m, const char *bounce, int64_t at)
{
	int old = rank(m->bounce), new = rank(bounce);

	if (old != new)
		return new > old;
	if (at != m->bounced_at)
		return at < m->bounced_at;
	return strcmp(bounce, m->bounce) < 0;
}

enum err ledger_event_bounced(struct db *db, struct told_mail *m, const char *bounce,
    int64_t at)
{
	STMT_SCOPE s = db_stmt(db, &sql[BOUNCED]);
	struct gain g = { 0 };
	enum err e = OK;

	if (replaces(m, bounce, at)) {
		g.bounced =
		    (rank(bounce) == PERMANENT) - (rank(m->bounce) == PERMANENT);
		g.soft_bounced =
		    (rank(bounce) == TRANSIENT) - (rank(m->bounce) == TRANSIENT);
		m->bounce = bounce;
		m->bounced_at = at;
		stmt_bind_int(s, 1, m->delivery_id);
		stmt_bind_int(s, 2, at);
		stmt_bind_text(s, 3, bounce);
		e = stmt_run(s);
	}
	return e == OK ? count(db, m, &g, at) : e;
}
