/*
 * What the wire does to one call.  libcurl repeats a POST by itself when a connection
 * that was used before ends without an answer: the fake ends them after it has read,
 * and may have accepted, and every call must have been seen once.  And a key that is
 * replaced in the middle of a campaign is used from then on without a restart.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "faulttest.h"
#include "tap.h"

enum { PEOPLE = 300, KEY_PEOPLE = 900, WITHIN_MS = 5000 };

/* ---- calls that libcurl would repeat ---- */
struct end {
	const char *mode, *name, *rule;
	bool accepted; /* by the fake, before it ended the connection */
};

static const struct end ends[] = {
	{ "single", "read and accepted, then closed", "\"do\":\"drop\"", true },
	{ "single", "read, then closed", "\"do\":\"reset\"", false },
	{ "bulk", "read and accepted, then closed", "\"do\":\"drop\"", true },
	{ "bulk", "read, then closed", "\"do\":\"reset\"", false },
};

static int64_t attempts(struct dbtest *t)
{
	return dbtest_int(t->db, "SELECT sum(tries) FROM campaign_subscribers");
}

static void play(struct dbtest *t, struct app *app, struct fake_ses *f,
    const struct end *x)
{
	const struct trigger how = { .servers = "" };
	int64_t calls = fake_ses_stat(f, "calls"), cut, doubt;
	struct verdict v;

	faulttest_reset(t, f);
	sendtest_use_ses(t, app, f, x->mode, 300);
	fake_ses_script(f,
	    mem_printf(t->mem, "[{\"reused\":true,\"every\":%d,\"name\":\"%s %s\",%s}]",
		strcmp(x->mode, "bulk") == 0 ? 3 : 20, x->mode, x->name, x->rule));
	ok(faulttest_finish(t, &how), "%s, %s: completed", x->mode, x->name);
	cut = fake_ses_stat(f, mem_printf(t->mem, "%s %s", x->mode, x->name));
	calls = fake_ses_stat(f, "calls") - calls;
	doubt = sendtest_rows(t, 7);
	v = faulttest_compare(t, f, PEOPLE);
	faulttest_tell(t, PEOPLE, &v);
	ok(cut > 0 && doubt >= cut,
	    "%s, %s: %lld calls, %lld of them cut, %lld in doubt", x->mode, x->name,
	    (long long)calls, (long long)cut, (long long)doubt);
	if (strcmp(x->mode, "single") == 0)
		is_int(calls, PEOPLE, "%s, %s: each call reached it once", x->mode,
		    x->name);
	is_int(attempts(t), PEOPLE, "%s, %s: one attempt each", x->mode, x->name);
	is_int(v.twice, 0, "%s, %s: nobody has it twice", x->mode, x->name);
	is_int(v.doubt_sent, x->accepted ? doubt : 0,
	    "%s, %s: the doubtful have it, or have not", x->mode, x->name);
	is_int(v.lost + v.unknown + v.no_attempt + sendtest_check(t), 0,
	    "%s, %s: both ledgers agree", x->mode, x->name);
}

static void test_repeat(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app;

	if (db_kind(t->db) != DB_SQLITE)
		return; /* it is the same wire */
	sendtest_people(t, PEOPLE);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "");
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		play(t, app, &f, &ends[i]);
	fake_ses_stop(&f);
}

/* ---- a peer that ends kept connections without a word ---- */
static void play_close(struct dbtest *t, struct app *app, const char *mode, int ms)
{
	const struct trigger how = { .servers = "" };
	const char *name =
	    mem_printf(t->mem, "%s, closed %d ms after an answer", mode, ms);
	/*
	 * A peer that closes as the request arrives leaves no trace until that is
	 * learned.  On a busy machine 5 ms become as many as 50.
	 */
	int most = ms == 0 ? 0 : strcmp(mode, "bulk") == 0 ? 100 : 64;
	struct fake_ses f;
	struct verdict v;
	int64_t doubt;

	fake_ses_start(t, &f, mem_printf(t->mem, "--close %d", ms));
	faulttest_reset(t, &f);
	sendtest_use_ses(t, app, &f, mode, 2000);
	ok(faulttest_finish(t, &how), "%s: completed", name);
	v = faulttest_compare(t, &f, PEOPLE);
	doubt = sendtest_rows(t, 7);
	ok(doubt <= most, "%s: %lld in doubt, of at most %d", name, (long long)doubt,
	    most);
	is_int(fake_ses_stat(&f, "accepted") + doubt - v.doubt_sent, PEOPLE,
	    "%s: all others have it", name);
	is_int(attempts(t), PEOPLE, "%s: by one attempt", name);
	is_int(v.twice + v.lost + v.unknown + v.no_attempt + sendtest_check(t), 0,
	    "%s: both ledgers agree", name);
	fake_ses_stop(&f);
}

static void test_close(struct dbtest *t)
{
	static const int after[] = { 0, 5, 50 };
	struct app *app;

	if (db_kind(t->db) != DB_SQLITE)
		return; /* it is the same wire */
	sendtest_people(t, PEOPLE);
	app = sendtest_app(t, "");
	for (size_t i = 0; i < sizeof(after) / sizeof(*after); i++) {
		play_close(t, app, "single", after[i]);
		if (after[i] <= 20)
			play_close(t, app, "bulk", after[i]);
	}
}

/* ---- keys ---- */
static const char old_key[] = "AKIDEXAMPLE", new_key[] = "AKIDROTATED";
static const char secret[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/* Triggers one after another, as cron does, until told to end. */
static pid_t keep_triggering(struct dbtest *t)
{
	const struct trigger how = { .servers = "" };
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		for (;;)
			faulttest_wait(faulttest_trigger(t, &how));
	return pid;
}

/* True when the number has passed `least`, within ms. */
static bool soon(const struct fake_ses *f, const char *name, int64_t least, int ms)
{
	int64_t end = clock_mono_ms() + ms;

	while (fake_ses_stat(f, name) < least && clock_mono_ms() < end)
		usleep(20000);
	return fake_ses_stat(f, name) >= least;
}

static void test_keys(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app;
	int64_t old;
	pid_t pid;

	sendtest_people(t, KEY_PEOPLE);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "");
	sendtest_use_ses(t, app, &f, "single", 300);
	fake_ses_keys(&f,
	    mem_printf(t->mem, "{\"%s\":\"%s\",\"%s\":\"%s\"}", old_key, secret,
		new_key, secret));
	pid = keep_triggering(t);
	ok(soon(&f, "key AKIDEXAMPLE", 100, 20000), "a campaign is under way");
	dbtest_script(t->db,
	    mem_printf(t->mem,
		"UPDATE providers SET access_key_id = '%s',"
		" updated_at = updated_at + 1",
		new_key));
	ok(soon(&f, "key AKIDROTATED", 1, WITHIN_MS),
	    "a key that is replaced is used within five seconds");
	old = fake_ses_stat(&f, "key AKIDEXAMPLE");
	fake_ses_keys(&f, mem_printf(t->mem, "{\"%s\":\"%s\"}", new_key, secret));
	for (int i = 0; i < 600 && !faulttest_done(t); i++)
		usleep(50000);
	kill(pid, SIGKILL);
	faulttest_wait(pid);
	is_int(fake_ses_stat(&f, "key AKIDEXAMPLE"), old, "the old one never again");
	faulttest_exact(t, &f, KEY_PEOPLE, 0, "a key replaced on the way");
	fake_ses_stop(&f);
}

int main(void)
{
	dbtest_run(test_repeat);
	dbtest_run(test_close);
	dbtest_run(test_keys);
	return done_testing();
}
