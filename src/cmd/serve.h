#pragma once

#include <stdbool.h>

#include "app.h"
#include "cmd/command.h"

/* A FastCGI pool of worker processes. */
struct service {
	const char *process; /* "web" */
	unsigned what;       /* what each worker opens: APP_... */
	int workers_min;     /* those that stay when there is nothing to do */
	bool wakes;          /* what it changes may be work for cron */
	int batch; /* connections answered together, 0: one; see http/fcgi.h */
	/* Before the answers of a batch leave; may be NULL. */
	void (*flush)(struct app *app);
	int drain_s; /* time to finish; 0: a slice of cron and some more */
	/* Runs after the last worker has ended, with what the workers open; may be
	 * NULL. */
	void (*end)(struct app *app);
};

/* Runs the pool until it is told to stop; the exit status. */
int serve(const struct service *s, struct arguments *a);
