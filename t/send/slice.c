#include "send/slice.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "kv/slow.h"
#include "repo/campaign.h"
#include "send/ses_call.h"
#include "sendtest.h"
#include "tap.h"

static struct work_report run(struct app *app, int64_t ms)
{
	struct work_report r = { 0 };

	ok(slice_run(app, ms, &r) == OK, "slice_run runs");
	return r;
}

static bool is_status(struct dbtest *t, const char *status)
{
	return dbtest_int(t->db,
		   mem_printf(t->mem,
		       "SELECT count(*) FROM campaigns WHERE id = 5"
		       " AND status = '%s'",
		       status)) == 1;
}

static bool pause_says(struct dbtest *t, const char *part)
{
	return dbtest_int(t->db,
		   mem_printf(t->mem,
		       "SELECT count(*) FROM campaigns WHERE id = 5"
		       " AND status = 'paused' AND pause_reason LIKE '%%%s%%'",
		       part)) == 1;
}

static void test_outbox(struct dbtest *t)
{
	struct app *app;
	struct work_report r;

	sendtest_people(t, 1200);
	app = sendtest_app(t, "");
	dbtest_script(t->db,
	    "UPDATE subscribers SET status = 'unsubscribed' WHERE id = 7;");
	r = run(app, 20000);
	is_int(r.done, 1199, "slice_run sends to everybody");
	is_int(r.left, 0, "slice_run leaves nothing");
	ok(!r.more && is_status(t, "completed"), "slice_run completes the campaign");
	is_int(sendtest_rows(t, 4), 1199, "slice_run settles every row");
	is_int(dbtest_int(t->db,
		   "SELECT count(DISTINCT to_email) FROM outbox_messages"
		   " WHERE campaign_id = 5 AND kind = 'campaign'"),
	    1199, "slice_run keeps a message each");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM outbox_messages WHERE subject = 'Hi N9' AND"
		   " html LIKE '%Dear N9 of C9<%' AND html LIKE "
		   "'%https://m.test/t/c/%' AND headers LIKE"
		   " '%List-Unsubscribe-Post%' AND body_text LIKE "
		   "'%https://m.test/u/%'"),
	    1, "slice_run fills each message");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM campaign_links WHERE campaign_id = 5 AND"
		   " number = 1 AND url = 'https://shop.test/'"),
	    1, "slice_run stores the links");
	is_int(sendtest_check(t), 0, "slice_run keeps the sum");
	r = run(app, 1000);
	is_int(r.done, 0, "slice_run does nothing the second time");
}

/* A schedule missed by more than six hours waits for a person. */
static void test_missed(struct dbtest *t)
{
	struct app *app;
	int64_t now = clock_now(&clock_system), six = 6 * 3600000;

	sendtest_people(t, 3);
	app = sendtest_app(t, "");
	dbtest_script(t->db,
	    mem_printf(t->mem,
		"UPDATE campaigns SET status = 'scheduled', send_at = %lld",
		(long long)(now - six - 60000)));
	run(app, 5000);
	ok(pause_says(t, "Its time passed"),
	    "slice_run asks after more than six hours");
	dbtest_script(t->db,
	    mem_printf(t->mem,
		"UPDATE campaigns SET status = 'scheduled', send_at = %lld",
		(long long)(now - six + 60000)));
	run(app, 5000);
	ok(is_status(t, "completed"), "slice_run sends what is late by less");
}

static void test_refusals(struct dbtest *t)
{
	struct app *app;
	struct work_report r;

	sendtest_people(t, 5);
	app = sendtest_app(t, "");
	dbtest_script(t->db,
	    "UPDATE campaigns SET html = '<p>\n{{ first_name' WHERE id = 5;");
	run(app, 5000);
	ok(pause_says(t, "line 2"),
	    "slice_run pauses when the content has an error, and says where");
	is_int(sendtest_rows(t, 0), 5, "slice_run leaves the rows as they were");
	dbtest_script(t->db,
	    "UPDATE campaigns SET html = '<p>x</p>', status = 'scheduled',"
	    " send_at = 1000 WHERE id = 5;");
	run(app, 5000);
	ok(pause_says(t, "passed"),
	    "slice_run asks when a schedule was missed by hours");
	dbtest_script(t->db, "UPDATE campaigns SET status = 'cancelled' WHERE id = 5;");
	run(app, 5000);
	is_int(sendtest_rows(t, 8), 5, "slice_run cancels what was open");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM outbox_messages"), 0,
	    "slice_run sent nothing");
	is_int(sendtest_check(t), 0, "slice_run keeps the sum");
	dbtest_script(t->db,
	    mem_printf(t->mem,
		"INSERT INTO campaigns (id, brand_id, name, status, subject,"
		" html, send_at, created_at, updated_at) VALUES (6, 1, 'L', "
		"'scheduled', 'S', 'h', %lld, 1, 1);",
		(long long)clock_now(&clock_system) + 60000));
	r = run(app, 1000);
	ok(!r.more && r.next_in_ms > 50000 && r.next_in_ms <= 60000,
	    "slice_run says when to come again");
}

/* One run of 40 people against a script of faults. */
struct faults {
	const char *name, *mode, *script;
	int accepted, rejected, retry, doubt;
	const char *pause; /* part of the reason, or NULL */
};

static const struct faults faults[] = {
	{ "all is well", "single", "[]", 40, 0, 0, 0, NULL },
	{ "all is well", "bulk", "[]", 40, 0, 0, 0, NULL },
	{ "one is throttled", "single",
	    "[{\"at\":3,\"do\":{\"status\":429,\"type\":"
	    "\"TooManyRequestsException\",\"message\":\"Maximum sending rate "
	    "exceeded.\"}}]",
	    39, 0, 1, 0, NULL },
	{ "one is refused", "single",
	    "[{\"at\":3,\"do\":{\"status\":400,\"type\":\"MessageRejected\","
	    "\"message\":\"Spam\"}}]",
	    39, 1, 0, 0, NULL },
	{ "an answer is lost", "single", "[{\"at\":3,\"do\":\"drop\"}]", 39, 0, 0, 1,
	    NULL },
	{ "a connection is reset", "single", "[{\"at\":3,\"do\":\"reset\"}]", 39, 0, 0,
	    1, NULL },
	{ "an answer is cut", "single", "[{\"at\":3,\"do\":\"truncate\"}]", 39, 0, 0, 1,
	    NULL },
	{ "SES has an error", "single", "[{\"at\":3,\"do\":{\"status\":500}}]", 39, 0,
	    0, 1, NULL },
	{ "SES has an error but accepted", "single",
	    "[{\"at\":3,\"do\":{\"status\":500,\"accept\":true}}]", 39, 0, 0, 1, NULL },
	{ "an answer is lost", "bulk", "[{\"do\":\"drop\"}]", 0, 0, 0, 40, NULL },
	{ "a result is missing", "bulk", "[{\"do\":\"miscount\"}]", 0, 0, 0, 40, NULL },
	{ "a call is refused whole", "bulk",
	    "[{\"at\":1,\"do\":{\"status\":400,\"type\":"
	    "\"BadRequestException\",\"message\":\"Bad\"}}]",
	    40, 0, 0, 0, NULL },
	{ "entries are throttled", "bulk",
	    "[{\"at\":1,\"do\":{\"entry\":\"ACCOUNT_THROTTLED\",\"each\":4}}]", 30, 0,
	    10, 0, NULL },
	{ "entries fail", "bulk",
	    "[{\"at\":1,\"do\":{\"entry\":\"FAILED\",\"each\":4}}]", 30, 10, 0, 0,
	    NULL },
	{ "the account is suspended", "bulk",
	    "[{\"at\":1,\"do\":{\"entry\":\"ACCOUNT_SUSPENDED\",\"each\":40}}]", 39, 0,
	    1, 0, "suspended" },
	{ "the key is wrong", "bulk",
	    "[{\"do\":{\"status\":403,\"type\":\"InvalidSignatureException\"}}]", 0, 0,
	    40, 0, "signature" },
	{ "the day is over", "single",
	    "[{\"do\":{\"status\":429,\"type\":\"TooManyRequestsException\","
	    "\"message\":\"Daily message quota exceeded\"}}]",
	    0, 0, 40, 0, "daily quota" },
};

static void run_faults(struct dbtest *t, struct app *app, const struct fake_ses *f,
    const struct faults *x)
{
	int64_t before = fake_ses_stat(f, "accepted");

	dbtest_script(t->db,
	    SENDTEST_EMPTY "UPDATE campaigns SET status = 'sending', "
			   "audience = 0,"
			   " frozen_at = NULL, freeze_after = 0, pause_reason = '';");
	sendtest_use_ses(t, app, f, x->mode, 10000);
	fake_ses_script(f, x->script);
	run(app, 1500);
	is_int(sendtest_rows(t, 4), x->accepted, "%s, %s: accepted", x->mode, x->name);
	is_int(sendtest_rows(t, 5), x->rejected, "%s, %s: rejected", x->mode, x->name);
	is_int(sendtest_rows(t, 3) + sendtest_rows(t, 0), x->retry,
	    "%s, %s: to be tried again", x->mode, x->name);
	is_int(sendtest_rows(t, 7), x->doubt, "%s, %s: doubt", x->mode, x->name);
	is_int(sendtest_check(t), 0, "%s, %s: the sum holds", x->mode, x->name);
	ok(fake_ses_stat(f, "accepted") - before >= x->accepted,
	    "the fake accepted them");
	if (x->pause)
		ok(pause_says(t, x->pause), "the campaign is paused and says why");
	else
		ok(is_status(t, x->retry ? "sending" : "completed"),
		    "the campaign goes on or is done");
}

static void test_faults(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app;

	sendtest_people(t, 40);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "");
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		run_faults(t, app, &f, &faults[i]);
	is_int(fake_ses_stat(&f, "badSignature"), 0, "every signature was good");
	is_int(fake_ses_stat(&f, "malformed"), 0, "every body was in shape");
	fake_ses_stop(&f);
	dbtest_script(t->db,
	    "UPDATE campaigns SET status = 'sending', frozen_at = NULL, freeze_after = "
	    "0,"
	    " audience = 0;" SENDTEST_EMPTY);
	run(app, 1500);
	ok(sendtest_rows(t, 3) > 0 && sendtest_rows(t, 3) + sendtest_rows(t, 0) == 40,
	    "nobody listens: everything waits for another try");
}

/* What arrived by single and by bulk calls is the same, and what was written. */
static void test_same(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app;
	struct json_object *got, *a = NULL, *b = NULL;

	sendtest_people(t, 3);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "--keep");
	sendtest_use_ses(t, app, &f, "single", 10000);
	run(app, 3000);
	dbtest_script(t->db,
	    SENDTEST_EMPTY
	    "UPDATE campaigns SET status = 'sending', audience = 0, frozen_at = NULL, "
	    "freeze_after = 0;");
	sendtest_use_ses(t, app, &f, "bulk", 10000);
	run(app, 3000);
	got = fake_ses_accepted(t->mem, &f);
	is_int((int64_t)json_object_array_length(got), 6, "three arrive by each way");
	for (size_t i = 0; i < json_object_array_length(got); i++) {
		struct json_object *m = json_object_array_get_idx(got, i);

		if (!text_equal(json_text(m, "subject", ""), "Hi N2"))
			continue;
		a = a ? a : m;
		b = m;
	}
	ok(a && b && a != b, "each arrives twice");
	is_text(json_text(b, "html", ""), json_text(a, "html", "-"),
	    "the HTML is the same");
	is_text(json_text(b, "text", ""), json_text(a, "text", "-"),
	    "the text is the same");
	is_text(json_object_to_json_string(json_get(b, "headers")),
	    json_object_to_json_string(json_get(a, "headers")),
	    "the headers are the same");
	is_text(json_text(b, "from", ""), "Nord <news@nord.test>",
	    "the sender is there");
	fake_ses_stop(&f);
}

static void set_campaign(struct dbtest *t, const char *what)
{
	dbtest_script(t->db,
	    mem_printf(t->mem, "UPDATE campaigns SET %s WHERE id = 5;", what));
}

/* What is left goes out as it was edited while paused. */
static void test_edit(struct dbtest *t)
{
	struct app *app;
	struct campaign *c;

	sendtest_people(t, 5);
	app = sendtest_app(t, "");
	set_campaign(t, "html = '<p>{{ first_name'");
	run(app, 5000);
	ok(campaign_get(t->db, t->mem, 1, 5, &c) == OK && c->status == CAMPAIGN_PAUSED,
	    "a campaign is paused");
	c->html = "<p>Mended for {{ first_name }}</p>";
	ok(campaign_update(t->db, c, 2000) == OK && c->version == 2,
	    "its content can be changed");
	c->version = 1;
	ok(campaign_update(t->db, c, 2000) == ERR_CONFLICT,
	    "but not over what somebody else has written");
	set_campaign(t, "status = 'sending'");
	c->version = 2;
	ok(campaign_update(t->db, c, 2000) == ERR_CONFLICT, "nor while it is sending");
	run(app, 5000);
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM outbox_messages"
		   " WHERE html LIKE '%Mended for N%'"),
	    5, "the rest is sent as it is now");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM campaign_audience"), 1,
	    "the audience stays");
	is_int(sendtest_check(t), 0, "the sum holds");
}

/* The quota of the day: the campaign waits, and goes on by itself. */
static void test_quota(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app;
	struct work_report r;
	int64_t now = clock_now(&clock_system), at;

	sendtest_people(t, 20);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "");
	sendtest_use_ses(t, app, &f, "single", 10000);
	fake_ses_script(&f,
	    "[{\"do\":{\"status\":429,\"type\":\"TooManyRequestsException\","
	    "\"message\":\"Daily message quota exceeded\"}}]");
	r = run(app, 1500);
	at = dbtest_int(t->db, "SELECT resume_at FROM campaigns WHERE id = 5");
	ok(pause_says(t, "daily quota") && at >= now + 3600000 && at < now + 3700000,
	    "when the quota is used up the campaign waits an hour");
	ok(!r.more && r.next_in_ms > 3500000, "and says when to come again");
	fake_ses_script(&f, "[]");
	run(app, 1500);
	ok(is_status(t, "paused"), "it does not go on before");
	set_campaign(t, "resume_at = 1000");
	run(app, 1500);
	ok(is_status(t, "completed"), "it goes on by itself then");
	is_int(sendtest_rows(t, 4), 20, "and sends to everybody");
	is_int(fake_ses_stat(&f, "accepted"), 20, "once");
	is_int(sendtest_check(t), 0, "the sum holds");
	fake_ses_stop(&f);
}

/* More than a tenth in doubt: a person must look; who resumes begins anew. */
static void test_breaker(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app;
	int64_t doubt;

	sendtest_people(t, 400);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "");
	sendtest_use_ses(t, app, &f, "single", 10000);
	fake_ses_script(&f, "[{\"do\":\"drop\",\"each\":3}]");
	run(app, 5000);
	doubt = sendtest_rows(t, 7);
	ok(pause_says(t, "are in doubt"), "over 50 of 500 in doubt pause the campaign");
	ok(doubt > 50 && doubt < 50 + 130, "with what was under way (%lld in doubt)",
	    (long long)doubt);
	ok(sendtest_rows(t, 0) > 0, "the rest is not sent");
	run(app, 1500);
	is_int(sendtest_rows(t, 7), doubt, "nor later");
	fake_ses_script(&f, "[]");
	set_campaign(t,
	    mem_printf(t->mem, "status = 'sending', updated_at = %lld",
		(long long)clock_now(&clock_system)));
	run(app, 5000);
	ok(is_status(t, "completed"), "who resumes it has seen those doubts");
	is_int(sendtest_rows(t, 7), doubt, "and they stay in doubt");
	is_int(sendtest_check(t), 0, "the sum holds");
	fake_ses_stop(&f);
}

/* Twenty refusals count over the turns, not only in one. */
static void test_refused(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app;

	sendtest_people(t, 60);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "");
	sendtest_use_ses(t, app, &f, "single", 10);
	fake_ses_script(&f,
	    "[{\"do\":{\"status\":400,\"type\":\"MessageRejected\","
	    "\"message\":\"Spam\"}}]");
	for (int i = 0; i < 6 && !is_status(t, "paused"); i++)
		run(app, 1200);
	ok(pause_says(t, "20 messages in a row were refused"),
	    "twenty refusals in a row pause the campaign, over several slices");
	ok(sendtest_rows(t, 5) >= 20 && sendtest_rows(t, 5) < 60,
	    "before everybody is refused");
	fake_ses_stop(&f);
}

/* Of a rate of 100, how many arrive in 3 s when the fake does this. */
static int64_t arrive(struct dbtest *t, struct app *app, const struct fake_ses *f,
    const char *script)
{
	int64_t before = fake_ses_stat(f, "accepted");

	sendtest_use_ses(t, app, f, "single", 100);
	fake_ses_script(f, script);
	run(app, 3000);
	return fake_ses_stat(f, "accepted") - before;
}

/* A few throttled answers wait and are tried again; many turn the rate down. */
static void test_slow(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app;
	int64_t n;

	sendtest_people(t, 900);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "");
	n = arrive(t, app, &f,
	    "[{\"every\":30,\"do\":{\"status\":429,\"type\":"
	    "\"TooManyRequestsException\",\"message\":\"Maximum sending rate "
	    "exceeded.\"}}]");
	ok(n > 200, "3 %% throttled change nothing (%lld in 3 s of 300)", (long long)n);
	ok(slow_part(app->kv, "rate-slow:a1", clock_now(app->clock)) == 1,
	    "the rate is whole");
	n = arrive(t, app, &f,
	    "[{\"every\":2,\"do\":{\"status\":429,\"type\":"
	    "\"TooManyRequestsException\",\"message\":\"Maximum sending rate "
	    "exceeded.\"}}]");
	ok(slow_part(app->kv, "rate-slow:a1", clock_now(app->clock)) < 0.6,
	    "every second one turns the rate down (%lld in 3 s of 300)", (long long)n);
	fake_ses_stop(&f);
}

static void test_rate(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app;
	int64_t start = clock_mono_ms(), ms;

	sendtest_people(t, 300);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "--rate 110");
	sendtest_use_ses(t, app, &f, "bulk", 100);
	run(app, 20000);
	ms = clock_mono_ms() - start;
	is_int(sendtest_rows(t, 4), 300, "slice_run sends all");
	is_int(fake_ses_stat(&f, "throttled"), 0, "slice_run is never throttled");
	ok(ms > 1700 && ms < 4000,
	    "slice_run takes the time that the rate allows (%lld ms)", (long long)ms);
	fake_ses_stop(&f);
}

/* To who answers late it opens more and more connections, up to a bound. */
static void test_connections(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app;
	int64_t n;

	sendtest_people(t, 700);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "--latency 100");
	sendtest_use_ses(t, app, &f, "single", 1000000);
	run(app, 30000);
	/* without the one that asks for this, and the one that asked for the account */
	n = fake_ses_stat(&f, "connections") - 2;
	ok(n >= 80 && n <= SINGLE_CONNECTIONS,
	    "slice_run opens connections while answers are waited for (%lld)",
	    (long long)n);
	is_int(sendtest_rows(t, 4), 700, "slice_run sends all through them");
	fake_ses_stop(&f);
}

int main(void)
{
	dbtest_run(test_outbox);
	dbtest_run(test_missed);
	dbtest_run(test_refusals);
	dbtest_run(test_faults);
	dbtest_run(test_same);
	dbtest_run(test_edit);
	dbtest_run(test_quota);
	dbtest_run(test_breaker);
	dbtest_run(test_refused);
	dbtest_run(test_slow);
	dbtest_run(test_rate);
	dbtest_run(test_connections);
	return done_testing();
}
