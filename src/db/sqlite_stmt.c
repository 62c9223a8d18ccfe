#include "db/sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { KEEP_BYTES = 64 * 1024, KEEP_CELLS = 1024 }; /* between two uses */

struct cell {
	enum value_type type;
	int64_t i; /* of a text or blob: where it begins in bytes */
	double d;
	size_t n;
};

struct lite_stmt {
	sqlite3_stmt *h;
	/* $n is SQLite's parameter index[n - 1]; 0: not in the text */
	int *index;
	int n_index;
	int n_cols;
	struct cell *cells; /* rows * n_cols */
	size_t n_cells, cap_cells;
	struct buf *bytes; /* texts and blobs, each followed by a NUL */
};

static int finalize(struct lite_stmt *st)
{
	sqlite3_finalize(st->h);
	return 0;
}

/* "$1" is a name for SQLite, so its number there is where it came first in the text. */
static void map_parameters(struct lite_stmt *st)
{
	int n = sqlite3_bind_parameter_count(st->h);

	for (int i = 1; i <= n; i++) {
		const char *name = sqlite3_bind_parameter_name(st->h, i);
		int number = name != NULL && name[0] == '$'
		    ? (int)strtol(name + 1, NULL, 10)
		    : i;

		if (number > st->n_index) {
			st->index =
			    mem_resize(st, st->index, (size_t)number * sizeof(int));
			memset(st->index + st->n_index, 0,
			    (size_t)(number - st->n_index) * sizeof(int));
			st->n_index = number;
		}
		if (number > 0)
			st->index[number - 1] = i;
	}
}

enum err lite_prepare(struct stmt *s)
{
	struct lite *l = s->db->state;
	struct lite_stmt *st = mem_new(s, struct lite_stmt);
	int rc = sqlite3_prepare_v3(l->h, s->sql, -1, SQLITE_PREPARE_PERSISTENT, &st->h,
	    NULL);

	s->state = st;
	mem_on_free(st, finalize);
	if (rc != SQLITE_OK)
		return lite_failed(l, rc, s->sql);
	if (st->h == NULL)
		return db_failed(s->db, ERR_DB, s->sql, "There is no statement in it.");
	s->writes = !sqlite3_stmt_readonly(st->h);
	st->n_cols = sqlite3_column_count(st->h);
	st->bytes = buf_new(st);
	map_parameters(st);
	return OK;
}

static int bind_one(sqlite3_stmt *h, int i, const struct value *v)
{
	switch (v->type) {
	case VALUE_INT: return sqlite3_bind_int64(h, i, v->i);
	case VALUE_DOUBLE: return sqlite3_bind_double(h, i, v->d);
	case VALUE_TEXT:
		return sqlite3_bind_text64(h, i, v->p, v->n, SQLITE_STATIC,
		    SQLITE_UTF8);
	case VALUE_BLOB: return sqlite3_bind_blob64(h, i, v->p, v->n, SQLITE_STATIC);
	default: return sqlite3_bind_null(h, i);
	}
}

static int bind_all(const struct stmt *s, struct lite_stmt *st)
{
	for (int n = 1; n <= st->n_index; n++) {
		const struct value *v = stmt_value(s, n);
		int rc = SQLITE_OK;

		if (st->index[n - 1] == 0)
			continue;
		if (v == NULL)
			rc = sqlite3_bind_null(st->h, st->index[n - 1]);
		else
			rc = bind_one(st->h, st->index[n - 1], v);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static void keep_bytes(struct lite_stmt *st, struct cell *c, int col, const void *p)
{
	c->i = (int64_t)st->bytes->len;
	c->n = (size_t)sqlite3_column_bytes(st->h, col);
	buf_add(st->bytes, p, c->n);
	buf_char(st->bytes, '\0');
}

static void keep_cell(struct lite_stmt *st, struct cell *c, int col)
{
	switch (sqlite3_column_type(st->h, col)) {
	case SQLITE_INTEGER:
		c->type = VALUE_INT;
		c->i = sqlite3_column_int64(st->h, col);
		break;
	case SQLITE_FLOAT:
		c->type = VALUE_DOUBLE;
		c->d = sqlite3_column_double(st->h, col);
		break;
	case SQLITE_TEXT:
		c->type = VALUE_TEXT;
		keep_bytes(st, c, col, sqlite3_column_text(st->h, col));
		break;
	case SQLITE_BLOB:
		c->type = VALUE_BLOB;
		keep_bytes(st, c, col, sqlite3_column_blob(st->h, col));
		break;
	default: c->type = VALUE_NULL;
	}
}

static void keep_row(struct lite_stmt *st)
{
	size_t need = st->n_cells + (size_t)st->n_cols;

	if (need > st->cap_cells) {
		st->cap_cells = need < 16 ? 16 : need * 2;
		st->cells =
		    mem_resize(st, st->cells, st->cap_cells * sizeof(struct cell));
	}
	for (int col = 0; col < st->n_cols; col++)
		keep_cell(st, &st->cells[st->n_cells + (size_t)col], col);
	st->n_cells = need;
}

static int step_all(struct stmt *s, struct lite_stmt *st)
{
	struct lite *l = s->db->state;
	int rc;

	while ((rc = sqlite3_step(st->h)) == SQLITE_ROW) {
		keep_row(st);
		s->n_rows++;
	}
	if (rc == SQLITE_DONE) {
		s->changes = s->writes ? sqlite3_changes64(l->h) : 0;
		rc = SQLITE_OK;
	}
	return rc;
}

/*
 * SQLite ends a transaction by itself when the disk is full or fails; what came after
 * would each be committed alone.
 */
static enum err still_in(const struct lite *l, const struct stmt *s)
{
	if (l->db->depth == 0 || !sqlite3_get_autocommit(l->h))
		return OK;
	return db_failed(l->db, ERR_DB, s->sql, "The transaction is gone.");
}

enum err lite_run(struct stmt *s)
{
	struct lite *l = s->db->state;
	struct lite_stmt *st = s->state;
	bool alone = s->writes && s->db->depth == 0;
	enum err e = alone ? lite_lock(l) : still_in(l, s);
	int rc;

	if (e != OK)
		return e;
	rc = bind_all(s, st);
	if (rc == SQLITE_OK)
		rc = step_all(s, st);
	if (rc != SQLITE_OK)
		e = lite_failed(l, rc, s->sql);
	sqlite3_reset(st->h);
	if (alone)
		lite_unlock(l);
	return e;
}

void lite_cell(struct stmt *s, int col, struct value *out)
{
	const struct lite_stmt *st = s->state;
	const struct cell *c;

	if (col < 0 || col >= st->n_cols)
		return;
	c = &st->cells[(size_t)s->row * (size_t)st->n_cols + (size_t)col];
	*out = (struct value){ .type = c->type, .i = c->i, .d = c->d, .n = c->n };
	if (c->type == VALUE_TEXT || c->type == VALUE_BLOB)
		out->p = st->bytes->data + c->i;
}

void lite_forget(struct stmt *s)
{
	struct lite_stmt *st = s->state;

	st->n_cells = 0;
	buf_reset(st->bytes);
	if (st->cap_cells > KEEP_CELLS) {
		mem_free(st->cells);
		st->cells = NULL;
		st->cap_cells = 0;
	}
	if (st->bytes->cap > KEEP_BYTES) {
		mem_free(st->bytes);
		st->bytes = buf_new(st);
	}
}
