/*
 * A database that is older than the mail it has sent is held (I14): slices send through
 * the strict fake of Amazon SES, at a random moment a backup is made, they go on, they
 * end or are killed, and the backup is brought back.  Either everything the fake has
 * taken is in it, or it sends nothing to anybody until somebody confirms.
 *
 * Kinds, on both databases: a backup by the tool of the database, with the state
 * directory kept and with no memcached; the same, the slices being killed; a snapshot
 * of the file system with the state directory in it, put back in place, of which
 * memcached alone can tell.  On PostgreSQL also a server whose place another one takes,
 * which lacks what was committed last, while the slices run. RESTORE_ROUNDS and
 * RESTORE_PEOPLE for longer runs.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "faulttest.h"
#include "memcached.h"
#include "repo/repo.h"
#include "service/host.h"
#include "tap.h"

enum { SLICES = 2, RATE = 300, SLOW_RATE = 60, CALM_MS = 300, WAIT_MS = 20000 };

enum kind { BACKUP, BACKUP_KILLED, SNAPSHOT, FAILOVER, KINDS };
static const char *const names[KINDS] = {
	[BACKUP] = "a backup",
	[BACKUP_KILLED] = "a backup, the slices killed",
	[SNAPSHOT] = "a snapshot of the file system",
	[FAILOVER] = "a standby that is behind",
};

static struct memcached mc;

static void shell(struct dbtest *t, const char *command)
{
	char *all = mem_printf(t->mem, "cd '%s' && {\n%s\n}", t->dir, command);

	if (system(all) != 0)
		ok(false, "%s", command);
}

static void rest(int64_t ms)
{
	usleep((useconds_t)ms * 1000);
}

static void reopen(struct dbtest *t)
{
	if (db_open(t->mem, t->url, t->log, &t->db) != OK || repo_prepare(t->db) != OK)
		ok(false, "the database opens");
}

/* ---- what is brought back ---- */
static void back_up(struct dbtest *t)
{
	if (db_kind(t->db) == DB_SQLITE) {
		shell(t, "rm -f backup.db");
		dbtest_script(t->db,
		    mem_printf(t->mem, "VACUUM INTO '%s/backup.db'", t->dir));
	} else {
		shell(t, mem_printf(t->mem, "pg_dump -Fp -d '%s' >backup.sql", t->url));
	}
}

static void restore(struct dbtest *t)
{
	bool lite = db_kind(t->db) == DB_SQLITE;

	mem_free(t->db);
	t->db = NULL;
	if (lite)
		shell(t, "rm -f test.db-wal test.db-shm; cat backup.db >test.db");
	else
		shell(t,
		    mem_printf(t->mem,
			"psql -Xqo /dev/null -v ON_ERROR_STOP=1 -d '%s' -c"
			" 'SET client_min_messages = error;"
			" DROP SCHEMA public CASCADE; CREATE SCHEMA public'"
			" && psql -Xqo /dev/null -v ON_ERROR_STOP=1 -d '%s'"
			" <backup.sql",
			t->url, t->url));
	reopen(t);
}

/* The files first: they may be behind the database, as after a power cut. */
static void snapshot(struct dbtest *t)
{
	shell(t, "rm -rf snap && mkdir snap && ln host snap/ && cp -a marks snap/");
	back_up(t);
}

/* In place: each file keeps its number and its birth, as it does for a file system. */
static void restore_snapshot(struct dbtest *t)
{
	shell(t,
	    "rm -f host && ln snap/host host && for f in marks/*; do if [ -e snap/$f "
	    "]; then"
	    " cat snap/$f >$f; else rm $f; fi; done");
	restore(t);
}

/* Runs SQL on another database of the same server: sed makes its URL of ours. */
static void on_server(struct dbtest *t, const char *sed, const char *sql)
{
	shell(t,
	    mem_printf(t->mem,
		"now=$(psql -XAtqd '%s' -c 'SELECT current_database()')\n"
		"psql -Xqo /dev/null -v ON_ERROR_STOP=1"
		" -d \"$(echo '%s' | sed \"%s\")\" <<SQL\n%s\nSQL",
		t->url, t->url, sed, sql));
}

static void make_standby(struct dbtest *t)
{
	on_server(t, "s|$now|postgres|",
	    "CREATE DATABASE ${now}_b TEMPLATE template0 ENCODING 'UTF8'");
	on_server(t, "s|$now|&_b|", "\\i backup.sql");
}

/* The database of that name is another one from one moment to the next. */
static void fail_over(struct dbtest *t)
{
	mem_free(t->db);
	t->db = NULL;
	on_server(t, "s|$now|postgres|",
	    "ALTER DATABASE $now ALLOW_CONNECTIONS false;"
	    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
	    " WHERE datname = '$now';"
	    "ALTER DATABASE $now RENAME TO ${now}_old;"
	    "ALTER DATABASE ${now}_b RENAME TO $now;"
	    "DROP DATABASE ${now}_old;");
	reopen(t);
}

/* ---- a round ---- */
static int taken(const struct fake_ses *f)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "taken");

	return (int)json_object_array_length(fake_ses_accepted(tmp, f));
}

/* What was under way when the slices were killed may still arrive. */
static int taken_at_last(const struct fake_ses *f)
{
	int before, now = taken(f);

	do {
		before = now;
		rest(CALM_MS);
		now = taken(f);
	} while (now != before);
	return now;
}

static int64_t held(struct dbtest *t)
{
	return dbtest_int(t->db, "SELECT count(*) FROM hosts WHERE held = 'restored'");
}

static void wait_for(const struct fake_ses *f, int n)
{
	int64_t end = clock_mono_ms() + WAIT_MS;

	while (taken(f) < n && clock_mono_ms() < end)
		rest(5);
}

static void run_two(struct dbtest *t, const struct trigger *how)
{
	pid_t a = faulttest_trigger(t, how), b = faulttest_trigger(t, how);

	is_int(faulttest_wait(a) + faulttest_wait(b), 0, "both slices end well");
}

static void set_rate(struct dbtest *t, int rate)
{
	dbtest_script(t->db,
	    mem_printf(t->mem, "UPDATE providers SET rate = %d", rate));
}

/* As a worker of a pool: told to end, it comes to its end. */
static pid_t begin(struct dbtest *t, const struct trigger *how)
{
	sigset_t term;
	pid_t pid;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	pid = faulttest_trigger(t, how);
	sigprocmask(SIG_UNBLOCK, &term, NULL);
	return pid;
}

/* Slices send, a backup is made meanwhile, and some time later it is brought back. */
static void play(struct dbtest *t, const struct fake_ses *f, enum kind kind,
    const struct trigger *how)
{
	pid_t pid[SLICES];
	int64_t end;

	set_rate(t,
	    kind == FAILOVER ? SLOW_RATE : RATE); /* to make a standby takes time */
	for (int i = 0; i < SLICES; i++)
		pid[i] = begin(t, how);
	wait_for(f, 1 + (int)(random() % 150));
	if (kind == SNAPSHOT)
		snapshot(t);
	else
		back_up(t);
	if (kind == FAILOVER)
		make_standby(t);
	end = clock_mono_ms() + random() % 700;
	while (clock_mono_ms() < end && !faulttest_done(t))
		rest(10);
	if (kind == FAILOVER)
		fail_over(t);
	for (int i = 0; i < SLICES; i++) {
		if (kind != FAILOVER)
			kill(pid[i], kind == BACKUP ? SIGTERM : SIGKILL);
		faulttest_wait(pid[i]);
	}
	if (kind == SNAPSHOT)
		restore_snapshot(t);
	else if (kind != FAILOVER)
		restore(t);
}

/* Somebody looks, and says: go on. What was lost goes out again, and nothing else. */
static void go_on(struct dbtest *t, const struct fake_ses *f, int people, int lost,
    const struct trigger *how)
{
	int64_t paused;
	struct verdict v;

	ok(host_confirm(t->db, false, clock_now(&clock_system), &paused) == OK,
	    "somebody confirms");
	set_rate(t, RATE);
	ok(faulttest_finish(t, how), "the campaign is completed");
	is_int(held(t), 0, "and is held no more");
	v = faulttest_compare(t, f, people);
	ok(v.twice <= lost, "twice went what the database had lost (%d of %d)", v.twice,
	    lost);
	is_int(sendtest_check(t), 0, "the ledger adds up");
}

static bool round_of(struct dbtest *t, const struct fake_ses *f, enum kind kind,
    int people)
{
	const struct trigger how = { .servers = kind == SNAPSHOT ? mc.servers : "" };
	int lost, before;

	faulttest_reset(t, f);
	play(t, f, kind, &how);
	before = taken_at_last(f);
	lost = faulttest_compare(t, f, people).no_attempt;
	run_two(t, &how);
	diag("%s: of %d that were sent %d are not in it", names[kind], before, lost);
	if (lost) {
		ok(held(t) > 0, "%s: the database is held", names[kind]);
		run_two(t, &how);
		is_int(taken(f), before, "%s: nothing is sent", names[kind]);
	}
	go_on(t, f, people, lost, &how);
	return lost > 0;
}

static void test_restore(struct dbtest *t)
{
	int rounds = faulttest_number("RESTORE_ROUNDS", 4);
	int kinds = db_kind(t->db) == DB_SQLITE ? FAILOVER : KINDS;
	int people = faulttest_number("RESTORE_PEOPLE", 800);
	int told[KINDS] = { 0 };

	struct fake_ses f;

	sendtest_people(t, people);
	fake_ses_start(t, &f, "");
	sendtest_use_ses(t, sendtest_app(t, ""), &f, "single", RATE);
	for (int i = 0; i < rounds; i++)
		told[i % kinds] += round_of(t, &f, (enum kind)(i % kinds), people);
	for (int i = 0; i < kinds; i++)
		ok(told[i] > 0, "%s: it was older %d times", names[i], told[i]);
	fake_ses_stop(&f);
}

int main(void)
{
	unsigned seed = (unsigned)faulttest_number("CRASH_SEED", (int)time(NULL));

	diag("CRASH_SEED=%u", seed);
	srandom(seed);
	memcached_begin(&mc);
	dbtest_run(test_restore);
	memcached_end(&mc);
	return done_testing();
}
