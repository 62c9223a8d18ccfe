#include "dbtest.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "db/migrate.h"
#include "tap.h"

const char *dbtest_share(void)
{
	return SOURCE_DIR;
}

struct db *dbtest_connect(struct dbtest *t)
{
	struct db *db = NULL;

	if (!ok(db_open(t->mem, t->url, t->log, &db) == OK, "the database opens"))
		exit(1);
	return db;
}

void dbtest_script(struct db *db, const char *sql)
{
	if (db_script(db, sql) != OK)
		ok(false, "this script runs: %s", sql);
}

int64_t dbtest_int(struct db *db, const char *sql)
{
	STMT_SCOPE s = db_stmt_text(db, sql);

	if (stmt_row(s) == OK)
		return stmt_int(s, 0);
	ok(false, "this query gives a number: %s", sql);
	return -1;
}

#define MEMBERS " FROM list_subscribers m JOIN subscribers s ON s.id = m.subscriber_id"

void dbtest_count_people(struct db *db)
{
	dbtest_script(db,
	    "DELETE FROM people_counts;"
	    "INSERT INTO people_counts (brand_id, kind, item, n)"
	    " SELECT brand_id, 'status', status, count(*) FROM subscribers GROUP BY 1, "
	    "3"
	    " UNION ALL SELECT brand_id, 'day',"
	    "   CAST(100000 + created_at / 86400000 AS TEXT), count(*)"
	    "  FROM subscribers GROUP BY 1, 3"
	    " UNION ALL SELECT s.brand_id, 'list', CAST(m.list_id AS TEXT), "
	    "count(*)" MEMBERS " GROUP BY 1, 3"
	    " UNION ALL SELECT s.brand_id, 'active', CAST(m.list_id AS TEXT), "
	    "count(*)" MEMBERS " WHERE s.status = 'active' GROUP BY 1, 3"
	    " UNION ALL SELECT brand_id, 'tag', tag, count(*) FROM subscriber_tags"
	    "  GROUP BY 1, 3"
	    " UNION ALL SELECT brand_id, 'suppressed', '', count(*) FROM suppressions"
	    "  GROUP BY 1");
}

static void migrate(struct dbtest *t)
{
	struct migration_state st;

	if (migrate_up(t->db, t->mem, t->share, clock_now(&clock_system), &st) == OK)
		return;
	ok(false, "the database migrates: %s", st.why);
	exit(1);
}

static const char *make_dir(void *mem)
{
	const char *tmp = getenv("TMPDIR");
	char *dir =
	    mem_printf(mem, "%s/maillayer-test-XXXXXX", tmp != NULL ? tmp : "/tmp");

	if (mkdtemp(dir) == NULL) {
		ok(false, "a directory for the test can be made");
		exit(1);
	}
	return dir;
}

static int remove_entry(const char *path, const struct stat *st, int type,
    struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* The URL with another database in it: postgresql://server/NAME?options. */
static const char *with_name(void *mem, const char *url, const char *name)
{
	const char *path = strstr(url, "://");
	const char *rest;

	path = path == NULL ? NULL : strchr(path + 3, '/');
	if (path == NULL) {
		ok(false,
		    "MAILLAYER_TEST_PG is postgresql://[server]/database[?options]");
		exit(1);
	}
	rest = strchr(path, '?');
	return mem_printf(mem, "%.*s/%s%s", (int)(path - url), url, name,
	    rest != NULL ? rest : "");
}

static void run_on(struct dbtest *t, void (*fn)(struct dbtest *t), bool migrated)
{
	if (db_open(t->mem, t->url, t->log, &t->db) != OK) {
		ok(false, "%s opens", t->url);
		exit(1);
	}
	if (migrated)
		migrate(t);
	fn(t);
	mem_free(t->db);
}

static void run_sqlite(struct dbtest *t, void (*fn)(struct dbtest *t), bool migrated)
{
	diag("on SQLite");
	t->url = mem_printf(t->mem, "sqlite:%s/test.db", t->dir);
	run_on(t, fn, migrated);
}

static void run_postgres(struct dbtest *t, void (*fn)(struct dbtest *t), bool migrated)
{
	const char *server = getenv("MAILLAYER_TEST_PG");
	const char *name = mem_printf(t->mem, "maillayer_test_%s", id_random(t->mem));
	struct db *admin = NULL;

	if (server == NULL || *server == '\0') {
		diag("on PostgreSQL: skipped, for MAILLAYER_TEST_PG is not set");
		return;
	}
	diag("on PostgreSQL");
	if (db_open(t->mem, server, t->log, &admin) != OK) {
		ok(false, "the server of MAILLAYER_TEST_PG answers");
		exit(1);
	}
	dbtest_script(admin,
	    mem_printf(t->mem, "CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8'",
		name));
	t->url = with_name(t->mem, server, name);
	run_on(t, fn, migrated);
	dbtest_script(admin, mem_printf(t->mem, "DROP DATABASE %s WITH (FORCE)", name));
}

/* MAILLAYER_TEST_DB: only that one, "sqlite" or "postgres". */
static bool wanted(const char *driver)
{
	const char *only = getenv("MAILLAYER_TEST_DB");

	return only == NULL || *only == '\0' || strcmp(only, driver) == 0;
}

static void run(void (*how)(struct dbtest *t, void (*fn)(struct dbtest *t),
		    bool migrated),
    void (*fn)(struct dbtest *t), bool migrated)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "dbtest");
	struct log lg = { .least = LOG_ERROR, .fd = 2, .process = "test" };
	struct dbtest t = { .mem = mem, .share = dbtest_share(), .log = &lg };

	t.dir = make_dir(mem);
	how(&t, fn, migrated);
	nftw(t.dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void dbtest_run(void (*fn)(struct dbtest *t))
{
	if (wanted("sqlite"))
		run(run_sqlite, fn, true);
	if (wanted("postgres"))
		run(run_postgres, fn, true);
}

void dbtest_run_empty(void (*fn)(struct dbtest *t))
{
	if (wanted("sqlite"))
		run(run_sqlite, fn, false);
	if (wanted("postgres"))
		run(run_postgres, fn, false);
}
