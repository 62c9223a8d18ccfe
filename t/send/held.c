/*
 * I14: a database that was restored sends nothing until somebody confirms.  The file of
 * SQLite is really copied while a campaign is being sent, and put back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "sendtest.h"
#include "send/slice.h"
#include "service/host.h"
#include "tap.h"

enum { PEOPLE = 60 };

static struct work_report run(struct dbtest *t, int64_t ms)
{
	struct work_report r = { 0 };
	struct app *app = sendtest_app(t, "");

	ok(slice_run(app, ms, &r) == OK, "slice_run runs");
	return r;
}

static int64_t mails(struct dbtest *t)
{
	return dbtest_int(t->db, "SELECT count(*) FROM outbox_messages");
}

static void shell(struct dbtest *t, const char *command)
{
	char *all = mem_printf(t->mem, "cd '%s' && %s", t->dir, command);

	ok(system(all) == 0, "%s", command);
}

static void begin(struct dbtest *t)
{
	sendtest_people(t, PEOPLE);
	dbtest_script(t->db,
	    "UPDATE providers SET rate = 20; UPDATE campaigns SET status = 'draft';");
	ok(!run(t, 1000).held, "a new database needs no confirmation");
	dbtest_script(t->db, "UPDATE campaigns SET status = 'sending'");
}

static void reopen(struct dbtest *t)
{
	t->db = NULL;
	if (db_open(t->mem, t->url, t->log, &t->db) != OK)
		ok(false, "the database opens");
}

static void test_restored(struct dbtest *t)
{
	struct work_report r;
	int64_t before, paused;

	if (db_kind(t->db) != DB_SQLITE)
		return; /* t/service/host has its turn on PostgreSQL */
	begin(t);
	r = run(t, 900);
	before = mails(t);
	ok(before > 0 && before < PEOPLE && r.more, "a campaign is under way (%lld)",
	    (long long)before);
	dbtest_script(t->db,
	    mem_printf(t->mem, "VACUUM INTO '%s/held-backup.db'", t->dir));
	run(t, 900);
	ok(mails(t) > before, "and goes on after the backup was made");
	mem_free(t->db);
	shell(t, "rm -f test.db test.db-wal test.db-shm; mv held-backup.db test.db");
	reopen(t);
	is_int(mails(t), before, "the backup is restored: it knows of fewer");
	r = run(t, 2000);
	is_text(r.held, "restored", "slice_run: a restored database is held");
	ok(r.done == 0 && !r.more && r.next_in_ms > 0, "and says when to come again");
	run(t, 2000);
	is_int(mails(t), before, "nothing was sent");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM send_batches WHERE owner IS NOT NULL"),
	    0, "nor begun");
	ok(host_confirm(t->db, false, clock_now(&clock_system), &paused) == OK,
	    "somebody confirms");
	r = run(t, 20000);
	ok(!r.held, "then it sends");
	is_int(mails(t), PEOPLE, "to all who are left");
	is_int(sendtest_check(t), 0, "the sum holds");
}

/*
 * A backup as of the first mail of a slice: no intent follows, but what came back was
 * settled and is not in it.
 */
static void test_end(struct dbtest *t)
{
	struct work_report r;

	if (db_kind(t->db) != DB_SQLITE)
		return; /* t/fault/restore has its turn on PostgreSQL */
	begin(t);
	dbtest_script(t->db,
	    "UPDATE providers SET rate = 0;" /* all at once */
	    "CREATE TABLE kept AS SELECT * FROM hosts WHERE 0;"
	    "CREATE TABLE kept_marks AS SELECT * FROM host_marks WHERE 0;"
	    "CREATE TRIGGER keep AFTER INSERT ON outbox_messages"
	    " WHEN NOT EXISTS (SELECT 1 FROM kept) BEGIN"
	    " INSERT INTO kept SELECT * FROM hosts;"
	    " INSERT INTO kept_marks SELECT * FROM host_marks; END;");
	r = run(t, 20000);
	ok(!r.held && mails(t) == PEOPLE, "a campaign is sent");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM kept_marks"), 1,
	    "a mark was there before the first mail");
	dbtest_script(t->db,
	    "DELETE FROM host_marks; DELETE FROM hosts;"
	    "INSERT INTO hosts SELECT * FROM kept;"
	    "INSERT INTO host_marks SELECT * FROM kept_marks;");
	is_text(run(t, 1000).held, "restored",
	    "slice_run: a backup from the middle is older than the end of the slice");
}

/* Everything is copied to another directory, as for a test site. */
static void test_copied(struct dbtest *t)
{
	struct work_report r;
	struct app *app;
	const char *dir = t->dir;

	if (db_kind(t->db) != DB_SQLITE)
		return;
	begin(t);
	run(t, 900);
	mem_free(t->db);
	shell(t, "mkdir copy && cp -a host key test.db copy/");
	t->dir = mem_printf(t->mem, "%s/copy", dir);
	t->url = mem_printf(t->mem, "sqlite:%s/test.db", t->dir);
	reopen(t);
	app = sendtest_app(t, "");
	ok(slice_run(app, 2000, &r) == OK && text_equal(r.held, "copied"),
	    "slice_run: a copy is held");
	mem_free(t->db);
	t->dir = dir;
	t->url = mem_printf(t->mem, "sqlite:%s/test.db", t->dir);
	reopen(t);
	r = run(t, 20000);
	ok(!r.held && mails(t) == PEOPLE, "its original is not");
}

int main(void)
{
	dbtest_run(test_restored);
	dbtest_run(test_end);
	dbtest_run(test_copied);
	return done_testing();
}
