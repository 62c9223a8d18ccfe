#include "tap.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "base/mem.h"
#include "dbtest.h"
#include "full.h"
#include "repo/repo.h"

/*
 * Every statement of every repository is explained against a full database, by both
 * planners.  A plan walks when it scans a table that grows, or searches an index of one
 * by columns alone that many rows have in common: that was how each click read all
 * events of its campaign.  A statement may walk if it stands here, with the reason.
 */
enum { ROWS = 20000 };

/* ---- why some may ---- */
struct excuse {
	const char *part; /* of the statement's text */
	const char *why;
};

static const char check[] = "maillayer check looks at everything";
static const char few[] = "few rows are in such a state at once";
static const char batch[] = "a batch, in the order of the index: LIMIT";
static const char first[] = "the first of an index, for each campaign under way";
static const char page[] = "a page, in the order of the index: LIMIT";
static const char small[] = "one installation has few of these";
static const char asked[] = "a person asks for this count, on the page that needs it";
static const char actions[] = "SQLite shows what a removal would do; none happens";

static const struct excuse excuses[] = {
	{ "counted, '", check },
	{ "shown, '", check },
	{ "SELECT min(id) FROM campaigns WHERE id > $1", check },
	{ "WITH per AS (", check },
	{ "coalesce(sum(CASE WHEN type <= 2 AND rules", check },
	{ "count(DISTINCT delivery_id) FROM send_attempts", few },
	{ "SELECT id, campaign_id, subscriber_id,", batch },
	{ "SELECT count(*), min(", check },
	{ "SELECT count(*), CAST(min(", check },
	{ "SELECT brand_id, kind, item, CAST(sum(told)", check },
	{ "SELECT id, audience FROM campaigns WHERE id > $1", check },
	{ "WITH due AS MATERIALIZED (SELECT id FROM campaign_subscribers", batch },
	{ "UPDATE campaign_subscribers AS d SET settled_at = $3, next_try_at", batch },
	{ "SELECT max(id) FROM (SELECT id FROM subscribers", batch },
	{ "UPDATE campaign_subscribers SET state = CAST($2 AS BIGINT), refusals",
	    "a batch of doubts, by their ids or LIMIT" },
	{ "INDEXED BY campaigns_untidy", few },
	{ "DELETE FROM hook_messages", batch },
	{ "DELETE FROM idempotency_keys", batch },
	{ "DELETE FROM password_resets", batch },
	{ "ORDER BY seen_at LIMIT 100", batch },
	{ "totp_secret IS NOT NULL ORDER BY id", "maillayer key rotates, LIMIT" },
	{ "supabase IS NOT NULL ORDER BY id", "maillayer key rotates, LIMIT" },
	{ "AND b.owner IS NOT NULL", few },
	{ "FROM send_batches WHERE campaign_id = $1 AND owner IS NOT NULL", few },
	{ "UPDATE send_batches SET owner = NULL", few },
	{ "SET next_try_at = $2 WHERE campaign_id", few },
	{ "SELECT count(*) FROM (SELECT 1 FROM campaign_subscribers", batch },
	{ "SELECT d.id, d.tries FROM campaigns c", "one look for each campaign" },
	{ "SELECT min(next_try_at)", first },
	{ "SELECT min(at) FROM (", first },
	{ "SET status = 'completed'", "whether there is one" },
	{ "EXISTS (SELECT 1 FROM send_attempts)), EXISTS", "whether there is one" },
	{ "INDEXED BY campaigns_policy", "doubts that wait; campaigns with a policy" },
	{ "FROM send_attempts ORDER BY id DESC LIMIT", "the last ones" },
	{ "COALESCE(s.last_name, '')  FROM campaign_subscribers d", page },
	{ "SELECT i.id, i.brand_id, i.email", page },
	{ "FROM imports WHERE brand_id = $1 AND id < $2", page },
	{ "SELECT row, reason, content FROM import_refusals", page },
	{ "substr(m.body_text, 1, 200)", page },
	{ "SELECT max(m.id) FROM outbox_messages", page },
	{ "SELECT min(m.id) FROM outbox_messages", page },
	{ "SELECT l.id, l.brand_id, l.user_id, l.api_key_id", page },
	{ "FROM campaigns c LEFT JOIN campaign_stats", page },
	{ "SELECT d.campaign_id, c.name, CASE WHEN d.state", page },
	{ "SELECT count(*) FROM outbox_messages", asked },
	{ "SELECT count(*) FROM subscribers s WHERE s.brand_id = $1 AND s.status",
	    asked },
	{ "SELECT count(*) FROM campaign_subscribers p", asked },
	{ "SELECT rare, reason, min(email_key)", asked },
	{ "SELECT count(*) FROM imports WHERE state IN", few },
	{ "UPDATE imports SET state = 'running'", few },
	{ "DELETE FROM lists", "the members of one list; a person removes it" },
	{ "DELETE FROM campaigns", "a draft has no recipients" },
	{ "DELETE FROM invitations", small },
	{ "SELECT count(*) FROM invitations", small },
	{ "FROM users", small },
	{ "JOIN users u ON u.id = m.user_id", small },
	{ "(SELECT count(*) FROM campaigns WHERE brand_id", small },
	{ "SELECT status, count(*) FROM campaigns", small },
	{ "SELECT state, sum(n) FROM campaign_counts", small },
	{ "SELECT max(c.started_at)", small },
	{ "JOIN campaigns c ON c.id = a.campaign_id  WHERE a.list_id", small },
	{ "AND kind = 'tag'", small },
	{ "UPDATE campaigns AS c SET status = 'paused'", small },
	{ "c.status = 'paused' AND c.resume_at IS NOT NULL", small },
	{ "INSERT INTO brands", actions },
	{ "INSERT INTO campaigns", actions },
	{ "INSERT INTO imports", actions },
	{ "INSERT INTO lists", actions },
	{ "INSERT INTO users", actions },
};

/* Those of transactions that allow PostgreSQL nothing but indexes. */
static const char *const keyed[] = {
	"UPDATE subscribers SET first_name = j.first",
	"UPDATE send_attempts AS a SET",
	"INSERT INTO campaign_subscribers",
	"UPDATE send_batches SET left_open",
	"SELECT id, brand_id, status, send_at, (SELECT account_key",
	"SELECT brand_id, freeze_after",
};

enum { EXCUSES = sizeof(excuses) / sizeof(*excuses) };

struct walker {
	struct dbtest *t;
	const char *planner;
	bool used[EXCUSES];
	int looked, bad;
	const char *told;
};

static size_t word_of(const char *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || p[n] == '_')
		n++;
	return n;
}

/* A reason that speaks of an index is none for reading the whole table. */
static bool excuses_scan(const char *why)
{
	return why != few && why != batch && why != first;
}

static bool excused(struct walker *w, const char *sql, const char *line)
{
	bool index = strstr(line, " USING ") || strstr(line, "Index");
	bool found = false;

	for (int i = 0; i < EXCUSES; i++)
		if (strstr(sql, excuses[i].part) != NULL &&
		    (index || excuses_scan(excuses[i].why)))
			found = w->used[i] = true;
	return found;
}

static void tell(struct walker *w, const char *sql, const char *line)
{
	if (excused(w, sql, line))
		return;
	if (w->told != sql)
		diag("%s: %s", w->planner, sql);
	w->told = sql;
	diag("    %s", line + strspn(line, " "));
	w->bad++;
}

static bool shares(const struct full_table *t, const char *column, size_t n)
{
	for (const char *p = t->shared; *p != '\0'; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		if (len == n && strncmp(p, column, n) == 0)
			return true;
		p += len;
	}
	return false;
}

/*
 * A condition of an index: "campaign_id=? AND id>?" or "((campaign_id = $1) AND
 * (d.id > $2))".  It narrows when it has an equality of a column that few rows share,
 * or two bounds.
 */
static bool narrows(const struct full_table *t, const char *cond)
{
	int bounds = 0;

	for (const char *p = cond; *p != '\0'; p++) {
		size_t n = word_of(p);
		const char *op;

		if (n == 0)
			continue;
		if (p[n] == '.') {
			p += n;
			continue;
		}
		op = p + n + strspn(p + n, " ");
		if (*op == '=' && !shares(t, p, n))
			return true;
		if (*op == '<' || *op == '>')
			bounds++;
		p += n - 1;
	}
	return bounds > 1;
}

/* ---- SQLite ---- */

static sqlite3 *newest;

static int remember(sqlite3 *h, char **why, const struct sqlite3_api_routines *api)
{
	(void)why;
	(void)api;
	newest = h;
	return SQLITE_OK;
}

/* The table that a plan calls by the name or alias at p; NULL: none that grows. */
static const struct full_table *named(const char *sql, const char *p)
{
	size_t n = word_of(p);

	for (const struct full_table *t = full_tables; n && t->name != NULL; t++) {
		size_t len = strlen(t->name);

		if (len == n && strncmp(t->name, p, n) == 0)
			return t;
		for (const char *at = strstr(sql, t->name); at;
		     at = strstr(at + 1, t->name)) {
			const char *alias = at + len + strspn(at + len, " ");

			if (strncmp(alias, "AS ", 3) == 0)
				alias += 3;
			if (word_of(at) == len && word_of(alias) == n &&
			    strncmp(alias, p, n) == 0)
				return t;
		}
	}
	return NULL;
}

static void look_at_line(struct walker *w, const char *sql, const char *line)
{
	bool scan = strncmp(line, "SCAN ", 5) == 0;
	const char *cond = strchr(line, '(');
	const struct full_table *t;

	if (!scan && strncmp(line, "SEARCH ", 7) != 0)
		return;
	t = named(sql, line + (scan ? 5 : 7));
	if (t == NULL)
		return;
	if (scan || strstr(line, "AUTOMATIC") || !cond || !narrows(t, cond))
		tell(w, sql, line);
}

static void explain_lite(struct walker *w, sqlite3 *h, const char *sql)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "explain");
	sqlite3_stmt *s = NULL;

	w->looked++;
	if (sqlite3_prepare_v2(h, mem_printf(tmp, "EXPLAIN QUERY PLAN %s", sql), -1, &s,
		NULL) != SQLITE_OK) {
		ok(false, "SQLite explains %s: %s", sql, sqlite3_errmsg(h));
		return;
	}
	while (sqlite3_step(s) == SQLITE_ROW)
		look_at_line(w, sql, (const char *)sqlite3_column_text(s, 3));
	sqlite3_finalize(s);
}

static void all_lite(struct walker *w)
{
	for (sqlite3_stmt *s = sqlite3_next_stmt(newest, NULL), *next; s; s = next) {
		next = sqlite3_next_stmt(newest, s);
		if (sqlite3_stmt_isexplain(s) == 0)
			explain_lite(w, newest, sqlite3_sql(s));
	}
}

/* ---- PostgreSQL ---- */

static const struct full_table *index_of(struct walker *w, const char *name, size_t n)
{
	STMT_SCOPE s = db_stmt_text(w->t->db,
	    "SELECT tablename FROM pg_indexes WHERE indexname = $1");
	const char *table;

	stmt_bind_textn(s, 1, name, n);
	if (stmt_row(s) != OK)
		return NULL;
	table = stmt_text(s, 0);
	return full_table(table, strlen(table));
}

/* A node of a plan that reads an index of a table that grows. */
static const struct full_table *reads_index(struct walker *w, const char *line)
{
	const char *at = strstr(line, "Index Scan using ");

	if (at != NULL)
		return index_of(w, at + 17, word_of(at + 17));
	at = strstr(line, "Index Only Scan using ");
	if (at != NULL)
		return index_of(w, at + 22, word_of(at + 22));
	at = strstr(line, "Bitmap Index Scan on ");
	return at != NULL ? index_of(w, at + 21, word_of(at + 21)) : NULL;
}

/*
 * A condition stands below its index.  One that narrows what is not asked for by $n but
 * by a row of another table is as good.
 */
static void look_at_plan(struct walker *w, const char *sql, struct stmt *s)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "plan");
	const struct full_table *t = NULL, *next; /* of an index read above */
	const char *open = "";

	while (stmt_next(s)) {
		const char *line = mem_str(tmp, stmt_text(s, 0));
		const char *scan = strstr(line, "Seq Scan on ");
		const char *cond = strstr(line, "Index Cond: ");

		next = reads_index(w, line);
		if (scan && full_table(scan + 12, word_of(scan + 12)))
			tell(w, sql, line);
		if (t && (next || (cond && !narrows(t, cond + 12))))
			tell(w, sql, mem_printf(tmp, "%s %s", open, cond ? cond : ""));
		if (next || cond) {
			t = next;
			open = line;
		}
	}
	if (t != NULL)
		tell(w, sql, open);
}

static bool is_keyed(const char *sql)
{
	for (size_t i = 0; i < sizeof(keyed) / sizeof(*keyed); i++)
		if (strstr(sql, keyed[i]) != NULL)
			return true;
	return false;
}

static void explain_pg(struct walker *w, const char *name, const char *sql, int params)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "explain");
	struct buf *b = buf_new(tmp);

	w->looked++;
	buf_printf(b, "EXPLAIN (COSTS OFF) EXECUTE %s", name);
	for (int i = 0; i < params; i++)
		buf_str(b, i ? ", NULL" : "(NULL");
	buf_str(b, params ? ")" : "");
	TX_SCOPE tx = { 0 };
	if (is_keyed(sql) && tx_begin_keyed(w->t->db, &tx) != OK)
		ok(false, "a keyed transaction begins");
	STMT_SCOPE s = db_stmt_text(w->t->db, b->data);
	look_at_plan(w, sql, s);
	if (stmt_error(s) != OK)
		ok(false, "PostgreSQL explains %s", sql);
}

static void all_pg(struct walker *w)
{
	STMT_SCOPE s = db_stmt_text(w->t->db,
	    "SELECT name, statement, COALESCE(cardinality(parameter_types), 0)"
	    " FROM pg_prepared_statements WHERE NOT from_sql"
	    "  AND statement ~* '^[[:space:](]*(select|insert|update|delete|with)'");

	dbtest_script(w->t->db, "SET plan_cache_mode = force_generic_plan");
	while (stmt_next(s))
		explain_pg(w, stmt_text(s, 0), stmt_text(s, 1), (int)stmt_int(s, 2));
	is_int(stmt_error(s), OK, "the prepared statements are listed");
}

/* ---- */

static void look(struct walker *w, const char *planner)
{
	w->planner = planner;
	w->looked = w->bad = 0;
	(db_kind(w->t->db) == DB_SQLITE ? all_lite : all_pg)(w);
	ok(w->looked > 200, "%s explains %d statements", planner, w->looked);
	is_int(w->bad, 0, "%s walks nothing that grows", planner);
}

/* That a walk is seen at all: the fault of each click, and a plain scan. */
static const char *const walks[] = {
	"SELECT 1 FROM email_events WHERE campaign_id = $1",
	"SELECT count(*) FROM subscribers s WHERE s.first_name = $1",
};

static void see_walks(struct walker *w)
{
	w->bad = 0;
	(db_kind(w->t->db) == DB_SQLITE ? all_lite : all_pg)(w);
	is_int(w->bad, 2, "two statements that walk are seen");
}

/* An excuse that no statement needs is taken out. */
static void see_excuses(const struct walker *w)
{
	for (int i = 0; i < EXCUSES; i++)
		if (!w->used[i])
			ok(false, "\"%s\" needs no excuse", excuses[i].part);
}

static void plans(struct dbtest *t)
{
	static struct walker w;

	w.t = t;
	full_fill(t->db, ROWS);
	ok(db_prepare(t->db, walks, 2) == OK, "two statements walk");
	see_walks(&w);
	mem_free(t->db);
	t->db = dbtest_connect(t);
	ok(repo_prepare(t->db) == OK, "all statements are there");
	look(&w, db_kind(t->db) == DB_SQLITE ? "SQLite" : "PostgreSQL");
	dbtest_script(t->db, "ANALYZE");
	look(&w,
	    db_kind(t->db) == DB_SQLITE ? "SQLite with statistics"
					: "PostgreSQL with statistics");
	if (db_kind(t->db) == DB_POSTGRES)
		see_excuses(&w);
}

int main(void)
{
	sqlite3_auto_extension((void (*)(void))remember);
	dbtest_run(plans);
	return done_testing();
}
