#include "db/db_driver.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { KEEP_BYTES = 64 * 1024 }; /* of a parameter's copy between uses */

/* ---- finding and preparing ---- */

static size_t slot_of(const char *key)
{
	uintptr_t a = (uintptr_t)key;

	return (a >> 3 ^ a >> 11) % DB_SLOTS;
}

/*
 * Opens the comments marked for this driver; a text without any is returned as it is.
 */
static const char *open_marks(void *mem, const struct db_driver *driver,
    const char *sql)
{
	size_t len = strlen(driver->mark);
	char *copy, *at, *end;

	if (strstr(sql, "/*+") == NULL)
		return sql;
	copy = mem_str(mem, sql);
	for (at = strstr(copy, "/*+"); at != NULL; at = strstr(at, "/*+")) {
		end = strstr(at, "*/");
		if (end == NULL)
			break;
		if (strncmp(at + 3, driver->mark, len) == 0 && at[3 + len] == ' ') {
			memset(at, ' ', 3 + len);
			memset(end, ' ', 2);
		}
		at = end;
	}
	return copy;
}

static struct stmt *make(struct db *db, const char *key, const char *sql)
{
	struct stmt *s = mem_new(db->stmts, struct stmt);

	s->db = db;
	s->key = key;
	s->sql = open_marks(s, db->driver, sql);
	s->broken = db->driver->prepare(s);
	return s;
}

struct stmt *db_stmt(struct db *db, const char *const *sql)
{
	struct stmt **slot = &db->slots[slot_of(*sql)];
	struct stmt *s = *slot;

	/* a second one is made while the first is in use, as in a recursion */
	while (s != NULL && (s->key != *sql || s->busy))
		s = s->next;
	if (s == NULL) {
		s = make(db, *sql, *sql);
		s->next = *slot;
		*slot = s;
	}
	s->busy = true;
	return s;
}

struct stmt *db_stmt_text(struct db *db, const char *sql)
{
	struct stmt *s = make(db, NULL, sql);

	s->busy = true;
	return s;
}

enum err db_prepare(struct db *db, const char *const *sql, size_t n)
{
	enum err first = OK;

	for (size_t i = 0; i < n; i++) {
		struct stmt *s;

		if (sql[i] == NULL)
			continue;
		s = db_stmt(db, &sql[i]);
		if (s->broken != OK && first == OK)
			first = s->broken;
		stmt_done(&s);
	}
	return first;
}

enum err db_script(struct db *db, const char *sql)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "script");
	enum err e;

	if (db->doomed != OK)
		return db->doomed;
	db->writes++;
	e = db->driver->script(db, open_marks(tmp, db->driver, sql));
	if (e != OK && db->depth > 0)
		db->doomed = e;
	return e;
}

/*
 * A statement that could not be prepared is not kept, so that a lost connection can
 * heal.
 */
static void forget_broken(struct stmt *s)
{
	struct stmt **at = &s->db->slots[slot_of(s->key)];

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	mem_free(s);
}

static void release(struct param *p)
{
	p->v.type = VALUE_NULL;
	if (p->cap <= KEEP_BYTES)
		return;
	mem_free(p->own);
	p->own = NULL;
	p->cap = 0;
}

void stmt_done(struct stmt **sp)
{
	struct stmt *s = *sp;

	if (s == NULL)
		return;
	*sp = NULL;
	stmt_reset(s);
	if (s->key == NULL) {
		mem_free(s);
		return;
	}
	if (s->broken != OK) {
		forget_broken(s);
		return;
	}
	for (int i = 0; i < s->n_params; i++)
		release(&s->params[i]);
	s->busy = false;
}

/* ---- binding ---- */

static struct param *param_at(struct stmt *s, int n)
{
	if (s->ran)
		stmt_reset(s);
	if (n > s->n_params) {
		s->params = mem_resize(s, s->params, (size_t)n * sizeof(struct param));
		memset(s->params + s->n_params, 0,
		    (size_t)(n - s->n_params) * sizeof(struct param));
		s->n_params = n;
	}
	return &s->params[n - 1];
}

const struct value *stmt_value(const struct stmt *s, int n)
{
	return n <= s->n_params ? &s->params[n - 1].v : NULL;
}

static void bind_bytes(struct stmt *s, int n, enum value_type type, const void *v,
    size_t len)
{
	struct param *p = param_at(s, n);

	if (len + 1 > p->cap) {
		p->cap = len + 1 < 64 ? 64 : len + 1;
		p->own = mem_resize(s, p->own, p->cap);
	}
	if (len > 0)
		memcpy(p->own, v, len);
	p->own[len] = '\0';
	p->v = (struct value){ .type = type, .p = p->own, .n = len };
}

void stmt_bind_int(struct stmt *s, int n, int64_t v)
{
	param_at(s, n)->v = (struct value){ .type = VALUE_INT, .i = v };
}

void stmt_bind_opt(struct stmt *s, int n, int64_t v)
{
	if (v == 0)
		stmt_bind_null(s, n);
	else
		stmt_bind_int(s, n, v);
}

void stmt_bind_double(struct stmt *s, int n, double v)
{
	param_at(s, n)->v = (struct value){ .type = VALUE_DOUBLE, .d = v };
}

void stmt_bind_text(struct stmt *s, int n, const char *v)
{
	if (v == NULL)
		stmt_bind_null(s, n);
	else
		bind_bytes(s, n, VALUE_TEXT, v, strlen(v));
}

void stmt_bind_textn(struct stmt *s, int n, const char *v, size_t len)
{
	bool bad = len > 0 && memchr(v, '\0', len) != NULL;

	bind_bytes(s, n, bad ? VALUE_BAD : VALUE_TEXT, v, len);
}

void stmt_bind_blob(struct stmt *s, int n, const void *v, size_t len)
{
	bind_bytes(s, n, VALUE_BLOB, v, len);
}

void stmt_bind_null(struct stmt *s, int n)
{
	param_at(s, n)->v = (struct value){ .type = VALUE_NULL };
}

/* ---- running ---- */

static bool has_bad(const struct stmt *s)
{
	for (int i = 0; i < s->n_params; i++)
		if (s->params[i].v.type == VALUE_BAD)
			return true;
	return false;
}

static enum err execute(struct stmt *s, enum err (*how)(struct stmt *s))
{
	struct db *db = s->db;

	stmt_reset(s);
	s->ran = true;
	if (db->depth > 0 && db->doomed != OK)
		return s->error = db->doomed;
	if (s->broken != OK)
		s->error = s->broken;
	else if (has_bad(s))
		s->error = db_failed(db, ERR_INVALID, s->sql, "A text holds a NUL.");
	else
		s->error = how(s);
	if (s->writes)
		db->writes++;
	if (s->error != OK && db->depth > 0)
		db->doomed = s->error;
	return s->error;
}

enum err stmt_run(struct stmt *s)
{
	return execute(s, s->db->driver->run);
}

enum err stmt_queue(struct stmt *s)
{
	return execute(s, s->db->depth > 0 ? s->db->driver->queue : s->db->driver->run);
}

enum err stmt_row(struct stmt *s)
{
	enum err e = execute(s, s->db->driver->run);

	if (e == OK && s->n_rows == 0)
		e = ERR_NOTFOUND;
	return e;
}

bool stmt_next(struct stmt *s)
{
	if (s->ran)
		s->row++;
	else if (execute(s, s->db->driver->run) != OK)
		return false;
	return s->error == OK && s->row < s->n_rows;
}

enum err stmt_error(const struct stmt *s)
{
	return s->error;
}

void stmt_reset(struct stmt *s)
{
	if (s->ran && s->broken == OK)
		s->db->driver->forget(s);
	mem_free(s->scratch);
	s->scratch = NULL;
	s->ran = false;
	s->error = OK;
	s->row = s->n_rows = s->changes = 0;
}

int64_t stmt_changes(const struct stmt *s)
{
	return s->changes;
}

/* ---- columns ---- */

static struct value cell(struct stmt *s, int col)
{
	struct value v = { .type = VALUE_NULL };

	if (s->error == OK && s->ran && s->row < s->n_rows)
		s->db->driver->cell(s, col, &v);
	return v;
}

/* PostgreSQL's sums and averages are numeric: "12" or "12.5". */
static int64_t int_of(const char *p)
{
	char *end;
	int64_t i = strtoll(p, &end, 10);

	return *end == '\0' ? i : (int64_t)strtod(p, NULL);
}

int64_t stmt_int(struct stmt *s, int col)
{
	struct value v = cell(s, col);

	switch (v.type) {
	case VALUE_INT: return v.i;
	case VALUE_DOUBLE: return (int64_t)v.d;
	case VALUE_TEXT: return int_of(v.p);
	default: return 0;
	}
}

double stmt_double(struct stmt *s, int col)
{
	struct value v = cell(s, col);

	switch (v.type) {
	case VALUE_INT: return (double)v.i;
	case VALUE_DOUBLE: return v.d;
	case VALUE_TEXT: return strtod(v.p, NULL);
	default: return 0;
	}
}

const char *stmt_text_or_null(struct stmt *s, int col)
{
	struct value v = cell(s, col);

	if (v.type == VALUE_NULL)
		return NULL;
	if (v.type == VALUE_TEXT || v.type == VALUE_BLOB)
		return v.p;
	if (s->scratch == NULL)
		s->scratch = mem_scope(s, "numbers");
	if (v.type == VALUE_INT)
		return mem_printf(s->scratch, "%lld", (long long)v.i);
	return mem_printf(s->scratch, "%.15g", v.d);
}

const char *stmt_text(struct stmt *s, int col)
{
	const char *t = stmt_text_or_null(s, col);

	return t == NULL ? "" : t;
}

char *stmt_copy(struct stmt *s, int col, void *mem)
{
	return mem_str(mem, stmt_text_or_null(s, col));
}

const void *stmt_blob(struct stmt *s, int col, size_t *len)
{
	struct value v = cell(s, col);

	*len = 0;
	if (v.type != VALUE_TEXT && v.type != VALUE_BLOB)
		return NULL;
	*len = v.n;
	return v.p;
}

bool stmt_is_null(struct stmt *s, int col)
{
	return cell(s, col).type == VALUE_NULL;
}
