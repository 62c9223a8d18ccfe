#pragma once

#include <stdbool.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/metrics.h"
#include "http/router.h"

/* What a worker process serves requests with. */
struct fcgi {
	const struct site *site;
	const struct log *log;
	const struct clock *clock;
	struct metrics *metrics;
	bool secure; /* the public URL is https */
	/* Gives a request what the process has (app, db, kv), and takes it back. */
	void (*begin)(void *ctx, struct request *rq);
	void (*end)(void *ctx, struct request *rq);
	void *ctx;
};

/*
 * Serves one request after another on a listening, non-blocking socket until SIGTERM
 * (which must be blocked: a request under way is finished).  One line is logged and
 * counted for each.  ERR_IO when the socket cannot be waited on.
 */
enum err fcgi_run(const struct fcgi *f, int listener) MUST_CHECK;
/* Serves one accepted connection, and closes it. */
void fcgi_one(const struct fcgi *f, int fd);
