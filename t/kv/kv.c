#include "kv/kv.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "memcached.h"
#include "tap.h"

static struct log quiet = { .least = LOG_ERROR, .json = true, .fd = STDERR_FILENO };

static const char *value_of(struct kv *kv, void *mem, const char *key)
{
	char *v;
	size_t n;
	enum err e = kv_get(kv, mem, key, &v, &n);

	return e == OK ? v : err_name(e);
}

static void values(struct kv *kv, void *mem, const char *kind)
{
	char *v;
	size_t n = 0;

	diag("%s", kind);
	is_text(value_of(kv, mem, "a"), "not_found", "kv_get of nothing");
	ok(kv_set(kv, "a", "one", 3, 60) == OK, "kv_set");
	is_text(value_of(kv, mem, "a"), "one", "kv_get gives what was set");
	ok(kv_add(kv, "a", "two", 3, 60) == ERR_CONFLICT,
	    "kv_add refuses a key that exists");
	ok(kv_add(kv, "b", "", 0, 60) == OK,
	    "kv_add takes a new key and an empty value");
	is_text(value_of(kv, mem, "b"), "", "kv_get of an empty value");
	ok(kv_set(kv, "a", "x\0\r\ny", 5, 60) == OK &&
		kv_get(kv, mem, "a", &v, &n) == OK && n == 5 &&
		memcmp(v, "x\0\r\ny", 6) == 0,
	    "values may hold any byte");
	ok(kv_delete(kv, "a") == OK && kv_delete(kv, "a") == OK,
	    "kv_delete may find nothing");
	is_text(value_of(kv, mem, "a"), "not_found", "kv_delete deletes");
	v = mem_zero(mem, 2000000, "big");
	ok(kv_set(kv, "big", v, 2000000, 60) == ERR_TOO_LARGE,
	    "kv_set refuses what does not fit");
	ok(kv_set(kv, "big", v, 900000, 60) == OK &&
		kv_get(kv, mem, "big", &v, &n) == OK && n == 900000,
	    "kv_set takes 900 KB");
	is_int(kv_alive(kv), true, "kv_alive");
}

static void swapping(struct kv *kv, void *mem)
{
	ok(kv_swap(kv, "s", "x", "y", 60) == ERR_CONFLICT,
	    "kv_swap of nothing conflicts");
	ok(kv_set(kv, "s", "x", 1, 60) == OK, "kv_set before a swap");
	ok(kv_swap(kv, "s", "z", "y", 60) == ERR_CONFLICT,
	    "kv_swap wants the old value");
	ok(kv_swap(kv, "s", "xx", "y", 60) == ERR_CONFLICT,
	    "kv_swap compares the length");
	ok(kv_swap(kv, "s", "x", "y", 60) == OK, "kv_swap replaces");
	is_text(value_of(kv, mem, "s"), "y", "kv_swap leaves the new value");
	ok(kv_swap(kv, "s", "y", "", -1) == OK, "kv_swap can remove");
	is_text(value_of(kv, mem, "s"), "not_found", "and then it is gone at once");
	ok(kv_add(kv, "s", "n", 1, 60) == OK, "and can be added again");
}

static void counting(struct kv *kv)
{
	int64_t n;

	ok(kv_count(kv, "c", 1, 60, &n) == OK && n == 1, "kv_count starts at 0");
	ok(kv_count(kv, "c", 41, 60, &n) == OK && n == 42, "kv_count adds");
	ok(kv_count(kv, "c", -2, 60, &n) == OK && n == 40, "kv_count subtracts");
	ok(kv_count(kv, "c", 0, 60, &n) == OK && n == 40, "kv_count of 0 only looks");
	ok(kv_count(kv, "c", -99, 60, &n) == OK && n == 0, "kv_count ends at 0");
}

static void hostile_keys(struct kv *kv)
{
	char long_key[300];
	int taken = 0;

	memset(long_key, 'k', sizeof(long_key) - 1);
	long_key[sizeof(long_key) - 1] = '\0';
	quiet.fd = -1;
	taken += kv_set(kv, "a b", "x", 1, 60) == OK;
	taken += kv_set(kv, "a\r\nflush_all", "x", 1, 60) == OK;
	taken += kv_set(kv, "", "x", 1, 60) == OK;
	taken += kv_set(kv, "caf\xc3\xa9", "x", 1, 60) == OK;
	taken += kv_set(kv, long_key, "x", 1, 60) == OK;
	quiet.fd = STDERR_FILENO;
	is_int(taken, 0, "a key that could break the protocol is refused");
}

static void expiry(struct kv *shared, struct kv *local, void *mem)
{
	int64_t n;

	ok(kv_set(shared, "t", "x", 1, 1) == OK &&
		kv_set(local, "t", "x", 1, 1) == OK &&
		kv_count(local, "tc", 5, 1, &n) == OK &&
		kv_count(shared, "tc", 5, 1, &n) == OK,
	    "set for a second");
	is_text(value_of(local, mem, "t"), "x", "the table has it");
	sleep(3);
	is_text(value_of(shared, mem, "t"), "not_found",
	    "memcached forgets it in time");
	is_text(value_of(local, mem, "t"), "not_found", "the table forgets it in time");
	ok(kv_count(local, "tc", 1, 1, &n) == OK && n == 1 &&
		kv_count(shared, "tc", 1, 1, &n) == OK && n == 1,
	    "counters start again");
}

/* Many more entries than fit: the newest are there, the memory is bounded. */
static void bounded(void *mem)
{
	struct kv *kv = NULL;
	char key[40];
	int there = 0;

	ok(kv_open(mem, "", &quiet, &kv) == OK && !kv_is_shared(kv),
	    "kv_open without a server");
	for (int i = 0; i < 60000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		if (kv_set(kv, key, key, strlen(key), 600) != OK)
			diag("not set: %s", key);
	}
	ok(talloc_total_blocks(kv) < 60000,
	    "the table of a process forgets when full (%zu blocks)",
	    talloc_total_blocks(kv));
	for (int i = 59990; i < 60000; i++) {
		char *v;
		size_t n;

		snprintf(key, sizeof(key), "k%d", i);
		there += kv_get(kv, mem, key, &v, &n) == OK && strcmp(v, key) == 0;
	}
	ok(there >= 8, "and keeps most of the newest (%d of 10)", there);
	mem_free(kv);
}

/* Sends raw bytes, as somebody else with access to the server could. */
static void raw(const struct memcached *m, const char *text)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char answer[64];

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", m->servers + strlen("unix:"));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    write(fd, text, strlen(text)) < 0 || read(fd, answer, sizeof(answer)) < 0)
		diag("raw: failed");
	close(fd);
}

static void poisoned(struct kv *kv, void *mem, const struct memcached *m)
{
	raw(m, "set p 0 60 7\r\nq\nevil!\r\n");
	quiet.fd = -1;
	is_text(value_of(kv, mem, "p"), "busy",
	    "a value that carries another key is not believed");
	quiet.fd = STDERR_FILENO;
	usleep(1100000); /* the server rests for a second then */
	raw(m, "set n 0 60 3\r\nabc\r\n");
	quiet.fd = -1;
	is_text(value_of(kv, mem, "n"), "busy", "nor one that carries none");
	quiet.fd = STDERR_FILENO;
	usleep(1100000);
}

static int64_t timed_get(struct kv *kv, void *mem, enum err *e)
{
	int64_t start = clock_mono_ms();
	char *v;
	size_t n;

	*e = kv_get(kv, mem, "h", &v, &n);
	return clock_mono_ms() - start;
}

/* The signal takes a moment to arrive. */
static void hang(const struct memcached *m)
{
	kill(m->pid, SIGSTOP);
	waitpid(m->pid, NULL, WUNTRACED);
}

static void stopped(struct kv *kv, void *mem, struct memcached *m)
{
	enum err e;
	int64_t ms;

	ok(kv_set(kv, "h", "x", 1, 60) == OK, "a server that answers");
	hang(m);
	ms = timed_get(kv, mem, &e);
	ok(e == ERR_BUSY && ms >= 90 && ms < 400, "a hanging server costs 100 ms (%d)",
	    (int)ms);
	ms = timed_get(kv, mem, &e);
	ok(e == ERR_BUSY && ms < 20, "and then nothing for a while (%d)", (int)ms);
	is_int(kv_alive(kv), false, "kv_alive sees it");
	kill(m->pid, SIGCONT);
	usleep(1200000);
	is_text(value_of(kv, mem, "h"), "x", "it is used again when it answers");
	memcached_stop(m);
	ms = timed_get(kv, mem, &e);
	ok(e == ERR_BUSY && ms < 100, "a dead server is noticed at once (%d)", (int)ms);
	ok(kv_set(kv, "h", "y", 1, 60) == ERR_BUSY && kv_delete(kv, "h") == ERR_BUSY,
	    "nothing is said to be done then");
	memcached_start(m);
	usleep(2200000);
	is_text(value_of(kv, mem, "h"), "not_found", "a new server is found, empty");
	ok(kv_set(kv, "h", "z", 1, 60) == OK, "and used");
}

/* A late answer must not be taken for that of the next question. */
static void late_answers(struct kv *kv, void *mem, struct memcached *m)
{
	int wrong = 0;
	enum err e;

	ok(kv_set(kv, "h", "old", 3, 60) == OK && kv_set(kv, "i", "other", 5, 60) == OK,
	    "two values");
	for (int i = 0; i < 3; i++) {
		const char *v;

		hang(m);
		timed_get(kv, mem, &e);
		kill(m->pid, SIGCONT);
		usleep(1200000);
		v = value_of(kv, mem, "i");
		wrong += strcmp(v, "other") != 0;
	}
	is_int(wrong, 0, "after a time-out each key still gets its own value");
}

/* Counting from many processes loses nothing. */
static void many(const struct memcached *m)
{
	void *mem = mem_scope(NULL, "many");
	struct kv *kv = NULL;
	int64_t n = 0;

	for (int i = 0; i < 6; i++) {
		if (fork() == 0) {
			int bad = kv_open(mem, m->servers, &quiet, &kv) != OK;

			for (int k = 0; k < 500; k++)
				bad += kv_count(kv, "many", 1, 60, &n) != OK;
			_exit(bad > 0);
		}
	}
	for (int i = 0; i < 6; i++)
		wait(NULL);
	ok(kv_open(mem, m->servers, &quiet, &kv) == OK &&
		kv_count(kv, "many", 0, 60, &n) == OK,
	    "look at the counter");
	is_int(n, 3000, "kv_count from six processes loses nothing");
	mem_free(mem);
}

static void opening(void *mem)
{
	static const char *const bad[] = { "unix:", "unix:sock", ":11211", "host:0",
		"host:99999", "a,,b", "host:x", NULL };
	struct kv *kv = NULL;
	int taken = 0;

	quiet.fd = -1;
	for (int i = 0; bad[i] != NULL; i++)
		taken += kv_open(mem, bad[i], &quiet, &kv) == OK;
	quiet.fd = STDERR_FILENO;
	is_int(taken, 0, "kv_open refuses servers it cannot read");
	ok(kv_open(mem, "127.0.0.1:11, [::1]:12 ,unix:/x", &quiet, &kv) == OK &&
		kv_is_shared(kv),
	    "kv_open reads hosts, ports and sockets");
	is_text(kv_key(mem, "session", "a b\r\n"),
	    "session:"
	    "4ae1198f28938d4a755c7a46a662f0f5729aca3cb714cae4e37d60b84c4ee9cc",
	    "kv_key is prefix and hash");
	ok(strlen(kv_key(mem, "s", "x")) == 66 &&
		strcmp(kv_key(mem, "s", "x"), kv_key(mem, "s", "y")),
	    "kv_key hashes what comes from outside");
}

int main(void)
{
	void *mem = mem_scope(NULL, "test");
	struct kv *shared = NULL, *local = NULL;
	struct memcached m;

	memcached_begin(&m);
	ok(kv_open(mem, m.servers, &quiet, &shared) == OK && kv_is_shared(shared),
	    "kv_open shared");
	ok(kv_open(mem, "", &quiet, &local) == OK, "kv_open local");
	values(shared, mem, "memcached");
	values(local, mem, "table of the process");
	swapping(shared, mem);
	swapping(local, mem);
	counting(shared);
	counting(local);
	hostile_keys(shared);
	hostile_keys(local);
	expiry(shared, local, mem);
	bounded(mem);
	poisoned(shared, mem, &m);
	many(&m);
	stopped(shared, mem, &m);
	late_answers(shared, mem, &m);
	opening(mem);
	memcached_end(&m);
	mem_free(mem);
	return done_testing();
}
