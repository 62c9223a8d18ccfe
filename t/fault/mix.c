/*
 * A provider that fails in every way at once: 5 % throttled, 2 % answered with an error
 * after or before it accepted, 1 % cut off after it accepted, some never answered, 0.5
 * % answered by half.  Every message has exactly one outcome, and the doubtful ones are
 * exactly those faults.  MIX_PEOPLE, MIX_HANGS (per 10,000 calls) for longer runs.
 */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "faulttest.h"
#include "tap.h"

static const char rules[] =
    "[{\"chance\":0.05,\"name\":\"n429\",\"do\":{\"status\":429,"
    "\"type\":\"TooManyRequestsException\",\"message\":\"slow down\"}},"
    "{\"chance\":0.0105,\"name\":\"n500\",\"do\":{\"status\":500}},"
    "{\"chance\":0.0105,\"name\":\"n500a\",\"do\":{\"status\":500,\"accept\":true}},"
    "{\"chance\":0.0105,\"name\":\"ndrop\",\"do\":\"drop\"},"
    "{\"chance\":%.4f,\"name\":\"nhang\",\"do\":\"hang\"},"
    "{\"chance\":0.005,\"name\":\"nhalf\",\"do\":\"truncate\"}]";

static int64_t stat_of(const struct fake_ses *f, const char *name)
{
	int64_t n = fake_ses_stat(f, name);

	return n < 0 ? 0 : n;
}

/* It may pause itself: throttled for long, or too much doubt.  A person goes on. */
static void resume(struct dbtest *t)
{
	if (dbtest_int(t->db,
		"SELECT count(*) FROM campaigns WHERE id = 5 AND status ="
		" 'paused'") == 1)
		dbtest_script(t->db,
		    "UPDATE campaigns SET status = 'sending',"
		    " pause_reason = '' WHERE id = 5");
}

static bool run(struct dbtest *t, int people, int *pauses)
{
	const struct trigger how = { .servers = "" };
	int64_t end = clock_mono_ms() + 600000 + (int64_t)people * 120;
	int rest = 0;

	while (!faulttest_done(t) && clock_mono_ms() < end) {
		faulttest_wait(faulttest_trigger(t, &how));
		rest = (int)dbtest_int(t->db,
		    "SELECT count(*) FROM campaigns WHERE id "
		    "= 5 AND status = 'paused'");
		*pauses += rest;
		resume(t);
		/* what waits for its next try need not wait for the clock */
		dbtest_script(t->db,
		    "UPDATE campaign_subscribers SET next_try_at = 1"
		    " WHERE state = 3");
	}
	return faulttest_done(t);
}

static void test_mix(struct dbtest *t)
{
	int people = faulttest_number("MIX_PEOPLE", 1000), pauses = 0;
	double hangs = faulttest_number("MIX_HANGS", 10) / 10000.0;
	int64_t faults, doubt, start = clock_mono_ms();
	struct fake_ses f;
	struct app *app;
	struct verdict v;

	if (db_kind(t->db) != DB_SQLITE)
		people /= 10;
	sendtest_people(t, people);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "");
	sendtest_use_ses(t, app, &f, "single", 3000);
	fake_ses_script(&f, mem_printf(t->mem, rules, hangs));
	ok(run(t, people, &pauses), "the campaign of %d is completed", people);
	v = faulttest_compare(t, &f, people);
	faulttest_tell(t, people, &v);
	doubt = sendtest_rows(t, 7);
	faults = stat_of(&f, "n500") + stat_of(&f, "n500a") + stat_of(&f, "ndrop") +
	    stat_of(&f, "nhang") + stat_of(&f, "nhalf");
	tap_count("faults", faults + stat_of(&f, "n429"));
	diag("%lld calls: %lld throttled, %lld + %lld errors, %lld cut off, %lld never "
	     "answered, %lld half answers; paused %d times; %lld ms",
	    (long long)stat_of(&f, "calls"), (long long)stat_of(&f, "n429"),
	    (long long)stat_of(&f, "n500"), (long long)stat_of(&f, "n500a"),
	    (long long)stat_of(&f, "ndrop"), (long long)stat_of(&f, "nhang"),
	    (long long)stat_of(&f, "nhalf"), pauses,
	    (long long)(clock_mono_ms() - start));
	ok(faults > 0, "there were %lld faults", (long long)faults);
	is_int(doubt, faults, "in doubt are exactly those whose answer failed");
	is_int(sendtest_rows(t, 4), people - doubt, "accepted are all others");
	is_int(v.doubt_sent, faults - stat_of(&f, "n500"),
	    "and of the doubtful those were accepted that the fake accepted");
	is_int(stat_of(&f, "calls"), people + stat_of(&f, "n429"),
	    "only what was throttled was sent again");
	is_int(v.twice + v.lost + v.unknown + v.no_attempt, 0,
	    "both ledgers agree and nobody was accepted twice");
	is_int(sendtest_check(t), 0, "counts, rows and attempts agree");
	fake_ses_stop(&f);
}

int main(void)
{
	dbtest_run(test_mix);
	return done_testing();
}
