/*
 * The arithmetic of the shared rate with a clock that stands still unless told: several
 * processes (each a kv of its own), the server emptied, stopped and started again. Over
 * any time, never more than the rate.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "kv/limit.h"
#include "memcached.h"
#include "tap.h"

enum { PROCESSES = 4, SECOND = 1000000, STEP = 10000, AGAIN_US = 2100000 };

#define START INT64_C(1795510810000000)

static const struct log quiet = { .least = LOG_ERROR + 1, .fd = STDERR_FILENO };

struct crowd {
	struct kv *kv[PROCESSES];
	const char *key;
	double rate;
	int64_t now; /* us */
};

static int take(struct crowd *c, int who, int want)
{
	struct shared_rate r = { c->key, c->rate, PROCESSES, c->now };
	int granted = 0, wait = 0;

	if (bucket_take(c->kv[who], &r, want, &granted, &wait) != OK)
		ok(false, "bucket_take answers");
	if (want && !granted && wait <= 0)
		ok(false, "who gets nothing is told when to come again");
	return granted;
}

/* Everybody asks for a lot in every step of 10 ms; all that was granted. */
static int all_take(struct crowd *c, int seconds)
{
	int64_t end = c->now + (int64_t)seconds * SECOND;
	int sum = 0;

	for (; c->now < end; c->now += STEP)
		for (int i = 0; i < PROCESSES; i++)
			sum += take(c, (int)((c->now / STEP + i) % PROCESSES),
			    1 + (int)(random() % 40));
	return sum;
}

static struct crowd crowd_of(void *mem, const char *servers, const char *key,
    double rate)
{
	struct crowd c = { .key = key, .rate = rate, .now = START };

	for (int i = 0; i < PROCESSES; i++)
		if (kv_open(mem, servers, &quiet, &c.kv[i]) != OK)
			ok(false, "kv_open opens");
	return c;
}

static void arithmetic(void *mem, const char *servers, const char *kind)
{
	struct crowd c = crowd_of(mem, servers, "a", 3);
	int n = 0;

	diag("%s", kind);
	if (!*servers)
		c.rate *= PROCESSES; /* each takes its part */
	is_int(take(&c, 0, 9), 0, "a new bucket is empty");
	c.now += 333000;
	is_int(take(&c, 0, 9), 0, "a third of a second of 3/s is not yet one");
	c.now += 1000;
	is_int(take(&c, 0, 9), 1, "a little more is");
	for (int i = 0; i < 1000; i++) {
		c.now += 7000;
		n += take(&c, 0, 1);
	}
	is_int(n, 21, "parts are kept: 7 s in steps of 7 ms give 21");
	c.now += 3600 * (int64_t)SECOND;
	is_int(take(&c, 0, 9), 1, "an idle hour fills half a second's worth");
	c.now -= SECOND;
	is_int(take(&c, 0, 9), 0, "another host's clock may be behind");
	c.key = "b";
	c.rate = *servers ? 0.5 : 0.5 * PROCESSES;
	take(&c, 0, 1);
	c.now += 1999000;
	is_int(take(&c, 0, 1), 0, "0.5/s: not in two seconds less a millisecond");
	c.now += 1000;
	is_int(take(&c, 0, 1), 1, "in two seconds one");
	c.key = "c";
	c.rate = *servers ? 1000 : 1000 * PROCESSES;
	take(&c, 0, 1);
	c.now += 60 * SECOND;
	is_int(take(&c, 0, 100000), 500, "never more than half a second at once");
}

/* Empties the server, as flush_all does. */
static void flush(const struct memcached *m)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[16];

	strncpy(a.sun_path, m->servers + strlen("unix:"), sizeof(a.sun_path) - 1);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    write(fd, "flush_all\r\n", 11) != 11 ||
	    read(fd, answer, sizeof(answer)) <= 0)
		ok(false, "the server is emptied");
	close(fd);
}

static bool near_to(int got, double want)
{
	return got <= (int)(want + 1e-6) && got >= (int)(want * 0.99) - PROCESSES;
}

static void shared(void *mem, struct memcached *m)
{
	static const double rates[] = { 1, 14, 200, 1000 };
	int n, after;

	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		struct crowd c =
		    crowd_of(mem, m->servers, mem_printf(mem, "r%zu", i), rates[i]);

		n = all_take(&c, 20);
		ok(near_to(n, 20 * rates[i]), "four share %g/s for 20 s: %d", rates[i],
		    n);
		c = crowd_of(mem, "", "alone", rates[i]);
		n = all_take(&c, 20);
		ok(near_to(n, 20 * rates[i]), "the same without a server: %d", n);
	}
	n = after = 0;
	for (int i = 0; i < 20; i++) {
		static struct crowd c;

		if (!i)
			c = crowd_of(mem, m->servers, "f", 200);
		n += all_take(&c, 1);
		flush(m);
		for (int j = 0; j < PROCESSES; j++)
			after += take(&c, j, 40);
	}
	is_int(after, 0, "flush_all gives nobody a second burst");
	ok(n <= 20 * 200 && n > 19 * 200, "nor more in 20 s, nor much less: %d", n);
}

/* Stopped in the middle, and started again when every process counts for itself. */
static void stopped(void *mem, struct memcached *m)
{
	struct crowd c = crowd_of(mem, m->servers, "s", 200);
	int with, without, back;

	with = all_take(&c, 5);
	memcached_stop(m);
	without = all_take(&c, 5);
	ok(near_to(with, 1000), "with the server: %d of 1000", with);
	ok(near_to(without, 1000), "without it each takes its part: %d of 1000",
	    without);
	memcached_start(m);
	usleep(AGAIN_US); /* libmemcached tries it again */
	back = take(&c, 0, 500);
	for (int i = 0; i < 100; i++, c.now += STEP)
		back += take(&c, 0, 500);
	is_int(back, 0, "who finds it back waits for those who have not yet");
	c.now += SECOND;
	back = all_take(&c, 5);
	ok(back <= 1000 && back > 900, "then all share it again: %d of 1000", back);
}

int main(void)
{
	void *mem = mem_scope(NULL, "test");
	struct memcached m;

	srandom(1);
	memcached_begin(&m);
	arithmetic(mem, m.servers, "memcached");
	arithmetic(mem, "", "table of the process");
	shared(mem, &m);
	stopped(mem, &m);
	memcached_end(&m);
	mem_free(mem);
	return done_testing();
}
