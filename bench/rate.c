/*
 * How near a slice comes to the rate of the account, and that it never goes over it:
 * against t/fake/ses.mjs, whose bucket counts recipients and refuses what is too much.
 * The rate is fed from GetAccount.  1, 2 and 4 processes share it through memcached;
 * without memcached each takes its part.
 *
 *	bench/rate [SECONDS [RATE ...]]
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "db/migrate.h"
#include "memcached.h"
#include "send/slice.h"
#include "sendtest.h"

enum { CAMPAIGNS_EACH = 4, PROCESSES_MAX = 4 };

struct row {
	const char *mode;
	int rate, processes;
	bool shared;
};
struct bench {
	struct dbtest t;
	struct memcached mc;
	int seconds;
	bool missed;
};
struct found {
	int n;
	double per_second;
	int peak; /* most in any second */
	int64_t throttled;
};

static void die(const char *what)
{
	fprintf(stderr, "bench/rate: %s\n", what);
	exit(1);
}

static void prepare(struct bench *b, const struct row *r)
{
	struct migration_state st;
	int campaigns = r->processes > 1 ? CAMPAIGNS_EACH * r->processes : 1;
	int people = r->rate * (b->seconds + 5) / campaigns * 3 / 2 + 20;

	b->t.mem = mem_scope(NULL, "row");
	b->t.url = mem_printf(b->t.mem, "sqlite:%s/rate.db", b->t.dir);
	if (db_open(b->t.mem, b->t.url, b->t.log, &b->t.db) != OK ||
	    migrate_up(b->t.db, b->t.mem, b->t.share, 1, &st) != OK)
		die("the database cannot be made");
	sendtest_people(&b->t, people);
	for (int i = 1; i < campaigns; i++)
		dbtest_script(b->t.db,
		    mem_printf(b->t.mem,
			"INSERT INTO campaigns (id, brand_id, name, status, subject,"
			" html, send_at, created_at, updated_at) SELECT %d, brand_id,"
			" name, status, subject, html, 100, 1, 1 FROM campaigns"
			" WHERE id = 5; INSERT INTO campaign_audience (campaign_id,"
			" list_id, exclude) VALUES (%d, 1, 0);",
			5 + i, 5 + i));
}

static void work(struct bench *b, const struct row *r, int64_t end)
{
	void *mem = mem_scope(NULL, "worker");
	struct work_report w;
	struct db *db;
	struct app *app;

	if (db_open(mem, b->t.url, b->t.log, &db) != OK)
		_exit(1);
	app = sendtest_app_on(&b->t, mem, db, r->shared ? b->mc.servers : "");
	app->config->server.cron_workers = r->processes;
	for (int64_t now; (now = clock_mono_ms()) < end;) {
		if (slice_run(app, (end - now) * 10 / 9 + 1, &w) != OK)
			_exit(1);
		if (!w.more)
			usleep(100000);
	}
	_exit(0);
}

static void run_all(struct bench *b, const struct row *r)
{
	int64_t end = clock_mono_ms() + (int64_t)b->seconds * 1000;
	pid_t pid[PROCESSES_MAX];
	int status, bad = 0;

	fflush(stdout);
	for (int i = 0; i < r->processes; i++)
		if ((pid[i] = fork()) == 0)
			work(b, r, end);
	for (int i = 0; i < r->processes; i++)
		bad += waitpid(pid[i], &status, 0) != pid[i] || status != 0;
	if (bad)
		die("a slice failed");
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* From the fake's ledger: when each was accepted. */
static struct found look(struct bench *b, const struct fake_ses *f)
{
	struct json_object *all = fake_ses_accepted(b->t.mem, f);
	int n = (int)json_object_array_length(all);
	int64_t *at = mem_array(b->t.mem, int64_t, (size_t)n + 1);
	struct found out = { .n = n, .throttled = fake_ses_stat(f, "throttled") };

	if (n < 2)
		die("nothing was sent");
	for (int i = 0; i < n; i++)
		at[i] = json_int(json_object_array_get_idx(all, (size_t)i), "at", 0);
	qsort(at, (size_t)n, sizeof(*at), by_time);
	for (int i = 0, first = 0; i < n; i++) {
		while (at[i] - at[first] >= 1000)
			first++;
		if (i - first + 1 > out.peak)
			out.peak = i - first + 1;
	}
	out.per_second = (n - 1) * 1000.0 / (double)(at[n - 1] - at[0]);
	return out;
}

static void measure(struct bench *b, const struct row *r)
{
	struct fake_ses f;
	struct found x;
	bool good;

	prepare(b, r);
	fake_ses_start(&b->t, &f, mem_printf(b->t.mem, "--rate %d", r->rate));
	sendtest_use_ses(&b->t, sendtest_app(&b->t, ""), &f, r->mode, 0);
	memcached_start(&b->mc);
	run_all(b, r);
	x = look(b, &f);
	fake_ses_stop(&f);
	memcached_stop(&b->mc);
	good = x.throttled == 0 && x.per_second >= 0.95 * r->rate;
	b->missed = b->missed || !good;
	printf("| %s | %d | %d | %s | %.1f | %.1f %% | %.0f %% | %lld | %s |\n",
	    r->mode, r->rate, r->processes, r->shared ? "yes" : "no", x.per_second,
	    100 * x.per_second / r->rate, 100.0 * x.peak / r->rate,
	    (long long)x.throttled, good ? "yes" : "no");
	fflush(stdout);
	mem_free(b->t.mem);
	if (system(mem_printf(NULL, "rm -rf '%s'/*", b->t.dir)) != 0)
		die("the directory cannot be emptied");
}

static void measure_rate(struct bench *b, int rate)
{
	static const char *const modes[] = { "single", "bulk" };

	for (int m = 0; m < 2; m++) {
		for (int n = 1; n <= PROCESSES_MAX; n *= 2)
			measure(b, &(struct row){ modes[m], rate, n, true });
		for (int n = 2; n <= PROCESSES_MAX; n *= 2)
			measure(b, &(struct row){ modes[m], rate, n, false });
	}
}

static void say_where(const struct bench *b)
{
	const char *commit = getenv("MAILLAYER_BENCH_COMMIT");
	time_t now = time(NULL);
	double load = 0;
	char when[32];

	strftime(when, sizeof(when), "%Y-%m-%d %H:%M", gmtime(&now));
	if (getloadavg(&load, 1) != 1)
		load = 0;
	printf("%s UTC, commit %s, %ld processors, load %.1f before; %d s each.\n\n",
	    when, commit ? commit : "unknown", sysconf(_SC_NPROCESSORS_ONLN), load,
	    b->seconds);
	puts("| mode | quota | processes | memcached | a second | of the quota | "
	     "fullest second | throttled | within 5 % "
	     "|\n|---|---|---|---|---|---|---|---|"
	     "---|");
}

int main(int argc, char **argv)
{
	static const int usual[] = { 14, 200, 1000 };
	struct log lg = { .least = LOG_ERROR, .fd = STDERR_FILENO };
	struct bench b = { .seconds = argc > 1 ? atoi(argv[1]) : 20 };
	const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	void *mem = mem_scope(NULL, "bench");
	char *dir = mem_printf(mem, "%s/maillayer-rate-XXXXXX", tmp);

	if (b.seconds < 2 || b.seconds > 600)
		die("usage: bench/rate [SECONDS [RATE ...]]");
	b.t = (struct dbtest){ .share = dbtest_share(), .log = &lg };
	b.t.dir = mkdtemp(dir);
	if (b.t.dir == NULL)
		die("no temporary directory");
	memcached_begin(&b.mc);
	memcached_stop(&b.mc);
	say_where(&b);
	for (int i = 2; i < argc; i++)
		measure_rate(&b, atoi(argv[i]));
	for (size_t i = 0; argc <= 2 && i < sizeof(usual) / sizeof(*usual); i++)
		measure_rate(&b, usual[i]);
	rmdir(b.t.dir);
	memcached_start(&b.mc);
	memcached_end(&b.mc);
	return b.missed;
}
