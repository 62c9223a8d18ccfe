#pragma once

#include "db/db.h"
#include "model/delivery.h"

/* How the last attempts of a campaign ended: what the circuit breaker looks at. */
enum { RECENT_MAX = 500 };
struct recent {
	unsigned char outcome[RECENT_MAX]; /* a ring of enum delivery_state */
	int n, next;
	int failures; /* refused one after another, up to now */
	int doubts;   /* among them */
};

enum err ledger_recent_prepare(struct db *db) MUST_CHECK;
void recent_add(struct recent *r, enum delivery_state outcome);
/*
 * Those begun since `since` (the campaign's last change: a person who resumes it has
 * seen what was before), of the newest attempts of the installation.
 */
enum err ledger_recent(struct db *db, int64_t campaign, int64_t since,
    struct recent *out) MUST_CHECK;
