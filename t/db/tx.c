#include "base/mem.h"
#include "dbtest.h"
#include "tap.h"

enum { ADD };

static const char *const sql[] = {
	[ADD] = "INSERT INTO things (name) VALUES ($1)",
};

static const char schema[] = "CREATE TABLE things (name TEXT PRIMARY KEY,"
			     "	parent TEXT REFERENCES things(name))";

static enum err add(struct db *db, const char *name)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);

	stmt_bind_text(s, 1, name);
	return stmt_run(s);
}

static int64_t count(struct db *db)
{
	return dbtest_int(db, "SELECT count(*) FROM things");
}

/* A scope that writes one thing, and commits it or not. */
static enum err add_scoped(struct db *db, const char *name, bool commit)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = add(db, name);
	if (e == OK && commit)
		e = tx_commit(&tx);
	return e;
}

static enum err look_scoped(struct db *db)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	if (e == OK && count(db) >= 0)
		e = ERR_INVALID;
	return e;
}

static void test_scope(struct dbtest *t)
{
	is_int(add_scoped(t->db, "kept", true), OK, "tx_commit commits");
	is_int(add_scoped(t->db, "dropped", false), OK,
	    "a scope left without tx_commit");
	is_int(count(t->db), 1, "is rolled back");
	is_int(add_scoped(t->db, "kept", true), ERR_CONFLICT,
	    "an error leaves the scope");
	is_int(add_scoped(t->db, "again", true), OK, "and the next one works");
	is_int(count(t->db), 2, "with its row");
}

static void test_isolation(struct dbtest *t)
{
	struct db *other = dbtest_connect(t);
	TX_SCOPE tx = { 0 };

	is_int(tx_begin(t->db, &tx), OK, "tx_begin begins");
	is_int(add(t->db, "hidden"), OK, "a row is written");
	is_int(count(t->db), 3, "its own connection sees it");
	is_int(count(other), 2, "another does not, and does not wait either");
	is_int(tx_commit(&tx), OK, "tx_commit commits");
	is_int(count(other), 3, "now it does");
	mem_free(other);
}

static void test_join(struct dbtest *t)
{
	int64_t before = count(t->db);
	enum err e;
	{
		TX_SCOPE tx = { 0 };

		e = tx_begin(t->db, &tx);
		if (e == OK)
			e = add_scoped(t->db, "inner", true);
		is_int(e, OK, "a transaction inside a transaction joins it");
	}
	is_int(count(t->db), before, "the outer one decides: not committed");
	{
		TX_SCOPE tx = { 0 };

		e = tx_begin(t->db, &tx);
		if (e == OK)
			e = add_scoped(t->db, "inner", true);
		if (e == OK)
			e = add(t->db, "outer");
		if (e == OK)
			e = tx_commit(&tx);
		is_int(e, OK, "the outer one commits both");
	}
	is_int(count(t->db), before + 2, "and both are there");
}

static void test_half(struct dbtest *t)
{
	int64_t before = count(t->db);
	{
		TX_SCOPE tx = { 0 };

		is_int(tx_begin(t->db, &tx), OK, "an outer transaction");
		is_int(add_scoped(t->db, "half", false), OK,
		    "whose inner one writes and gives up");
		is_int(add(t->db, "more"), ERR_INTERNAL, "goes no further");
		is_int(tx_commit(&tx), ERR_INTERNAL, "and does not commit the half");
	}
	is_int(count(t->db), before, "nothing was kept");
	{
		TX_SCOPE tx = { 0 };

		is_int(tx_begin(t->db, &tx), OK, "an outer transaction");
		is_int(look_scoped(t->db), ERR_INVALID,
		    "whose inner one only reads and gives up");
		is_int(add(t->db, "fine"), OK, "goes on");
		is_int(tx_commit(&tx), OK, "and commits");
	}
	is_int(count(t->db), before + 1, "its own work");
}

static void test_doom(struct dbtest *t)
{
	int64_t before = count(t->db);
	{
		TX_SCOPE tx = { 0 };

		is_int(tx_begin(t->db, &tx), OK, "a transaction");
		is_int(add(t->db, "first"), OK, "with one row written");
		is_int(add(t->db, "kept"), ERR_CONFLICT, "runs into a conflict");
		is_int(add(t->db, "second"), ERR_CONFLICT,
		    "every later statement says the same");
		is_int(tx_commit(&tx), ERR_CONFLICT, "tx_commit too");
	}
	is_int(count(t->db), before, "and nothing was kept");
	is_int(add(t->db, "alone"), OK, "the connection works on");
}

static void test_foreign_keys(struct dbtest *t)
{
	STMT_SCOPE s =
	    db_stmt_text(t->db, "INSERT INTO things (name, parent) VALUES ($1, $2)");

	stmt_bind_text(s, 1, "orphan");
	stmt_bind_text(s, 2, "nobody");
	is_int(stmt_run(s), ERR_CONFLICT, "a foreign key violation is ERR_CONFLICT");
}

static void test_queue(struct dbtest *t)
{
	int64_t before = count(t->db);
	enum err e = OK, late = OK;
	{
		STMT_SCOPE s = db_stmt(t->db, &sql[ADD]);
		TX_SCOPE tx = { 0 };

		e = tx_begin(t->db, &tx);
		for (int i = 0; e == OK && i < 2000; i++) {
			stmt_bind_text(s, 1, mem_printf(t->mem, "queued %d", i));
			e = stmt_queue(s);
		}
		is_int(e, OK, "stmt_queue takes many rows");
		is_int(count(t->db), before + 2000, "a query sees them all");
		is_int(tx_commit(&tx), OK, "tx_commit commits them");
	}
	is_int(count(t->db), before + 2000, "they are there");
	{
		STMT_SCOPE s = db_stmt(t->db, &sql[ADD]);
		TX_SCOPE tx = { 0 };

		late = tx_begin(t->db, &tx);
		for (int i = 1990; late == OK && i < 2010; i++) {
			stmt_bind_text(s, 1, mem_printf(t->mem, "queued %d", 3999 - i));
			late = stmt_queue(s);
		}
		is_int(tx_commit(&tx), ERR_CONFLICT,
		    "a conflict of a queued row comes out");
	}
	is_int(count(t->db), before + 2000, "and none of them is kept");
	is_int(add(t->db, "after the queue"), OK, "the connection works on");
	is_int(dbtest_int(t->db, "SELECT 7"), 7, "and reads");
}

static void test_transactions(struct dbtest *t)
{
	t->log->least = LOG_ERROR + 1;
	dbtest_script(t->db, schema);
	test_scope(t);
	test_isolation(t);
	test_join(t);
	test_half(t);
	test_doom(t);
	test_foreign_keys(t);
	test_queue(t);
}

int main(void)
{
	dbtest_run_empty(test_transactions);
	return done_testing();
}
