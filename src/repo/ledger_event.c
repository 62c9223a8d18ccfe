#include "repo/ledger_event.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "repo/ledger_attempt.h"

enum {
	SETTLED,
	FIND,
	FIND_ATTEMPT,
	FIND_MESSAGE,
	FIND_BATCH,
	SETTLE,
	STATE,
	SEEN,
	NAME,
	ATTEMPT,
	MISSED,
	OTHERS,
	DELIVERED,
	BOUNCED,
	COMPLAINED,
	STATS,
};

/* clang-format off */
#define PLUS(column) column " = campaign_stats." column " + excluded." column

static const char *const sql[] = {
	[SETTLED] = "SELECT d.campaign_id, CASE WHEN d.state = 4 AND d.tries >= $3 THEN 1 ELSE 0 END"
	            "  FROM campaign_subscribers d JOIN campaigns c ON c.id = d.campaign_id"
	            " WHERE d.id = $2 AND +c.brand_id = $1",
	[FIND] = "SELECT d.campaign_id, d.subscriber_id, d.tries, " STATE_OF_D ","
	         "  d.email_key, d.message_id, d.bounce, d.delivered_at, d.bounced_at, d.complained_at"
	         "  FROM campaign_subscribers d" CURSOR_OF_D " WHERE d.id = $1 /*+pg FOR UPDATE OF d */",
	[FIND_ATTEMPT] = "SELECT delivery_id, try FROM send_attempts WHERE id = $1",
	/* A campaign of the brand has an address once, so this is one look for each campaign. */
	[FIND_MESSAGE] = "SELECT d.id, d.tries FROM campaigns c JOIN campaign_subscribers d"
	                 "  ON d.campaign_id = c.id AND d.email_key = $3 AND d.message_id = $2"
	                 " WHERE c.brand_id = $1 AND c.status <> 'draft' UNION ALL"
	                 " SELECT a.delivery_id, a.try FROM send_attempts a"
	                 "  JOIN campaigns c ON c.id = a.campaign_id"
	                 " WHERE a.message_id = $2 AND +c.brand_id = $1 LIMIT 1",
	[FIND_BATCH] = "SELECT r.batch FROM " IN_OPEN_BATCHES("$1") " r WHERE r.delivery = $2 LIMIT 1",
	[SETTLE] = "UPDATE campaign_subscribers SET state = 4, tries = $2, reason = '', settled_at = $3,"
	           "   next_try_at = NULL WHERE id = $1",
	[STATE] = "UPDATE campaign_subscribers SET state = $3, reason = $4, settled_at = $5,"
	          "   next_try_at = NULL WHERE id = $1 AND state = $2",
	[SEEN] = "UPDATE send_cursors SET seen_to = $2 WHERE campaign_id = $1 AND seen_to < $2",
	[NAME] = "UPDATE campaign_subscribers SET message_id = $2"
	         " WHERE id = $1 AND message_id IS NULL",
	/* An event of SES's changes an outcome only to what is more certain. */
	[ATTEMPT] = "UPDATE send_attempts SET outcome = CAST($3 AS BIGINT), error = $4, finished_at = $5,"
	            "   message_id = COALESCE(message_id, $6)"
	            " WHERE delivery_id = $1 AND try = $2 AND (outcome IN (3, 7)"
	            "   OR outcome = 4 AND (CAST($3 AS BIGINT) = 5 OR message_id IS NULL))",
	[MISSED] = "INSERT INTO send_attempts (campaign_id, delivery_id, try, started_at, finished_at,"
	           "   outcome, cause, message_id, error) VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8)"
	           " ON CONFLICT (delivery_id, try) DO NOTHING",
	[OTHERS] = "SELECT min(outcome) FROM send_attempts WHERE delivery_id = $1 AND outcome IN (4, 7)",
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

static const char not_known[] =
    "Not known: this database is older than a later try of the same email.";

enum err ledger_event_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

/* ---- finding ---- */

/*
 * Whoever settles a row by an event has the ledger of the campaign alone; what is told
 * of a row that is settled needs the row alone.
 */
static enum err lock_for(struct db *db, int64_t brand, int64_t delivery, int tries)
{
	STMT_SCOPE s = db_stmt(db, &sql[SETTLED]);
	enum err e;

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, delivery);
	stmt_bind_int(s, 3, tries);
	e = stmt_row(s);
	if (e != OK || stmt_int(s, 1) == 1)
		return e;
	return ledger_lock(db, stmt_int(s, 0), LEDGER_ALONE);
}

static enum err find_batch(struct db *db, struct told_mail *m)
{
	STMT_SCOPE s = db_stmt(db, &sql[FIND_BATCH]);
	enum err e;

	stmt_bind_int(s, 1, m->campaign_id);
	stmt_bind_int(s, 2, m->delivery_id);
	e = stmt_row(s);
	m->batch_id = e == OK ? stmt_int(s, 0) : 0;
	return e == ERR_NOTFOUND ? ERR_INTERNAL : e;
}

static enum err read_row(struct db *db, void *mem, struct told_mail *m)
{
	STMT_SCOPE s = db_stmt(db, &sql[FIND]);
	enum err e;

	stmt_bind_int(s, 1, m->delivery_id);
	e = stmt_row(s);
	if (e != OK)
		return e;
	m->campaign_id = stmt_int(s, 0);
	m->subscriber_id = stmt_int(s, 1);
	m->settled = (int)stmt_int(s, 2);
	m->state = (enum delivery_state)stmt_int(s, 3);
	m->email_key = stmt_copy(s, 4, mem);
	m->message_id = stmt_copy(s, 5, mem);
	m->bounce = stmt_copy(s, 6, mem);
	m->delivered_at = stmt_int(s, 7);
	m->bounced_at = stmt_int(s, 8);
	m->complained_at = stmt_int(s, 9);
	return m->state == DELIVERY_INTENT ? find_batch(db, m) : OK;
}

enum err ledger_event_find(struct db *db, void *mem, int64_t brand, int64_t delivery,
    int tries, struct told_mail **out)
{
	enum err e = lock_for(db, brand, delivery, tries);

	if (e != OK)
		return e;
	*out = mem_new(mem, struct told_mail);
	**out = (struct told_mail){ .delivery_id = delivery, .tries = tries };
	return read_row(db, mem, *out);
}

/* The delivery and the try that a statement gives. */
static enum err find_by(struct db *db, void *mem, int64_t brand, struct stmt *s,
    struct told_mail **out)
{
	enum err e = stmt_row(s);
	int64_t delivery = e == OK ? stmt_int(s, 0) : 0;
	int tries = e == OK ? (int)stmt_int(s, 1) : 0;

	return e == OK ? ledger_event_find(db, mem, brand, delivery, tries, out) : e;
}

enum err ledger_event_find_attempt(struct db *db, void *mem, int64_t brand,
    int64_t attempt, struct told_mail **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[FIND_ATTEMPT]);

	stmt_bind_int(s, 1, attempt);
	return find_by(db, mem, brand, s, out);
}

enum err ledger_event_find_message(struct db *db, void *mem, int64_t brand,
    const char *message_id, const char *email_key, struct told_mail **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[FIND_MESSAGE]);

	stmt_bind_int(s, 1, brand);
	stmt_bind_text(s, 2, message_id);
	stmt_bind_text(s, 3, email_key);
	return find_by(db, mem, brand, s, out);
}

/* ---- states ---- */

static enum err count_move(struct db *db, struct told_mail *m, enum delivery_state to)
{
	struct moved moved = { { 0 } };

	moved.n[m->state]--;
	moved.n[to]++;
	m->state = to;
	return ledger_count_moved(db, m->campaign_id, &moved);
}

static enum err move(struct db *db, struct told_mail *m, enum delivery_state to,
    const char *reason, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[STATE]);
	enum err e;

	stmt_bind_int(s, 1, m->delivery_id);
	stmt_bind_int(s, 2, m->state);
	stmt_bind_int(s, 3, to);
	stmt_bind_text(s, 4, reason);
	stmt_bind_int(s, 5, now);
	e = stmt_run(s);
	if (e == OK && stmt_changes(s) != 1)
		return ERR_BUSY; /* moved under us: the provider comes again */
	return e == OK ? count_move(db, m, to) : e;
}

/* What is known of the attempt, if there is one. */
static enum err end_attempt(struct db *db, const struct told_mail *m,
    enum delivery_state outcome, const char *error, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[ATTEMPT]);

	stmt_bind_int(s, 1, m->delivery_id);
	stmt_bind_int(s, 2, m->tries);
	stmt_bind_int(s, 3, outcome);
	stmt_bind_text(s, 4, error);
	stmt_bind_int(s, 5, now);
	stmt_bind_text(s, 6, m->message_id);
	return stmt_run(s);
}

struct missed {
	int tries;
	enum delivery_state outcome;
	const char *error;
};

static enum err add_attempt(struct db *db, const struct told_mail *m,
    const struct missed *a, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[MISSED]);

	stmt_bind_int(s, 1, m->campaign_id);
	stmt_bind_int(s, 2, m->delivery_id);
	stmt_bind_int(s, 3, a->tries);
	stmt_bind_int(s, 4, now);
	stmt_bind_int(s, 5, a->outcome);
	stmt_bind_int(s, 6, a->tries == m->tries ? CAUSE_RECIPIENT : CAUSE_UNKNOWN);
	stmt_bind_text(s, 7, a->tries == m->tries ? m->message_id : NULL);
	stmt_bind_text(s, 8, a->error);
	return stmt_run(s);
}

static enum err name(struct db *db, struct told_mail *m, const char *message_id)
{
	STMT_SCOPE s = db_stmt(db, &sql[NAME]);

	if (m->message_id != NULL)
		return OK;
	m->message_id = message_id;
	stmt_bind_int(s, 1, m->delivery_id);
	stmt_bind_text(s, 2, message_id);
	return stmt_run(s);
}

/*
 * The attempts up to the one that the event is of.  The try before it may be missing
 * when the database was restored from an older copy.
 */
static enum err add_attempts(struct db *db, const struct told_mail *m, int64_t now)
{
	enum err e = OK;

	for (int i = m->settled + 1; e == OK && m->tries > 1 && i <= m->tries; i++) {
		struct missed a = { i, DELIVERY_RETRY, not_known };

		if (i == m->tries)
			a = (struct missed){ i, DELIVERY_ACCEPTED, "" };
		e = add_attempt(db, m, &a, now);
	}
	return e;
}

static enum err note_seen(struct db *db, const struct told_mail *m)
{
	STMT_SCOPE s = db_stmt(db, &sql[SEEN]);

	stmt_bind_int(s, 1, m->campaign_id);
	stmt_bind_int(s, 2, m->delivery_id + 1);
	return stmt_run(s);
}

/* The event is the first that we hear of this try. */
static enum err settle(struct db *db, struct told_mail *m, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[SETTLE]);
	enum err e = add_attempts(db, m, now);

	if (e != OK)
		return e;
	stmt_bind_int(s, 1, m->delivery_id);
	stmt_bind_int(s, 2, m->tries);
	stmt_bind_int(s, 3, now);
	e = stmt_run(s);
	if (e == OK && m->state == DELIVERY_INTENT)
		e = ledger_batch_less(db, m->batch_id, 1);
	if (e == OK && m->state == DELIVERY_PENDING)
		e = note_seen(db, m);
	m->settled = m->tries;
	return e == OK ? count_move(db, m, DELIVERY_ACCEPTED) : e;
}

/* One that was settled otherwise, unless it was told of it that the mail was refused.
 */
static enum err settle_earlier(struct db *db, struct told_mail *m, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[OTHERS]);
	enum err e = end_attempt(db, m, DELIVERY_ACCEPTED, "", now);

	if (e != OK || m->state == DELIVERY_ACCEPTED || m->state == DELIVERY_INTENT)
		return e;
	stmt_bind_int(s, 1, m->delivery_id);
	e = stmt_row(s);
	if (e != OK || stmt_int(s, 0) != DELIVERY_ACCEPTED)
		return e;
	return move(db, m, DELIVERY_ACCEPTED, "", now);
}

enum err ledger_event_accepted(struct db *db, struct told_mail *m,
    const char *message_id, int64_t now)
{
	enum err e = name(db, m, message_id);

	if (e != OK)
		return e;
	return m->tries > m->settled ? settle(db, m, now) : settle_earlier(db, m, now);
}

/* What is left of a row whose mail was thrown away: what its other tries say. */
static enum err fall_back(struct db *db, struct told_mail *m, const char *reason,
    int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[OTHERS]);
	enum err e;

	stmt_bind_int(s, 1, m->delivery_id);
	e = stmt_row(s);
	if (e != OK || stmt_int(s, 0) == DELIVERY_ACCEPTED)
		return e;
	return move(db, m,
	    stmt_int(s, 0) == DELIVERY_DOUBT ? DELIVERY_GIVEN_UP : DELIVERY_REJECTED,
	    reason, now);
}

/* It had the mail, as if it had said so before. */
enum err ledger_event_rejected(struct db *db, struct told_mail *m,
    const char *message_id, const char *reason, int64_t now)
{
	const struct missed a = { m->tries, DELIVERY_REJECTED, reason };
	enum err e = ledger_event_accepted(db, m, message_id, now);

	if (e == OK)
		e = end_attempt(db, m, DELIVERY_REJECTED, reason, now);
	if (e == OK)
		e = add_attempt(db, m, &a, now);
	return e == OK && m->state == DELIVERY_ACCEPTED ? fall_back(db, m, reason, now)
							: e;
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
