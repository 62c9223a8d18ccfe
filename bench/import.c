/*
 * Rows a second of a CSV import into an empty brand and again into a full one, beside
 * bare INSERTs of the same rows in one transaction: import [ROWS [DATABASE-URL]].  The
 * database must be migrated and empty; without a URL a SQLite file is made in $TMPDIR.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "db/migrate.h"
#include "repo/repo.h"
#include "service/import.h"

static const char *const sql[] = {
	"INSERT INTO subscribers (brand_id, email, email_key, status, first_name, "
	"last_name, custom,"
	" created_at, updated_at) VALUES (2, $1, $1, 'active', $2, $3, $4, 1, 1)",
	"INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
	" VALUES (1, 'A', 'a', 1, 1), (2, 'B', 'b', 1, 1)",
	"INSERT INTO lists (id, brand_id, name, created_at, updated_at) VALUES (1, 1, "
	"'L', 1, 1)",
	"INSERT INTO fields (brand_id, key, label, type, choices, created_at) VALUES"
	" (1, 'city', 'City', 'text', '[]', 1), (1, 'since', 'Since', 'date', '[]', 1)",
};

struct figure {
	int64_t since;
	double cpu, per_second; /* us */
};

static double cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static struct figure begin(void)
{
	return (struct figure){ .since = clock_mono_us(), .cpu = cpu_us() };
}

static struct figure end(struct figure f, int rows)
{
	f.per_second = rows / ((double)(clock_mono_us() - f.since) / 1e6);
	f.cpu = (cpu_us() - f.cpu) / rows;
	return f;
}

static void must(enum err e, const char *what)
{
	if (e == OK)
		return;
	fprintf(stderr, "bench/import: %s: %s\n", what, err_name(e));
	exit(1);
}

static unsigned shuffle(unsigned k)
{
	return (k * 2654435761u) ^ (k >> 7); /* addresses come in no order */
}

static struct buf *csv_of(void *mem, int rows)
{
	struct buf *b = buf_new(mem);

	buf_str(b, "email,first_name,last_name,city,since,tags\n");
	for (int k = 0; k < rows; k++)
		buf_printf(b,
		    "p%x.%d@mail%d.example,First%d,Last%d,City %d,2021-%02d-%02d,t%d\n",
		    shuffle((unsigned)k), k, k % 97, k % 500, k % 900, k % 300,
		    k % 12 + 1, k % 28 + 1, k % 7);
	return b;
}

static struct figure import_once(struct app *app, void *mem, const struct buf *csv,
    int rows)
{
	const struct import_request how = { .brand = 1, .now = 1, .start = true };
	struct form_file file = { .field = "file",
		.name = "bench.csv",
		.type = "text/csv",
		.data = csv->data,
		.len = csv->len };
	struct form *f = form_new(mem);
	struct work_report w = { 0 };
	struct import *i;
	struct figure figure;

	form_add(f, "lists", "1");
	form_add_file(f, &file);
	figure = begin();
	must(import_create(app->db, mem, &how, f, &i), "upload");
	figure = end(figure, rows);
	printf("upload and look %9.0f rows/s %6.1f us CPU a row\n", figure.per_second,
	    figure.cpu);
	figure = begin();
	do
		must(import_work(app, 45000, &w), "import_work");
	while (w.more);
	figure = end(figure, rows);
	must(import_get(app->db, mem, 1, i->id, &i), "get");
	if (i->state != IMPORT_DONE || i->counts.invalid)
		must(ERR_INTERNAL, "not done");
	return figure;
}

static struct figure insert_raw(struct db *db, int rows)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "raw");
	TX_SCOPE tx = { 0 };
	struct figure figure = begin();

	must(tx_begin(db, &tx), "begin");
	for (int k = 0; k < rows; k++) {
		STMT_SCOPE s = db_stmt(db, &sql[0]);
		char text[200];

		snprintf(text, sizeof(text), "p%x.%d@mail%d.example",
		    shuffle((unsigned)k), k, k % 97);
		stmt_bind_text(s, 1, text);
		snprintf(text, sizeof(text), "First%d", k % 500);
		stmt_bind_text(s, 2, text);
		snprintf(text, sizeof(text), "Last%d", k % 900);
		stmt_bind_text(s, 3, text);
		snprintf(text, sizeof(text),
		    "{\"city\":\"City %d\",\"since\":\"2021-01-01\"}", k % 300);
		stmt_bind_text(s, 4, text);
		must(stmt_run(s), "insert");
	}
	must(tx_commit(&tx), "commit");
	return end(figure, rows);
}

static void report(const char *what, struct figure f, struct figure raw,
    const char *note)
{
	printf("%-15s %9.0f rows/s %6.1f us CPU a row   %.2f of bare INSERTs   (%s)\n",
	    what, f.per_second, f.cpu, f.per_second / raw.per_second, note);
}

int main(int argc, char **argv)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "bench");
	const struct log quiet = { .least = LOG_ERROR, .fd = STDERR_FILENO };
	struct app app = { .clock = &clock_system, .log = quiet };
	int rows = argc > 1 ? atoi(argv[1]) : 100000;
	const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	char *path = mem_printf(mem, "%s/bench-import-%d.db", tmp, (int)getpid());
	const char *url = argc > 2 ? argv[2] : mem_printf(mem, "sqlite:%s", path);
	struct migration_state st = { 0 };
	struct buf *csv = csv_of(mem, rows);
	struct figure fresh, again, raw;

	must(db_open(mem, url, &quiet, &app.db), "open");
	must(migrate_up(app.db, mem, SOURCEDIR, 1, &st), st.why ? st.why : "migrate");
	must(repo_prepare(app.db), "prepare");
	for (size_t k = 1; k < sizeof(sql) / sizeof(*sql); k++)
		must(db_script(app.db, sql[k]), "set up");
	fresh = import_once(&app, mem, csv, rows);
	again = import_once(&app, mem, csv, rows);
	raw = insert_raw(app.db, rows);
	report("import, new", fresh, raw, "with list, tag and consent");
	report("import, again", again, raw, "nothing changes");
	report("bare INSERT", raw, raw, "one table, one transaction");
	if (argc <= 2)
		for (size_t k = 0; k < 4; k++)
			unlink(mem_printf(mem, "%s%s", path,
			    (const char *const[]){ "", "-wal", "-shm", ".lock" }[k]));
	return 0;
}
