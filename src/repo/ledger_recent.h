#pragma once

#include <stdbool.h>

#include "db/db.h"
#include "model/delivery.h"

/* How the last attempts of a campaign ended: what the circuit breaker looks at. */
enum { RECENT_MAX = 500 };
struct recent {
	bool silent[RECENT_MAX]; /* a ring: the provider left this one in doubt */
	int n, next;
	int failures;    /* refused one after another, up to now */
	bool unanswered; /* the last one: nobody was there to take it */
	int doubts; /* that the provider left, among them: not those of our own death */
};

enum err ledger_recent_prepare(struct db *db) MUST_CHECK;
void recent_add(struct recent *r, enum delivery_state outcome,
    enum attempt_cause cause);
/*
 * Those begun since `since` (the campaign's last change: a person who resumes it has
 * seen what was before), of the newest attempts of the installation.
 */
enum err ledger_recent(struct db *db, int64_t campaign, int64_t since,
    struct recent *out) MUST_CHECK;
