#include "repo/import_rows.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "repo/subscriber.h"

/* clang-format off */
enum { KNOWN, SUPPRESSED, INSERT, UPDATE, JOIN, TAG, CONSENT, REFUSE };

/* A JSON array as rows with a column `value`: scalars, and arrays. */
#define EACH(n) \
	"/*+lite json_each($" n ") *//*+pg json_array_elements_text(CAST($" n " AS json)) */"
#define ROWS(n) "/*+lite json_each($" n ") *//*+pg json_array_elements(CAST($" n " AS json)) */"
#define OBJECT(n) "/*+lite e.value ->> " n " *//*+pg CAST(e.value ->> " n " AS jsonb) */"

/* Texts of a JSON array: PostgreSQL looks each up by the index for an array only. */
#define AMONG(column, n) \
	column "/*+lite  IN (SELECT value FROM json_each($" n ")) */" \
	"/*+pg  = ANY(ARRAY(SELECT value FROM" \
	" json_array_elements_text(CAST($" n " AS json)))) */"

/*
 * UPDATE: the + keeps SQLite from walking all people of the brand for each row of the array;
 * it goes from the array to the people by their ids.
 */
static const char *const sql[] = {
	[KNOWN] = "SELECT s.id, s.email_key, s.status, s.first_name, s.last_name, s.custom,"
		  "  (SELECT /*+lite json_group_array(t.tag) *//*+pg json_agg(t.tag) */"
		  "    FROM subscriber_tags t WHERE t.subscriber_id = s.id),"
		  "  (SELECT count(*) FROM list_subscribers m WHERE m.subscriber_id = s.id"
		  "    AND m.list_id IN (SELECT CAST(value AS BIGINT) FROM " EACH("3") " l))"
		  "  FROM subscribers s WHERE s.brand_id = $1"
		  "  AND " AMONG("s.email_key", "2") " ORDER BY s.email_key",
	[SUPPRESSED] = "SELECT email_key, reason FROM suppressions WHERE brand_id = $1"
		       "  AND " AMONG("email_key", "2") " ORDER BY email_key",
	[INSERT] = "INSERT INTO subscribers (brand_id, email, email_key, status, first_name,"
		   "  last_name, custom, created_at, updated_at)"
		   "  SELECT CAST($1 AS BIGINT), e.value ->> 0, e.value ->> 1, e.value ->> 5,"
		   "  e.value ->> 2, e.value ->> 3, " OBJECT("4") ", CAST($3 AS BIGINT),"
		   "  CAST($3 AS BIGINT) FROM " ROWS("2") " e RETURNING id, email_key",
	[UPDATE] = "UPDATE subscribers SET first_name = j.first, last_name = j.last,"
		   "  custom = j.custom, updated_at = CAST($3 AS BIGINT)"
		   "  FROM (SELECT CAST(e.value ->> 0 AS BIGINT) AS id, e.value ->> 1 AS first,"
		   "    e.value ->> 2 AS last, " OBJECT("3") " AS custom FROM " ROWS("2") " e) j"
		   "  WHERE subscribers.id = j.id AND +subscribers.brand_id = $1",
	[JOIN] = "INSERT INTO list_subscribers (list_id, subscriber_id, created_at)"
		 "  SELECT l.id, CAST(e.value AS BIGINT), CAST($4 AS BIGINT)"
		 "  FROM lists l CROSS JOIN " EACH("3") " e WHERE l.brand_id = $1"
		 "  AND l.id IN (SELECT CAST(value AS BIGINT) FROM " EACH("2") " x)"
		 "  ON CONFLICT (list_id, subscriber_id) DO NOTHING",
	[TAG] = "INSERT INTO subscriber_tags (subscriber_id, brand_id, tag)"
		"  SELECT CAST(e.value ->> 0 AS BIGINT), CAST($1 AS BIGINT), e.value ->> 1"
		"  FROM " ROWS("2") " e WHERE true ON CONFLICT (subscriber_id, tag) DO NOTHING",
	[CONSENT] = "INSERT INTO consents (brand_id, subscriber_id, action, source, detail,"
		    "  created_at) SELECT CAST($1 AS BIGINT), CAST(e.value ->> 0 AS BIGINT),"
		    "  e.value ->> 1, 'import', CAST($3 AS TEXT), CAST($4 AS BIGINT)"
		    "  FROM " ROWS("2") " e",
	[REFUSE] = "INSERT INTO import_refusals (import_id, row, reason, content, noted)"
		   "  SELECT CAST($1 AS BIGINT), CAST(e.value ->> 0 AS BIGINT), e.value ->> 1,"
		   "  e.value ->> 2, CAST(e.value ->> 3 AS BIGINT) FROM " ROWS("2") " e",
};
/* clang-format on */

enum err import_rows_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static void bind_json(struct stmt *s, int n, struct json_object *o)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "json");

	stmt_bind_text(s, n, json_write(tmp, o));
}

static void bind_rows(struct stmt *s, int64_t id, const struct buf *rows)
{
	stmt_bind_int(s, 1, id);
	stmt_bind_textn(s, 2, rows->data, rows->len);
}

static struct json_object *read_json(struct stmt *s, int col, void *mem,
    struct json_object *other)
{
	const char *text = stmt_text_or_null(s, col);
	struct json_object *o;

	return text && json_read(mem, text, strlen(text), &o, NULL) == OK ? o : other;
}

enum err import_rows_known(struct db *db, void *mem, int64_t brand,
    const struct buf *keys, struct json_object *lists, struct import_known **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[KNOWN]);
	size_t n = 0, cap = 64;
	struct import_known *all = mem_array(mem, struct import_known, cap);

	bind_rows(s, brand, keys);
	bind_json(s, 3, lists);
	while (stmt_next(s)) {
		struct subscriber *x = &all[n].who;
		int status = subscriber_status_from(stmt_text(s, 2));

		x->brand_id = brand;
		x->id = stmt_int(s, 0);
		x->email_key = stmt_copy(s, 1, mem);
		x->status = status < 0 ? SUBSCRIBER_UNSUBSCRIBED
				       : (enum subscriber_status)status;
		x->first_name = stmt_copy(s, 3, mem);
		x->last_name = stmt_copy(s, 4, mem);
		x->custom = read_json(s, 5, mem, json_obj(mem));
		x->tags = read_json(s, 6, mem, json_arr(mem));
		all[n++].lists = stmt_int(s, 7);
		if (n == cap) {
			cap *= 2;
			all = mem_resize(mem, all, cap * sizeof(*all));
		}
		memset(&all[n], 0, sizeof(*all)); /* ends the array: id 0 */
	}
	*out = all;
	return stmt_error(s);
}

enum err import_rows_suppressed(struct db *db, void *mem, int64_t brand,
    const struct buf *keys, struct import_suppressed **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[SUPPRESSED]);
	size_t cap = 64;
	struct import_suppressed *all = mem_array(mem, struct import_suppressed, cap);

	*n = 0;
	bind_rows(s, brand, keys);
	while (stmt_next(s)) {
		if (*n == cap) {
			cap *= 2;
			all = mem_resize(mem, all, cap * sizeof(*all));
		}
		all[(*n)++] = (struct import_suppressed){ stmt_copy(s, 0, mem),
			stmt_copy(s, 1, mem) };
	}
	*out = all;
	return stmt_error(s);
}

enum err import_rows_insert(struct db *db, void *mem, int64_t brand,
    const struct buf *rows, int64_t now, struct import_made **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[INSERT]);
	size_t n = 0, cap = 1024;
	struct import_made *all = mem_array(mem, struct import_made, cap);

	bind_rows(s, brand, rows);
	stmt_bind_int(s, 3, now);
	while (stmt_next(s)) {
		all[n++] = (struct import_made){ .id = stmt_int(s, 0),
			.key = stmt_copy(s, 1, mem) };
		if (n == cap) {
			cap *= 2;
			all = mem_resize(mem, all, cap * sizeof(*all));
		}
		all[n] = (struct import_made){ 0 }; /* ends the array */
	}
	*out = all;
	return stmt_error(s);
}

enum err import_rows_update(struct db *db, int64_t brand, const struct buf *rows,
    int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[UPDATE]);

	bind_rows(s, brand, rows);
	stmt_bind_int(s, 3, now);
	return stmt_run(s);
}

enum err import_rows_join(struct db *db, int64_t brand, struct json_object *lists,
    const struct buf *ids, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[JOIN]);

	stmt_bind_int(s, 1, brand);
	bind_json(s, 2, lists);
	stmt_bind_textn(s, 3, ids->data, ids->len);
	stmt_bind_int(s, 4, now);
	return stmt_run(s);
}

enum err import_rows_tag(struct db *db, int64_t brand, const struct buf *rows)
{
	STMT_SCOPE s = db_stmt(db, &sql[TAG]);

	bind_rows(s, brand, rows);
	return stmt_run(s);
}

enum err import_rows_consent(struct db *db, int64_t brand, const struct buf *rows,
    const char *detail, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[CONSENT]);

	bind_rows(s, brand, rows);
	stmt_bind_text(s, 3, detail);
	stmt_bind_int(s, 4, now);
	return stmt_run(s);
}

enum err import_rows_refuse(struct db *db, int64_t import, const struct buf *rows)
{
	STMT_SCOPE s = db_stmt(db, &sql[REFUSE]);

	bind_rows(s, import, rows);
	return stmt_run(s);
}
