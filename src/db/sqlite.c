#include "db/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/*
 * Whoever commits past CHECKPOINT_PAGES of write-ahead log copies it into the database
 * before letting go of the lock.  Past HUGE_PAGES (256 MiB) some reader has kept it
 * from starting over, so that is tried harder and said.
 */
enum { CHECKPOINT_PAGES = 4000, HUGE_PAGES = 65536 };
enum { STRANGER_MS = 5000, TRUNCATE_MS = 200 };

static enum err err_of(int rc)
{
	switch (rc) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
	case SQLITE_CONSTRAINT_FOREIGNKEY: return ERR_CONFLICT;
	}
	switch (rc & 0xff) {
	case SQLITE_OK: return OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return ERR_BUSY;
	case SQLITE_FULL: return ERR_FULL;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN: return ERR_IO;
	default: return ERR_DB;
	}
}

enum err lite_failed(const struct lite *l, int rc, const char *sql)
{
	return db_failed(l->db, err_of(rc), sql, sqlite3_errmsg(l->h));
}

/* ---- the lock of all who write, and checkpoints under it ---- */

enum err lite_lock(struct lite *l)
{
	enum err e = filelock_take(&l->lock, l->db->wait_ms);

	if (e != OK)
		return db_failed(l->db, e, NULL,
		    "Another process keeps the write lock.");
	return OK;
}

static int wal_grew(void *arg, sqlite3 *h, const char *name, int pages)
{
	struct lite *l = arg;

	(void)h;
	(void)name;
	if (pages < l->wal_pages)
		l->checkpoint_at = CHECKPOINT_PAGES; /* the log has started over */
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
		lite_failed(l, rc, "checkpoint");
	if (huge && (rc != SQLITE_OK || done < log_pages))
		log_warn(l->db->lg, "db.wal_large", LOG_INT("pages", log_pages),
		    LOG_INT("copied", done));
}

void lite_unlock(struct lite *l)
{
	if (l->wal_pages > l->checkpoint_at)
		checkpoint(l);
	filelock_give(&l->lock);
}

/* ---- opening ---- */

/* The last connection copies the log when it closes, so that too waits for the lock. */
static int close_lite(struct lite *l)
{
	if (l->h != NULL) {
		if (l->lock.queue < 0 || filelock_take(&l->lock, 0) != OK)
			sqlite3_db_config(l->h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
			    NULL);
		sqlite3_close(l->h);
	}
	filelock_close(&l->lock);
	return 0;
}

/* SQLite would make the file readable by all.  An existing one is left alone: closing a
 * descriptor of it here would drop the locks of another connection of this process. */
static enum err create_private(struct lite *l, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	else if (errno != EEXIST)
		return db_failed(l->db, ERR_IO, path, strerror(errno));
	if (filelock_open(&l->lock, l, path) != OK)
		return db_failed(l->db, ERR_IO, path, strerror(errno));
	return OK;
}

static enum err run_text(struct lite *l, const char *sql)
{
	int rc = sqlite3_exec(l->h, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? OK : lite_failed(l, rc, sql);
}

static bool is_wal(struct lite *l)
{
	sqlite3_stmt *h = NULL;
	bool wal = false;

	if (sqlite3_prepare_v2(l->h, "PRAGMA journal_mode", -1, &h, NULL) ==
		SQLITE_OK &&
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
	e = lite_lock(l);
	if (e != OK)
		return e;
	e = run_text(l, "PRAGMA journal_mode = WAL");
	filelock_give(&l->lock);
	if (e == OK && !is_wal(l))
		e = db_failed(l->db, ERR_DB, NULL,
		    "This file system cannot hold a database in WAL mode.");
	return e;
}

static enum err set_cache(struct lite *l)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "cache");

	return run_text(l, mem_printf(tmp, "PRAGMA cache_size = -%d", l->db->cache_kb));
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
		e = run_text(l,
		    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
		    "PRAGMA mmap_size = 0;"
		    "PRAGMA temp_store = MEMORY;"
		    "PRAGMA journal_size_limit = 67108864;");
	if (e == OK)
		e = set_cache(l);
	sqlite3_db_config(l->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	/* takes the place of wal_autocheckpoint */
	sqlite3_wal_hook(l->h, wal_grew, l);
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
	l->lock.lock = l->lock.queue = -1;
	l->checkpoint_at = CHECKPOINT_PAGES;
	mem_on_free(l, close_lite);
	e = create_private(l, path);
	if (e != OK)
		return e;
	rc = sqlite3_open_v2(path, &l->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
	    NULL);
	return rc == SQLITE_OK ? set_up(l) : lite_failed(l, rc, path);
}

/* ---- transactions ---- */

static enum err begin(struct lite *l)
{
	enum err e = lite_lock(l);

	if (e != OK)
		return e;
	e = run_text(l, "BEGIN IMMEDIATE");
	if (e != OK)
		filelock_give(&l->lock);
	return e;
}

static enum err end(struct lite *l, const char *how)
{
	enum err e = OK;

	if (sqlite3_get_autocommit(l->h))
		e = how[0] == 'C'
		    ? db_failed(l->db, ERR_DB, how, "The transaction is gone.")
		    : OK;
	else
		e = run_text(l, how);
	if (!sqlite3_get_autocommit(l->h))
		sqlite3_exec(l->h, "ROLLBACK", NULL, NULL, NULL);
	lite_unlock(l);
	return e;
}

static enum err lite_control(struct db *db, enum db_verb verb)
{
	struct lite *l = db->state;

	switch (verb) {
	case DB_BEGIN:
	case DB_BEGIN_KEYED: return begin(l);
	case DB_COMMIT: return end(l, "COMMIT");
	case DB_ROLLBACK: return end(l, "ROLLBACK");
	case DB_PING: return run_text(l, "SELECT count(*) FROM sqlite_schema");
	case DB_CACHE: return set_cache(l);
	case DB_REST: sqlite3_db_release_memory(l->h); return OK;
	case DB_DEFEND:
		sqlite3_db_config(l->h, SQLITE_DBCONFIG_DEFENSIVE, !db->open_schema,
		    NULL);
		return OK;
	case DB_RELAX:
	case DB_WAIT: break; /* read at each wait */
	}
	return OK;
}

static enum err lite_script(struct db *db, const char *sql)
{
	struct lite *l = db->state;
	bool alone = db->depth == 0;
	enum err e = alone ? lite_lock(l) : OK;

	if (e != OK)
		return e;
	e = run_text(l, sql);
	if (alone)
		lite_unlock(l);
	else if (e == OK && sqlite3_get_autocommit(l->h))
		e = db_failed(db, ERR_DB, sql,
		    "A script must not end the transaction.");
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
