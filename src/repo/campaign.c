#include "repo/campaign.h"

#include "base/buf.h"
#include "base/mem.h"
#include "repo/campaign_row.h"

#define IN_IDS(column, n)                                                              \
	"/*+lite " column " IN (SELECT value FROM json_each($" n ")) */"               \
	"/*+pg " column " = ANY(ARRAY(SELECT CAST(value AS BIGINT)"                    \
	" FROM json_array_elements_text(CAST($" n " AS JSON)))) */"

enum {
	GET,
	AUDIENCE,
	INSERT,
	UPDATE,
	REMOVE,
	AUDIENCE_CLEAR,
	AUDIENCE_ADD,
	MOVE,
	REACH,
	REACH_FOLLOW,
	STATEMENTS
};

/* clang-format off */
static const char *const sql[STATEMENTS] = {
	[GET] =
	    "SELECT " CAMPAIGN_COLUMNS ", c.html, c.body_text"
	    "  FROM campaigns c WHERE c.brand_id = $1 AND c.id = $2",
	[AUDIENCE] =
	    "SELECT list_id, exclude FROM campaign_audience"
	    " WHERE campaign_id = $1 ORDER BY list_id",
	[INSERT] =
	    "INSERT INTO campaigns (brand_id, name, subject, preview_text, html,"
	    " body_text,"
	    " from_name, from_email, reply_to, track_opens, track_clicks, on_doubt,"
	    " created_by, created_at, updated_at, parent_id, audience_kind)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
	    " $16, $17)"
	    " RETURNING id",
	[UPDATE] =
	    "UPDATE campaigns SET name = $2, subject = $3, preview_text = $4,"
	    " html = $5,"
	    " body_text = $6, from_name = $7, from_email = $8, reply_to = $9,"
	    " track_opens = $10, track_clicks = $11, on_doubt = $12, updated_at = $13,"
	    " version = version + 1"
	    " WHERE brand_id = $1 AND id = $14 AND version = $15 AND status = $16",
	[REMOVE] =
	    "DELETE FROM campaigns WHERE brand_id = $1 AND id = $2 AND status ="
	    " 'draft'",
	[AUDIENCE_CLEAR] =
	    "DELETE FROM campaign_audience WHERE campaign_id = $1",
	[AUDIENCE_ADD] =
	    "INSERT INTO campaign_audience (campaign_id, list_id, exclude)"
	    " SELECT $1, id, $2 FROM lists WHERE brand_id = $3 AND id = $4",
	[MOVE] =
	    "UPDATE campaigns AS c SET status = $3, pause_reason = $4,"
	    " resume_at = $9, tidied_at = NULL,"
	    " send_at = CASE WHEN CAST($5 AS BIGINT) < 0 THEN c.send_at"
	    "   WHEN CAST($5 AS BIGINT) = 0 THEN NULL ELSE CAST($5 AS BIGINT) END,"
	    " send_zone = COALESCE(CAST($6 AS TEXT), c.send_zone),"
	    " started_at = CASE WHEN CAST($3 AS TEXT) = 'sending' AND"
	    " c.started_at IS NULL"
	    "   THEN CAST($7 AS BIGINT) ELSE c.started_at END,"
	    " finished_at = CASE WHEN CAST($3 AS TEXT) IN ('completed', 'cancelled')"
	    "   THEN CAST($7 AS BIGINT) ELSE c.finished_at END,"
	    " updated_at = CAST($7 AS BIGINT)"
	    " WHERE c.brand_id = $1 AND c.id = $2 AND (CAST($8 AS BIGINT) &"
	    " " CAMPAIGN_STATUS_BIT ") <> 0",
	[REACH] =
	    "SELECT count(*) FROM subscribers s"
	    " WHERE s.brand_id = $1 AND s.status = 'active'"
	    "   AND EXISTS (SELECT 1 FROM list_subscribers i"
	    "        WHERE i.subscriber_id = s.id AND " IN_IDS("i.list_id", "2") ")"
	    "   AND NOT EXISTS (SELECT 1 FROM list_subscribers x"
	    "        WHERE x.subscriber_id = s.id AND " IN_IDS("x.list_id", "3") ")"
	    "   AND NOT EXISTS (SELECT 1 FROM suppressions p"
	    "        WHERE p.brand_id = $1 AND p.email_key = s.email_key)",
	[REACH_FOLLOW] =
	    "SELECT count(*) FROM campaign_subscribers p"
	    "   JOIN subscribers s ON s.id = p.subscriber_id"
	    " WHERE p.campaign_id = $2 AND " CAMPAIGN_FOLLOWS("CAST($3 AS TEXT)")
	    "   AND s.brand_id = $1 AND s.status = 'active'"
	    "   AND NOT EXISTS (SELECT 1 FROM suppressions x"
	    "        WHERE x.brand_id = $1 AND x.email_key = s.email_key)",
};
/* clang-format on */

const char *const campaign_status_words[] = { [CAMPAIGN_DRAFT] = "draft",
	[CAMPAIGN_SCHEDULED] = "scheduled",
	[CAMPAIGN_SENDING] = "sending",
	[CAMPAIGN_PAUSED] = "paused",
	[CAMPAIGN_COMPLETED] = "completed",
	[CAMPAIGN_CANCELLED] = "cancelled",
	NULL };

const char *const doubt_policy_words[] = { [DOUBT_HOLD] = "hold",
	[DOUBT_EVIDENCE] = "evidence",
	[DOUBT_RESEND] = "resend",
	NULL };

const char *const audience_kind_words[] = { [AUDIENCE_LISTS] = "lists",
	[AUDIENCE_UNOPENED] = "unopened",
	[AUDIENCE_UNSENT] = "unsent",
	NULL };

enum err campaign_prepare(struct db *db)
{
	return db_prepare(db, sql, STATEMENTS);
}

const char *campaign_status_word(enum campaign_status s)
{
	return campaign_status_words[s];
}

const char *doubt_policy_word(enum doubt_policy p)
{
	return doubt_policy_words[p];
}

/* ---- reading ---- */

static enum err read_audience(struct db *db, void *mem, struct campaign *c)
{
	STMT_SCOPE s = db_stmt(db, &sql[AUDIENCE]);

	c->lists = mem_array(mem, int64_t, LISTS_MAX);
	c->exclude_lists = mem_array(mem, int64_t, LISTS_MAX);
	stmt_bind_int(s, 1, c->id);
	while (stmt_next(s)) {
		bool out = stmt_int(s, 1) != 0;

		if (out && c->nexclude_lists < LISTS_MAX)
			c->exclude_lists[c->nexclude_lists++] = stmt_int(s, 0);
		else if (!out && c->nlists < LISTS_MAX)
			c->lists[c->nlists++] = stmt_int(s, 0);
	}
	return stmt_error(s);
}

static enum err read_whole(struct db *db, void *mem, int64_t brand, int64_t id,
    struct campaign *c)
{
	STMT_SCOPE s = db_stmt(db, &sql[GET]);
	enum err e;

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, id);
	e = stmt_row(s);
	if (e == OK) {
		campaign_row_read(s, mem, c);
		c->html = stmt_copy(s, CAMPAIGN_COLUMN_COUNT, mem);
		c->text = stmt_copy(s, CAMPAIGN_COLUMN_COUNT + 1, mem);
	}
	return e;
}

enum err campaign_get(struct db *db, void *mem, int64_t brand, int64_t id,
    struct campaign **out)
{
	struct campaign *c = mem_new(mem, struct campaign);
	enum err e = read_whole(db, c, brand, id, c);

	if (e == OK)
		e = read_audience(db, c, c);
	if (e == OK)
		*out = c;
	else
		mem_free(c);
	return e;
}

/* "[1,2]": how a set of ids is bound in both databases */
static const char *ids_json(void *mem, const int64_t *ids, size_t n)
{
	struct buf *b = buf_new(mem);
	size_t i;

	buf_char(b, '[');
	for (i = 0; i < n; i++)
		buf_printf(b, "%s%lld", i > 0 ? "," : "", (long long)ids[i]);
	buf_char(b, ']');
	return b->data;
}

static enum err reach_follow(struct db *db, const struct campaign *c, int64_t *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[REACH_FOLLOW]);
	enum err e;

	stmt_bind_int(s, 1, c->brand_id);
	stmt_bind_int(s, 2, c->parent_id);
	stmt_bind_text(s, 3, audience_kind_words[c->audience_kind]);
	e = stmt_row(s);
	if (e == OK)
		*out = stmt_int(s, 0);
	return e;
}

enum err campaign_reach(struct db *db, const struct campaign *c, int64_t *out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "campaign_reach");
	STMT_SCOPE s = db_stmt(db, &sql[REACH]);
	enum err e;

	if (c->audience_kind != AUDIENCE_LISTS)
		return reach_follow(db, c, out);

	stmt_bind_int(s, 1, c->brand_id);
	stmt_bind_text(s, 2, ids_json(tmp, c->lists, c->nlists));
	stmt_bind_text(s, 3, ids_json(tmp, c->exclude_lists, c->nexclude_lists));
	e = stmt_row(s);
	if (e == OK)
		*out = stmt_int(s, 0);
	return e;
}

/* ---- writing ---- */

static enum err add_audience(struct db *db, const struct campaign *c, int64_t list,
    bool exclude)
{
	STMT_SCOPE s = db_stmt(db, &sql[AUDIENCE_ADD]);
	enum err e;

	stmt_bind_int(s, 1, c->id);
	stmt_bind_int(s, 2, exclude);
	stmt_bind_int(s, 3, c->brand_id);
	stmt_bind_int(s, 4, list);
	e = stmt_run(s);
	if (e == OK && stmt_changes(s) == 0)
		e = ERR_NOTFOUND;
	return e;
}

static enum err clear_audience(struct db *db, const struct campaign *c)
{
	STMT_SCOPE s = db_stmt(db, &sql[AUDIENCE_CLEAR]);

	stmt_bind_int(s, 1, c->id);
	return stmt_run(s);
}

static enum err write_audience(struct db *db, const struct campaign *c)
{
	enum err e = clear_audience(db, c);
	size_t i;

	for (i = 0; e == OK && i < c->nlists; i++)
		e = add_audience(db, c, c->lists[i], false);
	for (i = 0; e == OK && i < c->nexclude_lists; i++)
		e = add_audience(db, c, c->exclude_lists[i], true);
	return e;
}

/* $1..$12 of INSERT and UPDATE */
static void bind_fields(struct stmt *s, const struct campaign *c)
{
	stmt_bind_int(s, 1, c->brand_id);
	stmt_bind_text(s, 2, c->name);
	stmt_bind_text(s, 3, c->subject);
	stmt_bind_text(s, 4, c->preview_text);
	stmt_bind_text(s, 5, c->html);
	stmt_bind_text(s, 6, c->text);
	stmt_bind_text(s, 7, c->from_name);
	stmt_bind_text(s, 8, c->from_email);
	stmt_bind_text(s, 9, c->reply_to);
	stmt_bind_int(s, 10, c->track_opens);
	stmt_bind_int(s, 11, c->track_clicks);
	stmt_bind_text(s, 12, doubt_policy_word(c->on_doubt));
}

static enum err insert_row(struct db *db, struct campaign *c, int64_t user, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[INSERT]);
	enum err e;

	bind_fields(s, c);
	stmt_bind_opt(s, 13, user);
	stmt_bind_int(s, 14, now);
	stmt_bind_int(s, 15, now);
	stmt_bind_opt(s, 16, c->parent_id);
	stmt_bind_text(s, 17, audience_kind_words[c->audience_kind]);
	e = stmt_row(s);
	if (e == OK) {
		c->id = stmt_int(s, 0);
		c->version = 1;
		c->created_at = c->updated_at = now;
	}
	return e;
}

enum err campaign_insert(struct db *db, struct campaign *c, int64_t user, int64_t now)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = insert_row(db, c, user, now);
	if (e == OK)
		e = write_audience(db, c);
	if (e == OK)
		e = tx_commit(&tx);
	return e;
}

static enum err update_row(struct db *db, const struct campaign *c, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[UPDATE]);
	enum err e;

	bind_fields(s, c);
	stmt_bind_int(s, 13, now);
	stmt_bind_int(s, 14, c->id);
	stmt_bind_int(s, 15, c->version);
	stmt_bind_text(s, 16, campaign_status_word(c->status));
	e = stmt_run(s);
	return e == OK && stmt_changes(s) == 0 ? ERR_CONFLICT : e;
}

enum err campaign_update(struct db *db, struct campaign *c, int64_t now)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = update_row(db, c, now);
	if (e == OK && c->status == CAMPAIGN_DRAFT)
		e = write_audience(db, c);
	if (e == OK)
		e = tx_commit(&tx);
	if (e == OK) {
		c->version++;
		c->updated_at = now;
	}
	return e;
}

enum err campaign_delete(struct db *db, int64_t brand, int64_t id)
{
	STMT_SCOPE s = db_stmt(db, &sql[REMOVE]);
	enum err e;

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, id);
	e = stmt_run(s);
	return e == OK && stmt_changes(s) == 0 ? ERR_CONFLICT : e;
}

enum err campaign_move(struct db *db, int64_t brand, int64_t id,
    const struct campaign_step *step, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[MOVE]);
	enum err e;

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, id);
	stmt_bind_text(s, 3, campaign_status_word(step->to));
	stmt_bind_text(s, 4, step->reason != NULL ? step->reason : "");
	stmt_bind_int(s, 5, step->send_at);
	stmt_bind_text(s, 6, step->zone);
	stmt_bind_int(s, 7, now);
	stmt_bind_int(s, 8, step->from);
	stmt_bind_opt(s, 9, step->resume_at);
	e = stmt_run(s);
	return e == OK && stmt_changes(s) == 0 ? ERR_CONFLICT : e;
}
