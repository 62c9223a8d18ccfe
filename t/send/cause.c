/*
 * Whom an answer is about: only what is about the recipient counts against the
 * recipient. What is meant for everybody waits and goes on, however often it comes.
 */
#include <string.h>

#include "base/mem.h"
#include "repo/ledger_check.h"
#include "repo/ledger_doubt.h"
#include "send/slice.h"
#include "sendtest.h"
#include "tap.h"

enum { PEOPLE = 3, DAYS = 14, REFUSALS = 12 };

static void run(struct app *app)
{
	struct work_report r = { 0 };

	ok(slice_run(app, 400, &r) == OK, "slice_run runs");
}

static int64_t of(struct dbtest *t, const char *what, const char *table)
{
	return dbtest_int(t->db, mem_printf(t->mem, "SELECT %s FROM %s", what, table));
}

static bool is_status(struct dbtest *t, const char *status)
{
	return of(t, "count(*)",
		   mem_printf(t->mem, "campaigns WHERE id = 5 AND status = '%s'",
		       status)) == 1;
}

static void is_good(struct dbtest *t, const char *name)
{
	struct ledger_verdict v;

	ok(ledger_check(t->db, t->mem, 0, &v) == OK && v.n == 0,
	    "%s: the ledger is good", name);
	for (size_t i = 0; i < v.n; i++)
		diag("%s: %s", v.faults[i].text, v.faults[i].example);
}

static void set_rows(struct dbtest *t, const char *what)
{
	dbtest_script(t->db,
	    mem_printf(t->mem, "UPDATE campaign_subscribers SET %s;", what));
}

static void set_campaign(struct dbtest *t, const char *what)
{
	dbtest_script(t->db,
	    mem_printf(t->mem, "UPDATE campaigns SET %s WHERE id = 5;", what));
}

/* ---- every kind of outcome ---- */
struct kind {
	const char *mode, *name, *script;
	enum attempt_cause cause;
	enum delivery_state state;
	int refusals;
	const char *status;
	bool resumes; /* paused, and goes on by itself */
};

#define ANSWER(status, type, message)                                                  \
	"[{\"do\":{\"status\":" #status ",\"type\":\"" type                            \
	"\",\"message\":\"" message "\"}}]"
#define ENTRY(status) "[{\"do\":{\"entry\":\"" status "\"}}]"

/* clang-format off */
static const struct kind kinds[] = {
	{ "single", "accepted", "[]", CAUSE_RECIPIENT, DELIVERY_ACCEPTED, 0, "completed", false },
	{ "single", "refused", ANSWER(400, "MessageRejected", "Spam"),
	    CAUSE_RECIPIENT, DELIVERY_REJECTED, 0, "completed", false },
	{ "single", "throttled", ANSWER(429, "TooManyRequestsException", "Maximum sending rate exceeded."),
	    CAUSE_ACCOUNT, DELIVERY_RETRY, 0, "sending", false },
	{ "single", "throttled by an error of the server", ANSWER(503, "SlowDown", "Slow down"),
	    CAUSE_ACCOUNT, DELIVERY_RETRY, 0, "sending", false },
	{ "single", "quota", ANSWER(429, "TooManyRequestsException", "Daily message quota exceeded"),
	    CAUSE_ACCOUNT, DELIVERY_RETRY, 0, "paused", true },
	{ "single", "suspended", ANSWER(400, "AccountSuspendedException", "Suspended"),
	    CAUSE_ACCOUNT, DELIVERY_RETRY, 0, "paused", true },
	{ "single", "the key", ANSWER(403, "UnrecognizedClientException", "No"),
	    CAUSE_ACCOUNT, DELIVERY_RETRY, 0, "paused", false },
	{ "single", "busy", ANSWER(409, "ConflictException", "Busy"),
	    CAUSE_PROVIDER, DELIVERY_RETRY, 0, "sending", false },
	{ "single", "an error", ANSWER(500, "InternalFailure", "Error"),
	    CAUSE_PROVIDER, DELIVERY_DOUBT, 0, "completed", false },
	{ "single", "no answer", "[{\"do\":\"drop\"}]",
	    CAUSE_PROVIDER, DELIVERY_DOUBT, 0, "completed", false },
	{ "bulk", "accepted", "[]", CAUSE_RECIPIENT, DELIVERY_ACCEPTED, 0, "completed", false },
	{ "bulk", "accepted without a message id", ENTRY("SUCCESS"),
	    CAUSE_PROVIDER, DELIVERY_DOUBT, 0, "completed", false },
	{ "bulk", "failed", ENTRY("FAILED"),
	    CAUSE_RECIPIENT, DELIVERY_REJECTED, 0, "completed", false },
	{ "bulk", "a passing failure", ENTRY("TRANSIENT_FAILURE"),
	    CAUSE_RECIPIENT, DELIVERY_RETRY, 1, "sending", false },
	{ "bulk", "throttled", ENTRY("ACCOUNT_THROTTLED"),
	    CAUSE_ACCOUNT, DELIVERY_RETRY, 0, "sending", false },
	{ "bulk", "quota", ENTRY("ACCOUNT_DAILY_QUOTA_EXCEEDED"),
	    CAUSE_ACCOUNT, DELIVERY_RETRY, 0, "paused", true },
	{ "bulk", "suspended", ENTRY("ACCOUNT_SUSPENDED"),
	    CAUSE_ACCOUNT, DELIVERY_RETRY, 0, "paused", true },
	{ "bulk", "the configuration set", ENTRY("CONFIGURATION_SET_NOT_FOUND"),
	    CAUSE_ACCOUNT, DELIVERY_RETRY, 0, "paused", false },
};
/* clang-format on */

static void test_kind(struct dbtest *t, struct app *app, const struct fake_ses *f,
    const struct kind *x)
{
	const char *name = mem_printf(t->mem, "%s, %s", x->mode, x->name);

	dbtest_script(t->db,
	    SENDTEST_EMPTY
	    "UPDATE campaigns SET status = 'sending',"
	    " audience = 0, frozen_at = NULL, freeze_after = 0, pause_reason = '',"
	    " resume_at = NULL, updated_at = 1;");
	sendtest_use_ses(t, app, f, x->mode, 10000);
	fake_ses_script(f, x->script);
	run(app);
	is_int(of(t, "sum(tries)", "campaign_subscribers"), PEOPLE, "%s: one try each",
	    name);
	is_int(of(t, "count(*)",
		   mem_printf(t->mem, "send_attempts WHERE cause = %d", (int)x->cause)),
	    x->state == DELIVERY_ACCEPTED ? 0 : PEOPLE,
	    "%s: the cause is stored, if there is an attempt", name);
	is_int(sendtest_rows(t, x->state), PEOPLE, "%s: the state", name);
	is_int(of(t, "sum(refusals)", "campaign_subscribers"),
	    (int64_t)x->refusals * PEOPLE, "%s: the refusals that count", name);
	ok(is_status(t, x->status), "%s: the campaign is %s", name, x->status);
	is_int(of(t, "count(resume_at)", "campaigns WHERE id = 5"), x->resumes,
	    "%s: it goes on by itself, or not", name);
	is_good(t, name);
}

static void test_kinds(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app;

	sendtest_people(t, PEOPLE);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		test_kind(t, app, &f, &kinds[i]);
	fake_ses_stop(&f);
	set_campaign(t, "status = 'sending'");
	set_rows(t, "state = 0, tries = 0, refusals = 0, next_try_at = NULL");
	dbtest_script(t->db,
	    "DELETE FROM send_attempts; UPDATE campaign_counts SET n = 0;"
	    "UPDATE campaign_counts SET n = 3 WHERE state = 0;"
	    "UPDATE send_cursors SET next_id = (SELECT min(id) FROM"
	    "  campaign_subscribers);");
	run(app);
	ok(of(t, "count(*)", "send_attempts") > 0 &&
		of(t, "count(*)", "send_attempts WHERE cause <> 3") == 0,
	    "nobody listens: the provider is the cause");
	ok(of(t, "sum(refusals)", "campaign_subscribers") == 0 &&
		is_status(t, "sending"),
	    "which is nobody's fault, and goes on");
}

/* ---- without an end, and with one ---- */
static void test_quota_for_ever(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app;

	sendtest_people(t, 20);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "");
	sendtest_use_ses(t, app, &f, "single", 10000);
	fake_ses_script(&f,
	    ANSWER(429, "TooManyRequestsException", "Daily message quota exceeded"));
	for (int i = 0; i < DAYS; i++) {
		set_campaign(t, "resume_at = 1000");
		run(app);
		ok(is_status(t, "paused"), "pause %d for the quota", i + 1);
	}
	is_int(of(t, "max(tries)", "campaign_subscribers"), DAYS,
	    "it was tried at each pause");
	fake_ses_script(&f,
	    ANSWER(429, "TooManyRequestsException", "Maximum sending rate exceeded."));
	set_campaign(t, "resume_at = 1000");
	run(app);
	is_int(sendtest_rows(t, DELIVERY_REJECTED) +
		sendtest_rows(t, DELIVERY_GIVEN_UP),
	    0, "a 429 after many pauses costs nobody the mail");
	fake_ses_script(&f, "[]");
	set_rows(t, "next_try_at = 1 WHERE state = 3");
	run(app);
	ok(is_status(t, "completed"), "it is completed when there is quota");
	is_int(fake_ses_stat(&f, "accepted"), 20, "everybody has it, once");
	is_good(t, "quota");
	fake_ses_stop(&f);
}

static void give_up(struct dbtest *t, struct app *app)
{
	for (int i = 1; i < REFUSALS; i++) {
		set_rows(t, "next_try_at = 1 WHERE state = 3");
		run(app);
	}
	is_int(sendtest_rows(t, DELIVERY_RETRY), PEOPLE,
	    "refused for 11 times they wait");
	set_rows(t, "next_try_at = 1 WHERE state = 3");
	run(app);
	is_int(sendtest_rows(t, DELIVERY_GIVEN_UP), PEOPLE,
	    "refused for 12 times they are given up");
}

static void test_given_up(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app;
	int64_t n = 0, now = clock_now(&clock_system) + 60000;
	struct doubt_choice all = { 5, DELIVERY_GIVEN_UP, true, NULL, 0, "Ines", now };

	sendtest_people(t, PEOPLE);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "");
	sendtest_use_ses(t, app, &f, "bulk", 10000);
	fake_ses_script(&f, ENTRY("TRANSIENT_FAILURE"));
	give_up(t, app);
	ok(is_status(t, "completed"), "the campaign is completed");
	is_good(t, "given up");
	ok(ledger_decide(t->db, &all, &n) == OK && n == PEOPLE,
	    "all of them can be sent again");
	is_int(of(t, "resends", "campaigns WHERE id = 5"), 0,
	    "which can make no second copy");
	ok(is_status(t, "sending"), "the campaign is sending again");
	give_up(t, app);
	ok(ledger_decide(t->db, &all, &n) == OK && n == PEOPLE,
	    "they have 12 tries again, and can be sent once more");
	fake_ses_script(&f, "[]");
	set_rows(t, "next_try_at = 1 WHERE state = 3");
	run(app);
	is_int(fake_ses_stat(&f, "accepted"), PEOPLE, "then they get it");
	ok(is_status(t, "completed"), "and it is completed");
	is_good(t, "sent again");
	fake_ses_stop(&f);
}

/* A person gave up what was in doubt, and thinks better of it. */
static void test_doubt_given_up(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app;
	int64_t n = 0, now = clock_now(&clock_system) + 60000;
	struct doubt_choice no = { 5, DELIVERY_DOUBT, false, NULL, 0, "Ines", now };
	struct doubt_choice yes = { 5, DELIVERY_GIVEN_UP, true, NULL, 0, "Ines", now };

	sendtest_people(t, PEOPLE);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "");
	sendtest_use_ses(t, app, &f, "single", 10000);
	fake_ses_script(&f, "[{\"do\":\"drop\"}]");
	run(app);
	ok(ledger_decide(t->db, &no, &n) == OK && n == PEOPLE, "doubts are given up");
	ok(ledger_decide(t->db, &no, &n) == OK && n == 0, "once");
	ok(ledger_decide(t->db, &yes, &n) == OK && n == PEOPLE,
	    "and sent again all the same");
	is_int(of(t, "resends", "campaigns WHERE id = 5"), PEOPLE,
	    "which may make second copies, and is counted");
	fake_ses_script(&f, "[]");
	set_rows(t, "next_try_at = 1 WHERE state = 3");
	run(app);
	ok(is_status(t, "completed"), "it is completed");
	is_good(t, "a doubt given up and sent again");
	fake_ses_stop(&f);
}

int main(void)
{
	dbtest_run(test_kinds);
	dbtest_run(test_quota_for_ever);
	dbtest_run(test_given_up);
	dbtest_run(test_doubt_given_up);
	return done_testing();
}
