#include "tap.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "dbtest.h"
#include "repo/campaign.h"
#include "send/ingest.h"
#include "send/spool.h"

enum { PEOPLE = 200, OPENS = 3000 };

/* A process as far as ingest looks at it. */
static struct app *app_of(struct dbtest *t, struct db *db)
{
	struct app *a = mem_new(t->mem, struct app);

	a->config = mem_new(t->mem, struct config);
	a->config->server.state_dir = t->dir;
	a->clock = &clock_system;
	a->log = *t->log;
	a->db = db;
	return a;
}

static void make_world(struct db *db)
{
	dbtest_script(db,
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at) VALUES "
	    "(1, 'B', 'h', 0, 0);"
	    "INSERT INTO campaigns (id, brand_id, name, created_at, updated_at)"
	    " VALUES (5, 1, 'C', 0, 0);");
	for (int i = 1; i <= PEOPLE; i++) {
		MEM_SCOPE void *tmp = mem_scope(NULL, "row");

		dbtest_script(db,
		    mem_printf(tmp,
			"INSERT INTO campaign_subscribers (id, campaign_id,"
			" subscriber_id, email_key)"
			" VALUES ((CAST(5 AS BIGINT) << 32) + %d, 5, %d,"
			" 'p%d@x.example')",
			i, i, i));
	}
}

static void fill_spool(struct dbtest *t, int n)
{
	struct spool *s;
	bool good = spool_open(t->mem, t->dir, t->log, &s) == OK;

	for (int i = 0; i < n && good; i++) {
		struct spool_record r = {
			.type = EVENT_OPEN,
			.campaign = 5,
			.subscriber = 1 + i % PEOPLE,
			.at = 1000 + i,
		};

		spool_set_agent(&r, "Thunderbird/115");
		good = spool_append(s, &r) == OK;
	}
	good = good && spool_sync(s) == OK;
	ok(good, "spools %d opens", n);
	mem_free(s);
}

static void once(struct dbtest *t)
{
	struct app *a = app_of(t, t->db);
	struct work_report w;
	struct campaign_stats s;

	make_world(t->db);
	fill_spool(t, 500);
	ok(ingest_work(a, 10000, &w) == OK, "ingest_work runs");
	is_int(w.done, 500, "takes all records");
	ok(!w.more, "and says there is no more");
	ok(campaign_stats_get(t->db, 5, &s) == OK, "the rollup is there");
	is_int(s.opens, 500, "with every open");
	is_int(s.opened, PEOPLE, "and each person once");
	ok(ingest_work(a, 10000, &w) == OK && w.done == 0,
	    "finds nothing the second time");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM spool_files"), 0,
	    "and forgets finished files");
}

/* CRC-32 (ISO-HDLC), bit by bit. */
static uint32_t crc_of(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint32_t c = 0xffffffffu;

	for (size_t i = 0; i < n; i++) {
		c ^= b[i];
		for (int k = 0; k < 8; k++)
			c = (c >> 1) ^ (0xedb88320u & (0u - (c & 1u)));
	}
	return ~c;
}

/* A file that a version before the User-Agent was kept has left. */
static void older(struct dbtest *t)
{
	struct app *a = app_of(t, t->db);
	struct work_report w;
	struct campaign_stats s;
	char *path = mem_printf(t->mem, "%s/spool/old.spool", t->dir);
	FILE *f;

	make_world(t->db);
	fill_spool(t, 1);
	f = fopen(path, "w");
	for (int i = 0; f != NULL && i < 3; i++) {
		struct spool_old_record r = { .magic = SPOOL_OLD_MAGIC,
			.type = EVENT_OPEN,
			.machine = i == 2,
			.client = i == 2 ? CLIENT_APPLE_PRIVACY : CLIENT_CHROME,
			.campaign = 5,
			.subscriber = 10 + i,
			.at = 5000 + i };

		r.check = crc_of(&r, offsetof(struct spool_old_record, check));
		fwrite(&r, sizeof(r), 1, f);
	}
	ok(f != NULL && fclose(f) == 0, "an older version left a file");
	ok(ingest_work(a, 10000, &w) == OK, "ingest_work reads it");
	is_int(w.done, 4, "with the new one");
	ok(campaign_stats_get(t->db, 5, &s) == OK, "the rollup is there");
	is_int(s.opens, 3, "the opens of people");
	is_int(s.machine_opens, 1, "and of the machine that was told");
	is_int(dbtest_int(t->db, "SELECT reason FROM email_events WHERE machine = 1"),
	    MACHINE_PRIVACY, "with its reason");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM email_events WHERE client ="
		   " 'Chrome' AND agent_id IS NULL"),
	    2, "and the client that was kept");
	ok(access(path, F_OK) != 0, "and the file is gone");
}

/* A damaged record costs itself only. */
static void damaged(struct dbtest *t)
{
	struct app *a = app_of(t, t->db);
	struct work_report w;
	struct campaign_stats s;
	char cmd[300];
	FILE *f;

	make_world(t->db);
	fill_spool(t, 10);
	snprintf(cmd, sizeof(cmd), "%s/spool", t->dir);
	f = fopen(mem_printf(t->mem, "%s/bad.spool", cmd), "w");
	ok(f != NULL && fwrite(cmd, 1, 57, f) == 57 && fclose(f) == 0,
	    "writes a file of rubbish");
	ok(ingest_work(a, 10000, &w) == OK, "ingest_work goes on past it");
	ok(campaign_stats_get(t->db, 5, &s) == OK && s.opens == 10,
	    "and takes the good ones");
	ok(access(mem_printf(t->mem, "%s/bad.spool", cmd), F_OK) != 0,
	    "and removes the bad one");
}

static void child(struct dbtest *t)
{
	struct work_report w;
	struct db *db;
	struct app *a;

	if (db_open(t->mem, t->url, t->log, &db) != OK)
		_exit(1);
	a = app_of(t, db);
	while (ingest_work(a, 10000, &w) == OK && w.done > 0)
		;
	_exit(0);
}

/* kill -9 in the middle, again and again: every open is counted exactly once. */
static void killed(struct dbtest *t)
{
	struct campaign_stats s;
	int kills = 0;
	int status = 1;
	useconds_t patience = 500;

	make_world(t->db);
	fill_spool(t, OPENS);
	for (int round = 0; round < 60 && status != 0; round++) {
		pid_t pid = fork();

		if (pid == 0)
			child(t);
		usleep(patience);
		patience += patience / 8;
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		kills += status != 0;
	}
	ok(kills > 0, "dies %d times in the middle", kills);
	is_int(status, 0, "and finishes at last");
	ok(campaign_stats_get(t->db, 5, &s) == OK, "the rollup is there");
	is_int(s.opens, OPENS, "with every open exactly once");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM email_events"), OPENS,
	    "as in the events");
}

/* ---- others who write meanwhile ---- */

/* Each batch asks for the time once: so its number is stored with the position. */
static int64_t number_of_batch(const struct clock *c)
{
	static int64_t n;

	(void)c;
	return ++n;
}

static void ingest_all(struct dbtest *t)
{
	static const struct clock counting = { .now = number_of_batch };
	struct work_report w = { .more = true };
	struct db *db;
	struct app *a;

	if (db_open(t->mem, t->url, t->log, &db) != OK)
		_exit(1);
	a = app_of(t, db);
	a->clock = &counting;
	while (w.more)
		if (ingest_work(a, 60000, &w) != OK)
			_exit(1);
	_exit(0);
}

static int64_t batches(struct db *db)
{
	return dbtest_int(db, "SELECT COALESCE(max(updated_at), 0) FROM spool_files");
}

/* A writer comes; how many batches went before it had its turn. */
static int64_t wait_for_turn(struct db *db)
{
	TX_SCOPE tx = { 0 };
	int64_t before = batches(db), after;

	if (tx_begin(db, &tx) != OK)
		return -1;
	after = batches(db);
	dbtest_script(db, "UPDATE brands SET updated_at = updated_at + 1");
	if (tx_commit(&tx) != OK)
		return -1;
	/* at the end the file is forgotten, and its number with it */
	return after > before ? after - before : 0;
}

static void beside(struct dbtest *t)
{
	int64_t worst = 0;
	int turns = 0, status = 1;
	pid_t pid;

	if (db_kind(t->db) != DB_SQLITE)
		return; /* there nobody waits for another row */
	make_world(t->db);
	fill_spool(t, 3 * OPENS); /* one file: batches are counted by its row */
	pid = fork();
	if (pid == 0)
		ingest_all(t);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		int64_t n = wait_for_turn(t->db);

		turns++;
		worst = n < 0 || n > worst ? n : worst;
		if (n < 0)
			break;
	}
	is_int(status, 0, "ingest takes %d opens, %d writers beside it", 3 * OPENS,
	    turns);
	ok(turns > 3 && worst >= 0 && worst <= 3,
	    "each of whom waits for %d batches at most", (int)worst);
}

int main(void)
{
	dbtest_run(once);
	dbtest_run(older);
	dbtest_run(damaged);
	dbtest_run(killed);
	dbtest_run(beside);
	return done_testing();
}
