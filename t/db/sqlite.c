#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "dbtest.h"
#include "tap.h"

/* What only SQLite has: its files, the write-ahead log, a full disk, strangers. */
enum { ADD };

static const char *const sql[] = {
	[ADD] = "INSERT INTO blocks (data) VALUES ($1)",
};

static char block[64 * 1024];

static enum err add_block(struct db *db)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);

	stmt_bind_blob(s, 1, block, sizeof(block));
	return stmt_run(s);
}

static int64_t count(struct dbtest *t)
{
	return dbtest_int(t->db, "SELECT count(*) FROM blocks");
}

static bool sound(struct dbtest *t)
{
	STMT_SCOPE s = db_stmt_text(t->db, "PRAGMA integrity_check");

	return stmt_row(s) == OK && strcmp(stmt_text(s, 0), "ok") == 0;
}

static int64_t setting(struct dbtest *t, const char *name)
{
	return dbtest_int(t->db, mem_printf(t->mem, "PRAGMA %s", name));
}

static void test_settings(struct dbtest *t)
{
	is_int(setting(t, "synchronous"), 2, "synchronous is FULL");
	is_int(setting(t, "foreign_keys"), 1, "foreign keys are on");
	is_int(setting(t, "trusted_schema"), 0, "the schema is not trusted");
	is_int(setting(t, "mmap_size"), 0, "nothing is mapped");
	is_int(setting(t, "wal_autocheckpoint"), 0,
	    "SQLite checkpoints nothing by itself");
	dbtest_script(t->db, "PRAGMA writable_schema = 1");
	is_int(db_script(t->db, "UPDATE sqlite_schema SET sql = ''"), ERR_DB,
	    "the schema cannot be written (DEFENSIVE)");
}

static const char *path_of(struct dbtest *t, const char *suffix)
{
	return mem_printf(t->mem, "%s/test.db%s", t->dir, suffix);
}

static int64_t size_of(struct dbtest *t, const char *suffix)
{
	struct stat st;

	return stat(path_of(t, suffix), &st) == 0 ? st.st_size : -1;
}

static void test_files(struct dbtest *t)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock", ".queue" };
	struct stat st;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		ok(stat(path_of(t, suffixes[i]), &st) == 0 &&
			(st.st_mode & 0777) == 0600,
		    "test.db%s is for its owner only", suffixes[i]);
}

/* 100 MB are written, a thousandth at a time. */
static void test_checkpoint(struct dbtest *t)
{
	enum err e = OK;

	for (int i = 0; e == OK && i < 1600; i++)
		e = add_block(t->db);
	is_int(e, OK, "100 MB are written");
	ok(size_of(t, "-wal") < 40L * 1024 * 1024,
	    "the write-ahead log starts over (%d MB)", (int)(size_of(t, "-wal") >> 20));
	ok(size_of(t, "") > 60L * 1024 * 1024, "for it is copied into the database");
	dbtest_script(t->db, "DELETE FROM blocks");
}

static void test_full(struct dbtest *t)
{
	int64_t pages = dbtest_int(t->db, "PRAGMA page_count") -
	    dbtest_int(t->db, "PRAGMA freelist_count");
	int64_t before, kept;
	enum err e = OK;
	{
		TX_SCOPE tx = { 0 };

		dbtest_script(t->db, "VACUUM");
		dbtest_script(t->db,
		    mem_printf(t->mem, "PRAGMA max_page_count = %d", (int)pages + 200));
		is_int(add_block(t->db), OK, "while there is room a block is written");
		before = count(t);
		e = tx_begin(t->db, &tx);
		for (int i = 0; e == OK && i < 100; i++)
			e = add_block(t->db);
		is_int(e, ERR_FULL, "a full disk is ERR_FULL");
		is_int(add_block(t->db), ERR_FULL,
		    "and nothing follows in that transaction");
		is_int(tx_commit(&tx), ERR_FULL, "nor is it committed");
	}
	is_int(count(t), before, "nothing half done is kept");
	for (kept = before, e = OK; e == OK; kept += e == OK)
		e = add_block(t->db);
	is_int(e, ERR_FULL, "a single statement says so too");
	is_int(count(t), kept, "and what was acknowledged is there");
	ok(sound(t), "the database is sound");
	dbtest_script(t->db, "PRAGMA max_page_count = 100000");
	is_int(add_block(t->db), OK, "with room again, writing goes on");
}

/* Someone with a shell of SQLite, who knows nothing of our lock. */
static int stranger(const char *path, int pipe_end, int ms)
{
	sqlite3 *h;

	if (sqlite3_open(path, &h) != SQLITE_OK ||
	    sqlite3_exec(h, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
	    write(pipe_end, "x", 1) != 1)
		return 1;
	usleep((useconds_t)ms * 1000);
	return sqlite3_exec(h, "COMMIT", NULL, NULL, NULL) != SQLITE_OK;
}

static void test_stranger(struct dbtest *t)
{
	int ends[2], status = 1;
	int64_t from;
	pid_t pid;
	char c;

	if (pipe(ends) != 0)
		exit(1);
	from = clock_mono_ms();
	pid = fork();
	if (pid == 0)
		_exit(stranger(path_of(t, ""), ends[1], 500));
	close(ends[1]);
	ok(read(ends[0], &c, 1) == 1, "a stranger holds the database");
	close(ends[0]);
	is_int(add_block(t->db), OK, "we wait for him too");
	ok(clock_mono_ms() - from >= 490, "as long as he writes");
	ok(waitpid(pid, &status, 0) == pid && status == 0, "he commits");
}

static void test_open(struct dbtest *t)
{
	struct db *db = NULL;

	is_int(db_open(t->mem, "sqlite:/nowhere/at/all.db", t->log, &db), ERR_IO,
	    "db_open refuses a directory that is not there");
	is_int(db_open(t->mem, "mysql://x/y", t->log, &db), ERR_INVALID,
	    "db_open refuses another database");
	is_int(db_open(t->mem, mem_printf(t->mem, "sqlite:%s", "/etc/passwd"), t->log,
		   &db),
	    ERR_DB, "db_open refuses a file that is no database");
}

static void test_sqlite(struct dbtest *t)
{
	if (db_kind(t->db) != DB_SQLITE)
		return;
	t->log->least = LOG_ERROR + 1;
	dbtest_script(t->db, "CREATE TABLE blocks (data BLOB)");
	test_settings(t);
	test_files(t);
	test_checkpoint(t);
	test_full(t);
	test_stranger(t);
	test_open(t);
}

int main(void)
{
	dbtest_run_empty(test_sqlite);
	return done_testing();
}
