#include "kv/lock.h"

#include <signal.h>
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

static void owners(struct kv *kv)
{
	struct lock a, b, copy;

	ok(lock_take(kv, "campaign:send-lock:1", 60, &a) == OK && a.held,
	    "lock_take takes");
	ok(lock_take(kv, "campaign:send-lock:1", 60, &b) == ERR_CONFLICT && !b.held,
	    "lock_take refuses a second owner");
	ok(lock_take(kv, "campaign:send-lock:2", 60, &copy) == OK,
	    "lock_take of another key");
	lock_release(&copy);
	ok(lock_renew(&a) == OK && a.held, "lock_renew by the owner");
	ok(lock_renew(&b) == ERR_CONFLICT, "lock_renew of a lock never held");
	copy = a;
	memset(copy.owner, 'f', 32);
	lock_release(&copy);
	ok(lock_take(kv, "campaign:send-lock:1", 60, &b) == ERR_CONFLICT,
	    "lock_release by another changes nothing");
	lock_release(&a);
	ok(!a.held && lock_take(kv, "campaign:send-lock:1", 60, &b) == OK,
	    "lock_release by the owner");
	lock_release(&a);
	ok(lock_renew(&b) == OK, "lock_release a second time changes nothing");
	lock_release(&b);
}

/* The owner stalls beyond the time; another takes it over. */
static void overtaken(struct kv *kv)
{
	struct lock a, b;

	ok(lock_take(kv, "l", 1, &a) == OK, "lock_take for a second");
	sleep(3);
	ok(lock_take(kv, "l", 60, &b) == OK, "lock_take after it ran out");
	ok(lock_renew(&a) == ERR_CONFLICT && !a.held, "lock_renew says it was lost");
	lock_release(&a);
	ok(lock_renew(&b) == OK, "the loser's release does not harm the new owner");
	lock_release(&b);
	ok(lock_take(kv, "l", 1, &a) == OK, "lock_take for a second again");
	sleep(3);
	ok(lock_renew(&a) == OK && a.held, "lock_renew takes back what nobody wanted");
	ok(lock_take(kv, "l", 1, &b) == ERR_CONFLICT, "and it is really held then");
	lock_release(&a);
}

/* Tries for each of ten locks once and writes the number of each it got. */
static void contestant(const struct memcached *m, int fd)
{
	void *mem = mem_scope(NULL, "child");
	struct kv *kv = NULL;
	struct lock l;

	if (kv_open(mem, m->servers, &quiet, &kv) != OK)
		_exit(1);
	for (char k = 0; k < 10; k++) {
		char key[] = { 'c', (char)('0' + k), '\0' };

		if (lock_take(kv, key, 60, &l) == OK && write(fd, &k, 1) != 1)
			_exit(1);
	}
	_exit(0);
}

/* Of 8 processes at once exactly one gets it, ten times. */
static void contest(const struct memcached *m)
{
	int winners[10] = { 0 }, fds[2];

	if (pipe(fds) != 0)
		return;
	for (int i = 0; i < 8; i++)
		if (fork() == 0)
			contestant(m, fds[1]);
	for (int i = 0; i < 8; i++)
		wait(NULL);
	close(fds[1]);
	for (char k; read(fds[0], &k, 1) == 1;)
		winners[(int)k]++;
	for (int k = 0; k < 10; k++)
		is_int(winners[k], 1, "lock_take: one of eight processes wins");
}

static void without(struct kv *kv, struct memcached *m)
{
	struct lock a, b;
	int64_t start;

	ok(lock_take(kv, "w", 60, &a) == OK, "lock_take before the server goes");
	kill(m->pid, SIGSTOP);
	waitpid(m->pid, NULL, WUNTRACED);
	start = clock_mono_ms();
	ok(lock_renew(&a) == OK && a.held, "lock_renew goes on without the server");
	ok(lock_take(kv, "w", 60, &b) == OK && b.held,
	    "lock_take goes on without the server");
	lock_release(&b);
	ok(clock_mono_ms() - start < 500, "and all that is quick (%d ms)",
	    (int)(clock_mono_ms() - start));
	kill(m->pid, SIGCONT);
	memcached_stop(m);
	memcached_start(m);
	usleep(2200000);
	ok(lock_renew(&a) == OK, "lock_renew takes it again from a new server");
	ok(lock_take(kv, "w", 60, &b) == ERR_CONFLICT, "so that others see it");
	lock_release(&a);
}

static void local(void *mem)
{
	struct kv *kv;
	struct lock a, b;

	ok(kv_open(mem, "", &quiet, &kv) == OK, "kv_open local");
	ok(lock_take(kv, "l", 60, &a) == OK && lock_take(kv, "l", 60, &b) == OK &&
		lock_renew(&a) == OK,
	    "without a shared server a lock is always given");
	lock_release(&a);
	lock_release(&b);
}

int main(void)
{
	void *mem = mem_scope(NULL, "test");
	struct kv *kv = NULL;
	struct memcached m;

	memcached_begin(&m);
	ok(kv_open(mem, m.servers, &quiet, &kv) == OK, "kv_open");
	owners(kv);
	overtaken(kv);
	contest(&m);
	without(kv, &m);
	local(mem);
	memcached_end(&m);
	mem_free(mem);
	return done_testing();
}
