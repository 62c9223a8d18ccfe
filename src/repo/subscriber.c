#include "repo/subscriber.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/ids.h"
#include "repo/people_count.h"

/* clang-format off */
enum { BY_ID, BY_KEY, MANY, COUNTS, ADD, SET, STATUS, DROP, LEFT, MAILED };

#define COLUMNS \
	"s.id, s.brand_id, s.email, s.email_key, s.status, s.first_name, s.last_name," \
	" s.custom, s.created_at, s.updated_at," \
	" (SELECT /*+lite json_group_array(t.tag) *//*+pg json_agg(t.tag ORDER BY t.tag) */" \
	"  FROM subscriber_tags t WHERE t.subscriber_id = s.id)"

static const char *const sql[] = {
	[BY_ID] = "SELECT " COLUMNS " FROM subscribers s WHERE s.brand_id = $1 AND s.id = $2",
	[BY_KEY] = "SELECT " COLUMNS " FROM subscribers s"
		   "  WHERE s.brand_id = $1 AND s.email_key = $2",
	[MANY] = "SELECT " COLUMNS " FROM subscribers s WHERE s.brand_id = $1"
		 "  AND /*+lite s.id IN (SELECT value FROM json_each($2)) */"
		 "  /*+pg s.id = ANY(ARRAY(SELECT CAST(value AS BIGINT)"
		 "    FROM json_array_elements_text(CAST($2 AS json)))) */ ORDER BY s.id",
	[COUNTS] = "SELECT item, n FROM people_counts WHERE brand_id = $1 AND kind = 'status'",
	[ADD] = "INSERT INTO subscribers (brand_id, email, email_key, status, first_name,"
		"  last_name, custom, created_at, updated_at)"
		"  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) RETURNING id",
	[SET] = "UPDATE subscribers SET email = $3, email_key = $4, status = $5, first_name = $6,"
		"  last_name = $7, custom = $8, updated_at = $9 WHERE brand_id = $1 AND id = $2",
	[STATUS] = "UPDATE subscribers SET status = $3, updated_at = $4"
		   "  WHERE brand_id = $1 AND id = $2 AND status <> $3 AND"
		   "  CAST($5 AS TEXT) LIKE '%,' || status || ',%'",
	[DROP] = "DELETE FROM subscribers WHERE brand_id = $1 AND id = $2",
	[LEFT] = "UPDATE campaign_subscribers SET unsubscribed_at = $3"
		 "  WHERE campaign_id = $1 AND subscriber_id = $2 AND unsubscribed_at IS NULL",
	[MAILED] = "SELECT c.brand_id, d.email_key, COALESCE(d.email, d.email_key),"
		   "  d.unsubscribed_at FROM campaign_subscribers d"
		   "  JOIN campaigns c ON c.id = d.campaign_id"
		   "  WHERE d.campaign_id = $1 AND d.subscriber_id = $2",
};
/* clang-format on */

static const char *const statuses[] = {
	[SUBSCRIBER_ACTIVE] = "active",
	[SUBSCRIBER_UNCONFIRMED] = "unconfirmed",
	[SUBSCRIBER_UNSUBSCRIBED] = "unsubscribed",
	[SUBSCRIBER_BOUNCED] = "bounced",
	[SUBSCRIBER_COMPLAINED] = "complained",
};

const char *subscriber_status_name(enum subscriber_status s)
{
	return statuses[s];
}

int subscriber_status_from(const char *name)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
		if (text_equal(name, statuses[i]))
			return (int)i;
	return -1;
}

enum err subscriber_prepare(struct db *db)
{
	enum err e = db_prepare(db, sql, sizeof(sql) / sizeof(*sql));

	return e == OK ? subscriber_parts_prepare(db) : e;
}

/* JSON of a column; `other` when it is NULL or damaged. */
static struct json_object *read_json(struct stmt *s, int col, void *mem,
    struct json_object *other)
{
	const char *text = stmt_text_or_null(s, col);
	struct json_object *o;

	if (!text || json_read(mem, text, strlen(text), &o, NULL) != OK)
		return other;
	return o;
}

static void read_row(struct stmt *s, void *mem, struct subscriber *x)
{
	int status = subscriber_status_from(stmt_text(s, 4));

	x->id = stmt_int(s, 0);
	x->brand_id = stmt_int(s, 1);
	x->email = stmt_copy(s, 2, mem);
	x->email_key = stmt_copy(s, 3, mem);
	x->status =
	    status < 0 ? SUBSCRIBER_UNSUBSCRIBED : (enum subscriber_status)status;
	x->first_name = stmt_copy(s, 5, mem);
	x->last_name = stmt_copy(s, 6, mem);
	x->custom = read_json(s, 7, mem, json_obj(mem));
	x->created_at = stmt_int(s, 8);
	x->updated_at = stmt_int(s, 9);
	x->tags = read_json(s, 10, mem, json_arr(mem));
}

static enum err read_one(struct stmt *s, void *mem, struct subscriber **out)
{
	enum err e = stmt_row(s);

	if (e != OK)
		return e;
	*out = mem_new(mem, struct subscriber);
	read_row(s, *out, *out);
	return OK;
}

/* The array ends at id 0. */
static enum err read_all(struct stmt *s, void *mem, struct subscriber **out, size_t *n)
{
	struct subscriber *all = mem_array(mem, struct subscriber, 64);
	size_t cap = 64;

	*n = 0;
	while (stmt_next(s)) {
		if (*n + 1 == cap) {
			cap *= 2;
			all = mem_resize(mem, all, cap * sizeof(*all));
		}
		read_row(s, all, &all[(*n)++]);
		all[*n] = (struct subscriber){ 0 };
	}
	*out = all;
	return stmt_error(s);
}

enum err subscriber_get(struct db *db, void *mem, int64_t brand, int64_t id,
    struct subscriber **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[BY_ID]);

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, id);
	return read_one(s, mem, out);
}

enum err subscriber_get_by_key(struct db *db, void *mem, int64_t brand, const char *key,
    struct subscriber **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[BY_KEY]);

	stmt_bind_int(s, 1, brand);
	stmt_bind_text(s, 2, key);
	return read_one(s, mem, out);
}

enum err subscriber_many(struct db *db, void *mem, int64_t brand, const int64_t *ids,
    size_t nids, struct subscriber **out)
{
	size_t n;
	STMT_SCOPE s = db_stmt(db, &sql[MANY]);

	stmt_bind_int(s, 1, brand);
	ids_bind(s, 2, ids, nids);
	return read_all(s, mem, out, &n);
}

/* A page's statement is put together of fixed parts; its parameters are numbered as
 * they come. */
struct query {
	struct buf *text;
	int params;
	const char *order;
};

/*
 * What it goes down by.  The start of an address is found by the index of addresses:
 * the + keeps SQLite from walking all ids instead.
 */
static const char *order_of(const struct subscriber_filter *f)
{
	if (f->list)
		return "m.subscriber_id";
	if (f->tag)
		return "g.subscriber_id";
	return f->search && strchr(f->search, '@') ? "+s.id" : "s.id";
}

static int param(struct query *q, const char *before, const char *after)
{
	buf_printf(q->text, "%s$%d%s", before, ++q->params, after);
	return q->params;
}

static void page_text(struct query *q, const struct subscriber_filter *f)
{
	buf_str(q->text, "SELECT " COLUMNS " FROM ");
	if (f->list)
		buf_str(q->text,
		    "list_subscribers m JOIN subscribers s ON s.id = m.subscriber_id");
	else if (f->tag)
		buf_str(q->text,
		    "subscriber_tags g JOIN subscribers s ON s.id = g.subscriber_id");
	else
		buf_str(q->text, "subscribers s");
	param(q, " WHERE s.brand_id = ", "");
	if (f->list)
		param(q, " AND m.list_id = ", "");
	if (f->tag && !f->list)
		param(q, " AND g.brand_id = s.brand_id AND g.tag = ", "");
	if (f->tag && f->list)
		param(q,
		    " AND EXISTS (SELECT 1 FROM subscriber_tags g"
		    "  WHERE g.subscriber_id = s.id AND g.tag = ",
		    ")");
	param(q, mem_printf(q->text, " AND %s < ", q->order), "");
	if (f->status >= 0)
		param(q, " AND s.status = ", "");
	if (f->search) {
		param(q, " AND (s.email_key /*+pg COLLATE \"C\" */ >= ", "");
		param(q, " AND s.email_key /*+pg COLLATE \"C\" */ < ", "");
		if (!strchr(f->search, '@')) {
			param(q, " OR lower(s.first_name || ' ' || s.last_name) LIKE ",
			    " ESCAPE '!'");
			param(q, " OR lower(s.last_name) LIKE ", " ESCAPE '!'");
		}
		buf_char(q->text, ')');
	}
	param(q, mem_printf(q->text, " ORDER BY %s DESC LIMIT ", q->order), "");
}

static void bind_search(struct stmt *s, int *n, void *mem, const char *search)
{
	const char *low = text_lower(mem, search);
	struct buf *like = buf_new(mem);

	stmt_bind_text(s, ++*n, low);
	stmt_bind_text(s, ++*n, mem_printf(mem, "%s\x7f", low));
	if (strchr(search, '@'))
		return;
	for (const char *p = low; *p; p++) {
		if (strchr("%_!", *p))
			buf_char(like, '!');
		buf_char(like, *p);
	}
	buf_char(like, '%');
	stmt_bind_text(s, ++*n, like->data);
	stmt_bind_text(s, ++*n, like->data);
}

enum err subscriber_page(struct db *db, void *mem, const struct subscriber_filter *f,
    struct subscriber **out, size_t *n)
{
	struct query q = { .text = buf_new(mem), .order = order_of(f) };
	int p = 0;

	page_text(&q, f);
	STMT_SCOPE s = db_stmt_text(db, q.text->data);
	stmt_bind_int(s, ++p, f->brand);
	if (f->list)
		stmt_bind_int(s, ++p, f->list);
	if (f->tag)
		stmt_bind_text(s, ++p, f->tag);
	stmt_bind_int(s, ++p, f->before > 0 ? f->before : INT64_MAX);
	if (f->status >= 0)
		stmt_bind_text(s, ++p, statuses[f->status]);
	if (f->search)
		bind_search(s, &p, mem, f->search);
	stmt_bind_int(s, ++p, (int64_t)f->limit);
	return read_all(s, mem, out, n);
}

enum err subscriber_counts(struct db *db, int64_t brand, int64_t n[5])
{
	STMT_SCOPE s = db_stmt(db, &sql[COUNTS]);

	memset(n, 0, 5 * sizeof(*n));
	stmt_bind_int(s, 1, brand);
	while (stmt_next(s)) {
		int status = subscriber_status_from(stmt_text(s, 0));

		if (status >= 0)
			n[status] = stmt_int(s, 1);
	}
	return stmt_error(s);
}

static void bind_custom(struct stmt *s, int n, const struct subscriber *x)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "custom");

	stmt_bind_text(s, n, x->custom ? json_write(tmp, x->custom) : "{}");
}

enum err subscriber_row_insert(struct db *db, struct subscriber *x, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);
	enum err e;

	stmt_bind_int(s, 1, x->brand_id);
	stmt_bind_text(s, 2, x->email);
	stmt_bind_text(s, 3, x->email_key);
	stmt_bind_text(s, 4, statuses[x->status]);
	stmt_bind_text(s, 5, x->first_name);
	stmt_bind_text(s, 6, x->last_name);
	bind_custom(s, 7, x);
	stmt_bind_int(s, 8, now);
	e = stmt_row(s);
	if (e != OK)
		return e;
	x->id = stmt_int(s, 0);
	x->created_at = x->updated_at = now;
	return people_settle(db, NULL, &x->id, 1);
}

static enum err update(struct db *db, const struct subscriber *x, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[SET]);

	stmt_bind_int(s, 1, x->brand_id);
	stmt_bind_int(s, 2, x->id);
	stmt_bind_text(s, 3, x->email);
	stmt_bind_text(s, 4, x->email_key);
	stmt_bind_text(s, 5, statuses[x->status]);
	stmt_bind_text(s, 6, x->first_name);
	stmt_bind_text(s, 7, x->last_name);
	bind_custom(s, 8, x);
	stmt_bind_int(s, 9, now);
	return stmt_run(s);
}

enum err subscriber_row_update(struct db *db, const struct subscriber *x, int64_t now)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "change");
	const char *before;
	enum err e = people_note(db, tmp, &x->id, 1, &before);

	if (e == OK)
		e = update(db, x, now);
	return e == OK ? people_settle(db, before, &x->id, 1) : e;
}

unsigned subscriber_may_become(enum subscriber_status to)
{
	unsigned from = 1u << SUBSCRIBER_ACTIVE | 1u << SUBSCRIBER_UNCONFIRMED;

	if (to == SUBSCRIBER_COMPLAINED)
		from |= 1u << SUBSCRIBER_BOUNCED | 1u << SUBSCRIBER_UNSUBSCRIBED;
	return from;
}

static enum err set_status(struct db *db, const struct subscriber *x, unsigned from,
    enum subscriber_status to, int64_t now, bool *changed)
{
	STMT_SCOPE s = db_stmt(db, &sql[STATUS]);
	MEM_SCOPE void *tmp = mem_scope(NULL, "status");
	struct buf *words = buf_new(tmp);
	enum err e;

	buf_char(words, ',');
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
		if (from & (1u << i))
			buf_printf(words, "%s,", statuses[i]);
	stmt_bind_int(s, 1, x->brand_id);
	stmt_bind_int(s, 2, x->id);
	stmt_bind_text(s, 3, statuses[to]);
	stmt_bind_int(s, 4, now);
	stmt_bind_text(s, 5, words->data);
	e = stmt_run(s);
	*changed = e == OK && stmt_changes(s) > 0;
	return e;
}

enum err subscriber_row_status(struct db *db, const struct subscriber *x, unsigned from,
    enum subscriber_status to, int64_t now, bool *changed)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "change");
	const char *before;
	enum err e = people_note(db, tmp, &x->id, 1, &before);

	*changed = false;
	if (e == OK)
		e = set_status(db, x, from, to, now, changed);
	return e == OK ? people_settle(db, before, &x->id, 1) : e;
}

enum err subscriber_row_delete(struct db *db, int64_t brand, int64_t id)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "delete");
	STMT_SCOPE s = db_stmt(db, &sql[DROP]);
	TX_SCOPE tx = { 0 };
	const char *before;
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = people_note(db, tmp, &id, 1, &before);
	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, id);
	if (e == OK)
		e = stmt_run(s);
	if (e == OK)
		e = people_settle(db, before, &id, 1);
	return e == OK ? tx_commit(&tx) : e;
}

enum err subscriber_mark_left(struct db *db, int64_t campaign, int64_t subscriber,
    int64_t now, bool *marked)
{
	STMT_SCOPE s = db_stmt(db, &sql[LEFT]);
	enum err e;

	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, subscriber);
	stmt_bind_int(s, 3, now);
	e = stmt_run(s);
	*marked = e == OK && stmt_changes(s) > 0;
	return e;
}

enum err subscriber_mailed(struct db *db, void *mem, int64_t campaign,
    int64_t subscriber, struct mailed **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[MAILED]);
	struct mailed *m;
	enum err e;

	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, subscriber);
	e = stmt_row(s);
	if (e != OK)
		return e;
	m = *out = mem_new(mem, struct mailed);
	m->campaign_id = campaign;
	m->subscriber_id = subscriber;
	m->brand_id = stmt_int(s, 0);
	m->email_key = stmt_copy(s, 1, m);
	m->email = stmt_copy(s, 2, m);
	m->left_at = stmt_int(s, 3);
	return OK;
}
