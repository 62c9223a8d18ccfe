#include "http/metrics.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tap.h"

enum { PROCESSES = 4, TIMES = 5000 };

static const char *printed(void *mem, struct metrics *m)
{
	struct buf *b = buf_new(mem);

	metrics_print(m, b);
	return b->data;
}

static void counting(const char *dir)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "counting");
	struct metrics *m = metrics_open(mem, dir);
	int status, bad = 0;

	for (int p = 0; p < PROCESSES; p++) {
		if (fork() != 0)
			continue;
		m = metrics_open(mem, dir);
		for (int i = 0; i < TIMES; i++) {
			metrics_add(m, "shared_total", 1);
			metrics_add(m, i % 2 ? "odd_total{a=\"1\"}" : "even_total", 2);
		}
		_exit(0);
	}
	while (wait(&status) > 0)
		bad += status != 0;
	is_int(bad, 0, "metrics_add works in several processes");
	is_int(metrics_get(m, "shared_total"), PROCESSES * TIMES,
	    "... and loses nothing");
	is_int(metrics_get(m, "odd_total{a=\"1\"}"), PROCESSES * TIMES,
	    "... of any name");
	metrics_set(m, "gauge", 7);
	metrics_set(m, "gauge", 5);
	is_int(metrics_get(m, "gauge"), 5, "metrics_set sets");
	metrics_add(NULL, "shared_total", 1);
	is_int(metrics_get(NULL, "shared_total"), 0,
	    "metrics_get knows nothing without a file");
}

static void printing(const char *dir)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "printing");
	struct metrics *m = metrics_open(mem, dir);
	const char *text;

	metrics_time(m, "wait_seconds", "a=\"1\"", 900);
	metrics_time(m, "wait_seconds", "a=\"1\"", 30000);
	metrics_time(m, "wait_seconds", "a=\"1\"", 99000000);
	text = printed(mem, m);
	ok(strstr(text, "# TYPE shared_total counter\nshared_total 20000\n") != NULL,
	    "metrics_print prints counters of the run before");
	ok(strstr(text, "# TYPE gauge gauge\ngauge 5\n") != NULL, "... gauges");
	ok(strstr(text, "wait_seconds_bucket{a=\"1\",le=\"0.001\"} 1\n") != NULL,
	    "... buckets");
	ok(strstr(text, "wait_seconds_bucket{a=\"1\",le=\"0.05\"} 2\n") != NULL,
	    "... cumulative");
	ok(strstr(text, "wait_seconds_bucket{a=\"1\",le=\"+Inf\"} 3\n") != NULL,
	    "... with the rest");
	ok(strstr(text, "wait_seconds_sum{a=\"1\"} 99.030900\n") != NULL, "... a sum");
	ok(strstr(text, "wait_seconds_count{a=\"1\"} 3\n") != NULL, "... and a count");
}

static void odd_files(const char *dir)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "odd");
	char *file = mem_printf(mem, "%s/metrics", dir);
	char *name = mem_printf(mem, "%0200d", 1);
	struct metrics *m;
	int fd = open(file, O_WRONLY | O_TRUNC);

	ok(write(fd, "garbage", 7) == 7, "the file is broken");
	close(fd);
	m = metrics_open(mem, dir);
	ok(m != NULL, "metrics_open makes a broken file anew");
	is_int(metrics_get(m, "gauge"), 0, "... empty");
	metrics_add(m, name, 1);
	is_int(metrics_get(m, name), 0, "metrics_add leaves out a name too long");
	for (int i = 0; i < 5000; i++)
		metrics_add(m, mem_printf(mem, "n%d_total", i), 1);
	ok(metrics_get(m, "n0_total") == 1,
	    "... and fails nobody when the table is full");
	ok(metrics_open(mem, "/nowhere") == NULL,
	    "metrics_open says NULL without its folder");
}

int main(void)
{
	char dir[] = "/tmp/maillayer-metrics-XXXXXX";
	char file[64];

	if (mkdtemp(dir) == NULL)
		return 1;
	counting(dir);
	printing(dir);
	odd_files(dir);
	snprintf(file, sizeof(file), "%s/metrics", dir);
	unlink(file);
	rmdir(dir);
	return done_testing();
}
