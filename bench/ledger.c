/*
 * The ledger alone, without composing and sending: freezes an audience, claims, intends
 * and settles all of it, and reads it as its pages do.  Beside each figure of the whole
 * stand those of the first and the last tenth: what they differ is what a large
 * audience costs.  FAIL and status 1 if the last tenth costs more than 1.3 times as
 *much CPU as the first.
 *
 *	bench/ledger [PEOPLE [BATCH]]
 *
 * BATCH is of an intent and a settle: 64 is what mails sent one by one have (the
 * default), 250 is about what those sent in bulk have.  PostgreSQL's autovacuum is off,
 * for what a table costs before it was counted for the first time must be good too;
 * MAILLAYER_BENCH_AUTOVACUUM=1 leaves it on.
 * MAILLAYER_BENCH_DB=postgresql://... takes an empty PostgreSQL database instead of a
 * SQLite file in $TMPDIR.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/migrate.h"
#include "dbtest.h"
#include "model/campaign.h"
#include "repo/campaign.h"
#include "repo/ledger.h"
#include "repo/recipient.h"
#include "repo/repo.h"

enum {
	CAMPAIGN = 5,
	FREEZE = 20000,
	CLAIM = 2000,
	INTENT = 64,
	TIMES = 9,
	TENTHS = 10
};

#define WORSE_AT_MOST 1.3

struct bench {
	struct dbtest t;
	int people, batch, done;
	double *claim_ms;
	int claims;
	int server; /* /proc/PID/schedstat of PostgreSQL's process for us; -1: none */
	struct spent {
		double us, cpu_us;
	} spent[TENTHS][2]; /* claim, turn */
	int64_t bytes;      /* of the database before the audience was frozen */
};

static void die(const char *what) __attribute__((noreturn));
static void die(const char *what)
{
	fprintf(stderr, "bench/ledger: %s\n", what);
	exit(1);
}

/* Of this process, and of PostgreSQL's for us. */
static double cpu_us(const struct bench *b)
{
	struct rusage u;
	char line[64] = "";

	getrusage(RUSAGE_SELF, &u);
	if (b->server >= 0 && pread(b->server, line, sizeof(line) - 1, 0) < 0)
		die("PostgreSQL's process is gone");
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) +
	    strtod(line, NULL) / 1e3;
}

static struct spent now_of(const struct bench *b)
{
	return (struct spent){ (double)clock_mono_us(), cpu_us(b) };
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* ---- the world ---- */

static void prepare(struct bench *b)
{
	struct migration_state st;
	const char *url = getenv("MAILLAYER_BENCH_DB");
	STMT_SCOPE s = NULL;

	b->server = -1;
	b->t.url = url ? url : mem_printf(b->t.mem, "sqlite:%s/ledger.db", b->t.dir);
	if (db_open(b->t.mem, b->t.url, b->t.log, &b->t.db) != OK ||
	    migrate_up(b->t.db, b->t.mem, b->t.share, 1, &st) != OK ||
	    repo_prepare(b->t.db) != OK)
		die("the database cannot be made");
	if (db_kind(b->t.db) == DB_POSTGRES) {
		dbtest_script(b->t.db,
		    getenv("MAILLAYER_BENCH_AUTOVACUUM")
			? "SELECT 1"
			: "ALTER TABLE campaign_subscribers SET (autovacuum_enabled = "
			  "off);"
			  "ALTER TABLE campaign_counts SET (autovacuum_enabled = off);"
			  "ALTER TABLE send_attempts SET (autovacuum_enabled = off);"
			  "ALTER TABLE send_batches SET (autovacuum_enabled = off);"
			  "ALTER TABLE send_cursors SET (autovacuum_enabled = off);"
			  "ALTER TABLE send_leases SET (autovacuum_enabled = off)");
		b->server =
		    open(mem_printf(b->t.mem, "/proc/%d/schedstat",
			     (int)dbtest_int(b->t.db, "SELECT pg_backend_pid()")),
			O_RDONLY | O_CLOEXEC);
	}
	dbtest_script(b->t.db,
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
	    " VALUES (1, 'Nordlicht', 'h', 1, 1);"
	    "INSERT INTO lists (id, brand_id, name, created_at, updated_at)"
	    " VALUES (1, 1, 'a', 1, 1);"
	    "INSERT INTO campaigns (id, brand_id, name, status, subject, html, send_at,"
	    "   created_at, updated_at) VALUES (5, 1, 'C', 'sending', 's', 'h', 1, 1, "
	    "1);"
	    "INSERT INTO campaign_audience (campaign_id, list_id, exclude)"
	    " VALUES (5, 1, 0);");
	s = db_stmt_text(b->t.db,
	    "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT)"
	    " UNION ALL SELECT i + 1 FROM n WHERE i < CAST($1 AS BIGINT))"
	    " INSERT INTO subscribers (id, brand_id, email, email_key, status,"
	    "   first_name, custom, created_at, updated_at)"
	    " SELECT i, 1, ((i * 7919) % 1000003) || 'p' || i || '@x.test',"
	    "   ((i * 7919) % 1000003) || 'p' || i || '@x.test', 'active',"
	    "   'N' || i, CAST('{\"city\":\"C' || i || '\"}' AS"
	    " /*+lite TEXT *//*+pg jsonb */), 1, 1 FROM n");
	stmt_bind_int(s, 1, b->people);
	if (stmt_run(s) != OK)
		die("the people cannot be written");
	dbtest_script(b->t.db,
	    "INSERT INTO list_subscribers (list_id, subscriber_id, created_at)"
	    " SELECT 1, id, 1 FROM subscribers");
}

static int64_t bytes_of(struct bench *b)
{
	return dbtest_int(b->t.db,
	    "/*+lite SELECT page_count * page_size FROM pragma_page_count(),"
	    " pragma_page_size() *//*+pg SELECT pg_database_size(current_database()) "
	    "*/");
}

/* ---- writing ---- */

static void freeze(struct bench *b)
{
	struct spent start = now_of(b), end;
	bool complete = false;

	b->bytes = bytes_of(b);
	while (!complete)
		if (ledger_freeze(b->t.db, CAMPAIGN, FREEZE, 1, &complete) != OK)
			die("the audience is not frozen");
	end = now_of(b);
	printf("freeze   %.2f s, %.2f us CPU a row\n", (end.us - start.us) / 1e6,
	    (end.cpu_us - start.cpu_us) / b->people);
	fflush(stdout);
}

/* The results of a batch: all accepted, with ids as Amazon's, which begin with the
 * time. */
static struct results results_of(void *mem, const struct intent_batch *batch)
{
	struct settle *r = mem_array(mem, struct settle, batch->n);

	for (size_t i = 0; i < batch->n; i++)
		r[i] = (struct settle){ .delivery_id = batch->rows[i].delivery_id,
			.batch_id = batch->rows[i].batch_id,
			.tries = batch->rows[i].tries,
			.state = DELIVERY_ACCEPTED,
			.cause = CAUSE_RECIPIENT,
			.message_id = mem_printf(mem, "0102018c%08llx-%08llx-000000",
			    (long long)batch->rows[i].delivery_id & 0xffffffff,
			    (long long)batch->rows[i].delivery_id * 2654435761 &
				0xffffffff),
			.reason = "" };
	return (struct results){ r, batch->n, 3 };
}

static void spend(struct bench *b, int what, struct spent *since)
{
	struct spent now = now_of(b);
	int tenth = (int)((int64_t)b->done * TENTHS / b->people);
	struct spent *sum = &b->spent[tenth < TENTHS ? tenth : TENTHS - 1][what];

	sum->us += now.us - since->us;
	sum->cpu_us += now.cpu_us - since->cpu_us;
	*since = now;
}

/* What is under way; its results are written with the next intent. */
struct flight {
	void *mem;
	struct results back;
};

static void turn(struct bench *b, const struct claim *c, struct flight *f)
{
	void *mem = mem_scope(NULL, "batch");
	struct spent at = now_of(b);
	struct intent_batch batch;

	if (ledger_turn(b->t.db, mem, &f->back, c, &batch) != OK)
		die("nothing is intended");
	b->done += (int)f->back.n;
	spend(b, 1, &at);
	mem_free(f->mem);
	*f = (struct flight){ mem, results_of(mem, &batch) };
}

static void send_all(struct bench *b)
{
	struct claimed mine = { .mem = b->t.mem };
	struct claim c = { .owner = "1",
		.campaign = CAMPAIGN,
		.now = 2,
		.mine = &mine };
	struct flight f = { 0 };
	int64_t n = 1;

	b->claim_ms = mem_array(b->t.mem, double, (size_t)(b->people / CLAIM + 2));
	while (n > 0) {
		struct spent at = now_of(b);
		double start = at.us;

		c.n = CLAIM;
		if (ledger_claim(b->t.db, &c, &n) != OK)
			die("nothing is claimed");
		if (n > 0)
			b->claim_ms[b->claims++] =
			    ((double)clock_mono_us() - start) / 1e3;
		spend(b, 0, &at);
		c.n = b->batch;
		while (mine.n > 0)
			turn(b, &c, &f);
	}
	turn(b, &c, &f);
	mem_free(f.mem);
	if (b->done != b->people)
		die("not everybody was sent to");
}

/* False if the last tenth costs too much. */
static bool tell_tenths(const struct bench *b)
{
	double first = 0, last = 0;
	bool good;

	for (int what = 0; what < 2; what++) {
		first += b->spent[0][what].cpu_us;
		last += b->spent[TENTHS - 1][what].cpu_us;
	}
	good = last <= first * WORSE_AT_MOST;
	printf("%s: the last tenth costs %.2f times the first, %.1f is allowed\n",
	    good ? "good" : "FAIL", last / first, WORSE_AT_MOST);
	fflush(stdout);
	return good;
}

static void tell(struct bench *b)
{
	static const char *const names[] = { "claim", "turn" };
	double tenth = b->people / (double)TENTHS;

	qsort(b->claim_ms, (size_t)b->claims, sizeof(double), by_value);
	printf("claim of %d: p50 %.2f, p99 %.2f, max %.2f ms\n", CLAIM,
	    b->claim_ms[b->claims / 2], b->claim_ms[(b->claims - 1) * 99 / 100],
	    b->claim_ms[b->claims - 1]);
	for (int what = 0; what < 2; what++) {
		struct spent all = { 0 };

		for (int i = 0; i < TENTHS; i++) {
			all.us += b->spent[i][what].us;
			all.cpu_us += b->spent[i][what].cpu_us;
		}
		printf("%-8s %.2f us a message, CPU %.2f, of the first tenth %.2f, of "
		       "the "
		       "last %.2f\n",
		    names[what], all.us / b->people, all.cpu_us / b->people,
		    b->spent[0][what].cpu_us / tenth,
		    b->spent[TENTHS - 1][what].cpu_us / tenth);
	}
	fflush(stdout);
}

/* ---- reading ---- */

/* In a transaction, for a script outside of one may take 30 s at most. */
static void open_some(struct bench *b)
{
	TX_SCOPE tx = { 0 };

	if (tx_begin(b->t.db, &tx) != OK)
		die("no transaction");
	dbtest_script(b->t.db,
	    "UPDATE campaign_subscribers SET opened_at = 5 WHERE id % 5 < 2");
	if (tx_commit(&tx) != OK)
		die("nothing is opened");
}

static void read_counts(struct bench *b, void *mem)
{
	struct delivery_counts c;

	(void)mem;
	if (ledger_counts(b->t.db, CAMPAIGN, &c) != OK)
		die("no counts");
}

static void read_pace(struct bench *b, void *mem)
{
	struct recipient_pace p;

	(void)mem;
	if (recipient_pace(b->t.db, CAMPAIGN, 100, &p) != OK)
		die("no pace");
}

static void read_reasons(struct bench *b, void *mem)
{
	struct recipient_reason *r;
	size_t n;

	if (recipient_reasons(b->t.db, mem, CAMPAIGN, &r, &n) != OK)
		die("no reasons");
}

static void read_latest(struct bench *b, void *mem)
{
	struct recipient *r;
	size_t n;

	if (recipient_latest(b->t.db, mem, CAMPAIGN, 8, &r, &n) != OK)
		die("no latest");
}

static void page_of(struct bench *b, void *mem, struct recipient_filter f)
{
	struct recipient_rows rows;

	f.limit = 50;
	if (recipient_page(b->t.db, mem, CAMPAIGN, &f, &rows) != OK)
		die("no page");
}

static void read_page(struct bench *b, void *mem)
{
	page_of(b, mem, (struct recipient_filter){ 0 });
}

static void read_bounced(struct bench *b, void *mem)
{
	page_of(b, mem, (struct recipient_filter){ .bounced = true });
}

static void read_search(struct bench *b, void *mem)
{
	page_of(b, mem, (struct recipient_filter){ .search = "nobody" });
}

static void read_address(struct bench *b, void *mem)
{
	page_of(b, mem, (struct recipient_filter){ .search = "153045p777@x.test" });
}

static void read_follow(struct bench *b, void *mem)
{
	struct campaign next = { .brand_id = 1,
		.parent_id = CAMPAIGN,
		.audience_kind = AUDIENCE_UNOPENED };
	int64_t n;

	(void)mem;
	if (campaign_reach(b->t.db, &next, &n) != OK)
		die("no reach");
}

static void read_lists(struct bench *b, void *mem)
{
	int64_t list = 1, n;
	struct campaign next = { .brand_id = 1, .lists = &list, .nlists = 1 };

	(void)mem;
	if (campaign_reach(b->t.db, &next, &n) != OK)
		die("no reach");
}

static const struct {
	const char *name;
	void (*read)(struct bench *b, void *mem);
} reads[] = {
	{ "counts by state", read_counts },
	{ "pace", read_pace },
	{ "groups of reasons", read_reasons },
	{ "the latest", read_latest },
	{ "recipients, a page", read_page },
	{ "recipients, bounced", read_bounced },
	{ "recipients, part of no address", read_search },
	{ "recipients, one address", read_address },
	{ "who would get a follow-up", read_follow },
	{ "who would get it, by lists", read_lists },
};

static void read_all(struct bench *b)
{
	for (size_t i = 0; i < sizeof(reads) / sizeof(*reads); i++) {
		double ms[TIMES];

		for (int j = 0; j < TIMES; j++) {
			MEM_SCOPE void *tmp = mem_scope(NULL, "read");
			int64_t start = clock_mono_us();

			reads[i].read(b, tmp);
			ms[j] = (double)(clock_mono_us() - start) / 1e3;
		}
		qsort(ms, TIMES, sizeof(double), by_value);
		printf("%-32s %9.2f ms, at most %.2f\n", reads[i].name, ms[TIMES / 2],
		    ms[TIMES - 1]);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	struct log lg = { .least = LOG_ERROR, .fd = STDERR_FILENO };
	struct bench b = { .people = argc > 1 ? atoi(argv[1]) : 100000,
		.batch = argc > 2 ? atoi(argv[2]) : INTENT };
	const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	char *dir, *command;
	bool good;

	if (b.people < TENTHS || b.people > 5000000 || b.batch < 1 || b.batch > CLAIM)
		die("usage: bench/ledger [PEOPLE [BATCH]]");
	b.t = (struct dbtest){ .mem = mem_scope(NULL, "bench"),
		.share = dbtest_share(),
		.log = &lg };
	dir = mem_printf(b.t.mem, "%s/maillayer-ledger-XXXXXX", tmp);
	b.t.dir = mkdtemp(dir);
	if (b.t.dir == NULL)
		die("no temporary directory");
	prepare(&b);
	printf("%d people, batches of %d, %s\n", b.people, b.batch,
	    db_kind(b.t.db) == DB_SQLITE ? "SQLite, synchronous=FULL" : "PostgreSQL");
	freeze(&b);
	send_all(&b);
	tell(&b);
	good = tell_tenths(&b);
	printf("disk     %.0f bytes a recipient\n",
	    (double)(bytes_of(&b) - b.bytes) / b.people);
	open_some(&b);
	read_all(&b);
	command = mem_printf(b.t.mem, "rm -rf '%s'", dir);
	mem_free(b.t.db);
	return system(command) == 0 && good ? 0 : 1;
}
