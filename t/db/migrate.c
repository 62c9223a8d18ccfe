#include "db/migrate.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "dbtest.h"
#include "tap.h"

static const char *const names[] = {
	"0001_start.sql",
	"0002_more.sql",
	"0003_bad.sql",
	"0003_last.sql",
	"notes.txt",
};

static const char *dir_of(struct dbtest *t)
{
	return mem_printf(t->mem, "%s/sql/%s", t->dir,
	    db_kind(t->db) == DB_SQLITE ? "sqlite" : "postgres");
}

static void write_file(struct dbtest *t, const char *name, const char *text)
{
	FILE *f = fopen(mem_printf(t->mem, "%s/%s", dir_of(t), name), "we");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		ok(false, "%s can be written", name);
}

static void remove_file(struct dbtest *t, const char *name)
{
	unlink(mem_printf(t->mem, "%s/%s", dir_of(t), name));
}

static bool says(const struct migration_state *st, const char *part)
{
	bool found = st->why != NULL && strstr(st->why, part) != NULL;

	if (!found)
		diag("it says: %s", st->why);
	return found;
}

static void test_up(struct dbtest *t)
{
	struct migration_state st;

	write_file(t, "0001_start.sql",
	    "CREATE TABLE a (n BIGINT); INSERT INTO a VALUES (1);");
	is_int(migrate_check(t->db, t->mem, t->dir, &st), ERR_CONFLICT,
	    "migrate_check refuses an empty database");
	ok(says(&st, "maillayer migrate"), "and says what to do");
	is_int(migrate_up(t->db, t->mem, t->dir, 1000, &st), OK,
	    "migrate_up migrates it");
	ok(st.applied == 1 && st.newest == 1, "to the newest version");
	is_int(migrate_check(t->db, t->mem, t->dir, &st), OK,
	    "migrate_check is content");
	write_file(t, "0002_more.sql",
	    "ALTER TABLE a ADD COLUMN m BIGINT;\nUPDATE a SET m = n + 1;");
	is_int(migrate_check(t->db, t->mem, t->dir, &st), ERR_CONFLICT,
	    "migrate_check refuses a schema too old");
	is_int(migrate_up(t->db, t->mem, t->dir, 2000, &st), OK,
	    "migrate_up applies what is missing");
	is_int(migrate_up(t->db, t->mem, t->dir, 3000, &st), OK,
	    "and once more is nothing");
	is_int(dbtest_int(t->db, "SELECT sum(n + m) FROM a"), 3, "each ran once");
	is_int(dbtest_int(t->db, "SELECT sum(applied_at) FROM schema_migrations"), 3000,
	    "each is recorded with its time");
}

static void test_all_or_nothing(struct dbtest *t)
{
	struct migration_state st;

	write_file(t, "0003_bad.sql",
	    "CREATE TABLE b (n BIGINT); UPDATE a SET n = 5;"
	    " INSERT INTO nowhere VALUES (1);");
	is_int(migrate_up(t->db, t->mem, t->dir, 4000, &st), ERR_DB,
	    "a bad migration is an error");
	ok(says(&st, "0003_bad.sql"), "that names the file");
	is_int(dbtest_int(t->db, "SELECT sum(n) FROM a"), 1, "what it did is undone");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM schema_migrations"), 2,
	    "it is not recorded");
	write_file(t, "0003_bad.sql", "UPDATE a SET n = 6; COMMIT;");
	is_int(migrate_up(t->db, t->mem, t->dir, 4000, &st), ERR_DB,
	    "a migration must not end the transaction");
	remove_file(t, "0003_bad.sql");
	write_file(t, "0003_last.sql", "CREATE TABLE b (n BIGINT);");
	is_int(migrate_up(t->db, t->mem, t->dir, 5000, &st), OK,
	    "the repaired one applies");
}

static void test_refusals(struct dbtest *t)
{
	struct migration_state st;

	write_file(t, "0002_more.sql", "ALTER TABLE a ADD COLUMN other BIGINT;");
	is_int(migrate_up(t->db, t->mem, t->dir, 6000, &st), ERR_CONFLICT,
	    "a changed checksum is refused");
	ok(says(&st, "0002_more.sql is not the file"), "by name");
	is_int(migrate_check(t->db, t->mem, t->dir, &st), ERR_CONFLICT,
	    "by migrate_check too");
	write_file(t, "0002_more.sql",
	    "ALTER TABLE a ADD COLUMN m BIGINT;\nUPDATE a SET m = n + 1;");
	is_int(migrate_check(t->db, t->mem, t->dir, &st), OK,
	    "the original is accepted");
	remove_file(t, "0003_last.sql");
	is_int(migrate_up(t->db, t->mem, t->dir, 7000, &st), ERR_CONFLICT,
	    "a newer schema is refused");
	ok(says(&st, "newer version of Maillayer"), "and the sentence says why");
	is_int(migrate_check(t->db, t->mem, t->dir, &st), ERR_CONFLICT,
	    "by migrate_check too");
	remove_file(t, "0001_start.sql");
	is_int(migrate_up(t->db, t->mem, t->dir, 7000, &st), ERR_IO,
	    "a missing file is refused");
	is_int(migrate_up(t->db, t->mem, "/nowhere", 7000, &st), ERR_IO,
	    "a missing directory too");
	ok(says(&st, "/nowhere"), "by name");
}

static void test_migrations(struct dbtest *t)
{
	t->log->least = LOG_ERROR + 1;
	mkdir(mem_printf(t->mem, "%s/sql", t->dir), 0700);
	mkdir(dir_of(t), 0700);
	write_file(t, "notes.txt", "not a migration");
	test_up(t);
	test_all_or_nothing(t);
	test_refusals(t);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		remove_file(t, names[i]);
	rmdir(dir_of(t));
	rmdir(mem_printf(t->mem, "%s/sql", t->dir));
}

int main(void)
{
	dbtest_run_empty(test_migrations);
	return done_testing();
}
