/* The slice as it is, on a database made for it; see bench/send.c. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "db/migrate.h"
#include "repo/ledger.h"
#include "send.h"
#include "send/slice.h"

/*
 * The linker leads calls of these here (--wrap), so that a claim and the freeze are
 * timed where they happen.
 */
enum err __real_ledger_claim(struct db *db, const struct claim *c, int64_t *claimed);
enum err __wrap_ledger_claim(struct db *db, const struct claim *c, int64_t *claimed);
enum err __real_ledger_freeze(struct db *db, int64_t campaign, int batch, int64_t now,
    bool *complete);
enum err __wrap_ledger_freeze(struct db *db, int64_t campaign, int batch, int64_t now,
    bool *complete);

enum { CLAIMS_MAX = 20000 };
static struct {
	double claim_us[CLAIMS_MAX], freeze_us;
	int claims;
} seen; /* of this process, which measures one slice */

enum err __wrap_ledger_claim(struct db *db, const struct claim *c, int64_t *claimed)
{
	double start = bench_now_us();
	enum err e = __real_ledger_claim(db, c, claimed);

	if (seen.claims < CLAIMS_MAX)
		seen.claim_us[seen.claims++] = bench_now_us() - start;
	return e;
}

enum err __wrap_ledger_freeze(struct db *db, int64_t campaign, int batch, int64_t now,
    bool *complete)
{
	double start = bench_now_us();
	enum err e = __real_ledger_freeze(db, campaign, batch, now, complete);

	seen.freeze_us += bench_now_us() - start;
	return e;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void claims_into(struct figure *f)
{
	f->freeze_s = seen.freeze_us / 1e6;
	f->claims = seen.claims;
	if (!seen.claims)
		return;
	qsort(seen.claim_us, (size_t)seen.claims, sizeof(double), by_value);
	f->claim_p50_ms = seen.claim_us[seen.claims / 2] / 1e3;
	f->claim_p99_ms = seen.claim_us[(seen.claims - 1) * 99 / 100] / 1e3;
	f->claim_max_ms = seen.claim_us[seen.claims - 1] / 1e3;
}

/* 30 KB, ten merge tags, twenty links. */
static const char *html_of(void *mem)
{
	struct buf *b = buf_new(mem);

	buf_str(b, "<!DOCTYPE html><html><body>");
	for (int i = 0; i < 20; i++) {
		buf_printf(b,
		    "<table width=\"600\" style=\"border-collapse:collapse\"><tr><td "
		    "class=\"cell-%d\">",
		    i);
		for (int j = 0; j < 17; j++)
			buf_str(b,
			    "<p style=\"margin:0 0 12px;color:#333\">Nothing in this "
			    "paragraph is of interest.</p>\n");
		if (i % 2)
			buf_printf(b, "<b>%s</b>",
			    i % 4 == 1 ? "{{ first_name }}" : "{{ fields.city }}");
		buf_printf(b,
		    "<a href=\"https://shop.test/product/%d?ref=mail\">Product "
		    "%d</a></td></tr></table>",
		    i, i);
	}
	buf_str(b,
	    "<p>{{ postal_address }} <a href=\"{{ unsubscribe_url "
	    "}}\">Unsubscribe</a></p></body></html>");
	return b->data;
}

/* Addresses in no order, as in life: their index is not filled from one end. */
static void add_people(struct dbtest *t, int n)
{
	STMT_SCOPE s = db_stmt_text(t->db,
	    "WITH RECURSIVE n(i) AS ("
	    " SELECT coalesce(max(id), CAST(0 AS BIGINT)) + 1 FROM subscribers"
	    " UNION ALL SELECT i + 1 FROM n WHERE i < CAST($1 AS BIGINT))"
	    " INSERT INTO subscribers (id, brand_id, email, email_key, status,"
	    "   first_name, custom, created_at, updated_at)"
	    " SELECT i, 1, 'p' || (i * 7919 % 1000003) || '@x.test',"
	    "   'p' || (i * 7919 % 1000003) || '@x.test', 'active',"
	    "   'N' || i, CAST('{\"city\":\"C' || i || '\"}'"
	    "     AS /*+lite TEXT */ /*+pg jsonb */), 1, 1 FROM n WHERE i <= "
	    "CAST($1 AS BIGINT)");

	stmt_bind_int(s, 1, n);
	if (stmt_run(s) != OK)
		bench_die("the people cannot be written");
	dbtest_script(t->db,
	    "INSERT INTO lists (id, brand_id, name, created_at, updated_at)"
	    " VALUES (2, 1, 'a fifth', 1, 1) ON CONFLICT DO NOTHING;"
	    "INSERT INTO list_subscribers (list_id, subscriber_id, created_at)"
	    " SELECT 2, id, 1 FROM subscribers WHERE id % 5 = 0"
	    " ON CONFLICT DO NOTHING;"
	    "INSERT INTO list_subscribers (list_id, subscriber_id, created_at)"
	    " SELECT 1, id, 1 FROM subscribers WHERE true ON CONFLICT DO NOTHING;");
}

static void open_db(struct dbtest *t, const struct job *j)
{
	static struct log lg = { .least = LOG_ERROR, .fd = 2 };

	*t = (struct dbtest){ .mem = mem_scope(NULL, "bench"),
		.share = dbtest_share(),
		.log = &lg,
		.url = j->db,
		.dir = j->dir };
	if (db_open(t->mem, t->url, t->log, &t->db) != OK)
		bench_die("the database cannot be opened");
}

struct app *bench_app(struct dbtest *t, const struct job *j)
{
	struct app *app;

	open_db(t, j);
	app = sendtest_app(t, "");
	sendtest_use_ses(t, app, j->sink, j->bulk ? "bulk" : "single", 1000000);
	if (j->tls)
		dbtest_script(t->db,
		    mem_printf(t->mem,
			"UPDATE providers SET endpoint = 'https://localhost:%d'",
			j->sink->port));
	return app;
}

void bench_prepare(const struct job *j, struct figure *f)
{
	struct migration_state st;
	struct dbtest t;
	STMT_SCOPE s = NULL;

	(void)f;
	open_db(&t, j);
	if (migrate_up(t.db, t.mem, t.share, 1, &st) != OK)
		bench_die("the database cannot be made");
	if (dbtest_int(t.db, "SELECT count(*) FROM brands") == 0)
		sendtest_people(&t, 0);
	add_people(&t, j->people);
	s = db_stmt_text(t.db,
	    "UPDATE campaigns SET html = $1, body_text = 'Hello {{ first_name }}'");
	stmt_bind_text(s, 1, html_of(t.mem));
	if (stmt_run(s) != OK)
		bench_die("the campaign cannot be written");
}

void bench_slice(const struct job *j, struct figure *f)
{
	struct work_report r = { .more = true };
	struct dbtest t;
	struct app *app = bench_app(&t, j);
	double start, cpu;
	int64_t done = 0;

	dbtest_script(t.db,
	    SENDTEST_EMPTY "UPDATE campaigns SET status = 'sending',"
			   " audience = 0, frozen_at = NULL, freeze_after = 0;");
	dbtest_script(t.db,
	    mem_printf(t.mem, "UPDATE campaign_audience SET list_id = %d",
		j->bulk ? 1 : 2));
	start = bench_now_us();
	cpu = bench_cpu_us();
	while (r.more) {
		if (slice_run(app, 50000, &r) != OK)
			bench_die("the slice failed");
		done += r.done;
	}
	bench_figure(f, j->people, start, cpu);
	claims_into(f);
	if (done != j->people || sendtest_rows(&t, DELIVERY_ACCEPTED) != j->people)
		bench_die("not everybody was sent to");
}
