#include "repo/subscriber.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* clang-format off */
enum { BY_ID, BY_KEY, MANY, COUNTS, ADD, SET, STATUS, DROP, TAGS_DROP, TAG_ADD, TAGS, LISTS,
	LISTS_DROP, LISTS_ADD, LEFT };

/* A JSON array as rows with a column `value`. */
#define EACH(n) \
	"/*+lite json_each($" n ") *//*+pg json_array_elements_text(CAST($" n " AS json)) */"

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
		 "  AND s.id IN (SELECT CAST(value AS BIGINT) FROM " EACH("2") " j) ORDER BY s.id",
	[COUNTS] = "SELECT status, count(*) FROM subscribers WHERE brand_id = $1 GROUP BY status",
	[ADD] = "INSERT INTO subscribers (brand_id, email, email_key, status, first_name,"
		"  last_name, custom, created_at, updated_at)"
		"  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) RETURNING id",
	[SET] = "UPDATE subscribers SET email = $3, email_key = $4, status = $5, first_name = $6,"
		"  last_name = $7, custom = $8, updated_at = $9 WHERE brand_id = $1 AND id = $2",
	[STATUS] = "UPDATE subscribers SET status = $3, updated_at = $4"
		   "  WHERE brand_id = $1 AND id = $2 AND status <> $3 AND"
		   "  CAST($5 AS TEXT) LIKE '%,' || status || ',%'",
	[DROP] = "DELETE FROM subscribers WHERE brand_id = $1 AND id = $2",
	[TAGS_DROP] = "DELETE FROM subscriber_tags WHERE subscriber_id = $1",
	[TAG_ADD] = "INSERT INTO subscriber_tags (subscriber_id, brand_id, tag) VALUES ($1, $2, $3)"
		    "  ON CONFLICT (subscriber_id, tag) DO NOTHING",
	[TAGS] = "SELECT tag, count(*) FROM subscriber_tags WHERE brand_id = $1"
		 "  GROUP BY tag ORDER BY count(*) DESC, tag LIMIT $2",
	[LISTS] = "SELECT l.id FROM list_subscribers m JOIN lists l ON l.id = m.list_id"
		  "  WHERE l.brand_id = $1 AND m.subscriber_id = $2 ORDER BY lower(l.name), l.id",
	[LISTS_DROP] = "DELETE FROM list_subscribers WHERE subscriber_id = $1 AND list_id NOT IN"
		       "  (SELECT CAST(value AS BIGINT) FROM " EACH("2") " j)",
	[LISTS_ADD] = "INSERT INTO list_subscribers (list_id, subscriber_id, created_at)"
		      "  SELECT l.id, CAST($2 AS BIGINT), CAST($4 AS BIGINT) FROM lists l"
		      "  WHERE l.brand_id = $1"
		      "  AND l.id IN (SELECT CAST(value AS BIGINT) FROM " EACH("3") " j)"
		      "  ON CONFLICT (list_id, subscriber_id) DO NOTHING",
	[LEFT] = "UPDATE campaign_subscribers SET unsubscribed_at = $3"
		 "  WHERE campaign_id = $1 AND subscriber_id = $2 AND unsubscribed_at IS NULL",
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
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
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

static void bind_ids(struct stmt *s, int n, const int64_t *ids, size_t nids)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "ids");
	struct buf *b = buf_new(tmp);

	buf_char(b, '[');
	for (size_t i = 0; i < nids; i++) {
		if (i)
			buf_char(b, ',');
		buf_int(b, ids[i]);
	}
	buf_char(b, ']');
	stmt_bind_textn(s, n, b->data, b->len);
}

enum err subscriber_many(struct db *db, void *mem, int64_t brand, const int64_t *ids,
    size_t nids, struct subscriber **out)
{
	size_t n;
	STMT_SCOPE s = db_stmt(db, &sql[MANY]);

	stmt_bind_int(s, 1, brand);
	bind_ids(s, 2, ids, nids);
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
	return OK;
}

enum err subscriber_row_update(struct db *db, const struct subscriber *x, int64_t now)
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

enum err subscriber_row_status(struct db *db, const struct subscriber *x, unsigned from,
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

enum err subscriber_row_delete(struct db *db, int64_t brand, int64_t id)
{
	STMT_SCOPE s = db_stmt(db, &sql[DROP]);

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, id);
	return stmt_run(s);
}

enum err subscriber_set_tags(struct db *db, const struct subscriber *x)
{
	STMT_SCOPE drop = db_stmt(db, &sql[TAGS_DROP]);
	STMT_SCOPE add = db_stmt(db, &sql[TAG_ADD]);
	size_t n = x->tags ? json_object_array_length(x->tags) : 0;
	enum err e;

	stmt_bind_int(drop, 1, x->id);
	e = stmt_run(drop);
	for (size_t i = 0; e == OK && i < n; i++) {
		stmt_reset(add);
		stmt_bind_int(add, 1, x->id);
		stmt_bind_int(add, 2, x->brand_id);
		stmt_bind_text(add, 3,
		    json_object_get_string(json_object_array_get_idx(x->tags, i)));
		e = stmt_run(add);
	}
	return e;
}

enum err subscriber_tags(struct db *db, void *mem, int64_t brand, size_t limit,
    struct json_object **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[TAGS]);

	*out = json_arr(mem);
	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, (int64_t)limit);
	while (stmt_next(s)) {
		struct json_object *o = json_obj(mem);

		json_set_text(o, "tag", stmt_text(s, 0));
		json_set_int(o, "n", stmt_int(s, 1));
		json_push(*out, o);
	}
	return stmt_error(s);
}

enum err subscriber_lists(struct db *db, void *mem, int64_t brand, int64_t subscriber,
    int64_t **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LISTS]);
	size_t cap = 16;
	int64_t *all = mem_array(mem, int64_t, cap);

	*n = 0;
	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, subscriber);
	while (stmt_next(s)) {
		if (*n == cap) {
			cap *= 2;
			all = mem_resize(mem, all, cap * sizeof(*all));
		}
		all[(*n)++] = stmt_int(s, 0);
	}
	*out = all;
	return stmt_error(s);
}

enum err subscriber_set_lists(struct db *db, const struct subscriber *x,
    const int64_t *lists, size_t n, int64_t now)
{
	STMT_SCOPE drop = db_stmt(db, &sql[LISTS_DROP]);
	STMT_SCOPE add = db_stmt(db, &sql[LISTS_ADD]);
	enum err e;

	stmt_bind_int(drop, 1, x->id);
	bind_ids(drop, 2, lists, n);
	e = stmt_run(drop);
	if (e != OK || n == 0)
		return e;
	stmt_bind_int(add, 1, x->brand_id);
	stmt_bind_int(add, 2, x->id);
	bind_ids(add, 3, lists, n);
	stmt_bind_int(add, 4, now);
	return stmt_run(add);
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
