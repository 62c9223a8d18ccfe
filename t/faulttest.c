#include "faulttest.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "send/slice.h"
#include "repo/ledger_attempt.h"
#include "tap.h"

enum { BUDGET_MS = 20000, DEADLINE_MS = 60000, REST_US = 20000 };

int faulttest_number(const char *name, int dflt)
{
	const char *s = getenv(name);

	return s ? atoi(s) : dflt;
}

static void work(struct dbtest *t, const struct trigger *how)
{
	void *mem = mem_scope(NULL, "worker");
	int ms = how->budget_ms ? how->budget_ms : BUDGET_MS;
	struct work_report r;
	struct db *db;
	enum err e = db_open(mem, t->url, t->log, &db);

	if (e == OK) {
		struct app *app = sendtest_app_on(t, mem, db, how->servers);

		if (how->failpoint)
			setenv("MAILLAYER_FAILPOINT", how->failpoint, 1);
		e = slice_run(app, ms, &r);
	}
	_exit((int)e);
}

pid_t faulttest_trigger(struct dbtest *t, const struct trigger *how)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		work(t, how);
	return pid;
}

int faulttest_wait(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, 0) != pid)
		return -1000;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		tap_count("kills", 1);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

bool faulttest_done(struct dbtest *t)
{
	return dbtest_int(t->db,
		   "SELECT count(*) FROM campaigns WHERE id = 5 AND status = "
		   "'completed'") == 1;
}

/* Much doubt pauses a campaign, rightly; then a person looks, and resumes it. */
static void resume(struct dbtest *t)
{
	dbtest_script(t->db,
	    "UPDATE campaigns SET status = 'sending', pause_reason = ''"
	    " WHERE id = 5 AND status = 'paused'");
}

bool faulttest_finish(struct dbtest *t, const struct trigger *how)
{
	int64_t end = clock_mono_ms() + DEADLINE_MS;
	bool done = faulttest_done(t);

	while (!done && clock_mono_ms() < end) {
		resume(t);
		faulttest_wait(faulttest_trigger(t, how));
		done = faulttest_done(t);
		if (!done)
			usleep(REST_US);
	}
	return done;
}

void faulttest_reset(struct dbtest *t, const struct fake_ses *f)
{
	dbtest_script(t->db,
	    SENDTEST_EMPTY "UPDATE campaigns SET status = 'sending', "
			   "audience = 0,"
			   " frozen_at = NULL, freeze_after = 0, pause_reason = '';");
	if (truncate(f->ledger, 0) != 0)
		ok(false, "the ledger is emptied");
}

/* ---- the two ledgers ---- */
/* The try that a call names is settled, or stands in an open batch. */
static bool has_attempt(struct dbtest *t, struct json_object *line)
{
	STMT_SCOPE s = db_stmt_text(t->db,
	    "SELECT 1 FROM campaign_subscribers d WHERE d.id = $1 AND (d.tries >= $2"
	    "   OR EXISTS (SELECT 1 FROM " IN_OPEN_BATCHES(
		"5") " o WHERE o.delivery = d.id AND o.try = $2))");
	const char *tag = json_text(json_get(line, "tags"), "maillayer_delivery", "");
	char *end = NULL;

	stmt_bind_int(s, 1, strtoll(tag, &end, 10));
	stmt_bind_int(s, 2, *end == '-' ? strtoll(end + 1, NULL, 10) : 0);
	return *end == '-' && stmt_row(s) == OK;
}

static void count_line(struct dbtest *t, struct json_object *line, int *times,
    int people, struct verdict *v)
{
	struct json_object *to = json_get(line, "to");
	int n = atoi(json_object_get_string(json_object_array_get_idx(to, 0)) + 1);

	if (n < 1 || n > people)
		v->unknown++;
	else if (++times[n] == 2)
		v->twice++;
	v->no_attempt += !has_attempt(t, line);
}

struct verdict faulttest_compare(struct dbtest *t, const struct fake_ses *f, int people)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "compare");
	struct json_object *got = fake_ses_accepted(tmp, f);
	int *times = mem_array(tmp, int, (size_t)people + 1);
	struct verdict v = { 0 };
	STMT_SCOPE s = db_stmt_text(t->db,
	    "SELECT subscriber_id, state FROM campaign_subscribers"
	    " WHERE campaign_id = 5");

	for (size_t i = 0; i < json_object_array_length(got); i++)
		count_line(t, json_object_array_get_idx(got, i), times, people, &v);
	while (stmt_next(s)) {
		int64_t who = stmt_int(s, 0), state = stmt_int(s, 1);

		if (who < 1 || who > people) {
			v.unknown++;
			continue;
		}
		v.lost += state == 4 && !times[who];
		v.unknown += times[who] && state != 4 && state != 7;
		v.doubt_sent += times[who] && state == 7;
	}
	return v;
}

void faulttest_tell(struct dbtest *t, int people, const struct verdict *v)
{
	tap_count("recipients", people);
	tap_count("doubts", sendtest_rows(t, 7));
	tap_count("twice", v->twice);
	tap_count("lost", v->lost + v->unknown + v->no_attempt);
}

void faulttest_exact(struct dbtest *t, const struct fake_ses *f, int people,
    int64_t doubt, const char *name)
{
	struct verdict v = faulttest_compare(t, f, people);
	int64_t in_doubt = sendtest_rows(t, 7);

	faulttest_tell(t, people, &v);
	ok(faulttest_done(t), "%s: the campaign is completed", name);
	is_int(dbtest_int(t->db,
		   "SELECT count(DISTINCT subscriber_id) FROM campaign_subscribers"
		   " WHERE campaign_id = 5"),
	    people, "%s: everybody has a row", name);
	ok(in_doubt <= doubt && sendtest_rows(t, 4) + in_doubt == people,
	    "%s: accepted and in doubt (%lld of at most %lld) are all", name,
	    (long long)in_doubt, (long long)doubt);
	is_int(v.twice, 0, "%s: nobody was accepted twice", name);
	is_int(v.lost + v.unknown + v.no_attempt + sendtest_check(t), 0,
	    "%s: both ledgers, attempts and counts agree", name);
}
