#include "db/filelock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

/*
 * A blocking flock() waits in the kernel; trying again and again with sleeps would
 * starve whoever sleeps.  To end the wait, a timer of our own sends this thread a
 * real-time signal whose handler does nothing, so that flock() returns EINTR.  The
 * signal is blocked but for the wait, hence no other call is ever interrupted by it,
 * and SIGALRM, setitimer and other people's signals are not touched: they only make us
 * ask again.
 */
static int wake_signal(void)
{
	return SIGRTMIN + 5;
}

static void wake(int sig)
{
	(void)sig;
}

static bool timer_start(int wait_ms, timer_t *t)
{
	struct sigaction act = { .sa_handler = wake };
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID };
	/*
	 * again and again after the first time: the signal may come just before flock()
	 */
	struct itimerspec when = {
		.it_value = { wait_ms / 1000, wait_ms % 1000 * 1000000L + 1 },
		.it_interval = { 0, 10 * 1000000L },
	};

	sigemptyset(&act.sa_mask);
	ev.sigev_signo = wake_signal();
	ev._sigev_un._tid = gettid();
	if (sigaction(wake_signal(), &act, NULL) != 0)
		return false;
	if (timer_create(CLOCK_MONOTONIC, &ev, t) != 0)
		return false;
	if (timer_settime(*t, 0, &when, NULL) == 0)
		return true;
	timer_delete(*t);
	return false;
}

static enum err wait_for(int fd, int64_t end)
{
	while (flock(fd, LOCK_EX) != 0) {
		if (errno != EINTR)
			return ERR_IO;
		if (clock_mono_ms() >= end)
			return ERR_BUSY;
	}
	return OK;
}

static enum err take(int fd, int64_t end)
{
	int64_t left;
	sigset_t only, before;
	timer_t t;
	enum err e;

	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return OK;
	if (errno != EWOULDBLOCK)
		return ERR_IO;
	left = end - clock_mono_ms();
	if (left <= 0)
		return ERR_BUSY;
	if (!timer_start((int)left, &t))
		return ERR_IO;
	sigemptyset(&only);
	sigaddset(&only, wake_signal());
	pthread_sigmask(SIG_UNBLOCK, &only, &before);
	e = wait_for(fd, end);
	timer_delete(t);
	sigaddset(&before, wake_signal());
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return e;
}

static void give(int fd)
{
	while (flock(fd, LOCK_UN) != 0 && errno == EINTR)
		;
}

enum err filelock_open(struct filelock *f, void *mem, const char *path)
{
	int flags = O_RDWR | O_CREAT | O_CLOEXEC;

	f->lock = open(mem_printf(mem, "%s.lock", path), flags, 0600);
	f->queue = open(mem_printf(mem, "%s.queue", path), flags, 0600);
	return f->lock >= 0 && f->queue >= 0 ? OK : ERR_IO;
}

void filelock_close(struct filelock *f)
{
	if (f->lock >= 0)
		close(f->lock);
	if (f->queue >= 0)
		close(f->queue);
	f->lock = f->queue = -1;
}

enum err filelock_take(const struct filelock *f, int wait_ms)
{
	int64_t end = clock_mono_ms() + wait_ms;
	enum err e = take(f->queue, end);

	if (e != OK)
		return e;
	e = take(f->lock, end);
	give(f->queue);
	return e;
}

void filelock_give(const struct filelock *f)
{
	give(f->lock);
}
