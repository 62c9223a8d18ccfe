#pragma once

#include <stddef.h>
#include <stdint.h>

#include "db/db.h"

/*
 * Recounts the events of each campaign and compares with what is shown of it: figures,
 * curve, links, mail clients and the times of each recipient; then compares those
 * numbers with each other.  It only reads.
 */
enum err event_check_prepare(struct db *db) MUST_CHECK;

/* Something that does not add up. */
struct event_fault {
	int64_t campaign, n; /* by how much, or how many rows */
	const char *text;    /* what, for a person; static */
	const char *example;
};

struct event_verdict {
	int64_t campaigns, events;
	int64_t older; /* opens and clicks that older rules have judged */
	struct event_fault *faults;
	size_t n;
};

/*
 * campaign 0: all of them.  rules: the present version.  Faults are owned by mem.
 * ERR_NOTFOUND if there is no such campaign.
 */
enum err event_check(struct db *db, void *mem, int64_t campaign, int rules,
    struct event_verdict *out) MUST_CHECK;
