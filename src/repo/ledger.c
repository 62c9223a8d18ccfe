#include "repo/ledger.h"

#include <json-c/json.h>
#include <string.h>

#include "base/buf.h"
#include "base/failpoint.h"
#include "base/json.h"
#include "base/mem.h"
#include "repo/campaign.h"
#include "repo/campaign_row.h"
#include "repo/ledger_attempt.h"

enum {
	COUNT,
	COUNTS,
	RECOUNT,
	FREEZE_STATE,
	FREEZE_BOUND,
	FREEZE_ROWS,
	FREEZE_FOLLOW,
	FREEZE_MARK,
	FREEZE_CURSOR,
	LINKS,
	LINK_ADD,
};

/*
 * Of the people of brand $4 with ids above $2, up to $3, those of the audience.  In the
 * order of their addresses: in a large ledger each page of the index that makes an
 * address unique is then written once for a batch and not for every row.  The campaign
 * is locked, so nobody else gives numbers; those of rows that were there already stay
 * free, and nothing minds the gap.
 */
/* clang-format off */
#define FREEZE(audience) \
	"INSERT INTO campaign_subscribers" \
	"   (id, campaign_id, subscriber_id, email, email_key)" \
	" SELECT (SELECT COALESCE(max(l.id), " FIRST_ID("$1") ")" \
	"     FROM campaign_subscribers l WHERE " OF_CAMPAIGN("l", "$1") ")" \
	"   + row_number() OVER (ORDER BY s.email_key), CAST($1 AS BIGINT), s.id," \
	"   nullif(s.email /*+pg COLLATE \"C\" */, s.email_key), s.email_key" \
	"  FROM subscribers s" \
	"  WHERE s.brand_id = $4 AND s.id > $2 AND s.id <= $3" \
	"    AND s.status = 'active' AND " audience \
	"    AND (SELECT 1 FROM suppressions x WHERE x.brand_id = $4" \
	"          AND x.email_key = s.email_key LIMIT 1) IS NULL" \
	"  ORDER BY s.email_key" \
	" ON CONFLICT DO NOTHING"
/* clang-format on */

static const char *const sql[] = {
	/* In the order of the states: two workers cannot lock crosswise. */
	[COUNT] = "INSERT INTO campaign_counts (campaign_id, state, n)"
		  " SELECT CAST($1 AS BIGINT), " NUMBER(0) ", " NUMBER(1) " FROM " ROWS(
		      "$2") " WHERE true ORDER BY 2"
			    " ON CONFLICT (campaign_id, state)"
			    "   DO UPDATE SET n = campaign_counts.n + excluded.n",
	[COUNTS] = "SELECT state, n FROM campaign_counts WHERE campaign_id = $1",
	[RECOUNT] = "SELECT " STATE_OF_D ", count(*)"
		    "  FROM campaign_subscribers d" CURSOR_OF_D
		    " WHERE " OF_CAMPAIGN("d", "$1") " GROUP BY 1",
	[FREEZE_STATE] = "SELECT brand_id, freeze_after, frozen_at, audience_kind,"
			 "   parent_id FROM campaigns"
			 " WHERE id = $1 AND status = 'sending' /*+pg FOR UPDATE */",
	[FREEZE_BOUND] = "SELECT max(id) FROM (SELECT id FROM subscribers"
			 " WHERE brand_id = $1 AND id > $2 ORDER BY id LIMIT $3) x",
	[FREEZE_ROWS] =
	    FREEZE("EXISTS (SELECT 1 FROM campaign_audience a JOIN list_subscribers l"
		   "          ON l.list_id = a.list_id AND l.subscriber_id = s.id"
		   "         WHERE a.campaign_id = $1 AND a.exclude = 0)"
		   "    AND NOT EXISTS (SELECT 1 FROM campaign_audience a"
		   "          JOIN list_subscribers l"
		   "          ON l.list_id = a.list_id AND l.subscriber_id = s.id"
		   "         WHERE a.campaign_id = $1 AND a.exclude = 1)"),
	[FREEZE_FOLLOW] =
	    FREEZE("(SELECT 1 FROM campaign_subscribers p WHERE p.campaign_id = $5"
		   "   AND p.subscriber_id = s.id AND " CAMPAIGN_FOLLOWS(
		       "CAST($6 AS TEXT)") " LIMIT 1) = 1"),
	[FREEZE_MARK] =
	    "UPDATE campaigns SET freeze_after = $2, audience = audience + $3,"
	    " frozen_at = $4 WHERE id = $1",
	[FREEZE_CURSOR] = "INSERT INTO send_cursors (campaign_id, next_id)"
			  " VALUES ($1, $2) ON CONFLICT DO NOTHING",
	[LINKS] = "SELECT number, url, label FROM campaign_links"
		  " WHERE campaign_id = $1 ORDER BY number",
	[LINK_ADD] = "INSERT INTO campaign_links (campaign_id, number, url, label)"
		     " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
};

static const char *const state_names[DELIVERY_STATES] = {
	"pending",
	"claimed",
	"intent",
	"retry",
	"accepted",
	"rejected",
	"skipped",
	"doubt",
	"cancelled",
	"given_up",
};

const char *delivery_state_name(enum delivery_state s)
{
	return s < DELIVERY_STATES ? state_names[s] : "";
}

int delivery_state_from(const char *name)
{
	for (int i = 0; i < DELIVERY_STATES; i++)
		if (strcmp(name, state_names[i]) == 0)
			return i;
	return -1;
}

enum err ledger_prepare(struct db *db)
{
	enum err e = db_prepare(db, sql, sizeof(sql) / sizeof(*sql));

	if (e == OK)
		e = ledger_due_prepare(db);
	if (e == OK)
		e = ledger_end_prepare(db);
	if (e == OK)
		e = ledger_lease_prepare(db);
	if (e == OK)
		e = ledger_intent_prepare(db);
	return e == OK ? ledger_settle_prepare(db) : e;
}

enum err ledger_count_moved(struct db *db, int64_t campaign, const struct moved *m)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "moved");
	STMT_SCOPE s = db_stmt(db, &sql[COUNT]);
	struct buf *b = buf_new(tmp);

	for (int i = 0; i < DELIVERY_STATES; i++)
		if (m->n[i])
			buf_printf(b, "%c[%d,%lld]", b->len ? ',' : '[', i,
			    (long long)m->n[i]);
	if (!b->len)
		return OK;
	buf_char(b, ']');
	stmt_bind_int(s, 1, campaign);
	stmt_bind_text(s, 2, b->data);
	return stmt_queue(s);
}

/* ---- the audience ---- */
struct freeze {
	int64_t brand, after, bound, parent;
	bool frozen, follows;
	char kind[16]; /* of the audience */
};

static enum err freeze_state(struct db *db, int64_t campaign, int batch,
    struct freeze *f)
{
	STMT_SCOPE s = db_stmt(db, &sql[FREEZE_STATE]);
	STMT_SCOPE b = db_stmt(db, &sql[FREEZE_BOUND]);
	enum err e;

	stmt_bind_int(s, 1, campaign);
	e = stmt_row(s);
	if (e != OK)
		return e == ERR_NOTFOUND ? ERR_CONFLICT : e;
	f->brand = stmt_int(s, 0);
	f->after = stmt_int(s, 1);
	f->frozen = !stmt_is_null(s, 2);
	snprintf(f->kind, sizeof(f->kind), "%s", stmt_text(s, 3));
	f->follows = strcmp(f->kind, "lists") != 0;
	f->parent = stmt_int(s, 4);
	stmt_bind_int(b, 1, f->brand);
	stmt_bind_int(b, 2, f->after);
	stmt_bind_int(b, 3, batch);
	e = stmt_row(b);
	f->bound = e == OK ? stmt_int(b, 0) : 0;
	return e;
}

static enum err begin_cursor(struct db *db, int64_t campaign)
{
	STMT_SCOPE s = db_stmt(db, &sql[FREEZE_CURSOR]);

	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, (campaign << 32) + 1);
	return stmt_run(s);
}

static enum err freeze_rows(struct db *db, int64_t campaign, const struct freeze *f,
    int64_t now)
{
	STMT_SCOPE rows = db_stmt(db, &sql[f->follows ? FREEZE_FOLLOW : FREEZE_ROWS]);
	STMT_SCOPE mark = db_stmt(db, &sql[FREEZE_MARK]);
	struct moved m = { { 0 } };
	enum err e = OK;

	if (f->bound) {
		stmt_bind_int(rows, 1, campaign);
		stmt_bind_int(rows, 2, f->after);
		stmt_bind_int(rows, 3, f->bound);
		stmt_bind_int(rows, 4, f->brand);
		if (f->follows) {
			stmt_bind_int(rows, 5, f->parent);
			stmt_bind_text(rows, 6, f->kind);
		}
		e = stmt_run(rows);
		m.n[DELIVERY_PENDING] = stmt_changes(rows);
	}
	if (e != OK)
		return e;
	stmt_bind_int(mark, 1, campaign);
	stmt_bind_int(mark, 2, f->bound ? f->bound : f->after);
	stmt_bind_int(mark, 3, m.n[DELIVERY_PENDING]);
	stmt_bind_opt(mark, 4, f->bound ? 0 : now);
	e = stmt_run(mark);
	return e == OK ? ledger_count_moved(db, campaign, &m) : e;
}

/*
 * PostgreSQL planned its statements for the table as it was: perhaps empty, and then it
 * would walk all of a large new audience for every batch until its own next look.
 */
static enum err tell_planner(struct db *db)
{
	STMT_SCOPE s = NULL;

	if (db_kind(db) != DB_POSTGRES)
		return OK;
	s = db_stmt_text(db, "ANALYZE campaign_subscribers");
	return stmt_run(s);
}

enum err ledger_freeze(struct db *db, int64_t campaign, int batch, int64_t now,
    bool *complete)
{
	TX_SCOPE tx = { 0 };
	struct freeze f = { 0 };
	enum err e = tx_begin_keyed(db, &tx);

	*complete = false;
	if (e == OK)
		e = freeze_state(db, campaign, batch, &f);
	if (e == OK && f.frozen) {
		*complete = true;
		return OK;
	}
	if (e == OK)
		e = begin_cursor(db, campaign);
	if (e == OK)
		e = freeze_rows(db, campaign, &f, now);
	FAILPOINT("freeze.rows");
	if (e == OK)
		e = tx_commit(&tx);
	FAILPOINT("freeze.committed");
	*complete = e == OK && !f.bound;
	return *complete ? tell_planner(db) : e;
}

/* ---- links ---- */
enum err ledger_links(struct db *db, void *mem, int64_t campaign,
    struct ledger_link **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LINKS]);

	*out = NULL;
	*n = 0;
	stmt_bind_int(s, 1, campaign);
	while (stmt_next(s)) {
		*out = mem_resize(mem, *out, (*n + 1) * sizeof(**out));
		(*out)[(*n)++] = (struct ledger_link){
			.number = (int)stmt_int(s, 0),
			.url = stmt_copy(s, 1, mem),
			.label = stmt_copy(s, 2, mem),
		};
	}
	return stmt_error(s);
}

enum err ledger_add_links(struct db *db, int64_t campaign,
    const struct ledger_link *links, size_t n)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	for (size_t i = 0; e == OK && i < n; i++) {
		STMT_SCOPE s = db_stmt(db, &sql[LINK_ADD]);

		stmt_bind_int(s, 1, campaign);
		stmt_bind_int(s, 2, links[i].number);
		stmt_bind_text(s, 3, links[i].url);
		stmt_bind_text(s, 4, links[i].label);
		e = stmt_run(s);
	}
	return e == OK ? tx_commit(&tx) : e;
}

static enum err read_counts(struct db *db, const char *const *text, int64_t campaign,
    struct delivery_counts *out)
{
	STMT_SCOPE s = db_stmt(db, text);

	*out = (struct delivery_counts){ 0 };
	stmt_bind_int(s, 1, campaign);
	while (stmt_next(s)) {
		int64_t state = stmt_int(s, 0);

		if (state >= 0 && state < DELIVERY_STATES)
			out->n[state] = stmt_int(s, 1);
		out->audience += stmt_int(s, 1);
	}
	return stmt_error(s);
}

enum err ledger_counts(struct db *db, int64_t campaign, struct delivery_counts *out)
{
	return read_counts(db, &sql[COUNTS], campaign, out);
}

enum err ledger_recount(struct db *db, int64_t campaign, struct delivery_counts *out)
{
	return read_counts(db, &sql[RECOUNT], campaign, out);
}
