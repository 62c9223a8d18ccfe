#pragma once

#include "cmd/command.h"

/* A FastCGI pool of worker processes. */
struct service {
	const char *process; /* "web" */
	unsigned what;       /* what each worker opens: APP_... */
	int drain_s;         /* time to finish; 0: a slice of cron and some more */
};

/* Runs the pool until it is told to stop; the exit status. */
int serve(const struct service *s, struct arguments *a);
