/*
 * The whole slice against a local sink: freeze, claim, intent, compose, sign, send,
 * settle, at synchronous=FULL; 30 KB of HTML, 10 merge tags, 20 tracked links.  Beside
 * it, in the same run, a minimal curl loop that sends the same bytes and knows no
 * database.
 *
 *	bench/send [PEOPLE [LATENCY_MS]]
 *
 * MAILLAYER_BENCH_DB=postgresql://... takes an empty PostgreSQL database instead of a
 * SQLite file in $TMPDIR.
 */
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "db/migrate.h"
#include "repo/brand.h"
#include "repo/campaign.h"
#include "repo/ledger.h"
#include "send/compose.h"
#include "send/ses.h"
#include "send/slice.h"
#include "sendtest.h"

struct figure {
	double seconds, cpu_us, per_second;
};
struct bench {
	struct dbtest t;
	struct app *app;
	struct fake_ses sink;
	int people, latency;
};

static double cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void die(const char *what)
{
	fprintf(stderr, "bench/send: %s\n", what);
	exit(1);
}

static void start_sink(struct bench *b, const char *self)
{
	char line[32] = "",
	     *path = mem_printf(b->t.mem, "%.*s/sink",
		 (int)(strrchr(self, '/') ? strrchr(self, '/') - self : 1),
		 strrchr(self, '/') ? self : ".");
	int p[2];

	if (pipe(p) != 0)
		die("no pipe");
	b->sink.pid = fork();
	if (b->sink.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(p[1], STDOUT_FILENO);
		execl(path, path, mem_printf(b->t.mem, "%d", b->latency), (char *)NULL);
		_exit(127);
	}
	close(p[1]);
	if (read(p[0], line, sizeof(line) - 1) <= 0 ||
	    sscanf(line, "port %d", &b->sink.port) != 1)
		die("the sink does not start");
	close(p[0]);
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

static void prepare(struct bench *b)
{
	struct migration_state st;
	const char *url = getenv("MAILLAYER_BENCH_DB");
	STMT_SCOPE s = NULL;

	b->t.url = url ? url : mem_printf(b->t.mem, "sqlite:%s/bench.db", b->t.dir);
	if (db_open(b->t.mem, b->t.url, b->t.log, &b->t.db) != OK ||
	    migrate_up(b->t.db, b->t.mem, b->t.share, 1, &st) != OK)
		die("the database cannot be made");
	sendtest_people(&b->t, b->people);
	s = db_stmt_text(b->t.db,
	    "UPDATE campaigns SET html = $1, body_text = 'Hello {{ first_name }}'");
	stmt_bind_text(s, 1, html_of(b->t.mem));
	if (stmt_run(s) != OK)
		die("the campaign cannot be written");
	b->app = sendtest_app(&b->t, "");
}

static struct figure run_slice(struct bench *b, const char *mode)
{
	struct work_report r = { .more = true };
	int64_t done = 0, start;
	double cpu;

	dbtest_script(b->t.db,
	    "DELETE FROM campaign_subscribers; DELETE FROM campaign_counts;"
	    "DELETE FROM send_attempts; UPDATE campaigns SET status = 'sending', "
	    "audience = 0,"
	    " frozen_at = NULL, freeze_after = 0;");
	sendtest_use_ses(&b->t, b->app, &b->sink, mode, 1000000);
	start = clock_mono_us();
	cpu = cpu_us();
	while (r.more) {
		if (slice_run(b->app, 50000, &r) != OK)
			die("the slice failed");
		done += r.done;
	}
	if (done != b->people || sendtest_rows(&b->t, DELIVERY_ACCEPTED) != b->people)
		die("not everybody was sent to");
	cpu = cpu_us() - cpu;
	start = clock_mono_us() - start;
	return (struct figure){ (double)start / 1e6, cpu / b->people,
		b->people / ((double)start / 1e6) };
}

/* ---- the minimal loop ---- */
static size_t ignore(char *p, size_t size, size_t n, void *ctx)
{
	(void)p;
	(void)ctx;
	return size * n;
}

static struct buf *sample(struct bench *b, bool bulk)
{
	struct buf *body = buf_new(b->t.mem);
	struct campaign *c;
	struct brand *brand;
	struct content *content;
	struct compose_source src = { .public_url = "https://m.test",
		.keys = b->app->keys,
		.mode = COMPOSE_SEND };
	struct ses_writer w = { "main", b->t.mem };
	struct outgoing o = {
		.attempt_id = 123456,
		.campaign_id = 5,
		.to = "p12345@x.test",
		.who = { .id = 12345, .email = "p12345@x.test", .first_name = "N12345" }
	};
	const char *why;

	if (campaign_get(b->t.db, b->t.mem, 1, 5, &c) != OK ||
	    brand_get(b->t.db, b->t.mem, 1, &brand) != OK)
		die("no campaign");
	src.campaign = c;
	src.brand = brand;
	if (content_compile(b->t.mem, &src, &content) != OK)
		die("the content does not compile");
	o.content = content;
	if (!bulk) {
		if (ses_single(&w, &o, body, &why) != OK)
			die(why);
		return body;
	}
	ses_bulk_begin(&w, ses_template_new(b->t.mem, content), body);
	for (int i = 0; i < SES_ENTRIES; i++)
		if (ses_bulk_entry(&w, ses_template_new(b->t.mem, content), &o, i == 0,
			body, &why) != OK)
			die(why);
	ses_bulk_end(&w, body);
	return body;
}

static void begin(CURL *h, CURLM *m, int *left)
{
	curl_multi_remove_handle(m, h);
	if (*left <= 0)
		return;
	(*left)--;
	curl_multi_add_handle(m, h);
}

static struct figure run_loop(struct bench *b, bool bulk)
{
	enum { K = 128 };
	struct buf *body = sample(b, bulk);
	int calls = bulk ? (b->people + SES_ENTRIES - 1) / SES_ENTRIES : b->people,
	    left = calls;
	int done = 0, running, k = bulk ? 24 : K;
	char *url =
	    mem_printf(b->t.mem, "http://127.0.0.1:%d/v2/email/outbound-%semails",
		b->sink.port, bulk ? "bulk-" : "");
	struct curl_slist *headers =
	    curl_slist_append(curl_slist_append(NULL, "Content-Type: application/json"),
		"Expect:");
	CURLM *m = curl_multi_init();
	CURL *h[K];
	int64_t start = clock_mono_us();
	double cpu = cpu_us();

	curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, (long)K);
	for (int i = 0; i < k; i++) {
		h[i] = curl_easy_init();
		curl_easy_setopt(h[i], CURLOPT_URL, url);
		curl_easy_setopt(h[i], CURLOPT_POSTFIELDS, body->data);
		curl_easy_setopt(h[i], CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)body->len);
		curl_easy_setopt(h[i], CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(h[i], CURLOPT_WRITEFUNCTION, ignore);
		begin(h[i], m, &left);
	}
	while (done < calls) {
		CURLMsg *msg;
		int n;

		curl_multi_perform(m, &running);
		while ((msg = curl_multi_info_read(m, &n))) {
			if (msg->data.result != CURLE_OK)
				die("the minimal loop failed");
			done++;
			begin(msg->easy_handle, m, &left);
		}
		if (running)
			curl_multi_poll(m, NULL, 0, 100, NULL);
	}
	cpu = cpu_us() - cpu;
	start = clock_mono_us() - start;
	return (struct figure){ (double)start / 1e6, cpu / b->people,
		b->people / ((double)start / 1e6) };
}

static void compare(struct bench *b, const char *mode)
{
	struct figure a = run_slice(b, mode),
		      m = run_loop(b, strcmp(mode, "bulk") == 0);
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	printf("%-7s %9.0f/s %7.1f us CPU   minimal loop %9.0f/s %7.1f us CPU   ratio "
	       "%.2f   "
	       "peak %ld MiB\n",
	    mode, a.per_second, a.cpu_us, m.per_second, m.cpu_us,
	    a.per_second / m.per_second, u.ru_maxrss / 1024);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct log lg = { .least = LOG_ERROR, .fd = STDERR_FILENO };
	struct bench b = { .people = argc > 1 ? atoi(argv[1]) : 20000,
		.latency = argc > 2 ? atoi(argv[2]) : 0 };
	const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	char *dir, *command;

	if (b.people < 1 || b.people > 5000000)
		die("usage: bench/send [PEOPLE [LATENCY_MS]]");
	b.t = (struct dbtest){ .mem = mem_scope(NULL, "bench"),
		.share = dbtest_share(),
		.log = &lg };
	dir = mem_printf(b.t.mem, "%s/maillayer-send-XXXXXX", tmp);
	b.t.dir = mkdtemp(dir);
	if (b.t.dir == NULL)
		die("no temporary directory");
	curl_global_init(CURL_GLOBAL_DEFAULT);
	start_sink(&b, argv[0]);
	prepare(&b);
	printf("%d people, latency %d ms, %s\n", b.people, b.latency,
	    db_kind(b.t.db) == DB_SQLITE ? "SQLite, synchronous=FULL" : "PostgreSQL");
	compare(&b, "bulk");
	compare(&b, "single");
	kill(b.sink.pid, SIGTERM);
	command = mem_printf(b.t.mem, "rm -rf '%s'", dir);
	mem_free(b.t.db);
	return system(command) == 0 ? 0 : 1;
}
