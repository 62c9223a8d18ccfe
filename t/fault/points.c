/*
 * For each failpoint: die there, trigger again until done, and join our ledger with
 * that of the fake (I1 to I5).  Needs a build with --enable-failpoints; t/fault/plain.t
 * shows that others have none.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "db/migrate.h"
#include "faulttest.h"
#include "send/ingest.h"
#include "send/ses_call.h"
#include "send/spool.h"
#include "service/import.h"
#include "service/subscriber.h"
#include "tap.h"

enum { PEOPLE = 400, ROWS = 12000, OPENS = 1500 };

#ifdef FAILPOINTS
static const bool armed = true;
#else
static const bool armed = false;
#endif

/* ---- sending ---- */
struct point {
	const char *at;
	const char *before; /* another death first */
	bool doubt;         /* what is in flight may be in doubt afterwards */
	bool survives;      /* a pretended error, not a death */
	bool lite;          /* on SQLite only */
};

static const struct point points[] = {
	{ "host.seen:1", NULL, false, false, false },
	{ "freeze.rows:1", NULL, false, false, false },
	{ "freeze.committed:1", NULL, false, false, false },
	{ "claim.rows:1", NULL, false, false, false },
	{ "claim.committed:1", NULL, false, false, false },
	{ "intent.attempts:2", NULL, true, false, false },
	{ "intent.rows:2", NULL, true, false, false },
	{ "intent.rows:error:2", NULL, false, true, false },
	{ "intent.committed:1", NULL, true, false, false },
	{ "mark.tell:error:2", NULL, false, true, false },
	{ "mark.told:1", NULL, true, false, false },
	{ "send.bytes:1", NULL, true, false, false },
	{ "send.waiting:1", NULL, true, false, false },
	{ "send.answered:3", NULL, true, false, false },
	{ "settle.rows:1", NULL, true, false, false },
	{ "settle.rows:error:1", NULL, false, true, false },
	{ "turn.committed:1", NULL, true, false, false },
	{ "settle.committed:1", NULL, true, false, false },
	{ "reclaim.rows:1", "intent.committed:1", true, false, false },
	{ "finish.before:1", NULL, false, false, false },
	{ "finish.done:1", NULL, false, false, false },
};

static bool die(struct dbtest *t, const char *at)
{
	struct trigger how = { .servers = "", .failpoint = at };
	int status = faulttest_wait(faulttest_trigger(t, &how));

	if (status != -SIGKILL)
		diag("%s: it ended with %d", at, status);
	return status == -SIGKILL;
}

static void play(struct dbtest *t, struct fake_ses *f, const struct point *p,
    int64_t flight)
{
	const struct trigger plain = { .servers = "" };

	if (p->lite && db_kind(t->db) != DB_SQLITE)
		return;
	faulttest_reset(t, f);
	if (p->before)
		ok(die(t, p->before), "%s: dies before at %s", p->at, p->before);
	ok(die(t, p->at) != p->survives, "%s: %s", p->at,
	    p->survives ? "lives on" : "dies there");
	faulttest_finish(t, &plain);
	faulttest_exact(t, f, PEOPLE, p->doubt ? flight : 0, p->at);
}

/* Death in the middle of cancelling: the rest is cancelled by the next trigger. */
static void play_cancel(struct dbtest *t, struct fake_ses *f)
{
	const struct trigger plain = { .servers = "" };

	faulttest_reset(t, f);
	ok(die(t, "claim.committed:1"), "a campaign is under way");
	dbtest_script(t->db, "UPDATE campaigns SET status = 'cancelled' WHERE id = 5");
	ok(die(t, "cancel.rows:1"), "cancel.rows:1: dies there");
	faulttest_wait(faulttest_trigger(t, &plain));
	is_int(sendtest_rows(t, 8), PEOPLE, "and all are cancelled all the same");
	is_int(sendtest_check(t), 0, "counts and rows agree");
}

/*
 * Where no mark can be written outside the database nothing leaves, and nothing is in
 * doubt or given up, however often it is tried.
 */
static void play_unmarked(struct dbtest *t, struct fake_ses *f)
{
	const struct trigger full = { .servers = "", .failpoint = "mark.tell:error" };
	const struct trigger plain = { .servers = "" };
	int tries = 0;

	faulttest_reset(t, f);
	for (; tries < 13 && faulttest_wait(faulttest_trigger(t, &full)) == 0; tries++)
		;
	is_int(tries, 13, "mark.tell: slices end well");
	is_int(faulttest_compare(t, f, PEOPLE).unknown, 0, "mark.tell: nothing left");
	is_int(sendtest_rows(t, 0) + sendtest_rows(t, 3), PEOPLE,
	    "mark.tell: everybody waits");
	ok(faulttest_finish(t, &plain), "mark.tell: and is sent to later");
	faulttest_exact(t, f, PEOPLE, 0, "mark.tell");
}

static void test_send(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app;

	sendtest_people(t, PEOPLE);
	app = sendtest_app(t, "");
	fake_ses_start(t, &f, "--latency 5"); /* there is something to wait for */
	for (int bulk = 0; bulk < 2; bulk++) {
		sendtest_use_ses(t, app, &f, bulk ? "bulk" : "single", 4000);
		diag("%s", bulk ? "bulk" : "single");
		for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++)
			play(t, &f, &points[i], bulk ? BULK_FLIGHT : SINGLE_FLIGHT);
	}
	play_cancel(t, &f);
	play_unmarked(t, &f);
	fake_ses_stop(&f);
}

/*
 * The outbox keeps a mail with the attempt it is of: what was kept is known to be
 * accepted, though the worker died before it could write that down.
 */
static void test_outbox(struct dbtest *t)
{
	const struct trigger plain = { .servers = "" };

	sendtest_people(t, PEOPLE);
	sendtest_app(t, "");
	ok(die(t, "settle.rows:1"), "settle.rows: dies with mails in the outbox");
	ok(dbtest_int(t->db, "SELECT count(*) FROM outbox_messages") > 0 &&
		sendtest_rows(t, 4) == 0,
	    "kept, and not yet settled");
	ok(faulttest_finish(t, &plain), "the campaign is completed");
	is_int(sendtest_rows(t, 4), PEOPLE, "all are accepted, none is in doubt");
	is_int(dbtest_int(t->db,
		   "SELECT count(DISTINCT to_email) FROM outbox_messages"),
	    PEOPLE, "the outbox has everybody");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM outbox_messages"), PEOPLE,
	    "and nobody twice");
	is_int(sendtest_check(t), 0, "the ledger adds up");
}

/* ---- the rest of what writes ---- */
static struct app *app_of(struct dbtest *t, void *mem, struct db *db)
{
	struct app *a = mem_new(mem, struct app);

	a->config = mem_new(mem, struct config);
	a->config->server.state_dir = t->dir;
	a->clock = &clock_system;
	a->log = *t->log;
	a->db = db;
	return a;
}

/* fn in a process of its own on a connection of its own; at NULL: no failpoint. */
static int apart(struct dbtest *t, const char *at, enum err (*fn)(struct app *app))
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		void *mem = mem_scope(NULL, "apart");
		struct db *db;

		if (db_open(mem, t->url, t->log, &db) != OK)
			_exit(100);
		if (at)
			setenv("MAILLAYER_FAILPOINT", at, 1);
		_exit((int)fn(app_of(t, mem, db)));
	}
	return faulttest_wait(pid);
}

static void dies(struct dbtest *t, const char *at, enum err (*fn)(struct app *app))
{
	is_int(apart(t, at, fn), -SIGKILL, "%s: dies there", at);
}

static enum err do_import(struct app *app)
{
	struct work_report w = { .more = true };
	enum err e = OK;

	/* the lease of a dead worker ends after a minute */
	dbtest_script(app->db, "UPDATE imports SET lease_until = 0");
	while (e == OK && w.more)
		e = import_work(app, 60000, &w);
	return e;
}

static void upload(struct dbtest *t)
{
	struct form *f = form_new(t->mem);
	struct buf *b = buf_new(t->mem);
	struct form_file file = { .field = "file",
		.name = "p.csv",
		.type = "text/csv" };
	const struct import_request rq = { .brand = 1, .now = 1000, .start = true };
	struct import *i;

	buf_str(b, "email,first_name\n");
	for (int n = 1; n <= ROWS; n++)
		buf_printf(b, "p%d@x.example,N%d\n", n, n);
	file.data = b->data;
	file.len = b->len;
	form_add_file(f, &file);
	ok(import_create(t->db, t->mem, &rq, f, &i) == OK, "a file is uploaded");
}

static void test_import(struct dbtest *t)
{
	static const char *const at[] = { "import.rows:1", "import.committed:1",
		"import.rows:1", "import.finish:1" };

	dbtest_script(t->db,
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
	    " VALUES (1, 'B', 'h', 1, 1)");
	upload(t);
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++)
		dies(t, at[i], do_import);
	is_int(apart(t, NULL, do_import), OK, "the import goes on");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM subscribers"), ROWS,
	    "everybody is there once");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM imports WHERE state = 'done'"
		   " AND rows_read = 12000 AND rows_new = 12000"),
	    1, "each row was counted once");
}

static enum err do_ingest(struct app *app)
{
	struct work_report w;
	enum err e;

	do {
		e = ingest_work(app, 10000, &w);
	} while (e == OK && w.done > 0);
	return e;
}

static void spool(struct dbtest *t)
{
	struct spool *s;
	bool good = spool_open(t->mem, t->dir, t->log, &s) == OK;

	for (int i = 0; i < OPENS && good; i++) {
		struct spool_record r = { .type = EVENT_OPEN,
			.campaign = 5,
			.subscriber = 1 + i % 100,
			.at = 1000 + i };

		spool_set_agent(&r, "Thunderbird/115");
		good = spool_append(s, &r) == OK;
	}
	good = good && spool_sync(s) == OK;
	ok(good, "%d opens are spooled", OPENS);
	mem_free(s);
}

static void test_ingest(struct dbtest *t)
{
	static const char *const at[] = { "ingest.rows:1", "ingest.committed:1",
		"ingest.rows:1", "ingest.committed:1", "ingest.unlinked:1" };

	sendtest_people(t, 100);
	dbtest_script(t->db,
	    "INSERT INTO campaign_subscribers (id, campaign_id, subscriber_id,"
	    " email_key) SELECT (CAST(5 AS BIGINT) << 32) + id, 5, id, email_key"
	    " FROM subscribers");
	spool(t);
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++)
		dies(t, at[i], do_ingest);
	is_int(apart(t, NULL, do_ingest), OK, "the events go on");
	is_int(dbtest_int(t->db, "SELECT opens FROM campaign_stats"), OPENS,
	    "each open was counted once");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM email_events"), OPENS,
	    "and is there once");
}

static enum err do_unsubscribe(struct app *app)
{
	const struct origin o = { .source = "link", .now = 5000 };

	return subscriber_unsubscribe(app->db, 1, 1, &o, NULL);
}

static void test_unsubscribe(struct dbtest *t)
{
	sendtest_people(t, 3);
	dies(t, "unsubscribe.rows:1", do_unsubscribe);
	is_int(dbtest_int(t->db,
		   "SELECT (SELECT count(*) FROM suppressions)"
		   " + (SELECT count(*) FROM consents)"
		   " + (SELECT count(*) FROM subscribers"
		   "     WHERE status <> 'active')"),
	    0, "and nothing of it is there");
	is_int(apart(t, NULL, do_unsubscribe), OK, "it is done again");
	is_int(dbtest_int(t->db,
		   "SELECT (SELECT count(*) FROM suppressions)"
		   " + (SELECT count(*) FROM subscribers"
		   "     WHERE status <> 'active')"),
	    2, "and all of it is there");
}

static enum err do_migrate(struct app *app)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "migrate");
	struct migration_state st;

	return migrate_up(app->db, tmp, dbtest_share(), 1000, &st);
}

static void test_migrate(struct dbtest *t)
{
	static const char *const at[] = { "migrate.script:1", "migrate.recorded:1" };

	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		dies(t, at[i], do_migrate);
		is_int(dbtest_int(t->db,
			   "SELECT count(*) FROM /*+lite sqlite_schema *//*+pg "
			   "pg_tables WHERE schemaname = current_schema() */"),
		    0, "and no table is there");
	}
	is_int(apart(t, NULL, do_migrate), OK, "it is migrated the next time");
	ok(dbtest_int(t->db, "SELECT count(*) FROM schema_migrations") > 0,
	    "and all is there");
}

int main(void)
{
	if (!armed)
		skip_all("this build has no failpoints");
	dbtest_run(test_send);
	dbtest_run(test_outbox);
	dbtest_run(test_import);
	dbtest_run(test_ingest);
	dbtest_run(test_unsubscribe);
	dbtest_run_empty(test_migrate);
	return done_testing();
}
