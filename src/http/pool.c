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
#include "http/socket.h"

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 10000, SETTLED_MS = 5000 };

struct child {
	pid_t pid; /* 0: none */
	bool ready;
	int64_t started, start_at; /* monotonic ms */
	int backoff;
};

struct supervisor {
	const struct pool *pool;
	int listener, signals, ready[2];
	struct child *now, *old; /* `workers` each; old ones are finishing */
	bool reloading;          /* `old` still serves, until all of `now` are ready */
	bool asked_again;        /* SIGHUP came while old workers were finishing */
	bool served;             /* some worker was ready once */
	bool stopping;
	int64_t deadline;
	int status;
};

static void run_child(struct supervisor *s, pid_t parent)
{
	struct worker w = { .listener = s->listener, .ready = s->ready[1] };
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
		run_child(s, self);
	if (pid < 0) {
		log_error(s->pool->log, "pool.fork", LOG_STR("why", strerror(errno)));
		c->start_at = clock_mono_ms() + BACKOFF_MAX_MS;
		return;
	}
	c->pid = pid;
	c->ready = false;
	c->started = clock_mono_ms();
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
	memset(s->now, 0, (size_t)s->pool->workers * sizeof(*s->now));
	s->reloading = true;
	for (int i = 0; i < s->pool->workers; i++)
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
		log_info(s->pool->log, "pool.serving",
		    LOG_INT("workers", s->pool->workers));
	s->served = true;
	for (int i = 0; i < s->pool->workers; i++)
		all = all && s->now[i].ready;
	if (s->reloading && all) {
		s->reloading = false;
		tell(s, s->old, SIGTERM);
		log_info(s->pool->log, "pool.reloaded");
	}
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
	c->pid = 0;
}

static void on_exit_of(struct supervisor *s, pid_t pid, int status)
{
	struct child *c = find(s, s->old, pid);

	if (c != NULL && !s->reloading) {
		c->pid = 0;
		return;
	}
	if (c == NULL)
		c = find(s, s->now, pid);
	if (c == NULL)
		return;
	if (s->stopping) {
		c->pid = 0;
		return;
	}
	report(s, pid, status);
	if (c->ready || (s->served && !s->reloading)) {
		plan_restart(c);
		return;
	}
	c->pid = 0;
	if (s->reloading) {
		/* the new configuration does not work: the old workers stay */
		log_error(s->pool->log, "pool.reload_failed");
		s->reloading = false;
		swap(s);
		tell(s, s->old, SIGTERM);
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
	for (int i = 0; i < s->pool->workers; i++) {
		struct child *c = &s->now[i];

		if (c->pid == 0 && c->start_at <= t)
			start(s, c);
		if (c->pid == 0 && (next < 0 || c->start_at - t < next))
			next = c->start_at - t;
	}
	return (int)next;
}

static void supervise(struct supervisor *s)
{
	struct pollfd p[2] = {
		{ .fd = s->signals, .events = POLLIN },
		{ .fd = s->ready[0], .events = POLLIN },
	};

	while (!s->stopping || alive(s, s->now) + alive(s, s->old) > 0) {
		pid_t pid;

		if (poll(p, 2, next_due(s)) <= 0)
			continue;
		if (p[1].revents & POLLIN)
			if (read(s->ready[0], &pid, sizeof(pid)) ==
			    (ssize_t)sizeof(pid))
				on_ready(s, pid);
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
	s.now = mem_array(mem, struct child, (size_t)p->workers);
	s.old = mem_array(mem, struct child, (size_t)p->workers);
	supervise(&s);
	if (!inherited)
		unlink(p->socket);
	log_info(p->log, "pool.stopped");
	return s.status;
}

void worker_ready(const struct worker *w)
{
	pid_t self = getpid();
	ssize_t n = write(w->ready, &self, sizeof(self));

	(void)n; /* a supervisor that is gone ends us by its own signal */
}
