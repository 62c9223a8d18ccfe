/*
 * The whole sending slice against a local sink, beside what the same bytes cost without
 * a database, in the same run and in turns; then the targets, each with its figure and
 * yes or no.  30 KB of HTML, 10 merge tags, 20 tracked links; every message claimed,
 * its attempt on the disk before it leaves, settled after.
 *
 *	bench/send [--all] [PEOPLE [LATENCY_MS]]
 *
 * PEOPLE get it in bulk, a fifth of them one by one.
 * --all adds TLS, and 1,000,000 people beside 10,000 (some minutes).
 * MAILLAYER_BENCH_DB=postgresql://... takes an empty PostgreSQL database instead of a
 * SQLite file in $TMPDIR.  What it prints can go into doc/benchmarks.md as it is.
 */
#include "send.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

enum { ROUNDS = 3, FEW = 10000, MANY = 1000000, CASES = 6 };

typedef void measure(const struct job *j, struct figure *f);

/* What was measured in turns, and the three beside each other. */
struct triple {
	const char *name;
	struct job job;
	int latency;
	struct figure slice, bare, wire; /* medians */
};
struct bench {
	void *mem;
	const char *dir, *db, *self;
	struct fake_ses sink;
	int people, latency;
	bool all, pg;
	struct triple c[CASES];
	int n;
	struct figure few, many;
};

/* For curl handles of every kind: the sink's certificate is nobody's but its own. */
CURL *__real_curl_easy_init(void);
CURL *__wrap_curl_easy_init(void);
CURL *__wrap_curl_easy_init(void)
{
	CURL *h = __real_curl_easy_init();
	const char *dir = getenv("TMPDIR");
	char file[4096];

	snprintf(file, sizeof(file), "%s/sink.pem", dir ? dir : "/tmp");
	if (h)
		curl_easy_setopt(h, CURLOPT_CAINFO, file);
	return h;
}

/* The sink may be reached by TLS too, though it is of this machine. */
struct sockaddr;
bool __wrap_address_is_public(const struct sockaddr *a);
bool __wrap_address_is_public(const struct sockaddr *a)
{
	(void)a;
	return true;
}

void bench_die(const char *what)
{
	fprintf(stderr, "bench/send: %s\n", what);
	exit(1);
}

double bench_now_us(void)
{
	return (double)clock_mono_us();
}

double bench_cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

void bench_figure(struct figure *f, int n, double began_us, double cpu_us)
{
	f->cpu_us = (bench_cpu_us() - cpu_us) / n;
	f->seconds = (bench_now_us() - began_us) / 1e6;
	f->per_second = n / f->seconds;
}

/* ---- processes ---- */
static void apart(measure *m, const struct job *j, struct figure *f)
{
	struct rusage u;
	int p[2], status;
	pid_t pid;

	fflush(stdout);
	if (pipe(p) != 0)
		bench_die("no pipe");
	pid = fork();
	if (pid == 0) {
		struct figure own = { 0 };

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		m(j, &own);
		getrusage(RUSAGE_SELF, &u);
		own.peak_mib = (double)u.ru_maxrss / 1024;
		_exit(write(p[1], &own, sizeof(own)) == sizeof(own) ? 0 : 1);
	}
	close(p[1]);
	if (read(p[0], f, sizeof(*f)) != sizeof(*f))
		bench_die("a measurement ended too early");
	close(p[0]);
	waitpid(pid, &status, 0);
}

static void start_sink(struct bench *b, int latency, bool tls)
{
	const char *slash = strrchr(b->self, '/');
	char line[32] = "",
	     *path = mem_printf(b->mem, "%.*s/sink", (int)(slash ? slash - b->self : 1),
		 slash ? b->self : ".");
	int p[2];

	if (pipe(p) != 0)
		bench_die("no pipe");
	b->sink.pid = fork();
	if (b->sink.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(p[1], STDOUT_FILENO);
		execl(path, path, mem_printf(b->mem, "%d", latency),
		    tls ? mem_printf(b->mem, "%s/sink.pem", b->dir) : NULL,
		    (char *)NULL);
		_exit(127);
	}
	close(p[1]);
	if (read(p[0], line, sizeof(line) - 1) <= 0 ||
	    sscanf(line, "port %d", &b->sink.port) != 1)
		bench_die("the sink does not start");
	close(p[0]);
}

static void stop_sink(struct bench *b)
{
	kill(b->sink.pid, SIGTERM);
	waitpid(b->sink.pid, NULL, 0);
}

/* ---- what is measured ---- */
static int by_rate(const void *a, const void *b)
{
	double x = ((const struct figure *)a)->per_second,
	       y = ((const struct figure *)b)->per_second;

	return x < y ? -1 : x > y;
}

/* The run in the middle; the peak is the highest of all. */
static struct figure median(struct figure *f)
{
	double peak = 0;

	for (int i = 0; i < ROUNDS; i++)
		peak = f[i].peak_mib > peak ? f[i].peak_mib : peak;
	qsort(f, ROUNDS, sizeof(*f), by_rate);
	f[ROUNDS / 2].peak_mib = peak;
	return f[ROUNDS / 2];
}

static void compare(struct bench *b, const char *name, int latency, bool bulk, bool tls)
{
	struct triple *t = &b->c[b->n++];
	struct figure slice[ROUNDS], bare[ROUNDS], wire[ROUNDS];

	*t = (struct triple){ .name = name,
		.latency = latency,
		.job = { .dir = b->dir,
		    .db = b->db,
		    .sink = &b->sink,
		    .bulk = bulk,
		    .tls = tls,
		    .people = bulk ? b->people : b->people / 5 } };
	start_sink(b, latency, tls);
	for (int i = 0; i < ROUNDS; i++) {
		apart(bench_slice, &t->job, &slice[i]);
		apart(bench_no_ledger, &t->job, &bare[i]);
		apart(bench_wire, &t->job, &wire[i]);
	}
	stop_sink(b);
	t->slice = median(slice);
	t->bare = median(bare);
	t->wire = median(wire);
	printf("| %s | %s | %.1f | %s | %.1f | %.2f | %s | %.1f | %.2f | %.0f |\n",
	    name, text_count(b->mem, (int64_t)t->slice.per_second), t->slice.cpu_us,
	    text_count(b->mem, (int64_t)t->bare.per_second), t->bare.cpu_us,
	    t->slice.per_second / t->bare.per_second,
	    text_count(b->mem, (int64_t)t->wire.per_second), t->wire.cpu_us,
	    t->slice.per_second / t->wire.per_second, t->slice.peak_mib);
}

static void size(struct bench *b, int people, int rounds, struct figure *out)
{
	struct job j = { .dir = b->dir,
		.db = b->db,
		.sink = &b->sink,
		.bulk = true,
		.people = people };
	struct figure f[ROUNDS];

	apart(bench_prepare, &j, &f[0]);
	start_sink(b, 0, false);
	for (int i = 0; i < ROUNDS; i++)
		if (i < rounds)
			apart(bench_slice, &j, &f[i]);
		else
			f[i] = f[0];
	stop_sink(b);
	*out = median(f);
}

static void measure_all(struct bench *b)
{
	struct job j = { .dir = b->dir, .db = b->db, .people = b->people };
	struct figure none;
	const char *late = mem_printf(b->mem, ", answers take %d ms", b->latency);

	if (b->all)
		size(b, FEW, ROUNDS, &b->few);
	apart(bench_prepare, &j, &none);
	printf("| | a second | us CPU | no ledger | us CPU | ratio | ready bytes | us "
	       "CPU | ratio | peak MiB |\n"
	       "|---|---|---|---|---|---|---|---|---|---|\n");
	compare(b, "bulk", 0, true, false);
	compare(b, "single", 0, false, false);
	compare(b, mem_printf(b->mem, "bulk%s", late), b->latency, true, false);
	compare(b, mem_printf(b->mem, "single%s", late), b->latency, false, false);
	if (!b->all)
		return;
	compare(b, "bulk, TLS", 0, true, true);
	compare(b, "single, TLS", 0, false, true);
	size(b, MANY, 1, &b->many);
}

/* ---- the targets ---- */
static void target(const char *what, double wanted, double got, const char *unit,
    bool least)
{
	printf("| %s | %s %g%s | %.*f%s | %s |\n", what, least ? "at least" : "at most",
	    wanted, unit, got < 100 ? 2 : 0, got, unit,
	    (least ? got >= wanted : got <= wanted) ? "yes" : "**no**");
}

static void targets(struct bench *b)
{
	double part = b->pg ? 0.5 : 1; /* of the rates, on PostgreSQL */
	struct triple *bulk = &b->c[0], *single = &b->c[1], *bulk_late = &b->c[2],
		      *single_late = &b->c[3];

	printf("\n| target | wanted | measured | met |\n|---|---|---|---|\n");
	target("bulk, a second", 12000 * part, bulk->slice.per_second, "", true);
	target("single, a second", 5000 * part, single->slice.per_second, "", true);
	target("late bulk, of the 12,000", 0.9 * part,
	    bulk_late->slice.per_second / 12000, "", true);
	target("late bulk, of what it is without delay", 0.9,
	    bulk_late->slice.per_second / bulk->slice.per_second, "", true);
	target("late single, a second", 2000 * part, single_late->slice.per_second, "",
	    true);
	target("bulk, CPU a message", 60, bulk->slice.cpu_us, " us", false);
	target("single, CPU a message", 150, single->slice.cpu_us, " us", false);
	if (b->all)
		target("single by TLS, CPU a message", 200, b->c[5].slice.cpu_us, " us",
		    false);
	for (int i = 0; i < b->n; i++)
		target(mem_printf(b->mem, "%s, of the loop over ready bytes",
			   b->c[i].name),
		    0.8, b->c[i].slice.per_second / b->c[i].wire.per_second, "", true);
	if (!b->all)
		return;
	target("peak memory at 1,000,000", 64, b->many.peak_mib, " MiB", false);
	target("freezing 1,000,000", 10, b->many.freeze_s, " s", false);
	target("claim p99 at 1,000,000", 50, b->many.claim_p99_ms, " ms", false);
	target("CPU a message at 1,000,000, of that at 10,000", 1.1,
	    b->many.cpu_us / b->few.cpu_us, "", false);
	printf("\nAt 10,000 people a message costs %.1f us, at 1,000,000 %.1f us (%s a "
	       "second); of %d claims the median took %.1f ms, the longest %.1f ms.\n",
	    b->few.cpu_us, b->many.cpu_us,
	    text_count(b->mem, (int64_t)b->many.per_second), b->many.claims,
	    b->many.claim_p50_ms, b->many.claim_max_ms);
}

/* ---- beginning and end ---- */
static void say_where(struct bench *b)
{
	const char *commit = getenv("MAILLAYER_BENCH_COMMIT");
	double load = 0;
	char when[32];
	time_t now = time(NULL);

	strftime(when, sizeof(when), "%Y-%m-%d %H:%M", gmtime(&now));
	getloadavg(&load, 1);
	printf("%s UTC, commit %s, %ld processors, load %.1f before; %s; %s people in "
	       "bulk, a fifth one by one; medians of %d.\n\n",
	    when, commit ? commit : "unknown", sysconf(_SC_NPROCESSORS_ONLN), load,
	    b->pg ? "PostgreSQL" : "SQLite, synchronous=FULL",
	    text_count(b->mem, b->people), ROUNDS);
}

static void make_certificate(struct bench *b)
{
	const char *command = mem_printf(b->mem,
	    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
	    " -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
	    " -keyout '%s/sink.pem' -out '%s/sink.crt' 2>/dev/null &&"
	    " cat '%s/sink.crt' >>'%s/sink.pem'",
	    b->dir, b->dir, b->dir, b->dir);

	if (system(command) != 0)
		bench_die("openssl cannot make a certificate");
	setenv("TMPDIR", b->dir, 1);
}

static bool read_options(struct bench *b, int argc, char **argv)
{
	int64_t people = 50000, latency = 50;
	int i = 1;

	if (i < argc && strcmp(argv[i], "--all") == 0) {
		b->all = true;
		i++;
	}
	if (argc - i > 2 || (i < argc && !text_to_int(argv[i], 1000, MANY, &people)) ||
	    (i + 1 < argc && !text_to_int(argv[i + 1], 1, 10000, &latency)))
		return false;
	b->people = (int)people;
	b->latency = (int)latency;
	return true;
}

int main(int argc, char **argv)
{
	struct bench b = { .self = argv[0], .mem = mem_scope(NULL, "bench") };
	const char *tmp = getenv("TMPDIR"), *url = getenv("MAILLAYER_BENCH_DB");
	char *dir;

	if (!read_options(&b, argc, argv))
		bench_die("usage: bench/send [--all] [PEOPLE [LATENCY_MS]]");
	dir = mem_printf(b.mem, "%s/maillayer-send-XXXXXX", tmp ? tmp : "/tmp");
	b.dir = mkdtemp(dir);
	if (b.dir == NULL)
		bench_die("no temporary directory");
	b.pg = url != NULL;
	b.db = url ? url : mem_printf(b.mem, "sqlite:%s/bench.db", b.dir);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	make_certificate(&b);
	say_where(&b);
	measure_all(&b);
	targets(&b);
	return system(mem_printf(b.mem, "rm -rf '%s'", b.dir)) == 0 ? 0 : 1;
}
