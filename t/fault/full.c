/*
 * A disk that is full at any write, in the middle of a campaign: no new intents,
 * nothing half done, and it goes on when there is room.  And clocks that jump by two
 * hours.
 */
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "faulttest.h"
#include "send/slice.h"
#include "service/subscriber.h"
#include "tap.h"
#include "tornvfs.h"

enum { PEOPLE = 300, HOURS_2 = 7200000 };

/* ---- full ---- */

/* A worker with room for `bytes` more on its disk. */
static int with_room(struct dbtest *t, int64_t bytes)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		void *mem = mem_scope(NULL, "worker");
		struct log lg = { .least = LOG_ERROR + 1, .fd = -1, .process = "full" };
		struct work_report r;
		struct app *app;
		struct db *db;

		if (db_open(mem, t->url, &lg, &db) != OK)
			_exit(100);
		app = sendtest_app_on(t, mem, db, "");
		app->log = lg;
		tornvfs_room(bytes);
		alarm(1);
		_exit((int)slice_run(app, 3000, &r));
	}
	return faulttest_wait(pid);
}

static void fill_up(struct dbtest *t, struct fake_ses *f, int *full)
{
	int64_t bytes = 4096 + random() % 600000;
	int status = with_room(t, bytes);

	/* what waits for room to write its results down is killed */
	*full += status == ERR_FULL || status == -SIGALRM;
	if (faulttest_compare(t, f, PEOPLE).no_attempt)
		ok(false, "%lld bytes: no call without its attempt", (long long)bytes);
	if (dbtest_int(t->db,
		"SELECT count(*) FROM campaigns WHERE status IN"
		" ('sending', 'paused', 'completed')") != 1)
		ok(false, "%lld bytes: the campaign is in order", (long long)bytes);
}

static void test_full(struct dbtest *t)
{
	const struct trigger how = { .servers = "" };
	int full = 0, wrong = 0;
	struct fake_ses f;
	struct app *app;

	if (db_kind(t->db) != DB_SQLITE)
		return;
	sendtest_people(t, PEOPLE);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "");
	sendtest_use_ses(t, app, &f, "single", 4000);
	for (int i = 0; i < faulttest_number("FULL_ROUNDS", 6); i++) {
		struct verdict v;

		faulttest_reset(t, &f);
		for (int n = 0; n < 2; n++)
			fill_up(t, &f, &full);
		dbtest_script(t->db,
		    "UPDATE campaigns SET status = 'sending'"
		    " WHERE status = 'paused'");
		wrong += !faulttest_finish(t, &how);
		v = faulttest_compare(t, &f, PEOPLE);
		faulttest_tell(t, PEOPLE, &v);
		wrong += v.twice + v.lost + v.unknown + v.no_attempt;
		wrong += sendtest_check(t);
		wrong += sendtest_rows(t, 4) + sendtest_rows(t, 7) != PEOPLE;
	}
	tap_count("full", full);
	ok(full > 0, "the disk was full for %d slices, which said so", full);
	is_int(wrong, 0, "afterwards all go on, and nobody is lost or accepted twice");
	is_int(err_status(ERR_FULL), 507, "a full disk is 507 to a browser");
	fake_ses_stop(&f);
}

/* An unsubscription on a full disk fails whole, and is done when there is room. */
static void test_leave(struct dbtest *t)
{
	const struct origin o = { .source = "link", .now = 1 };

	if (db_kind(t->db) != DB_SQLITE)
		return;
	sendtest_people(t, 3);
	t->log->least = LOG_ERROR + 1;
	tornvfs_room(5000);
	is_int(subscriber_unsubscribe(t->db, 1, 1, &o, NULL), ERR_FULL,
	    "subscriber_unsubscribe says that the disk is full");
	is_int(dbtest_int(t->db,
		   "SELECT (SELECT count(*) FROM suppressions) + "
		   "(SELECT count(*) FROM consents)"),
	    0, "and nothing of it is there");
	tornvfs_room(-1);
	is_int(subscriber_unsubscribe(t->db, 1, 1, &o, NULL), OK,
	    "it works when there is room");
}

/* ---- clocks ---- */
static int64_t jumped(const struct clock *c)
{
	return clock_now(&clock_system) + c->fixed;
}

static int at_another_hour(struct dbtest *t, int64_t jump)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		void *mem = mem_scope(NULL, "worker");
		const struct clock c = { jumped, jump };
		struct work_report r;
		struct app *app;
		struct db *db;

		if (db_open(mem, t->url, t->log, &db) != OK)
			_exit(100);
		app = sendtest_app_on(t, mem, db, "");
		app->clock = &c;
		_exit((int)slice_run(app, 400, &r));
	}
	return faulttest_wait(pid);
}

static void test_clock(struct dbtest *t)
{
	static const int64_t jumps[] = { 0, HOURS_2, -HOURS_2, HOURS_2, 0, -HOURS_2 };
	const struct trigger how = { .servers = "" };
	struct fake_ses f;
	struct app *app;
	int bad = 0;

	sendtest_people(t, PEOPLE);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "--anytime");
	sendtest_use_ses(t, app, &f, "single", 100);
	for (size_t i = 0; i < sizeof(jumps) / sizeof(*jumps); i++)
		bad += at_another_hour(t, jumps[i]) != 0;
	is_int(bad, 0, "slices work at any hour");
	ok(sendtest_rows(t, 4) > 40, "and send: %lld", (long long)sendtest_rows(t, 4));
	sendtest_use_ses(t, app, &f, "single", 4000);
	faulttest_finish(t, &how);
	faulttest_exact(t, &f, PEOPLE, 0, "clocks that jumped by 2 hours");
	fake_ses_stop(&f);
}

int main(void)
{
	srandom((unsigned)faulttest_number("CRASH_SEED", (int)time(NULL)));
	tornvfs_begin();
	dbtest_run(test_full);
	dbtest_run(test_leave);
	dbtest_run(test_clock);
	return done_testing();
}
