#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/log.h"
#include "http/metrics.h"

/* What a worker process is given. */
struct worker {
	int listener; /* listening socket, non-blocking */
	/* private to pool */
	int ready;
	struct seats *seats;
	int seat, first, end;
};

/*
 * A pool of worker processes on one socket, and the supervisor that keeps them.  It
 * forks `workers_min` of them; while all are busy and a connection waits it adds one
 * after another, up to `workers`; those that were not needed for rest_ms it ends again.
 *  It replaces one that ends (with a growing delay if it ends soon
 * after its start), starts a new set on SIGHUP and lets the old one finish once the new
 * is ready, and on SIGTERM or SIGINT lets all finish for at most drain_s seconds; the
 * second signal kills. Workers get SIGTERM if the supervisor dies.
 */
struct pool {
	const char *name;   /* "web" ...: for the log and the metrics */
	const char *socket; /* path of its Unix socket; unused when fd 0 listens */
	int workers_min, workers;
	int rest_ms;
	int drain_s;
	const struct log *log;
	struct metrics *metrics;
	/*
	 * Runs in the supervisor before each set of workers, at the start and at
	 * SIGHUP: what it makes, all of them share.  False: the workers there are stay,
	 * at the start the pool ends.  May be NULL.
	 */
	bool (*prepare)(void *ctx);
	/* Runs in the worker, SIGTERM blocked; its result is the exit status. */
	int (*work)(void *ctx, struct worker *w);
	void *ctx;
};

/*
 * Runs the pool until it is told to stop; the exit status of the process.  If the first
 * workers cannot start, ends with their status.
 */
int pool_run(const struct pool *p);
/* A worker says that it can serve. */
void worker_ready(const struct worker *w);
/* A worker says that it has taken a request, or waits for the next one. */
void worker_busy(const struct worker *w, bool busy);
