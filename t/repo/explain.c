/*
 * PostgreSQL plans a statement once and keeps the plan.  What it plans while a table is
 * empty or small, or large and never counted by ANALYZE, must do for millions of rows
 * too: no statement of the ledger may walk a table or an index that grows.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "repo/event.h"
#include "repo/ledger.h"
#include "repo/ledger_doubt.h"
#include "repo/ledger_event.h"
#include "repo/ledger_recent.h"
#include "dbtest.h"
#include "tap.h"

static const struct {
	const char *name;
	enum err (*prepare)(struct db *db);
} parts[] = {
	{ "ledger", ledger_prepare },
	{ "ledger_doubt", ledger_doubt_prepare },
	{ "ledger_event", ledger_event_prepare },
	{ "ledger_recent", ledger_recent_prepare },
	{ "event", event_prepare },
};
enum { PARTS = sizeof(parts) / sizeof(*parts) };

/* Statements that may read more, by a part of their text, and why. */
static const char *const exempt[] = {
	"SELECT state, count(*)",                    /* the recount of the checker */
	"FROM send_attempts ORDER BY id DESC LIMIT", /* the last ones only */
	NULL,
};

static const char *const tables[] = { "campaign_subscribers", "send_attempts",
	"email_events", "subscribers", "suppressions", "list_subscribers",
	"subscriber_tags", "outbox_messages", NULL };

/* A condition of an index that leaves few rows, whatever the size of the table. */
static const char *const keys[] = { "(id ", "subscriber_id ", "email_key ",
	"delivery_id ", "message_id ", NULL };

static bool names_any(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strstr(text, *words))
			return true;
	return false;
}

/* All of a brand or of a campaign is too much, the rows of one state are not. */
static bool narrow(const char *cond)
{
	if (names_any(cond, keys))
		return true;
	return strstr(cond, "(campaign_id ") &&
	    (strstr(cond, "rare") || strstr(cond, "next_try_at "));
}

/* The table that a line of a plan reads, if it is one that grows. */
static bool reads(const char *line)
{
	const char *on = strstr(line, " on ");

	if (!on || !strstr(line, "Scan") || strstr(line, "Bitmap Index Scan"))
		return false;
	on += 4;
	for (int i = 0; tables[i]; i++)
		if (strlen(tables[i]) == strcspn(on, " ") && text_starts(on, tables[i]))
			return true;
	return false;
}

/* The first line of a plan that reads too much; NULL if none does. */
static const char *fault_of(struct stmt *plan, void *mem)
{
	const char *open = NULL; /* a scan whose condition is not known yet */

	while (stmt_next(plan)) {
		const char *line = stmt_text(plan, 0);
		bool cond =
		    strstr(line, "Index Cond:") || strstr(line, "Recheck Cond:");

		if (open && cond && narrow(line))
			open = NULL;
		else if (open && (cond || strstr(line, "->")))
			return open;
		if (reads(line))
			open = mem_str(mem, line);
	}
	return open;
}

static void explain(struct db *db, struct stmt *which, bool keyed, const char *when)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "explain");
	const char *text = stmt_text(which, 1), *args = "", *fault;
	TX_SCOPE tx = { 0 };
	STMT_SCOPE plan = NULL;

	for (int i = 0; i < stmt_int(which, 2); i++)
		args = mem_printf(mem, "%s%sNULL", *args ? args : "(", i ? "," : "");
	if ((keyed ? tx_begin_keyed(db, &tx) : tx_begin(db, &tx)) != OK)
		return;
	plan = db_stmt_text(db,
	    mem_printf(mem, "EXPLAIN (COSTS OFF) EXECUTE %s%s%s", stmt_text(which, 0),
		args, *args ? ")" : ""));
	fault = fault_of(plan, mem);
	if (!ok(fault == NULL && stmt_error(plan) == OK, "rows %s, %s: %.70s", when,
		keyed ? "keyed" : "alone", text))
		diag("%s\n# in: %s", fault ? fault : "", text);
}

/* Parts of an intent and of an event. */
static const char *const only_keyed[] = { "SELECT d.id, COALESCE(d.email, d.email_key)",
	"SELECT s.id FROM (SELECT id, subscriber_id",
	"SELECT d.id, d.tries FROM campaigns c", NULL };

/* What writes or locks, and what has a batch as JSON, runs in keyed transactions only.
 */
static bool stands_alone(const char *text)
{
	return text_starts(text, "SELECT") && !strstr(text, "FOR UPDATE") &&
	    !strstr(text, "jsonb_array_elements") &&
	    !strstr(text, "FROM send_leases l JOIN") && !names_any(text, only_keyed);
}

static int explain_prepared(struct db *db, bool keyed, const char *when)
{
	STMT_SCOPE s = db_stmt_text(db,
	    "SELECT name, statement, coalesce(array_length(parameter_types, 1), 0)"
	    " FROM pg_prepared_statements WHERE name <> '' ORDER BY name");
	int n = 0;

	for (; stmt_next(s); n++)
		if (!names_any(stmt_text(s, 1), exempt) &&
		    (keyed || stands_alone(stmt_text(s, 1))))
			explain(db, s, keyed, when);
	return n;
}

/* A connection of its own for each part, which has planned nothing yet. */
static void explain_part(struct dbtest *t, int part, bool keyed, const char *when)
{
	struct db *db = dbtest_connect(t);

	ok(parts[part].prepare(db) == OK, "%s prepares", parts[part].name);
	dbtest_script(db, "SET plan_cache_mode = force_generic_plan");
	ok(explain_prepared(db, keyed, when) > 0, "%s has statements",
	    parts[part].name);
	mem_free(db);
}

static void explain_all(struct dbtest *t, bool keyed, const char *when)
{
	for (int i = 0; i < PARTS; i++)
		explain_part(t, i, keyed, when);
}

static void fill(struct dbtest *t, int n)
{
	dbtest_script(t->db,
	    mem_printf(t->mem,
		"INSERT INTO subscribers (id, brand_id, email, email_key, status,"
		"   created_at, updated_at) SELECT i, 1, 'p' || i, 'p' || i, 'active', "
		"1, 1"
		"  FROM generate_series(1, %d) i;"
		"INSERT INTO suppressions (brand_id, email_key, reason, created_at)"
		" SELECT 1, 's' || id, 'manual', 1 FROM subscribers;"
		"INSERT INTO list_subscribers (list_id, subscriber_id, created_at)"
		" SELECT 1, id, 1 FROM subscribers;"
		"INSERT INTO campaign_subscribers (id, campaign_id, subscriber_id,"
		"   email_key, state, tries) SELECT (5::bigint << 32) + id, 5, id,"
		"   email_key, CASE WHEN id %% 10 < 7 THEN 4 ELSE id %% 10 END, 1"
		"  FROM subscribers;"
		"INSERT INTO send_attempts (campaign_id, delivery_id, try, started_at,"
		"   finished_at, outcome, message_id) SELECT 5, id, 1, 1, 1, 4,"
		"   'm' || id FROM campaign_subscribers;"
		"INSERT INTO email_events (brand_id, campaign_id, subscriber_id, type, "
		"at)"
		" SELECT 1, 5, id, 1, 1 FROM subscribers;",
		n));
}

static void empty(struct dbtest *t)
{
	dbtest_script(t->db,
	    "TRUNCATE subscribers, suppressions, list_subscribers, subscriber_tags,"
	    " campaign_subscribers, send_attempts, email_events CASCADE");
}

static void test(struct dbtest *t)
{
	static const int sizes[] = { 320, 3000, 20000 };

	if (db_kind(t->db) != DB_POSTGRES)
		return;
	for (int i = 0; tables[i]; i++)
		dbtest_script(t->db,
		    mem_printf(t->mem, "ALTER TABLE %s SET (autovacuum_enabled = off)",
			tables[i]));
	dbtest_script(t->db,
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
	    " VALUES (1, 'B', 'h', 1, 1);"
	    "INSERT INTO lists (id, brand_id, name, created_at, updated_at)"
	    " VALUES (1, 1, 'a', 1, 1);"
	    "INSERT INTO campaigns (id, brand_id, name, status, created_at, updated_at)"
	    " VALUES (5, 1, 'C', 'sending', 1, 1);"
	    "INSERT INTO campaign_audience (campaign_id, list_id, exclude)"
	    " VALUES (5, 1, 0);");
	explain_all(t, true, "empty");
	explain_all(t, false, "empty");
	for (int i = 0; i < 3; i++) {
		fill(t, sizes[i]);
		explain_all(t, true, mem_printf(t->mem, "%d", sizes[i]));
		explain_all(t, false, mem_printf(t->mem, "%d", sizes[i]));
		empty(t);
	}
	fill(t, 30);
	dbtest_script(t->db, "ANALYZE");
	explain_all(t, true, "30, counted");
}

int main(void)
{
	dbtest_run(test);
	return done_testing();
}
