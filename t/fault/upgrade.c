/*
 * A database of the first version, with data, is brought to the newest; the process is
 * killed after each statement on the way: the database is the old one or the new one,
 * never something between.  The same from an empty database.  Needs a build with
 * --enable-failpoints.  UPGRADE_STEP: every how many statements (1: after each).
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "db/migrate.h"
#include "faulttest.h"
#include "repo/ledger_check.h"
#include "repo/ledger_event.h"
#include "repo/repo.h"
#include "tap.h"

enum { PEOPLE = 500 };

#ifdef FAILPOINTS
static const bool armed = true;
#else
static const bool armed = false;
#endif

/* ---- what a database is ---- */

/* Every row of one column of text as one text. */
static char *all_of(struct dbtest *t, const char *sql)
{
	STMT_SCOPE s = db_stmt_text(t->db, sql);
	struct buf *b = buf_new(t->mem);

	while (stmt_next(s))
		buf_printf(b, "%s\n", stmt_text(s, 0));
	if (stmt_error(s) != OK)
		ok(false, "the schema can be read");
	return b->data ? b->data : mem_str(t->mem, "");
}

static char *schema_of(struct dbtest *t)
{
	return db_kind(t->db) == DB_SQLITE
	    ? all_of(t, "SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name")
	    : all_of(t,
		  "SELECT table_name || '.' || column_name || ' ' || data_type || ' '"
		  " || is_nullable || coalesce(column_default, '')"
		  " FROM information_schema.columns"
		  " WHERE table_schema = current_schema()"
		  " UNION ALL SELECT indexdef FROM pg_indexes"
		  "  WHERE schemaname = current_schema() ORDER BY 1");
}

static int64_t count(struct dbtest *t, const char *table)
{
	return dbtest_int(t->db, mem_printf(t->mem, "SELECT count(*) FROM %s", table));
}

/* ---- versions ---- */

/* A directory with the first migration only. */
static const char *first_share(struct dbtest *t)
{
	const char *kind = db_kind(t->db) == DB_SQLITE ? "sqlite" : "postgres";
	const char *dir = mem_printf(t->mem, "%s/first", t->dir);

	mkdir(dir, 0700);
	mkdir(mem_printf(t->mem, "%s/sql", dir), 0700);
	mkdir(mem_printf(t->mem, "%s/sql/%s", dir, kind), 0700);
	if (symlink(mem_printf(t->mem, "%s/sql/%s/0001_start.sql", t->share, kind),
		mem_printf(t->mem, "%s/sql/%s/0001_start.sql", dir, kind)) != 0)
		ok(false, "the first migration is there alone");
	return dir;
}

/* Brings it to the newest version in a process of its own; dies after n statements. */
static int migrate(struct dbtest *t, int n)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		void *mem = mem_scope(NULL, "migrate");
		struct migration_state st;
		struct db *db;

		if (db_open(mem, t->url, t->log, &db) != OK)
			_exit(100);
		if (n)
			setenv("MAILLAYER_FAILPOINT",
			    mem_printf(mem, "migrate.statement:%d", n), 1);
		_exit((int)migrate_up(db, mem, t->share, 2000, &st));
	}
	return faulttest_wait(pid);
}

/* Dies after each statement; how many there are. */
static int die_at_each(struct dbtest *t, const char *name)
{
	int step = faulttest_number("UPGRADE_STEP", 5), n = 1, mixed = 0, killed = 0;
	const char *before = schema_of(t);

	while (migrate(t, n) == -SIGKILL) {
		killed++;
		mixed += strcmp(before, schema_of(t)) != 0;
		n += step;
	}
	ok(killed > 0, "%s: killed after %d of its statements", name, killed);
	is_int(mixed, 0, "%s: and each time the database is the old one", name);
	ok(strcmp(before, schema_of(t)) != 0, "%s: then it is the new one", name);
	return killed;
}

/* ---- with data ---- */
static void fill(struct dbtest *t)
{
	sendtest_people(t, PEOPLE);
	dbtest_script(t->db,
	    "INSERT INTO users (id, email, email_key, name, is_admin, disabled_at,"
	    " created_at, updated_at)"
	    " VALUES (1, 'a@x.test', 'a@x.test', 'A', 0, NULL, 1, 1),"
	    " (2, 'b@x.test', 'b@x.test', 'B', 1, 1, 1, 1),"
	    " (3, 'c@x.test', 'c@x.test', 'C', 1, NULL, 1, 1),"
	    " (4, 'd@x.test', 'd@x.test', 'D', 1, NULL, 1, 1);"
	    "INSERT INTO api_keys (user_id, name, prefix, key_hash, scopes, created_at)"
	    " VALUES (1, 'by A', 'ml_', '1', 'read', 1),"
	    " (NULL, 'by nobody', 'ml_', '2', 'read', 1);"
	    "INSERT INTO members (brand_id, user_id, role, created_at)"
	    " VALUES (1, 1, 'owner', 1);"
	    "INSERT INTO campaign_subscribers (campaign_id, subscriber_id, email,"
	    " email_key, state, attempt_id, tries, delivered_at)"
	    " SELECT 5, id, email, email_key, 4, id, 1, 1 FROM subscribers;"
	    "INSERT INTO send_attempts (id, campaign_id, delivery_id, started_at,"
	    " outcome) SELECT d.attempt_id, 5, d.id, 1, 4 FROM campaign_subscribers d;"
	    "INSERT INTO campaign_counts (campaign_id, state, n) VALUES (5, 4, 500);"
	    "INSERT INTO email_events (brand_id, campaign_id, subscriber_id, type, at)"
	    " SELECT 1, 5, id, 5, 1 FROM subscribers;"
	    "INSERT INTO campaign_stats (campaign_id, delivered) VALUES (5, 500);"
	    "UPDATE campaigns SET audience = 500, frozen_at = 1, status = 'completed';"
	    "INSERT INTO suppressions (brand_id, email_key, reason, created_at)"
	    " VALUES (1, 'p1@x.test', 'unsubscribed', 1);");
}

/* Twelve rows of campaign 6 as a dead worker left them: (state, tries, outcomes). */
static void fill_open(struct dbtest *t)
{
	dbtest_script(t->db,
	    "INSERT INTO campaigns (id, brand_id, name, status, audience, frozen_at,"
	    " send_at, created_at, updated_at) VALUES (6, 1, 'D', 'paused', 12, 1, 1, "
	    "1,"
	    " 1);"
	    "INSERT INTO campaign_subscribers (id, campaign_id, subscriber_id, email,"
	    " email_key, state, tries, attempt_id, owner, next_try_at) VALUES"
	    " (2001, 6, 1, 'P1@x.test', 'p1@x.test', 0, 0, NULL, NULL, NULL),"
	    " (2002, 6, 2, 'p2@x.test', 'p2@x.test', 1, 0, NULL, 'w', NULL),"
	    " (2003, 6, 3, 'p3@x.test', 'p3@x.test', 1, 1, 3003, 'w', NULL),"
	    " (2004, 6, 4, 'p4@x.test', 'p4@x.test', 2, 1, 3004, 'w', NULL),"
	    " (2005, 6, 5, 'p5@x.test', 'p5@x.test', 2, 1, 3005, 'w', NULL),"
	    " (2006, 6, 6, 'p6@x.test', 'p6@x.test', 3, 1, 3006, NULL, 5),"
	    " (2007, 6, 7, 'p7@x.test', 'p7@x.test', 4, 2, 3107, NULL, NULL),"
	    " (2008, 6, 8, 'p8@x.test', 'p8@x.test', 5, 1, 3008, NULL, NULL),"
	    " (2009, 6, 9, 'p9@x.test', 'p9@x.test', 6, 0, NULL, NULL, NULL),"
	    " (2010, 6, 10, 'p10@x.test', 'p10@x.test', 7, 1, 3010, NULL, NULL),"
	    " (2011, 6, 11, 'p11@x.test', 'p11@x.test', 8, 0, NULL, NULL, NULL),"
	    " (2012, 6, 12, 'p12@x.test', 'p12@x.test', 9, 1, 3012, NULL, NULL);"
	    "INSERT INTO send_attempts (id, campaign_id, delivery_id, started_at,"
	    " outcome) VALUES (3003, 6, 2003, 1, 3), (3004, 6, 2004, 1, 0),"
	    " (3005, 6, 2005, 1, 0), (3006, 6, 2006, 1, 3), (3007, 6, 2007, 1, 3),"
	    " (3107, 6, 2007, 1, 4), (3008, 6, 2008, 1, 5), (3010, 6, 2010, 1, 7),"
	    " (3012, 6, 2012, 1, 7);"
	    "INSERT INTO outbox_messages (brand_id, campaign_id, attempt_id, kind,"
	    " from_header, to_email, subject, headers, html, body_text, created_at)"
	    " VALUES (1, 6, 3005, 'campaign', 'f', 't', 's', '[]', 'h', 'b', 1);");
}

/* What became of them. */
static void is_carried_over(struct dbtest *t)
{
	static const int want[] = { 0, 0, 3, 7, 4, 3, 4, 5, 6, 7, 8, 9 };
	struct told_mail *told;

	for (int i = 0; i < 12; i++)
		is_int(dbtest_int(t->db,
			   mem_printf(t->mem,
			       "SELECT state FROM campaign_subscribers"
			       " WHERE campaign_id = 6 AND subscriber_id = %d",
			       i + 1)),
		    want[i], "row %d is carried over", i + 1);
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM campaign_subscribers d JOIN send_cursors u"
		   " ON u.campaign_id = d.campaign_id WHERE d.state = 0"
		   " AND d.id >= u.next_id AND d.id >> 32 = 6"),
	    2, "what is pending stands behind the cursor");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM campaign_subscribers d JOIN outbox_messages m"
		   " ON m.delivery_id = d.id AND m.try = 1 WHERE d.subscriber_id = 5"
		   " AND d.campaign_id = 6"),
	    1, "what the outbox kept is known by its try");
	ok(ledger_event_find_attempt(t->db, t->mem, 1, 3107, &told) == OK &&
		told->campaign_id == 6 && told->subscriber_id == 7 && told->tries == 2,
	    "the tag of a mail of before names its try");
	is_int(ledger_event_find_attempt(t->db, t->mem, 2, 3107, &told), ERR_NOTFOUND,
	    "but not to another brand");
}

static void test_upgrade(struct dbtest *t)
{
	static const char *const tables[] = { "users", "brands", "members",
		"subscribers", "list_subscribers", "campaigns", "campaign_subscribers",
		"send_attempts", "email_events", "suppressions" };
	int64_t had[sizeof(tables) / sizeof(*tables)];
	struct migration_state st;
	struct ledger_verdict v;

	ok(migrate_up(t->db, t->mem, first_share(t), 1000, &st) == OK &&
		st.applied == 1,
	    "a database of the first version");
	fill(t);
	fill_open(t);
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		had[i] = count(t, tables[i]);
	is_int(had[6], PEOPLE + 12, "with data");
	die_at_each(t, "from the first version");
	is_int(migrate_check(t->db, t->mem, t->share, &st), OK,
	    "the program is content");
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		is_int(count(t, tables[i]), had[i], "all %s are there", tables[i]);
	is_int(dbtest_int(t->db, "SELECT user_id FROM api_keys WHERE name = 'by A'"), 1,
	    "a key keeps its user");
	is_int(dbtest_int(t->db,
		   "SELECT user_id FROM api_keys WHERE name = 'by nobody'"),
	    3, "one without gets the first administrator who may sign in");
	ok(repo_prepare(t->db) == OK, "every statement fits it");
	ok(ledger_check(t->db, t->mem, 0, &v) == OK && v.campaigns == 2 && v.n == 0,
	    "the ledger adds up");
	for (size_t i = 0; i < v.n; i++)
		diag("%s: %s", v.faults[i].text, v.faults[i].example);
	is_carried_over(t);
}

/* ---- from nothing ---- */

static char *newest[2]; /* the schema made at one go, on each driver */

static void test_empty(struct dbtest *t)
{
	die_at_each(t, "from nothing");
	newest[db_kind(t->db) == DB_SQLITE] =
	    mem_str(NULL, schema_of(t)); /* for test_same */
}

static void test_same(struct dbtest *t)
{
	char *other = newest[db_kind(t->db) == DB_SQLITE];

	ok(other && strcmp(other, schema_of(t)) == 0,
	    "what was killed so often is what was never killed");
	mem_free(other);
}

int main(void)
{
	if (!armed)
		skip_all("this build has no failpoints");
	dbtest_run_empty(test_upgrade);
	dbtest_run_empty(test_empty);
	dbtest_run(test_same);
	return done_testing();
}
