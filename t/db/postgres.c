#include <unistd.h>

#include "base/mem.h"
#include "dbtest.h"
#include "tap.h"

/* What only PostgreSQL has: a connection that can be lost. */
enum { ADD, COUNT };

static const char *const sql[] = {
	[ADD] = "INSERT INTO things (name) VALUES ($1)",
	[COUNT] = "SELECT count(*) FROM things WHERE name <> $1",
};

static enum err add(struct db *db, const char *name)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);

	stmt_bind_text(s, 1, name);
	return stmt_run(s);
}

static int64_t count(struct db *db)
{
	STMT_SCOPE s = db_stmt(db, &sql[COUNT]);

	stmt_bind_text(s, 1, "");
	return stmt_row(s) == OK ? stmt_int(s, 0) : -1;
}

/* As a restart of the server would: every other connection to this database ends. */
static void cut(struct db *other)
{
	dbtest_int(other,
	    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
	    " WHERE datname = current_database() AND pid <> pg_backend_pid()");
	usleep(100 * 1000);
}

static void test_outside(struct dbtest *t, struct db *other)
{
	cut(other);
	is_int(count(t->db), 1, "a read after the connection was lost connects again");
	cut(other);
	is_int(add(t->db, "two"), OK, "so does a write");
	is_int(count(other), 2, "and it is done once");
	cut(other);
	ok(db_alive(t->db), "so does db_alive");
}

static void test_inside(struct dbtest *t, struct db *other)
{
	{
		TX_SCOPE tx = { 0 };

		cut(other);
		is_int(tx_begin(t->db, &tx), OK, "so does tx_begin");
		is_int(add(t->db, "three"), OK, "a row is written");
		cut(other);
		is_int(add(t->db, "four"), ERR_BUSY,
		    "in a transaction the loss is ERR_BUSY");
		is_int(add(t->db, "five"), ERR_BUSY, "to its end");
		is_int(tx_commit(&tx), ERR_BUSY, "which is no commit");
	}
	is_int(count(t->db), 2, "nothing of it is kept");
	{
		TX_SCOPE tx = { 0 };

		is_int(tx_begin(t->db, &tx), OK, "tx_begin sends nothing yet");
		cut(other);
		is_int(add(t->db, "three"), OK, "so a loss after it does no harm");
		is_int(tx_commit(&tx), OK, "and it is committed");
	}
	is_int(count(t->db), 3, "once");
	is_int(dbtest_int(t->db, "DELETE FROM things WHERE name = 'three' RETURNING 1"),
	    1, "away with it");
	{
		STMT_SCOPE s = db_stmt(t->db, &sql[ADD]);
		TX_SCOPE tx = { 0 };
		enum err e = tx_begin(t->db, &tx);

		if (e == OK)
			e = add(t->db, "before");
		cut(other);
		for (int i = 0; e == OK && i < 3; i++) {
			stmt_bind_text(s, 1, mem_printf(t->mem, "queued %d", i));
			e = stmt_queue(s);
		}
		if (e == OK)
			e = tx_commit(&tx);
		is_int(e, ERR_BUSY, "rows queued on a lost connection are ERR_BUSY");
	}
	is_int(count(t->db), 2, "and not kept");
	is_int(add(t->db, "six"), OK, "then writing goes on");
}

static int64_t reads_tables(struct db *db)
{
	return dbtest_int(db,
	    "SELECT count(*) FROM pg_settings WHERE name = 'enable_seqscan'"
	    " AND setting = 'on'");
}

static void test_keyed(struct dbtest *t)
{
	static const char durable[] =
	    "SELECT count(*) FROM pg_settings WHERE name = 'synchronous_commit'"
	    " AND setting <> 'off'";

	{
		TX_SCOPE tx = { 0 };

		is_int(tx_begin_keyed(t->db, &tx), OK, "tx_begin_keyed begins");
		is_int(reads_tables(t->db), 0, "with indexes only");
		is_int(tx_commit(&tx), OK, "until it ends");
	}
	is_int(reads_tables(t->db), 1, "and not after it");
	{
		TX_SCOPE tx = { 0 };

		ok(tx_begin(t->db, &tx) == OK && tx_relax(&tx) == OK &&
			dbtest_int(t->db, durable) == 0 && tx_commit(&tx) == OK,
		    "tx_relax waits for no disk");
		ok(tx_begin(t->db, &tx) == OK && dbtest_int(t->db, durable) == 1 &&
			tx_commit(&tx) == OK,
		    "the next one does");
	}
	db_set_wait(t->db, 0);
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM pg_settings WHERE name = 'lock_timeout'"
		   " AND setting = '1'"),
	    1, "no wait is the shortest one, not an endless one");
	db_set_wait(t->db, 5000);
}

static void test_values(struct dbtest *t)
{
	is_int(add(t->db, "\xff"), ERR_INVALID,
	    "a text that is not UTF-8 is ERR_INVALID");
	is_int(dbtest_int(t->db, "SELECT 1 = 1"), 1, "true is 1");
	is_int(dbtest_int(t->db, "SELECT 1 = 2"), 0, "false is 0");
	is_int(dbtest_int(t->db,
		   "SELECT sum(n) FROM (VALUES (CAST(2 AS BIGINT)), (3)) AS v(n)"),
	    5, "a sum, which is numeric, is a number");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM pg_settings WHERE name ="
		   " 'synchronous_commit' AND setting = 'on'"),
	    1, "commits are synchronous");
}

static void test_postgres(struct dbtest *t)
{
	struct db *other;

	if (db_kind(t->db) != DB_POSTGRES)
		return;
	t->log->least = LOG_ERROR + 1;
	dbtest_script(t->db, "CREATE TABLE things (name TEXT PRIMARY KEY)");
	is_int(add(t->db, "one"), OK, "a row is written");
	other = dbtest_connect(t);
	test_outside(t, other);
	test_inside(t, other);
	test_keyed(t);
	test_values(t);
	mem_free(other);
}

int main(void)
{
	dbtest_run_empty(test_postgres);
	return done_testing();
}
