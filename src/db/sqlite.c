#include "db/db_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "db/filelock.h"

/*
 * Whoever commits past CHECKPOINT_PAGES of write-ahead log copies it into the database before
 * letting go of the lock.  Past HUGE_PAGES (256 MiB) some reader has kept it from starting
 * over, so that is tried harder and said.
 */
enum { CHECKPOINT_PAGES = 4000, HUGE_PAGES = 65536, STRANGER_MS = 5000, TRUNCATE_MS = 200 };
enum { KEEP_BYTES = 64 * 1024, KEEP_CELLS = 1024 };

struct lite {
	struct db *db;
	sqlite3 *h;
	int lock_fd;
	int wal_pages;		/* after the last commit of this connection */
	int checkpoint_at;
};

struct cell {
	enum value_type type;
	int64_t i;		/* of a text or blob: where it begins in bytes */
	double d;
	size_t n;
};

struct lite_stmt {
	sqlite3_stmt *h;
	int *index;		/* $n is SQLite's parameter index[n - 1]; 0: not in the text */
	int n_index;
	int n_cols;
	struct cell *cells;	/* rows * n_cols */
	size_t n_cells, cap_cells;
	struct buf *bytes;	/* texts and blobs, each followed by a NUL */
};

static enum err err_of(int rc)
{
	switch (rc) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return ERR_CONFLICT;
	}
	switch (rc & 0xff) {
	case SQLITE_OK:
		return OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_BUSY;
	case SQLITE_FULL:
		return ERR_FULL;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return ERR_IO;
	default:
		return ERR_DB;
	}
}

static enum err failed(const struct lite *l, int rc, const char *sql)
{
	return db_failed(l->db, err_of(rc), sql, sqlite3_errmsg(l->h));
}

/* ---- the lock of all who write, and checkpoints under it ---- */

static enum err lock_take(struct lite *l)
{
	enum err e = filelock_take(l->lock_fd, l->db->wait_ms);

	if (e != OK)
		return db_failed(l->db, e, NULL, "Another process keeps the write lock.");
	return OK;
}

static int wal_grew(void *arg, sqlite3 *h, const char *name, int pages)
{
	struct lite *l = arg;

	(void)h;
	(void)name;
	if (pages < l->wal_pages)
		l->checkpoint_at = CHECKPOINT_PAGES;	/* the log has started over */
	l->wal_pages = pages;
	return SQLITE_OK;
}

static void checkpoint(struct lite *l)
{
	bool huge = l->wal_pages > HUGE_PAGES;
	int mode = huge ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
	int rc, log_pages = 0, done = 0;

	sqlite3_busy_timeout(l->h, huge ? TRUNCATE_MS : 0);
	rc = sqlite3_wal_checkpoint_v2(l->h, NULL, mode, &log_pages, &done);
	sqlite3_busy_timeout(l->h, STRANGER_MS);
	/* once more only when the log has grown by as much again */
	l->checkpoint_at = log_pages + CHECKPOINT_PAGES;
	if (rc != SQLITE_OK && rc != SQLITE_BUSY)
		failed(l, rc, "checkpoint");
	if (huge && (rc != SQLITE_OK || done < log_pages))
		log_warn(l->db->lg, "db.wal_large", LOG_INT("pages", log_pages),
		    LOG_INT("copied", done));
}

static void lock_give(struct lite *l)
{
	if (l->wal_pages > l->checkpoint_at)
		checkpoint(l);
	filelock_give(l->lock_fd);
}

/* ---- opening ---- */

/* The last connection copies the log when it closes, so that too waits for the lock. */
static int close_lite(struct lite *l)
{
	if (l->h != NULL) {
		if (l->lock_fd < 0 || filelock_take(l->lock_fd, 0) != OK)
			sqlite3_db_config(l->h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		sqlite3_close(l->h);
	}
	if (l->lock_fd >= 0)
		close(l->lock_fd);
	return 0;
}

/* SQLite would make the file readable by all.  An existing one is left alone: closing a
 * descriptor of it here would drop the locks of another connection of this process. */
static enum err create_private(struct lite *l, const char *path)
{
	const char *lock_path = mem_printf(l, "%s.lock", path);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	else if (errno != EEXIST)
		return db_failed(l->db, ERR_IO, path, strerror(errno));
	l->lock_fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (l->lock_fd < 0)
		return db_failed(l->db, ERR_IO, lock_path, strerror(errno));
	return OK;
}

static enum err run_text(struct lite *l, const char *sql)
{
	int rc = sqlite3_exec(l->h, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? OK : failed(l, rc, sql);
}

static bool is_wal(struct lite *l)
{
	sqlite3_stmt *h = NULL;
	bool wal = false;

	if (sqlite3_prepare_v2(l->h, "PRAGMA journal_mode", -1, &h, NULL) == SQLITE_OK &&
	    sqlite3_step(h) == SQLITE_ROW)
		wal = strcmp((const char *)sqlite3_column_text(h, 0), "wal") == 0;
	sqlite3_finalize(h);
	return wal;
}

static enum err make_wal(struct lite *l)
{
	enum err e;

	if (is_wal(l))
		return OK;
	e = lock_take(l);
	if (e != OK)
		return e;
	e = run_text(l, "PRAGMA journal_mode = WAL");
	filelock_give(l->lock_fd);
	if (e == OK && !is_wal(l))
		e = db_failed(l->db, ERR_DB, NULL,
		    "This file system cannot hold a database in WAL mode.");
	return e;
}

static enum err set_up(struct lite *l)
{
	enum err e;

	sqlite3_extended_result_codes(l->h, 1);
	sqlite3_busy_timeout(l->h, STRANGER_MS);
	sqlite3_db_config(l->h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(l->h, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	sqlite3_db_config(l->h, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(l->h, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	e = make_wal(l);
	if (e == OK)
		e = run_text(l, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
		    "PRAGMA mmap_size = 0; PRAGMA cache_size = -8192;"
		    "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864;");
	sqlite3_db_config(l->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_wal_hook(l->h, wal_grew, l);	/* takes the place of wal_autocheckpoint */
	return e;
}

static enum err lite_open(struct db *db, const char *url)
{
	const char *path = url + strlen("sqlite:");
	struct lite *l = mem_new(db, struct lite);
	enum err e;
	int rc;

	db->state = l;
	l->db = db;
	l->lock_fd = -1;
	l->checkpoint_at = CHECKPOINT_PAGES;
	mem_on_free(l, close_lite);
	e = create_private(l, path);
	if (e != OK)
		return e;
	rc = sqlite3_open_v2(path, &l->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	return rc == SQLITE_OK ? set_up(l) : failed(l, rc, path);
}

/* ---- statements ---- */

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
		int number = name != NULL && name[0] == '$' ? (int)strtol(name + 1, NULL, 10) : i;

		if (number > st->n_index) {
			st->index = mem_resize(st, st->index, (size_t)number * sizeof(int));
			memset(st->index + st->n_index, 0,
			    (size_t)(number - st->n_index) * sizeof(int));
			st->n_index = number;
		}
		if (number > 0)
			st->index[number - 1] = i;
	}
}

static enum err lite_prepare(struct stmt *s)
{
	struct lite *l = s->db->state;
	struct lite_stmt *st = mem_new(s, struct lite_stmt);
	int rc = sqlite3_prepare_v3(l->h, s->sql, -1, SQLITE_PREPARE_PERSISTENT, &st->h, NULL);

	s->state = st;
	mem_on_free(st, finalize);
	if (rc != SQLITE_OK)
		return failed(l, rc, s->sql);
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
	case VALUE_INT:
		return sqlite3_bind_int64(h, i, v->i);
	case VALUE_DOUBLE:
		return sqlite3_bind_double(h, i, v->d);
	case VALUE_TEXT:
		return sqlite3_bind_text64(h, i, v->p, v->n, SQLITE_STATIC, SQLITE_UTF8);
	case VALUE_BLOB:
		return sqlite3_bind_blob64(h, i, v->p, v->n, SQLITE_STATIC);
	default:
		return sqlite3_bind_null(h, i);
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
	default:
		c->type = VALUE_NULL;
	}
}

static void keep_row(struct lite_stmt *st)
{
	size_t need = st->n_cells + (size_t)st->n_cols;

	if (need > st->cap_cells) {
		st->cap_cells = need < 16 ? 16 : need * 2;
		st->cells = mem_resize(st, st->cells, st->cap_cells * sizeof(struct cell));
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
 * SQLite ends a transaction by itself when the disk is full or fails; what came after would
 * each be committed alone.
 */
static enum err still_in(const struct lite *l, const struct stmt *s)
{
	if (l->db->depth == 0 || !sqlite3_get_autocommit(l->h))
		return OK;
	return db_failed(l->db, ERR_DB, s->sql, "The transaction is gone.");
}

static enum err lite_run(struct stmt *s)
{
	struct lite *l = s->db->state;
	struct lite_stmt *st = s->state;
	bool alone = s->writes && s->db->depth == 0;
	enum err e = alone ? lock_take(l) : still_in(l, s);
	int rc;

	if (e != OK)
		return e;
	rc = bind_all(s, st);
	if (rc == SQLITE_OK)
		rc = step_all(s, st);
	if (rc != SQLITE_OK)
		e = failed(l, rc, s->sql);
	sqlite3_reset(st->h);
	if (alone)
		lock_give(l);
	return e;
}

static void lite_cell(struct stmt *s, int col, struct value *out)
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

static void lite_forget(struct stmt *s)
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

/* ---- transactions ---- */

static enum err begin(struct lite *l)
{
	enum err e = lock_take(l);

	if (e != OK)
		return e;
	e = run_text(l, "BEGIN IMMEDIATE");
	if (e != OK)
		filelock_give(l->lock_fd);
	return e;
}

static enum err end(struct lite *l, const char *how)
{
	enum err e = OK;

	if (sqlite3_get_autocommit(l->h))
		e = how[0] == 'C' ? db_failed(l->db, ERR_DB, how, "The transaction is gone.") : OK;
	else
		e = run_text(l, how);
	if (!sqlite3_get_autocommit(l->h))
		sqlite3_exec(l->h, "ROLLBACK", NULL, NULL, NULL);
	lock_give(l);
	return e;
}

static enum err lite_control(struct db *db, enum db_verb verb)
{
	struct lite *l = db->state;

	switch (verb) {
	case DB_BEGIN:
		return begin(l);
	case DB_COMMIT:
		return end(l, "COMMIT");
	case DB_ROLLBACK:
		return end(l, "ROLLBACK");
	case DB_PING:
		return run_text(l, "SELECT count(*) FROM sqlite_schema");
	case DB_WAIT:
		break;		/* read at each wait */
	}
	return OK;
}

static enum err lite_script(struct db *db, const char *sql)
{
	struct lite *l = db->state;
	bool alone = db->depth == 0;
	enum err e = alone ? lock_take(l) : OK;

	if (e != OK)
		return e;
	e = run_text(l, sql);
	if (alone)
		lock_give(l);
	else if (e == OK && sqlite3_get_autocommit(l->h))
		e = db_failed(db, ERR_DB, sql, "A script must not end the transaction.");
	return e;
}

const struct db_driver db_sqlite = {
	.kind = DB_SQLITE,
	.mark = "lite",
	.open = lite_open,
	.prepare = lite_prepare,
	.run = lite_run,
	.queue = lite_run,
	.cell = lite_cell,
	.forget = lite_forget,
	.control = lite_control,
	.script = lite_script,
};
