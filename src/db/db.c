#include "db/db.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/db_driver.h"

enum { WAIT_MS = 5000, CACHE_KB = 8192, LINE_MAX_BYTES = 120 };

static int close_db(struct db *db)
{
	mem_free(db->stmts);
	mem_free(db->state);
	return 0;
}

static const struct db_driver *driver_of(const char *url)
{
	if (text_starts(url, "sqlite:"))
		return &db_sqlite;
	if (text_starts(url, "postgresql://") || text_starts(url, "postgres://"))
		return &db_postgres;
	return NULL;
}

enum err db_open(void *mem, const char *url, const struct log *lg, struct db **out)
{
	const struct db_driver *driver = driver_of(url);
	struct db *db;
	enum err e;

	if (driver == NULL) {
		log_error(lg, "db.url",
		    LOG_STR("why",
			"The database URL must begin with "
			"sqlite: or postgresql://."));
		return ERR_INVALID;
	}
	db = mem_new(mem, struct db);
	db->driver = driver;
	db->lg = lg;
	db->wait_ms = WAIT_MS;
	db->cache_kb = CACHE_KB;
	e = driver->open(db, url);
	if (e != OK) {
		mem_free(db->state);
		mem_free(db);
		return e;
	}
	db->stmts = mem_scope(db, "statements");
	mem_on_free(db, close_db);
	*out = db;
	return OK;
}

enum db_kind db_kind(const struct db *db)
{
	return db->driver->kind;
}

unsigned db_connects(const struct db *db)
{
	return db->connects;
}

void db_set_log(struct db *db, const struct log *lg)
{
	db->lg = lg;
}

void db_set_wait(struct db *db, int ms)
{
	db->wait_ms = ms;
	if (db->driver->control(db, DB_WAIT) != OK)
		log_warn(db->lg, "db.wait", LOG_INT("ms", ms));
}

bool db_alive(struct db *db)
{
	return db->driver->control(db, DB_PING) == OK;
}

void db_set_cache(struct db *db, int kb)
{
	db->cache_kb = kb;
	if (db->driver->control(db, DB_CACHE) != OK)
		log_warn(db->lg, "db.cache", LOG_INT("kb", kb));
}

void db_open_schema(struct db *db, bool open)
{
	db->open_schema = open;
	(void)!db->driver->control(db, DB_DEFEND); /* cannot fail */
}

void db_rest(struct db *db)
{
	(void)!db->driver->control(db, DB_REST); /* cannot fail */
}

static enum log_level level_of(enum err e)
{
	switch (e) {
	case ERR_CONFLICT: return LOG_DEBUG;
	case ERR_BUSY: return LOG_WARN;
	default: return LOG_ERROR;
	}
}

enum err db_failed(const struct db *db, enum err e, const char *sql, const char *why)
{
	char line[LINE_MAX_BYTES + 1];
	const char *first = line;
	size_t n = sql == NULL ? 0 : strcspn(sql, "\n");

	if (n > LINE_MAX_BYTES)
		n = LINE_MAX_BYTES;
	memcpy(line, sql == NULL ? "" : sql, n);
	line[n] = '\0';
	log_at(db->lg, level_of(e), "db.failed", LOG_STR("error", err_name(e)),
	    LOG_STR("why", why), LOG_STR("statement", first));
	return e;
}

/* ---- transactions ---- */

static enum err begin(struct db *db, struct tx *t, enum db_verb how)
{
	enum err e;

	*t = (struct tx){ .db = db };
	if (db->depth == 0) {
		e = db->driver->control(db, how);
		if (e != OK)
			return e;
		db->doomed = OK;
		db->began_us = clock_mono_us();
	}
	db->depth++;
	t->open = true;
	t->writes = db->writes;
	return OK;
}

enum err tx_begin(struct db *db, struct tx *t)
{
	return begin(db, t, DB_BEGIN);
}

enum err tx_begin_keyed(struct db *db, struct tx *t)
{
	return begin(db, t, DB_BEGIN_KEYED);
}

/* The outermost scope ends without its work; what went wrong is known already. */
static void roll_back(struct db *db)
{
	enum err e = db->driver->control(db, DB_ROLLBACK);

	if (e != OK)
		log_warn(db->lg, "db.rollback", LOG_STR("error", err_name(e)));
	db->doomed = OK;
}

enum err tx_commit(struct tx *t)
{
	struct db *db = t->db;
	enum err e = db->doomed;

	t->open = false;
	db->depth--;
	if (db->depth > 0)
		return e;
	if (e != OK) {
		roll_back(db);
		return e;
	}
	e = db->driver->control(db, DB_COMMIT);
	db->held_us = clock_mono_us() - db->began_us;
	return e;
}

int64_t db_held_us(const struct db *db)
{
	return db->driver->kind == DB_SQLITE ? db->held_us : db->held_us / 10;
}

/* Of the outermost only: an inner one does not decide for the outer. */
enum err tx_relax(struct tx *t)
{
	return t->db->depth == 1 ? t->db->driver->control(t->db, DB_RELAX) : OK;
}

void tx_done(struct tx *t)
{
	struct db *db = t->db;

	if (!t->open)
		return;
	t->open = false;
	db->depth--;
	if (db->depth == 0)
		roll_back(db);
	else if (db->doomed == OK && db->writes != t->writes)
		db->doomed = db_failed(db, ERR_INTERNAL, NULL,
		    "An inner transaction wrote and did not commit.");
}
