#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * What a bounded piece of background work answers: the JSON of /cron/send and
 * /cron/jobs.
 */
struct work_report {
	int64_t done;       /* units finished now (messages, rows, events) */
	int64_t left;       /* units known to be left */
	bool more;          /* come again at once */
	int64_t next_in_ms; /* when there is something to do again; 0: not known */
	const char *held;   /* why nothing is sent (service/host.h), static; or NULL */
};
