#include "kv/limit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "memcached.h"
#include "tap.h"

static const struct log quiet = { .least = LOG_ERROR,
	.json = true,
	.fd = STDERR_FILENO };

/* How many of n hits are let through. */
static int let_through(struct kv *kv, const char *key, int64_t now, int n, int max)
{
	int through = 0, retry;

	for (int i = 0; i < n; i++)
		through += limit_hit(kv, key, now, 60, max, &retry) == OK;
	return through;
}

static void windows(struct kv *kv, const char *kind)
{
	int retry = -1;
	int64_t now = 1795510810500; /* 10.5 seconds into a minute */

	diag("%s", kind);
	ok(limit_hit(kv, "login:1", now, 60, 3, &retry) == OK && retry == 0,
	    "limit_hit counts");
	is_int(let_through(kv, "login:1", now, 10, 3), 2, "limit_hit lets max through");
	ok(limit_hit(kv, "login:1", now, 60, 3, &retry) == ERR_LIMITED,
	    "limit_hit says when it is enough");
	is_int(retry, 50, "limit_hit says how long, rounded up");
	is_int(let_through(kv, "login:2", now, 10, 3), 3, "limit_hit counts each key");
	is_int(let_through(kv, "login:1", now + 50000, 10, 3), 3,
	    "limit_hit starts again with a window");
}

static void spending(struct kv *kv)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "spending");
	struct limit l = { .window_s = 60, .max = 2 };

	ok(limit_spend(kv, "s:1", 600000, &l) == OK && l.left == 1,
	    "limit_spend says how many are left");
	ok(limit_spend(kv, "s:1", 600000, &l) == OK && l.left == 0,
	    "limit_spend says when none is");
	ok(limit_spend(kv, "s:1", 610000, &l) == ERR_LIMITED && l.retry_after == 50,
	    "limit_spend says how long to wait");
	is_text(limit_address(mem, "192.0.2.7"), "192.0.2.7",
	    "limit_address counts an IPv4 address");
	is_text(limit_address(mem, "::ffff:192.0.2.7"), "192.0.2.7",
	    "limit_address knows it in IPv6");
	is_text(limit_address(mem, "2001:db8:1:2:3:4:5:6"),
	    limit_address(mem, "2001:db8:1:2::9"),
	    "limit_address counts an IPv6 network as one");
	ok(strcmp(limit_address(mem, "2001:db8:1:2::1"),
	       limit_address(mem, "2001:db8:1:3::1")) != 0,
	    "limit_address keeps networks apart");
}

static void broken(struct kv *kv, struct memcached *m)
{
	memcached_stop(m);
	is_int(let_through(kv, "b:1", 0, 50, 20), 20,
	    "without its server limit_hit allows as many");
	memcached_start(m);
	usleep(2200000);
	is_int(let_through(kv, "b:1", 0, 50, 20), 20, "with a new one all again");
}

/* Several processes of one host, without a server: what each lets through, together. */
static void on_one_host(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "host");
	char dir[] = "/tmp/limit-XXXXXX";
	int sum = 0, status;

	ok(mkdtemp(dir) != NULL, "a state directory");
	for (int i = 0; i < 6; i++) {
		struct kv *kv = NULL;
		pid_t pid = fork();

		if (pid == 0) {
			if (kv_open(mem, "", &quiet, &kv) != OK)
				_exit(100);
			kv_share_counters(kv, dir);
			_exit(let_through(kv, "h:1", 600000, 200, 60));
		}
		waitpid(pid, &status, 0);
		sum += WEXITSTATUS(status);
	}
	is_int(sum, 60, "all processes of a host together let through what one does");
	unlink(mem_printf(mem, "%s/limits", dir));
	rmdir(dir);
}

/* What went well is given back. */
static void returned(struct kv *kv)
{
	struct limit l = { .window_s = 60, .max = 2 };

	for (int i = 0; i < 9; i++) {
		if (limit_spend(kv, "r:1", 0, &l) == OK)
			limit_return(kv, "r:1", 0, &l);
	}
	is_int(l.left, 2, "limit_return gives back what was spent");
	ok(limit_spend(kv, "r:1", 0, &l) == OK && l.left == 1, "and no more");
}

/* Takes from the bucket for ms, as a sender would; the sum granted. */
static int take_for(struct kv *kv, const char *key, double rate, int processes, int ms)
{
	int64_t end = clock_mono_ms() + ms;
	int sum = 0;

	while (clock_mono_ms() < end) {
		int granted, wait;

		if (bucket_take(kv, &(struct shared_rate){ key, rate, processes, 0 },
			10, &granted, &wait) != OK)
			return -1000000;
		sum += granted;
		if (granted == 0)
			usleep((useconds_t)wait * 1000);
	}
	return sum;
}

/* What n processes (at most 16) take together in ms. */
static int crowd(const struct memcached *m, const char *key, double rate, int n, int ms)
{
	int fds[2], sum = 0, one;
	pid_t children[16];

	if (pipe(fds) != 0)
		return -1;
	for (int i = 0; i < n; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			void *mem = mem_scope(NULL, "child");
			struct kv *kv = NULL;

			if (kv_open(mem, m->servers, &quiet, &kv) != OK)
				_exit(1);
			one = take_for(kv, key, rate, n, ms);
			_exit(write(fds[1], &one, sizeof(one)) != sizeof(one));
		}
	}
	close(fds[1]);
	while (read(fds[0], &one, sizeof(one)) == sizeof(one))
		sum += one;
	close(fds[0]);
	for (int i = 0; i < n; i++)
		waitpid(children[i], NULL, 0);
	return sum;
}

/* Never more than the rate; less only as far as a busy machine makes it so. */
static bool within(int got, double want)
{
	return got >= want * 0.8 && got <= want * 1.04 + 1;
}

static void shared(const struct memcached *m)
{
	int n = crowd(m, "bucket:1", 200, 6, 2000);

	ok(within(n, 400), "bucket_take: six processes share 200/s for 2 s (%d of 400)",
	    n);
	n = crowd(m, "bucket:2", 5000, 4, 1000);
	ok(within(n, 5000), "bucket_take: four share 5000/s for a second (%d of 5000)",
	    n);
	n = crowd(m, "bucket:3", 4, 8, 3000);
	ok(n >= 11 && n <= 13, "bucket_take: eight share 4/s for 3 s (%d of 12)", n);
	usleep(600000);
	n = crowd(m, "bucket:1", 200, 6, 1000);
	ok(within(n, 300),
	    "bucket_take: idle time fills half a second's worth (%d of 300)", n);
}

static void details(struct kv *kv, const char *kind)
{
	int granted = -1, wait = -1;

	diag("%s", kind);
	ok(bucket_take(kv, &(struct shared_rate){ "d:1", 10, 1, 0 }, 5, &granted,
	       &wait) == OK,
	    "bucket_take of a new bucket");
	ok(granted == 0 && wait >= 95 && wait <= 100,
	    "starts empty and says when there is one (%d ms)", wait);
	usleep(320000);
	/* three, more if the machine is busy and the sleep was longer */
	ok(bucket_take(kv, &(struct shared_rate){ "d:1", 10, 1, 0 }, 5, &granted,
	       &wait) == OK &&
		granted >= 3,
	    "fills with time");
	usleep(1300000);
	ok(bucket_take(kv, &(struct shared_rate){ "d:1", 10, 1, 0 }, 99, &granted,
	       &wait) == OK &&
		granted == 5,
	    "up to half a second's worth");
	ok(bucket_take(kv, &(struct shared_rate){ "d:1", 10, 1, 0 }, 0, &granted,
	       &wait) == OK &&
		granted == 0,
	    "nothing wanted");
	ok(bucket_take(kv, &(struct shared_rate){ "d:1", 0, 1, 0 }, 5, &granted,
	       &wait) == OK &&
		granted == 0 && wait > 0,
	    "no rate");
	ok(bucket_take(kv, &(struct shared_rate){ "d:2", 0.5, 1, 0 }, 5, &granted,
	       &wait) == OK &&
		granted == 0 && wait > 1900,
	    "a rate below one a second");
	usleep(2050000);
	ok(bucket_take(kv, &(struct shared_rate){ "d:2", 0.5, 1, 0 }, 5, &granted,
	       &wait) == OK &&
		granted == 1,
	    "grants one then");
	ok(kv_set(kv, "d:3", "nonsense", 8, 60) == OK &&
		bucket_take(kv, &(struct shared_rate){ "d:3", 1e6, 1, 0 }, 5, &granted,
		    &wait) == OK &&
		granted <= 5,
	    "a bucket that cannot be read is begun again");
}

/* Flushing the server again and again must not let more through. */
static void flushed(struct kv *kv)
{
	int sum = 0;
	int64_t end = clock_mono_ms() + 1000;

	while (clock_mono_ms() < end) {
		sum += take_for(kv, "f", 100, 1, 100);
		kv_delete(kv, "f");
	}
	ok(sum <= 100, "bucket_take: a server that forgets grants no more (%d of 100)",
	    sum);
	ok(sum > 50, "and not much less (%d)", sum);
}

/* A bucket filled two hours from now: empty at first, and not for two hours. */
static void set_back(struct kv *kv, const char *where)
{
	int64_t later = clock_now(&clock_system) * 1000 + 7200 * 1000000LL;
	char text[64];
	int n = snprintf(text, sizeof(text), "0 %lld", (long long)later);

	kv_set(kv, "back", text, (size_t)n, 60);
	is_int(take_for(kv, "back", 100, 1, 1000), 0,
	    "%s: bucket_take grants nothing of another host's future", where);
	n = take_for(kv, "back", 100, 1, 3000);
	ok(n > 20 && n <= 210,
	    "%s: and goes on when it was a clock that was set back (%d)", where, n);
}

/* The server dies or hangs after half of two seconds. */
static void vanishing(struct memcached *m, int signal)
{
	pid_t server = m->pid, killer = fork();
	int n;

	if (killer == 0) {
		usleep(1000000);
		kill(server, signal);
		_exit(0);
	}
	n = crowd(m, "v", 200, 4, 2000);
	waitpid(killer, NULL, 0);
	ok(n <= 400 * 1.05 && n >= 400 * 0.75,
	    "bucket_take: a server that %s halfway changes little (%d of 400)",
	    signal == SIGSTOP ? "hangs" : "dies", n);
	memcached_stop(m);
	memcached_start(m);
}

int main(void)
{
	void *mem = mem_scope(NULL, "test");
	struct kv *kv = NULL, *local = NULL;
	struct memcached m;

	memcached_begin(&m);
	ok(kv_open(mem, m.servers, &quiet, &kv) == OK, "kv_open shared");
	ok(kv_open(mem, "", &quiet, &local) == OK, "kv_open local");
	windows(kv, "memcached");
	windows(local, "table of the process");
	spending(local);
	returned(kv);
	returned(local);
	on_one_host();
	details(kv, "memcached");
	details(local, "table of the process");
	flushed(kv);
	broken(kv, &m);
	set_back(kv, "memcached");
	set_back(local, "table of the process");
	shared(&m);
	vanishing(&m, SIGKILL);
	vanishing(&m, SIGSTOP);
	memcached_end(&m);
	mem_free(mem);
	return done_testing();
}
