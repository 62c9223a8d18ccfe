#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/migrate.h"
#include "dbtest.h"
#include "tap.h"

/*
 * A number is never given twice: in each table with an id, of either database, the row
 * that comes after a deleted one has a number of its own.  NUMBERS_PEOPLE: how many a
 * database of before has (1000).
 */
enum { TABLES, COLUMNS };

/* Numbered by their campaign and a number in it. */
static const char *const others[] = { "campaign_subscribers" };

static const char *const questions[][2] = {
	[TABLES] = { "SELECT t.name FROM sqlite_schema t, pragma_table_info(t.name) c"
		     " WHERE t.type = 'table' AND c.name = 'id' AND c.pk = 1"
		     "  AND c.type = 'INTEGER' ORDER BY t.name",
	    "SELECT table_name::text FROM information_schema.columns"
	    " WHERE table_schema = current_schema() AND column_name = 'id'"
	    "  AND data_type = 'bigint' ORDER BY 1" },
	/* Columns that an INSERT must name. */
	[COLUMNS] = { "SELECT name, type FROM pragma_table_info($1)"
		      " WHERE \"notnull\" = 1 AND dflt_value IS NULL AND name <> 'id'",
	    "SELECT column_name::text, data_type::text FROM information_schema.columns"
	    " WHERE table_schema = current_schema() AND table_name = $1"
	    "  AND is_nullable = 'NO' AND column_default IS NULL"
	    "  AND column_name <> 'id'" },
};

/* A value that no other row has, of any type. */
static const char *value_for(const char *type, bool lite)
{
	if (text_equal(type, "BLOB"))
		return "randomblob(8)";
	if (text_equal(type, "bytea"))
		return "decode(md5(random()::text), 'hex')";
	if (text_equal(type, "TEXT") || text_equal(type, "text"))
		return lite ? "hex(randomblob(8))" : "md5(random()::text)";
	return lite ? "abs(random()) % 30000" : "floor(random() * 30000)";
}

static const char *insert_text(struct db *db, void *mem, const char *table)
{
	bool lite = db_kind(db) == DB_SQLITE;
	STMT_SCOPE s = db_stmt_text(db, questions[COLUMNS][db_kind(db)]);
	struct buf *names = buf_new(mem), *values = buf_new(mem);

	stmt_bind_text(s, 1, table);
	while (stmt_next(s)) {
		buf_printf(names, "%s%s", names->len ? ", " : "", stmt_text(s, 0));
		buf_printf(values, "%s%s", values->len ? ", " : "",
		    value_for(stmt_text(s, 1), lite));
	}
	return mem_printf(mem, "INSERT INTO %s (%s) VALUES (%s) RETURNING id", table,
	    names->data, values->data);
}

static bool is_other(const char *table)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (text_equal(others[i], table))
			return true;
	return false;
}

/* A row's parents are not needed here. */
static struct db *connect(struct dbtest *t)
{
	struct db *db = dbtest_connect(t);

	dbtest_script(db,
	    db_kind(db) == DB_SQLITE ? "PRAGMA foreign_keys = OFF"
				     : "SET session_replication_role = replica");
	return db;
}

static void test_table(struct dbtest *t, struct db *db, const char *table)
{
	const char *add = insert_text(db, t->mem, table);
	int64_t first = dbtest_int(db, add), second = dbtest_int(db, add), third;

	dbtest_script(db,
	    mem_printf(t->mem, "DELETE FROM %s WHERE id >= %lld", table,
		(long long)first));
	third = dbtest_int(connect(t), add);
	ok(first > 0 && second > first && third > second,
	    "%s: a deleted row's number does not come back", table);
	if (third <= second)
		diag("%lld, %lld, then %lld", (long long)first, (long long)second,
		    (long long)third);
}

static void test_tables(struct dbtest *t)
{
	STMT_SCOPE s = db_stmt_text(t->db, questions[TABLES][db_kind(t->db)]);
	struct db *db = connect(t);
	int n = 0;

	while (stmt_next(s)) {
		if (is_other(stmt_text(s, 0)))
			continue;
		test_table(t, db, stmt_text(s, 0));
		n++;
	}
	ok(n >= 14, "every table with an id was asked");
}

/* ---- a database of before ---- */

static const char *kind_of(struct dbtest *t)
{
	return db_kind(t->db) == DB_SQLITE ? "sqlite" : "postgres";
}

/* The migrations up to the one that ends the return of numbers. */
static const char *share_before(struct dbtest *t)
{
	static const char *const names[] = { "0001_start", "0002_ses_events",
		"0003_exact", "0004_invitations", "0005_supabase", "0006_accounts",
		"0007_hosts", "0008_ledger_scale", "0009_audit", "0010_served",
		"0011_ledger_keys", "0012_causes", "0013_constant", "0014_host_marks",
		"0015_consent_in", "0016_key_users" };
	const char *dir = mem_printf(t->mem, "%s/before", t->dir), *kind = kind_of(t);
	int bad = mkdir(dir, 0700) + mkdir(mem_printf(t->mem, "%s/sql", dir), 0700) +
	    mkdir(mem_printf(t->mem, "%s/sql/%s", dir, kind), 0700);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		bad += symlink(mem_printf(t->mem, "%s/sql/%s/%s.sql", t->share, kind,
				   names[i]),
		    mem_printf(t->mem, "%s/sql/%s/%s.sql", dir, kind, names[i]));
	is_int(bad, 0, "the migrations of before are there alone");
	return dir;
}

static void fill(struct dbtest *t)
{
	const char *people = getenv("NUMBERS_PEOPLE");

	dbtest_script(t->db,
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
	    " VALUES (3, 'B', 'h', 1, 1);"
	    "INSERT INTO lists (id, brand_id, name, created_at, updated_at)"
	    " VALUES (4, 3, 'L', 1, 1);"
	    "INSERT INTO campaigns (id, brand_id, name, created_at, updated_at)"
	    " VALUES (5, 3, 'C', 1, 1);");
	dbtest_script(t->db,
	    mem_printf(t->mem,
		"INSERT INTO subscribers (id, brand_id, email, email_key, status,"
		" created_at, updated_at)"
		" WITH RECURSIVE p(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM p"
		"  WHERE n < %s)"
		" SELECT n, 3, 'p' || n || '@x.test', 'p' || n || '@x.test', 'active',"
		" 1, 1 FROM p;"
		"INSERT INTO list_subscribers (list_id, subscriber_id, created_at)"
		" SELECT 4, id, 1 FROM subscribers;",
		people ? people : "1000"));
	/* who was mailed and deleted; a list and a campaign that the log names */
	dbtest_script(t->db,
	    "INSERT INTO campaign_subscribers (campaign_id, subscriber_id, email,"
	    " email_key, state) SELECT 5, max(id) + 7, 'z@x.test', 'z@x.test', 4"
	    "  FROM subscribers;"
	    "INSERT INTO audit_log (brand_id, action, object_id, at)"
	    " VALUES (3, 'list.delete', 40, 1), (3, 'campaign.delete', 50, 1),"
	    " (3, 'brand.update', 3, 1);");
}

static int64_t next_number(struct dbtest *t, const char *table)
{
	return dbtest_int(t->db, insert_text(t->db, t->mem, table));
}

static void test_upgrade(struct dbtest *t)
{
	struct migration_state st;
	struct db *db;
	int64_t n, us;

	ok(migrate_up(t->db, t->mem, share_before(t), 1000, &st) == OK &&
		st.applied == 16,
	    "a database of before");
	fill(t);
	n = dbtest_int(t->db, "SELECT count(*) FROM subscribers");
	/* somebody who has it open meanwhile */
	db = connect(t);
	is_int(dbtest_int(db, "SELECT count(*) FROM list_subscribers"), n, "is open");
	us = clock_mono_us();
	ok(migrate_up(t->db, t->mem, t->share, 2000, &st) == OK, "migrates");
	diag("%lld people: %lld ms", (long long)n,
	    (long long)(clock_mono_us() - us) / 1000);
	if (st.why)
		diag("%s", st.why);
	is_int(dbtest_int(t->db, "SELECT count(*) FROM subscribers"), n,
	    "all people are there");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM list_subscribers"), n,
	    "and their places in lists");
	t->db = db;
	is_int(next_number(t, "subscribers"), n + 8,
	    "a person whom only the ledger names has the number for ever");
	is_int(next_number(t, "lists"), 41, "so has a list of the audit log");
	is_int(next_number(t, "campaigns"), 51, "so has a campaign");
	is_int(next_number(t, "brands"), 4, "no number is left out for nothing");
	if (db_kind(db) == DB_SQLITE) {
		STMT_SCOPE s = db_stmt_text(db, "PRAGMA integrity_check");

		ok(stmt_row(s) == OK && text_equal(stmt_text(s, 0), "ok"),
		    "the file is sound");
		dbtest_script(db, "PRAGMA writable_schema = 1");
		is_int(db_script(db, "UPDATE sqlite_schema SET sql = ''"), ERR_DB,
		    "the schema cannot be written afterwards");
	}
}

int main(void)
{
	dbtest_run(test_tables);
	dbtest_run_empty(test_upgrade);
	return done_testing();
}
