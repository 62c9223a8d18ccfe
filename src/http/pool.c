#include "http/pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/seats.h"
#include "http/socket.h"

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 10000, SETTLED_MS = 5000 };
enum { CROWD_MS = 10 }; /* this long a connection waits before a worker is added */

struct child {
	pid_t pid; /* 0: none */
	bool ready;
	bool leaving;              /* told to end: there are more than are needed */
	int64_t started, start_at; /* monotonic ms */
	int backoff;
	int seat;
};

/*
 * Whether somebody waits for a worker.  All were busy when one of them rang: then the
 * listener is watched here too, and if a connection still waits after a moment a worker
 * is added.
 */
enum crowd { CROWD_NONE, CROWD_WATCH, CROWD_SURE };

struct supervisor {
	const struct pool *pool;
	struct seats *seats;
	int listener, signals, ready[2];
	struct child *now, *old; /* `workers` each; old ones are finishing */
	int wanted;              /* the first ones of `now` */
	enum crowd crowd;
	int64_t crowd_at, rest_at; /* monotonic ms: when to look again */
	bool reloading;   /* `old` still serves, until all of `now` are ready */
	bool asked_again; /* SIGHUP came while old workers were finishing */
	bool served;      /* some worker was ready once */
	bool stopping;
	int64_t deadline;
	int status;
};

static void run_child(struct supervisor *s, const struct child *c, pid_t parent)
{
	int set = c->seat - c->seat % s->pool->workers;
	struct worker w = {
		.listener = s->listener,
		.ready = s->ready[1],
		.seats = s->seats,
		.seat = c->seat,
		.first = set,
		.end = set + s->pool->workers,
	};
	int status;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		exit(0);
	close(s->signals);
	close(s->ready[0]);
	status = s->pool->work(s->pool->ctx, &w);
	exit(status);
}

static void start(struct supervisor *s, struct child *c)
{
	pid_t self = getpid(), pid = fork();

	if (pid == 0)
		run_child(s, c, self);
	if (pid < 0) {
		log_error(s->pool->log, "pool.fork", LOG_STR("why", strerror(errno)));
		c->start_at = clock_mono_ms() + BACKOFF_MAX_MS;
		return;
	}
	c->pid = pid;
	c->ready = c->leaving = false;
	c->started = clock_mono_ms();
}

static void gone(struct supervisor *s, struct child *c)
{
	c->pid = 0;
	seat_clear(s->seats, c->seat);
}

static void tell(const struct supervisor *s, struct child *set, int sig)
{
	for (int i = 0; i < s->pool->workers; i++)
		if (set[i].pid > 0)
			kill(set[i].pid, sig);
}

static int alive(const struct supervisor *s, const struct child *set)
{
	int n = 0;

	for (int i = 0; i < s->pool->workers; i++)
		n += set[i].pid > 0;
	return n;
}

static struct child *find(const struct supervisor *s, struct child *set, pid_t pid)
{
	for (int i = 0; i < s->pool->workers; i++)
		if (set[i].pid == pid)
			return &set[i];
	return NULL;
}

static void stop(struct supervisor *s, int status)
{
	if (s->stopping) {
		tell(s, s->now, SIGKILL);
		tell(s, s->old, SIGKILL);
		return;
	}
	s->stopping = true;
	s->status = status;
	s->deadline = clock_mono_ms() + (int64_t)s->pool->drain_s * 1000;
	log_info(s->pool->log, "pool.stopping");
	tell(s, s->now, SIGTERM);
	tell(s, s->old, SIGTERM);
}

static bool prepare(const struct pool *p)
{
	return p->prepare == NULL || p->prepare(p->ctx);
}

/* ---- more workers, and fewer ---- */

static bool all_busy(const struct supervisor *s)
{
	for (int i = 0; i < s->wanted; i++)
		if (!s->now[i].ready || seat_idle(s->seats, s->now[i].seat))
			return false;
	return true;
}

static void want(struct supervisor *s, int workers)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "pool");

	s->wanted = workers;
	s->rest_at = clock_mono_ms() + s->pool->rest_ms;
	seats_peak(s->seats);
	metrics_set(s->pool->metrics,
	    mem_printf(tmp, "maillayer_workers{process=\"%s\"}", s->pool->name),
	    workers);
	log_debug(s->pool->log, "pool.size", LOG_INT("workers", workers));
}

/*
 * Looks whether somebody waits.  A worker that finds all busy after the bell was set
 * rings again; one that did before is seen here.
 */
static void look(struct supervisor *s)
{
	bool may = !s->stopping && !s->reloading && s->wanted < s->pool->workers;

	seats_set_bell(s->seats, may);
	s->crowd = CROWD_NONE;
	if (!may || !all_busy(s))
		return;
	seats_set_bell(s->seats, false);
	s->crowd = CROWD_WATCH;
}

/* A connection waits. */
static void on_waiting(struct supervisor *s)
{
	look(s);
	if (s->crowd == CROWD_NONE)
		return;
	s->crowd = CROWD_SURE;
	s->crowd_at = clock_mono_ms() + CROWD_MS;
}

static void grow(struct supervisor *s)
{
	struct pollfd p = { .fd = s->listener, .events = POLLIN };

	look(s);
	if (s->crowd == CROWD_NONE || poll(&p, 1, 0) <= 0)
		return;
	s->crowd = CROWD_NONE; /* until it is ready */
	want(s, s->wanted + 1);
}

/* One that is idle takes the last place, and ends. */
static bool shrink(struct supervisor *s)
{
	struct child *last = &s->now[s->wanted - 1], t;

	for (int i = s->wanted - 1; i >= 0; i--) {
		struct child *c = &s->now[i];

		if (!c->ready || !seat_idle(s->seats, c->seat))
			continue;
		t = *last;
		*last = *c;
		*c = t;
		last->leaving = true;
		kill(last->pid, SIGTERM);
		want(s, s->wanted - 1);
		return true;
	}
	return false;
}

/* Fewer workers, when fewer would have done. */
static void rest(struct supervisor *s, int64_t t)
{
	int enough = seats_peak(s->seats);

	s->rest_at = t + s->pool->rest_ms;
	if (enough < s->pool->workers_min)
		enough = s->pool->workers_min;
	if (s->reloading || s->wanted <= enough)
		return;
	while (s->wanted > enough && shrink(s))
		;
	look(s);
}

/* ---- new workers ---- */

static void swap(struct supervisor *s)
{
	struct child *t = s->now;

	s->now = s->old;
	s->old = t;
}

/*
 * New workers beside the old ones, which serve until all new ones can.  Asked while
 * those of the reload before are finishing, it begins once they have.
 */
static void reload(struct supervisor *s)
{
	s->asked_again = alive(s, s->old) > 0;
	if (s->stopping || s->asked_again)
		return;
	log_info(s->pool->log, "pool.reloading");
	if (!prepare(s->pool)) {
		log_error(s->pool->log, "pool.reload_failed");
		return;
	}
	swap(s);
	for (int i = 0; i < s->pool->workers; i++)
		s->now[i] = (struct child){ .seat = s->now[i].seat };
	s->reloading = true;
	look(s);
	for (int i = 0; i < s->wanted; i++)
		start(s, &s->now[i]);
}

static void on_ready(struct supervisor *s, pid_t pid)
{
	struct child *c = find(s, s->now, pid);
	bool all = true;

	if (c == NULL)
		return;
	c->ready = true;
	if (!s->served)
		log_info(s->pool->log, "pool.serving", LOG_INT("workers", s->wanted));
	s->served = true;
	for (int i = 0; i < s->wanted; i++)
		all = all && s->now[i].ready;
	if (s->reloading && all) {
		s->reloading = false;
		tell(s, s->old, SIGTERM);
		log_info(s->pool->log, "pool.reloaded");
	}
	look(s);
}

static void on_message(struct supervisor *s)
{
	pid_t pid;

	if (read(s->ready[0], &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
		return;
	if (pid == SEATS_RING)
		look(s);
	else
		on_ready(s, pid);
}

static void report(const struct supervisor *s, pid_t pid, int status)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "pool");

	if (WIFSIGNALED(status))
		log_error(s->pool->log, "worker.killed", LOG_INT("pid", pid),
		    LOG_INT("signal", WTERMSIG(status)));
	else
		log_warn(s->pool->log, "worker.ended", LOG_INT("pid", pid),
		    LOG_INT("status", WEXITSTATUS(status)));
	metrics_add(s->pool->metrics,
	    mem_printf(tmp, "maillayer_worker_restarts_total{process=\"%s\"}",
		s->pool->name),
	    1);
}

static void plan_restart(struct child *c)
{
	int64_t t = clock_mono_ms();

	if (t - c->started > SETTLED_MS)
		c->backoff = 0;
	c->start_at = t + c->backoff;
	c->backoff = c->backoff ? c->backoff * 2 : BACKOFF_FIRST_MS;
	if (c->backoff > BACKOFF_MAX_MS)
		c->backoff = BACKOFF_MAX_MS;
}

static void on_exit_of(struct supervisor *s, pid_t pid, int status)
{
	struct child *c = find(s, s->old, pid);
	bool old = c != NULL;

	if (c == NULL)
		c = find(s, s->now, pid);
	if (c == NULL)
		return;
	gone(s, c);
	if ((old && !s->reloading) || s->stopping || c->leaving)
		return;
	report(s, pid, status);
	if (c->ready || (s->served && !s->reloading)) {
		plan_restart(c);
		return;
	}
	if (s->reloading) {
		/* the new configuration does not work: the old workers stay */
		log_error(s->pool->log, "pool.reload_failed");
		s->reloading = false;
		swap(s);
		tell(s, s->old, SIGTERM);
		look(s);
		return;
	}
	stop(s,
	    WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1);
}

static void on_signal(struct supervisor *s)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	if (read(s->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		reload(s);
	else if (info.ssi_signo != SIGCHLD)
		stop(s, 0);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		on_exit_of(s, pid, status);
	if (s->asked_again)
		reload(s);
}

/* The smaller of two waits; below 0 is for ever. */
static int64_t sooner(int64_t wait, int64_t other)
{
	return wait < 0 || other < wait ? other : wait;
}

/* Starts what is due; milliseconds until something else is, -1: nothing. */
static int next_due(struct supervisor *s)
{
	int64_t t = clock_mono_ms(), next = -1;

	if (s->stopping && t >= s->deadline) {
		log_warn(s->pool->log, "pool.killing");
		tell(s, s->now, SIGKILL);
		tell(s, s->old, SIGKILL);
		s->deadline = t + 1000;
	}
	if (s->stopping)
		return (int)(s->deadline - t);
	if (s->crowd == CROWD_SURE && s->crowd_at <= t)
		grow(s);
	if (s->wanted > s->pool->workers_min && s->rest_at <= t)
		rest(s, t);
	for (int i = 0; i < s->wanted; i++) {
		struct child *c = &s->now[i];

		if (c->pid == 0 && c->start_at <= t)
			start(s, c);
		if (c->pid == 0)
			next = sooner(next, c->start_at - t);
	}
	if (s->crowd == CROWD_SURE)
		next = sooner(next, s->crowd_at - t);
	if (s->wanted > s->pool->workers_min)
		next = sooner(next, s->rest_at - t);
	return (int)next;
}

static void supervise(struct supervisor *s)
{
	struct pollfd p[3] = {
		{ .fd = s->signals, .events = POLLIN },
		{ .fd = s->ready[0], .events = POLLIN },
		{ .events = POLLIN },
	};

	while (!s->stopping || alive(s, s->now) + alive(s, s->old) > 0) {
		int wait = next_due(s);

		p[2].fd = s->crowd == CROWD_WATCH ? s->listener : -1;
		if (poll(p, 3, wait) <= 0)
			continue;
		if (p[2].revents & POLLIN)
			on_waiting(s);
		if (p[1].revents & POLLIN)
			on_message(s);
		if (p[0].revents & POLLIN)
			on_signal(s);
	}
}

static bool watch_signals(struct supervisor *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals >= 0 && pipe(s->ready) == 0;
}

/* Two sets: each worker of both has a seat of its own. */
static bool take_seats(struct supervisor *s, void *mem)
{
	int n = s->pool->workers;

	s->now = mem_array(mem, struct child, (size_t)n);
	s->old = mem_array(mem, struct child, (size_t)n);
	s->seats = seats_new(mem, 2 * n);
	for (int i = 0; i < n; i++) {
		s->now[i].seat = i;
		s->old[i].seat = n + i;
	}
	return s->seats != NULL;
}

int pool_run(const struct pool *p)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "pool");
	struct supervisor s = { .pool = p };
	bool inherited = socket_inherit(&s.listener);

	if (!prepare(p))
		return 1;
	if (!inherited && socket_open(p->socket, p->log, &s.listener) != OK)
		return 1;
	if (!watch_signals(&s)) {
		log_error(p->log, "pool.signals", LOG_STR("why", strerror(errno)));
		return 1;
	}
	if (!take_seats(&s, mem)) {
		log_error(p->log, "pool.fork", LOG_STR("why", strerror(errno)));
		return 1;
	}
	want(&s, p->workers_min < p->workers ? p->workers_min : p->workers);
	supervise(&s);
	if (!inherited)
		unlink(p->socket);
	log_info(p->log, "pool.stopped");
	return s.status;
}
