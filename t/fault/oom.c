/*
 * No memory, at any allocation of a slice and of requests of many kinds: the process
 * aborts (nginx says 503, the supervisor starts another) and what it was at is done
 * wholly or not at all.  Needs a build with --enable-failpoints.  OOM_TRIES: how many
 * of the allocations of each (0: every one).
 *
 * t/fault/long: sqlite only.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/token.h"
#include "faulttest.h"
#include "http/body.h"
#include "service/judge.h"
#include "repo/ledger_check.h"
#include "repo/repo.h"
#include "send/slice.h"
#include "service/api_key.h"
#include "service/host.h"
#include "service/ses_event.h"
#include "tap.h"
#include "web/access.h"
#include "web/routes.h"
#include "web/takes.h"

enum { PEOPLE = 60 };

#ifdef FAILPOINTS
static const bool armed = true;
#else
static const bool armed = false;
#endif

/* ---- memory ---- */

/* Shared with the children: how many allocations there were, and which one fails. */
static struct {
	long made, fails;
	int status;
} * memory;

static bool counting; /* in the children only */

bool mem_out(void)
{
	return counting && ++memory->made == memory->fails;
}

/* ---- the acts ---- */
struct world {
	struct dbtest *t;
	const char *base,
	    *copy;       /* files of the database: as it begins, and of one try */
	const char *key; /* of the API */
	char leave[TOKEN_MAX];
	int64_t delivery; /* of person 1 in campaign 6 */
};

struct act {
	const char *name;
	enum method method;
	const char *path, *type, *body;
	enum err (
	    *fn)(const struct world *w, struct app *app); /* instead of a request */
};

static enum err do_slice(const struct world *w, struct app *app)
{
	struct work_report r;

	(void)w;
	return slice_run(app, 20000, &r);
}

static enum err do_event(const struct world *w, struct app *app)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "event");
	TX_SCOPE tx = { 0 };
	const char *kind;
	const struct ses_notice n = {
		.brand_id = 1,
		.now = 2000,
		.text = mem_printf(mem,
		    "{\"eventType\":\"Bounce\",\"mail\":{\"messageId\":\"m1\","
		    "\"timestamp\":\"2026-11-24T10:00:00Z\",\"tags\":"
		    "{\"maillayer_delivery\":[\"%lld-1\"]}},\"bounce\":{\"bounceType\":"
		    "\"Permanent\",\"bounceSubType\":\"General\",\"feedbackId\":\"a\","
		    "\"bouncedRecipients\":[{\"emailAddress\":\"p1@x.test\"}]}}",
		    (long long)w->delivery),
	};
	enum err e = tx_begin(app->db, &tx);

	if (e == OK)
		e = ses_event_apply(app->db, mem, &n, &kind);
	return e == OK ? tx_commit(&tx) : e;
}

static enum err do_click(const struct world *w, struct app *app)
{
	struct event ev = { .campaign_id = 6,
		.subscriber_id = 1,
		.type = EVENT_CLICK,
		.link = 1,
		.client = "Gmail",
		.at = 7200000 };
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(app->db, &tx);

	(void)w;
	if (e == OK)
		e = judge_event(app->db, &ev);
	return e == OK ? tx_commit(&tx) : e;
}

static const char json[] = "application/json";

/* clang-format off */
static const struct act acts[] = {
	{ "a list is made", POST, "/api/v1/brands/1/lists", json, "{\"name\":\"New\"}", NULL },
	{ "a person is added", POST, "/api/v1/brands/1/subscribers", json,
	    "{\"email\":\"new@x.test\",\"first_name\":\"N\",\"lists\":[1],\"tags\":[\"a\",\"b\"]}", NULL },
	{ "a person is changed", PATCH, "/api/v1/brands/1/subscribers/2", json,
	    "{\"first_name\":\"X\",\"tags\":[\"a\",\"c\"]}", NULL },
	{ "a person is deleted", DELETE, "/api/v1/brands/1/subscribers/3", NULL, NULL, NULL },
	{ "people are read", GET, "/api/v1/brands/1/subscribers?limit=50", NULL, NULL, NULL },
	{ "a field is made", POST, "/api/v1/brands/1/fields", json,
	    "{\"key\":\"town\",\"label\":\"Town\",\"type\":\"text\"}", NULL },
	{ "a campaign is made", POST, "/api/v1/brands/1/campaigns", json,
	    "{\"name\":\"N\",\"subject\":\"Hi {{ first_name }}\",\"html\":\"<p>x</p>\",\"lists\":[1]}", NULL },
	{ "a campaign is paused", POST, "/api/v1/brands/1/campaigns/5/pause", json, "{}", NULL },
	{ "a campaign is cancelled", POST, "/api/v1/brands/1/campaigns/5/cancel", json, "{}", NULL },
	{ "a report is read", GET, "/api/v1/brands/1/campaigns/6/report", NULL, NULL, NULL },
	{ "the outbox is set", PUT, "/api/v1/brands/1/provider", json, "{\"kind\":\"outbox\",\"rate\":500}", NULL },
	{ "a person leaves", POST, NULL, "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click", NULL },
	{ "Amazon tells of a bounce", GET, NULL, NULL, NULL, do_event },
	{ "a click is counted", GET, NULL, NULL, NULL, do_click },
};
/* clang-format on */
static const struct act slice = { .name = "a slice", .fn = do_slice };

/* ---- one try ---- */
static int ask(const struct world *w, struct app *app, const struct act *a)
{
	static const struct site site = { .enter = access_enter,
		.admit = access_admit,
		.takes = web_takes,
		.act = access_act,
		.leave = access_leave,
		.routes = routes };
	struct site whole = site;
	struct request *rq = request_new(app);
	struct response *rs = response_new(rq);
	const char *why;

	whole.n = route_count;
	if (request_set_target(rq,
		a->path ? a->path : mem_printf(rq, "/u/%s", w->leave)) != OK)
		return 0;
	rq->method = a->method;
	rq->app = app;
	rq->db = app->db;
	rq->kv = app->kv;
	rq->log = app->log;
	rq->now = 1764000000000;
	rq->ip = "192.0.2.1";
	rq->host = "m.test";
	rq->origin = "";
	rq->accept = json;
	if (a->path)
		rq->authorization = mem_printf(rq, "Bearer %s", w->key);
	if (a->body &&
	    body_read(rq, rq->form, a->type, a->body, strlen(a->body), &why) != OK)
		return 0;
	site_serve(&whole, rq, rs);
	return rs->status;
}

static void copy_file(const char *from, const char *to)
{
	char block[65536];
	FILE *in = fopen(from, "re"), *out = fopen(to, "we");
	size_t n;

	while (in && out && (n = fread(block, 1, sizeof(block), in)) > 0)
		if (fwrite(block, 1, n, out) != n)
			ok(false, "the database is copied");
	if (in)
		fclose(in);
	if (out)
		fclose(out);
}

static struct db *open_copy(const struct world *w, void *mem)
{
	struct db *db = NULL;

	if (db_open(mem, mem_printf(mem, "sqlite:%s", w->copy), w->t->log, &db) != OK)
		ok(false, "the copy opens");
	return db;
}

/* Every copy is an older database to its host, which sends nothing until told. */
static void confirm(struct app *app)
{
	const struct host_place place = host_place_of(app);
	struct host h;
	int64_t paused;
	bool changed;

	if (host_visit(app->db, app, &place, 1, &h, &changed) != OK ||
	    host_confirm(app->db, false, 1, &paused) != OK)
		_exit(101);
}

/* In a process of its own; the nth allocation fails (0: none).  Its end. */
static int act_out(const struct world *w, const struct act *a, long fails)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		void *mem = mem_scope(NULL, "act");
		struct app *app = sendtest_app_on(w->t, mem, open_copy(w, mem), "");

		app->log =
		    (struct log){ .least = LOG_ERROR + 1, .fd = -1, .process = "oom" };
		db_set_log(app->db, &app->log);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(100);
		if (a == &slice)
			confirm(app);
		memory->made = 0;
		memory->fails = fails;
		counting = true;
		memory->status = a->fn ? (int)a->fn(w, app) : ask(w, app, a);
		_exit(0);
	}
	return faulttest_wait(pid);
}

static void fresh(const struct world *w)
{
	unlink(mem_printf(w->t->mem, "%s-wal", w->copy));
	unlink(mem_printf(w->t->mem, "%s-shm", w->copy));
	copy_file(w->base, w->copy);
}

/* What is in the database, but for what is noted of a request beside what it does. */
static char *digest(const struct world *w)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "digest");
	struct db *db = open_copy(w, tmp);
	struct buf *b = buf_new(tmp);
	STMT_SCOPE s = db_stmt_text(db,
	    "SELECT name FROM sqlite_schema WHERE type = 'table'"
	    " AND name NOT IN ('audit_log', 'idempotency_keys') ORDER BY name");
	STMT_SCOPE more = db_stmt_text(db,
	    "SELECT (SELECT group_concat(id || status || pause_reason) FROM campaigns)"
	    " || (SELECT group_concat(id || status || first_name) FROM subscribers)"
	    " || (SELECT group_concat(kind || rate) FROM providers)"
	    " || (SELECT group_concat(campaign_id || ':' || state || ':' || n)"
	    "     FROM campaign_counts WHERE n > 0)"
	    " || coalesce((SELECT group_concat(bounced || ':' || clicked"
	    "     || ':' || unsubscribed) FROM campaign_stats), '')");

	while (stmt_next(s))
		buf_printf(b, "%s %lld,", stmt_text(s, 0),
		    (long long)dbtest_int(db,
			mem_printf(tmp, "SELECT count(*) FROM %s", stmt_text(s, 0))));
	if (stmt_row(more) == OK)
		buf_str(b, stmt_text(more, 0));
	return mem_str(w->t->mem, b->data);
}

static int faults_of_copy(const struct world *w)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "check");
	struct db *db = open_copy(w, tmp);
	struct ledger_verdict v;

	if (ledger_check(db, tmp, 0, &v) != OK)
		return -1;
	for (size_t i = 0; i < v.n; i++)
		diag("%s: %s", v.faults[i].text, v.faults[i].example);
	return (int)v.n;
}

/* Which allocation fails at try i of n; all of them if there are no more. */
static long nth(int i, int n, long all)
{
	return n >= all ? i + 1 : 1 + (long)i * (all - 1) / (n > 1 ? n - 1 : 1);
}

static void play(const struct world *w, const struct act *a)
{
	int tries = faulttest_number("OOM_TRIES", 8), part = 0, bad = 0, n = 0,
	    whole = 0;
	const char *before, *after;
	long all;

	fresh(w);
	before = digest(w);
	is_int(act_out(w, a, 0), 0, "%s: it works", a->name);
	ok(a->fn ? memory->status == OK : memory->status >= 200 && memory->status < 300,
	    "%s: and says so: %d", a->name, memory->status);
	all = memory->made;
	after = digest(w);
	ok(a->method == GET && a->path ? strcmp(before, after) == 0
				       : strcmp(before, after) != 0,
	    "%s: which can be seen, or is only read", a->name);
	if (tries == 0 || tries > all)
		tries = (int)all;
	for (; n < tries; n++) {
		const char *now;

		fresh(w);
		bad += act_out(w, a, nth(n, tries, all)) != -SIGABRT;
		now = digest(w);
		whole += strcmp(now, after) == 0;
		part += strcmp(now, before) != 0 && strcmp(now, after) != 0;
		part += faults_of_copy(w) != 0;
	}
	tap_count("denials", n);
	is_int(bad, 0, "%s: without memory at %d of %ld allocations it aborts", a->name,
	    n, all);
	is_int(part, 0, "%s: and nothing is done by halves (%d times all of it)",
	    a->name, whole);
}

static int64_t of_copy(const struct world *w, const char *sql)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "copy");

	return dbtest_int(open_copy(w, tmp), sql);
}

static void play_slice(const struct world *w)
{
	int tries = faulttest_number("OOM_TRIES", 8) * 3, bad = 0, wrong = 0, died = 0;
	long all;

	/* The first one also makes the files of its slot: those after it need less. */
	fresh(w);
	is_int(act_out(w, &slice, 0), 0, "a slice works");
	fresh(w);
	is_int(act_out(w, &slice, 0), 0, "and once more");
	all = memory->made;
	tries = tries == 0 || tries > all ? (int)all : tries;
	for (int i = 0; i < tries; i++) {
		fresh(w);
		bad += act_out(w, &slice, nth(i, tries, all)) != -SIGABRT;
		died++;
		wrong += faults_of_copy(w) != 0;
		bad += act_out(w, &slice, 0) != 0 || memory->status != OK;
		wrong += faults_of_copy(w) != 0;
		/* what was kept is accepted, what may have been is in doubt */
		wrong +=
		    of_copy(w,
			"SELECT count(*) FROM campaign_subscribers d WHERE campaign_id"
			" = 5 AND state NOT IN (4, 7)") != 0;
		wrong += of_copy(w,
			     "SELECT count(*) FROM campaign_subscribers"
			     " WHERE campaign_id = 5") != PEOPLE;
		wrong +=
		    of_copy(w,
			"SELECT count(*) FROM outbox_messages WHERE campaign_id = 5") !=
		    of_copy(w,
			"SELECT count(*) FROM campaign_subscribers"
			" WHERE campaign_id = 5 AND state = 4");
		wrong += of_copy(w,
			     "SELECT count(*) - count(DISTINCT to_email) FROM"
			     " outbox_messages WHERE campaign_id = 5") != 0;
	}
	is_int(bad, 0, "without memory at %d of %ld allocations a slice aborts", died,
	    all);
	is_int(wrong, 0, "and the next one goes on: nobody lost, nobody twice");
}

/* ---- the world ---- */
static void begin(struct world *w, struct dbtest *t)
{
	struct key_grant g = { .brand_id = 1, .user_id = 1, .scopes = 7, .now = 1 };
	struct form *f = form_new(t->mem);
	struct work_report r;
	struct app *app;
	struct api_key *k;
	char *secret = NULL;

	w->t = t;
	sendtest_people(t, PEOPLE);
	app = sendtest_app(t, "");
	dbtest_script(t->db,
	    "INSERT INTO campaigns (id, brand_id, name, status, subject, html, send_at,"
	    " created_at, updated_at) SELECT 6, brand_id, 'D', 'sending', subject,"
	    " html, 100, 1, 1 FROM campaigns WHERE id = 5;"
	    "INSERT INTO campaign_audience (campaign_id, list_id, exclude)"
	    " VALUES (6, 1, 0); UPDATE campaigns SET status = 'draft' WHERE id = 5;");
	ok(slice_run(app, 20000, &r) == OK && r.done == PEOPLE, "a campaign is sent");
	dbtest_script(t->db, "UPDATE campaigns SET status = 'sending' WHERE id = 5;");
	dbtest_script(t->db,
	    "INSERT INTO users (id, email, email_key, is_admin, created_at, updated_at)"
	    " VALUES (1, 'a@x', 'a@x', 1, 1, 1)");
	w->delivery = dbtest_int(t->db,
	    "SELECT id FROM campaign_subscribers WHERE campaign_id = 6"
	    " AND subscriber_id = 1");
	form_add(f, "name", "test");
	form_add(f, "scopes", "read,write,send");
	ok(key_create(t->db, t->mem, &g, f, &k, &secret) == OK, "a key is made");
	w->key = secret;
	token_write(app->keys,
	    &(struct token){ TOKEN_UNSUBSCRIBE, .campaign = 6, .subscriber = 4 },
	    w->leave);
	w->base = mem_printf(t->mem, "%s/base.db", t->dir);
	w->copy = mem_printf(t->mem, "%s/copy.db", t->dir);
	dbtest_script(t->db, mem_printf(t->mem, "VACUUM INTO '%s'", w->base));
}

static void test_oom(struct dbtest *t)
{
	struct world w;

	if (db_kind(t->db) != DB_SQLITE)
		return; /* memory is the same there */
	begin(&w, t);
	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++)
		play(&w, &acts[i]);
	play_slice(&w);
}

int main(void)
{
	if (!armed)
		skip_all("this build has no failpoints");
	memory = mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return 1;
	dbtest_run(test_oom);
	return done_testing();
}
