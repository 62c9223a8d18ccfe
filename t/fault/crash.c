/*
 * kill -9 of the process that sends, at random, again and again while 5,000 recipients
 * are being sent through the strict fake; then trigger until done.  Everybody has
 * exactly one row, nobody was accepted twice, what is in doubt is counted.  Some rounds
 * run two slices at once, some stop memcached in the middle.  CRASH_ROUNDS and
 * CRASH_PEOPLE for longer runs.
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
#include "memcached.h"
#include "send/ses_call.h"
#include "send/slice.h"
#include "sendtest.h"
#include "tap.h"

enum { KILLS = 8, DEADLINE_MS = 60000 };

static struct memcached mc;

static int number(const char *name, int dflt)
{
	const char *s = getenv(name);

	return s ? atoi(s) : dflt;
}

/* One trigger, in a process of its own, as a cron worker is. */
static pid_t trigger(struct dbtest *t)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		void *mem = mem_scope(NULL, "worker");
		struct work_report r;
		struct db *db;

		if (db_open(mem, t->url, t->log, &db) != OK)
			_exit(1);
		_exit(
		    slice_run(sendtest_app_on(t, mem, db, mc.servers), 20000, &r) == OK
			? 0
			: 1);
	}
	return pid;
}

static void rest(int64_t ms)
{
	usleep((useconds_t)ms * 1000);
}

static bool done(struct dbtest *t)
{
	return dbtest_int(t->db,
		   "SELECT count(*) FROM campaigns WHERE id = 5 AND status = "
		   "'completed'") == 1;
}

/*
 * Kills up to KILLS triggers at a random moment, then lets it finish. Nobody resumes
 * the campaign: our own death is no reason to pause it. Kills made.
 */
static int storm(struct dbtest *t, int round)
{
	int64_t end = clock_mono_ms() + DEADLINE_MS;
	int kills = 0;

	for (int i = 0; i < KILLS && !done(t); i++) {
		pid_t a = trigger(t), b = round % 3 == 2 ? trigger(t) : 0;

		rest(30 + random() % 450);
		if (round % 4 == 1 && i == KILLS / 2)
			memcached_stop(&mc);
		for (pid_t p = a; p; p = p == a ? b : 0) {
			int status;

			kill(p, SIGKILL);
			waitpid(p, &status, 0);
			kills += WIFSIGNALED(status) != 0;
		}
	}
	while (!done(t) && clock_mono_ms() < end) {
		pid_t p = trigger(t);

		waitpid(p, NULL, 0);
	}
	if (round % 4 == 1)
		memcached_start(&mc);
	return kills;
}

static void reset(struct dbtest *t, struct fake_ses *f)
{
	dbtest_script(t->db,
	    SENDTEST_EMPTY "UPDATE campaigns SET status = 'sending', "
			   "audience = 0,"
			   " frozen_at = NULL, freeze_after = 0, pause_reason = '';");
	if (truncate(f->ledger, 0) != 0)
		ok(false, "the ledger is emptied");
}

/* Joins the fake's ledger with ours. */
struct verdict {
	int twice, unknown, lost, doubt_sent;
};

static struct verdict compare(struct dbtest *t, const struct fake_ses *f, int people)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "compare");
	struct json_object *got = fake_ses_accepted(tmp, f);
	int *times = mem_array(tmp, int, (size_t)people + 1);
	struct verdict v = { 0 };
	STMT_SCOPE s = db_stmt_text(t->db,
	    "SELECT subscriber_id, state FROM campaign_subscribers"
	    " WHERE campaign_id = 5");

	for (size_t i = 0; i < json_object_array_length(got); i++) {
		struct json_object *to =
		    json_get(json_object_array_get_idx(got, i), "to");
		int n =
		    atoi(json_object_get_string(json_object_array_get_idx(to, 0)) + 1);

		if (n < 1 || n > people)
			v.unknown++;
		else if (++times[n] > 1)
			v.twice++;
	}
	while (stmt_next(s)) {
		int64_t who = stmt_int(s, 0), state = stmt_int(s, 1);

		v.lost += state == 4 && !times[who];
		v.unknown += times[who] && state != 4 && state != 7;
		v.doubt_sent += times[who] && state == 7;
	}
	return v;
}

static void play(struct dbtest *t, struct app *app, struct fake_ses *f, int round,
    int people)
{
	bool bulk = round % 2;
	int64_t start = clock_mono_ms(), doubt;
	struct verdict v;
	int kills;

	reset(t, f);
	sendtest_use_ses(t, app, f, bulk ? "bulk" : "single", bulk ? 4000 : 2500);
	kills = storm(t, round);
	v = compare(t, f, people);
	doubt = sendtest_rows(t, 7);
	tap_count("kills", kills);
	tap_count("recipients", people);
	tap_count("doubts", doubt);
	tap_count("twice", v.twice);
	tap_count("lost", v.lost + v.unknown);
	diag("round %d, %s: %d kills, %lld in doubt (%d of them were accepted), %lld "
	     "ms",
	    round, bulk ? "bulk" : "single", kills, (long long)doubt, v.doubt_sent,
	    (long long)(clock_mono_ms() - start));
	ok(done(t), "round %d: the campaign is completed", round);
	is_int(dbtest_int(t->db,
		   "SELECT count(DISTINCT subscriber_id) FROM campaign_subscribers"
		   " WHERE campaign_id = 5"),
	    people, "round %d: everybody has a row", round);
	is_int(sendtest_rows(t, 4) + doubt, people, "round %d: the sum is the audience",
	    round);
	is_int(v.twice, 0, "round %d: nobody was accepted twice", round);
	is_int(v.lost + v.unknown, 0, "round %d: our ledger and the fake's agree",
	    round);
	ok(doubt <= (int64_t)kills * (bulk ? BULK_FLIGHT : SINGLE_FLIGHT),
	    "round %d: no more doubt than was in flight", round);
	is_int(sendtest_check(t), 0, "round %d: counts, rows and attempts agree",
	    round);
}

static void test_crash(struct dbtest *t)
{
	int rounds = number("CRASH_ROUNDS", db_kind(t->db) == DB_SQLITE ? 20 : 4);
	int people = number("CRASH_PEOPLE", 5000);
	struct fake_ses f;
	struct app *app;

	sendtest_people(t, people);
	app = sendtest_app(t, mc.servers);
	fake_ses_start(t, &f, "");
	for (int round = 0; round < rounds; round++)
		play(t, app, &f, round, people);
	is_int(fake_ses_stat(&f, "badSignature") + fake_ses_stat(&f, "malformed"), 0,
	    "the fake has nothing to complain about");
	fake_ses_stop(&f);
}

int main(void)
{
	srandom((unsigned)number("CRASH_SEED", (int)time(NULL)));
	memcached_begin(&mc);
	dbtest_run(test_crash);
	memcached_end(&mc);
	return done_testing();
}
