#include "dbtest.h"

#include <stdlib.h>
#include <string.h>
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
	char *dir = mem_printf(mem, "%s/maillayer-test-XXXXXX", tmp != NULL ? tmp : "/tmp");

	if (mkdtemp(dir) == NULL) {
		ok(false, "a directory for the test can be made");
		exit(1);
	}
	return dir;
}

/* Of a test's own directory: files only, no directories in it. */
static void remove_dir(const char *dir)
{
	static const char *const files[] = {
		"test.db", "test.db-wal", "test.db-shm", "test.db.lock",
	};
	MEM_SCOPE void *tmp = mem_scope(NULL, "names");

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(mem_printf(tmp, "%s/%s", dir, files[i]));
	rmdir(dir);
}

static void run_sqlite(void (*fn)(struct dbtest *t), bool migrated)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "dbtest");
	struct log lg = { .least = LOG_ERROR, .fd = 2, .process = "test" };
	struct dbtest t = { .mem = mem, .share = dbtest_share(), .log = &lg };

	diag("on SQLite");
	t.dir = make_dir(mem);
	t.url = mem_printf(mem, "sqlite:%s/test.db", t.dir);
	if (db_open(mem, t.url, &lg, &t.db) != OK) {
		ok(false, "%s opens", t.url);
		exit(1);
	}
	if (migrated)
		migrate(&t);
	fn(&t);
	mem_free(t.db);
	remove_dir(t.dir);
}

void dbtest_run(void (*fn)(struct dbtest *t))
{
	run_sqlite(fn, true);
}

void dbtest_run_empty(void (*fn)(struct dbtest *t))
{
	run_sqlite(fn, false);
}
