#pragma once

#include "base/log.h"
#include "db/db.h"

/*
 * A fresh, migrated database for a test, on each driver:
 *
 *	static void test_lists(struct dbtest *t)
 *	{
 *		ok(list_add(t->db, ...) == OK, "list_add adds");
 *	}
 *
 *	int main(void)
 *	{
 *		dbtest_run(test_lists);
 *		return done_testing();
 *	}
 *
 * SQLite in a directory of its own under $TMPDIR; PostgreSQL where the environment has
 * MAILLAYER_TEST_PG, the URL of a server whose user may create databases
 * (t/lib/postgres starts one): each run creates a database with a random name and drops
 * it.  MAILLAYER_TEST_DB=sqlite or =postgres: only that one.
 */
struct dbtest {
	void *mem; /* freed after the function */
	struct db *db;
	const char *url;   /* of this database, for a second connection */
	const char *dir;   /* a directory of the test's own */
	const char *share; /* the source tree: sql/, templates/ */
	struct log *log;   /* silent; set its least to LOG_DEBUG to see more */
};

void dbtest_run(void (*fn)(struct dbtest *t));
/* As dbtest_run, but the database is empty: no migration has run. */
void dbtest_run_empty(void (*fn)(struct dbtest *t));
/* A second connection to the same database, owned by t->mem. */
struct db *dbtest_connect(struct dbtest *t);
/* Runs statements; a failure is a failed test. */
void dbtest_script(struct db *db, const char *sql);
/* The one number that a query gives; a failure is a failed test and -1. */
int64_t dbtest_int(struct db *db, const char *sql);
/* Counts people whom a test has inserted past repo/subscriber, as its migration did. */
void dbtest_count_people(struct db *db);
/* The source tree. */
const char *dbtest_share(void);
