#pragma once

#include <stdbool.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/metrics.h"
#include "http/pool.h"
#include "http/router.h"

enum { FCGI_BATCH_MAX = 64 };

/* What a worker process serves requests with. */
struct fcgi {
	const struct site *site;
	const struct log *log;
	const struct clock *clock;
	struct metrics *metrics;
	bool secure;            /* the public URL is https */
	const char *upload_dir; /* where uploads are kept while they are served */
	/* Gives a request what the process has (app, db, kv), and takes it back. */
	void (*begin)(void *ctx, struct request *rq);
	void (*end)(void *ctx, struct request *rq, const struct response *rs);
	/*
	 * Up to `batch` connections that wait together (1: each alone) are handled one
	 * after another and answered together, after `flush`: what one flush makes
	 * durable for all.  flush may be NULL.
	 */
	int batch;
	void (*flush)(void *ctx);
	/* There was nothing to do for a moment: gives back memory.  May be NULL. */
	void (*rest)(void *ctx);
	void *ctx;
};

/*
 * Serves one request after another on the worker's socket until SIGTERM (which must be
 * blocked: a request under way is finished).  One line is logged and counted for each.
 * ERR_IO when the socket cannot be waited on.
 */
enum err fcgi_run(const struct fcgi *f, const struct worker *w) MUST_CHECK;
/* Serves one accepted connection, and closes it. */
void fcgi_one(const struct fcgi *f, int fd);
