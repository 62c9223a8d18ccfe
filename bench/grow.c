/*
 * What does not grow with what was ever sent: a trigger with nothing to do, a click and
 * the numbers of the home page, in databases of 10,000, 100,000 and 1,000,000 people
 * who each got two mails: grow [MOST [DATABASE-URL]].  With a URL, whose database must
 * be migrated and empty, only the size MOST is measured; else SQLite files in $TMPDIR.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/migrate.h"
#include "repo/brand.h"
#include "repo/event.h"
#include "repo/ledger.h"
#include "repo/ledger_doubt.h"
#include "repo/repo.h"

enum { ROUNDS = 200, SMALLEST = 10000 };

struct figures {
	double trigger, click, home; /* microseconds */
};

static void must(enum err e, const char *what)
{
	if (e == OK)
		return;
	fprintf(stderr, "bench/grow: %s: %s\n", what, err_name(e));
	exit(1);
}

/* Row i of n, in one statement. */
static void rows(struct db *db, int n, const char *into, const char *values)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "rows");

	must(db_script(db,
		 mem_printf(tmp,
		     "INSERT INTO %s WITH RECURSIVE g(i) AS"
		     " (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < %d)"
		     " SELECT %s FROM g",
		     into, n, values)),
	    into);
}

#define PERSON "'p' || i || '@x.example', 'p' || i || '@x.example'"

/* Two campaigns, one of them paused in the middle. */
static void fill(struct db *db, int n)
{
	rows(db, 2, "brands (name, hook_token, created_at, updated_at)",
	    "'B', 'h' || i, 0, 0");
	rows(db, 2,
	    "campaigns (brand_id, name, status, audience, frozen_at, created_at,"
	    " updated_at)",
	    "1, 'C', CASE i WHEN 1 THEN 'completed' ELSE 'paused' END, 1, 1, 0, 0");
	rows(db, 2, "campaign_counts (campaign_id, state, n)", "i, 8 - 4 * i, 1");
	rows(db, 5, "campaign_links (campaign_id, number, url)", "1, i, 'https://x/'");
	rows(db, n,
	    "subscribers (brand_id, email, email_key, status, created_at, updated_at)",
	    "1, " PERSON ", 'active', 0, 0");
	rows(db, 1, "people_counts (brand_id, kind, item, n)",
	    "1, 'status', 'active', 1");
	rows(db, n,
	    "campaign_subscribers (campaign_id, subscriber_id, email, email_key, state,"
	    " tries, attempt_id)",
	    "1, i, " PERSON ", 4, 1, i");
	rows(db, n,
	    "campaign_subscribers (campaign_id, subscriber_id, email, email_key)",
	    "2, i, " PERSON);
	rows(db, n, "send_attempts (campaign_id, delivery_id, started_at, outcome)",
	    "1, i, 0, 4");
	rows(db, 2 * n,
	    "email_events (brand_id, campaign_id, subscriber_id, type, link, at)",
	    "1, 1, (i + 1) / 2, 1 + i % 2, i % 2, 0");
}

/* What slice_run asks for when there is nothing to do. */
static void trigger(struct db *db)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "trigger");
	struct due_campaign *due;
	int64_t at, decided;
	size_t n;

	must(ledger_wake(db, 1), "wake");
	must(ledger_policy(db, 1, &decided), "policy");
	must(ledger_due(db, tmp, 1, &due, &n), "due");
	must(ledger_next_at(db, &at), "next");
}

static void click(struct db *db, int64_t who)
{
	struct event ev = { .campaign_id = 1,
		.subscriber_id = who,
		.type = EVENT_CLICK,
		.client = "Gmail",
		.link = 3,
		.at = 1 };

	must(event_record(db, &ev), "click");
}

static struct figures measure(struct db *db, int n)
{
	struct brand_overview v;
	struct figures f;
	int64_t start = clock_mono_us();
	TX_SCOPE tx = { 0 };

	for (int i = 0; i < ROUNDS; i++)
		trigger(db);
	f.trigger = (double)(clock_mono_us() - start) / ROUNDS;
	must(tx_begin_keyed(db, &tx), "begin");
	start = clock_mono_us();
	for (int i = 0; i < ROUNDS; i++)
		click(db, 1 + (int64_t)i * 7919 % n);
	f.click = (double)(clock_mono_us() - start) / ROUNDS;
	must(tx_commit(&tx), "commit");
	start = clock_mono_us();
	for (int i = 0; i < ROUNDS; i++) {
		MEM_SCOPE void *tmp = mem_scope(NULL, "home");

		must(brand_overview(db, tmp, 1, 1, &v), "home");
	}
	f.home = (double)(clock_mono_us() - start) / ROUNDS;
	return f;
}

static struct figures at_size(const char *given, int n)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "bench");
	struct log lg = { .least = LOG_WARN, .fd = 2, .process = "bench" };
	const char *dir = getenv("TMPDIR");
	const char *path = mem_printf(mem, "%s/maillayer-grow-%d-%d.db",
	    dir ? dir : "/tmp", (int)getpid(), n);
	const char *url = given ? given : mem_printf(mem, "sqlite:%s", path);
	struct migration_state st;
	struct figures f;
	struct db *db;

	must(db_open(mem, url, &lg, &db), "open");
	if (!given)
		must(migrate_up(db, mem, SOURCEDIR, 1, &st), "migrate");
	must(repo_prepare(db), "prepare");
	fill(db, n);
	(void)measure(db, n); /* warm */
	f = measure(db, n);
	mem_free(db);
	if (!given)
		unlink(path);
	return f;
}

int main(int argc, char **argv)
{
	int most = argc > 1 ? atoi(argv[1]) : 1000000;
	const char *url = argc > 2 ? argv[2] : NULL;
	struct figures first = { 0 };

	puts("people      trigger us        click us          home us");
	for (int n = url ? most : SMALLEST; n <= most; n *= 10) {
		struct figures f = at_size(url, n);

		if (first.trigger == 0)
			first = f;
		printf("%-10d  %7.1f (x%.2f)  %7.1f (x%.2f)  %7.1f (x%.2f)\n", n,
		    f.trigger, f.trigger / first.trigger, f.click,
		    f.click / first.click, f.home, f.home / first.home);
		fflush(stdout);
	}
	return 0;
}
