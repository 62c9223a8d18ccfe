#include "repo/import.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* clang-format off */
enum { BY_ID, LIST, ADD, ADD_CHUNK, REPLACE, START, CANCEL, DROP_CHUNKS, LEASE, SETTLE, FINISH,
	RELEASE, OPEN, CHUNK, REFUSALS };

#define COLUMNS \
	"id, brand_id, created_by, file_name, state, size, position, format, mapping, lists," \
	" existing, rows_read, rows_new, rows_updated, rows_unchanged, rows_suppressed," \
	" rows_invalid, error, lease_owner, created_at, started_at, finished_at," \
	" rows_unsubscribed, rows_noted"

static const char *const sql[] = {
	[BY_ID] = "SELECT " COLUMNS " FROM imports WHERE brand_id = $1 AND id = $2",
	[LIST] = "SELECT " COLUMNS " FROM imports WHERE brand_id = $1 AND id < $2"
		 "  ORDER BY id DESC LIMIT $3",
	[ADD] = "INSERT INTO imports (brand_id, created_by, file_name, state, size, position, format,"
		"  mapping, lists, existing, created_at)"
		"  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id",
	[ADD_CHUNK] = "INSERT INTO import_chunks (import_id, number, data) VALUES ($1, $2, $3)",
	[REPLACE] = "UPDATE imports SET format = $3, mapping = $4, size = $5, position = $6"
		    "  WHERE brand_id = $1 AND id = $2 AND state = 'mapping'",
	[START] = "UPDATE imports SET state = 'waiting', mapping = $3, lists = $4, existing = $5,"
		  "  format = $6"
		  "  WHERE brand_id = $1 AND id = $2 AND state = 'mapping'",
	[CANCEL] = "UPDATE imports SET state = 'cancelled', finished_at = $3, lease_owner = NULL,"
		   "  lease_until = NULL WHERE brand_id = $1 AND id = $2"
		   "  AND state IN ('mapping', 'waiting', 'running')",
	[DROP_CHUNKS] = "DELETE FROM import_chunks WHERE import_id = $1"
			"  AND number >= $2 AND number < $3",
	[LEASE] = "UPDATE imports SET state = 'running', lease_owner = $1, lease_until = $3,"
		  "  started_at = coalesce(started_at, $2) WHERE id = (SELECT id FROM imports"
		  "    WHERE state IN ('waiting', 'running')"
		  "    AND (lease_until IS NULL OR lease_until < $2)"
		  /* one of a brand at a time: an older one goes first */
		  "    AND NOT EXISTS (SELECT 1 FROM imports o WHERE o.brand_id ="
		  "      imports.brand_id AND o.id < imports.id"
		  "      AND o.state IN ('waiting', 'running')) ORDER BY id LIMIT 1"
		  "    /*+pg FOR UPDATE SKIP LOCKED */)"
		  "  RETURNING " COLUMNS,
	[SETTLE] = "UPDATE imports SET position = $3, rows_read = $4, rows_new = $5,"
		   "  rows_updated = $6, rows_unchanged = $7, rows_suppressed = $8,"
		   "  rows_invalid = $9, lease_until = $10, rows_unsubscribed = $11,"
		   "  rows_noted = $12"
		   "  WHERE id = $1 AND lease_owner = $2 AND state = 'running'",
	[FINISH] = "UPDATE imports SET state = $3, error = $4, finished_at = $5, lease_owner = NULL,"
		   "  lease_until = NULL WHERE id = $1 AND lease_owner = $2 AND state = 'running'",
	[RELEASE] = "UPDATE imports SET lease_owner = NULL, lease_until = NULL"
		    "  WHERE id = $1 AND lease_owner = $2",
	[OPEN] = "SELECT count(*) FROM imports WHERE state IN ('waiting', 'running')",
	[CHUNK] = "SELECT data FROM import_chunks WHERE import_id = $1 AND number = $2",
	[REFUSALS] = "SELECT row, reason, content FROM import_refusals"
		     "  WHERE import_id = $1 AND row > $2 AND noted = $4"
		     "  ORDER BY row LIMIT $3",
};
/* clang-format on */

static const char *const states[] = {
	[IMPORT_MAPPING] = "mapping",
	[IMPORT_WAITING] = "waiting",
	[IMPORT_RUNNING] = "running",
	[IMPORT_DONE] = "done",
	[IMPORT_FAILED] = "failed",
	[IMPORT_CANCELLED] = "cancelled",
};

static const char *const policies[] = {
	[EXISTING_UPDATE] = "update",
	[EXISTING_FILL] = "fill",
	[EXISTING_LEAVE] = "leave",
};

const char *import_state_name(enum import_state s)
{
	return states[s];
}

const char *import_existing_name(enum import_existing e)
{
	return policies[e];
}

static int index_of(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (text_equal(words[i], word))
			return (int)i;
	return -1;
}

int import_existing_from(const char *name)
{
	return index_of(policies, sizeof(policies) / sizeof(*policies), name);
}

enum err import_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static struct json_object *read_json(struct stmt *s, int col, void *mem)
{
	const char *text = stmt_text(s, col);
	struct json_object *o;

	return json_read(mem, text, strlen(text), &o, NULL) == OK ? o : json_obj(mem);
}

static void read_row(struct stmt *s, void *mem, struct import *i)
{
	int state = index_of(states, sizeof(states) / sizeof(*states), stmt_text(s, 4));
	int policy = import_existing_from(stmt_text(s, 10));

	i->id = stmt_int(s, 0);
	i->brand_id = stmt_int(s, 1);
	i->created_by = stmt_int(s, 2);
	i->file_name = stmt_copy(s, 3, mem);
	i->state = state < 0 ? IMPORT_FAILED : (enum import_state)state;
	i->size = stmt_int(s, 5);
	i->position = stmt_int(s, 6);
	i->format = read_json(s, 7, mem);
	i->mapping = read_json(s, 8, mem);
	i->lists = read_json(s, 9, mem);
	i->existing = policy < 0 ? EXISTING_LEAVE : (enum import_existing)policy;
	i->counts.rows = stmt_int(s, 11);
	i->counts.fresh = stmt_int(s, 12);
	i->counts.updated = stmt_int(s, 13);
	i->counts.unchanged = stmt_int(s, 14);
	i->counts.suppressed = stmt_int(s, 15);
	i->counts.invalid = stmt_int(s, 16);
	i->error = stmt_copy(s, 17, mem);
	i->lease_owner = stmt_copy(s, 18, mem);
	i->created_at = stmt_int(s, 19);
	i->started_at = stmt_int(s, 20);
	i->finished_at = stmt_int(s, 21);
	i->counts.left = stmt_int(s, 22);
	i->counts.noted = stmt_int(s, 23);
}

static enum err read_one(struct stmt *s, void *mem, struct import **out)
{
	enum err e = stmt_row(s);

	if (e != OK)
		return e;
	*out = mem_new(mem, struct import);
	read_row(s, *out, *out);
	return OK;
}

enum err import_get(struct db *db, void *mem, int64_t brand, int64_t id,
    struct import **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[BY_ID]);

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, id);
	return read_one(s, mem, out);
}

enum err import_page(struct db *db, void *mem, int64_t brand, int64_t before,
    size_t limit, struct import **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[LIST]);
	struct import *all = mem_array(mem, struct import, limit + 1);
	size_t n = 0;

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, before > 0 ? before : INT64_MAX);
	stmt_bind_int(s, 3, (int64_t)limit);
	while (stmt_next(s) && n < limit)
		read_row(s, all, &all[n++]);
	*out = all;
	return stmt_error(s);
}

static void bind_json(struct stmt *s, int n, struct json_object *o, const char *other)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "json");

	stmt_bind_text(s, n, o ? json_write(tmp, o) : other);
}

static enum err add_chunks(struct db *db, int64_t id, int64_t first, const char *data,
    size_t len)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD_CHUNK]);
	enum err e = OK;

	for (size_t at = 0; e == OK && at < len; at += IMPORT_CHUNK) {
		stmt_reset(s);
		stmt_bind_int(s, 1, id);
		stmt_bind_int(s, 2, first + (int64_t)(at / IMPORT_CHUNK));
		stmt_bind_blob(s, 3, data + at,
		    len - at < IMPORT_CHUNK ? len - at : IMPORT_CHUNK);
		e = stmt_run(s);
	}
	return e;
}

enum err import_row_insert(struct db *db, struct import *i, const char *data,
    size_t len, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);
	enum err e;

	stmt_bind_int(s, 1, i->brand_id);
	stmt_bind_opt(s, 2, i->created_by);
	stmt_bind_text(s, 3, i->file_name);
	stmt_bind_text(s, 4, states[i->state]);
	stmt_bind_int(s, 5, (int64_t)len);
	stmt_bind_int(s, 6, i->position);
	bind_json(s, 7, i->format, "{}");
	bind_json(s, 8, i->mapping, "{}");
	bind_json(s, 9, i->lists, "[]");
	stmt_bind_text(s, 10, policies[i->existing]);
	stmt_bind_int(s, 11, now);
	e = stmt_row(s);
	if (e != OK)
		return e;
	i->id = stmt_int(s, 0);
	i->size = (int64_t)len;
	i->created_at = now;
	return add_chunks(db, i->id, 0, data, len);
}

enum err import_row_keep(struct db *db, int64_t id, const char *data, size_t len)
{
	return add_chunks(db, id, IMPORT_RAW, data, len);
}

/* One row, or somebody else was faster. */
static enum err run_once(struct stmt *s)
{
	enum err e = stmt_run(s);

	return e == OK && stmt_changes(s) == 0 ? ERR_CONFLICT : e;
}

static enum err drop_chunks(struct db *db, int64_t id, int64_t from, int64_t until)
{
	STMT_SCOPE s = db_stmt(db, &sql[DROP_CHUNKS]);

	stmt_bind_int(s, 1, id);
	stmt_bind_int(s, 2, from);
	stmt_bind_int(s, 3, until);
	return stmt_run(s);
}

enum err import_row_replace(struct db *db, const struct import *i, const char *data,
    size_t len)
{
	STMT_SCOPE s = db_stmt(db, &sql[REPLACE]);
	enum err e;

	stmt_bind_int(s, 1, i->brand_id);
	stmt_bind_int(s, 2, i->id);
	bind_json(s, 3, i->format, "{}");
	bind_json(s, 4, i->mapping, "{}");
	stmt_bind_int(s, 5, (int64_t)len);
	stmt_bind_int(s, 6, i->position);
	e = run_once(s);
	if (e == OK)
		e = drop_chunks(db, i->id, 0, IMPORT_RAW);
	return e == OK ? add_chunks(db, i->id, 0, data, len) : e;
}

enum err import_row_start(struct db *db, const struct import *i)
{
	STMT_SCOPE s = db_stmt(db, &sql[START]);
	enum err e;

	stmt_bind_int(s, 1, i->brand_id);
	stmt_bind_int(s, 2, i->id);
	bind_json(s, 3, i->mapping, "{}");
	bind_json(s, 4, i->lists, "[]");
	stmt_bind_text(s, 5, policies[i->existing]);
	bind_json(s, 6, i->format, "{}");
	e = run_once(s);
	return e == OK ? drop_chunks(db, i->id, IMPORT_RAW, INT64_MAX) : e;
}

enum err import_row_cancel(struct db *db, int64_t brand, int64_t id, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[CANCEL]);
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, id);
	stmt_bind_int(s, 3, now);
	if (e == OK)
		e = run_once(s);
	if (e == OK)
		e = drop_chunks(db, id, 0, INT64_MAX);
	return e == OK ? tx_commit(&tx) : e;
}

enum err import_lease(struct db *db, void *mem, const char *owner, int64_t now,
    int64_t until, struct import **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[LEASE]);

	stmt_bind_text(s, 1, owner);
	stmt_bind_int(s, 2, now);
	stmt_bind_int(s, 3, until);
	return read_one(s, mem, out);
}

enum err import_settle(struct db *db, const struct import *i, int64_t until)
{
	STMT_SCOPE s = db_stmt(db, &sql[SETTLE]);

	stmt_bind_int(s, 1, i->id);
	stmt_bind_text(s, 2, i->lease_owner);
	stmt_bind_int(s, 3, i->position);
	stmt_bind_int(s, 4, i->counts.rows);
	stmt_bind_int(s, 5, i->counts.fresh);
	stmt_bind_int(s, 6, i->counts.updated);
	stmt_bind_int(s, 7, i->counts.unchanged);
	stmt_bind_int(s, 8, i->counts.suppressed);
	stmt_bind_int(s, 9, i->counts.invalid);
	stmt_bind_int(s, 10, until);
	stmt_bind_int(s, 11, i->counts.left);
	stmt_bind_int(s, 12, i->counts.noted);
	return run_once(s);
}

enum err import_finish(struct db *db, const struct import *i, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[FINISH]);
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	stmt_bind_int(s, 1, i->id);
	stmt_bind_text(s, 2, i->lease_owner);
	stmt_bind_text(s, 3, states[i->state]);
	stmt_bind_text(s, 4, i->error ? i->error : "");
	stmt_bind_int(s, 5, now);
	if (e == OK)
		e = run_once(s);
	if (e == OK)
		e = drop_chunks(db, i->id, 0, INT64_MAX);
	return e == OK ? tx_commit(&tx) : e;
}

enum err import_release(struct db *db, const struct import *i)
{
	STMT_SCOPE s = db_stmt(db, &sql[RELEASE]);

	stmt_bind_int(s, 1, i->id);
	stmt_bind_text(s, 2, i->lease_owner);
	return stmt_run(s);
}

enum err import_open(struct db *db, int64_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[OPEN]);
	enum err e = stmt_row(s);

	if (e == OK)
		*n = stmt_int(s, 0);
	return e;
}

enum err import_chunk(struct db *db, void *mem, int64_t id, int64_t number, char **data,
    size_t *len)
{
	STMT_SCOPE s = db_stmt(db, &sql[CHUNK]);
	const void *blob;
	enum err e;

	stmt_bind_int(s, 1, id);
	stmt_bind_int(s, 2, number);
	e = stmt_row(s);
	if (e != OK)
		return e;
	blob = stmt_blob(s, 0, len);
	*data = mem_copy(mem, blob, *len);
	return OK;
}

enum err import_refusals(struct db *db, void *mem,
    const struct import_refusals_asked *q, struct import_refusal **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[REFUSALS]);
	struct import_refusal *all =
	    mem_array(mem, struct import_refusal, q->limit + 1);
	size_t n = 0;

	stmt_bind_int(s, 1, q->id);
	stmt_bind_int(s, 2, q->after);
	stmt_bind_int(s, 3, (int64_t)q->limit);
	stmt_bind_int(s, 4, q->noted);
	while (stmt_next(s) && n < q->limit) {
		struct import_refusal *r = &all[n++];

		r->row = stmt_int(s, 0);
		r->reason = stmt_copy(s, 1, all);
		r->content = stmt_copy(s, 2, all);
	}
	*out = all;
	return stmt_error(s);
}

bool import_suppresses_only(const struct import *i)
{
	return json_flag(i->format, "suppress_only", false);
}
