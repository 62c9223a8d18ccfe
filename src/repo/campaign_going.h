#pragma once

#include "db/db.h"
#include "model/campaign.h"

/*
 * Campaigns of every brand that go on by themselves: sending, scheduled, or paused
 * until some time.  For the administrator of a restored database, so without a brand.
 */
enum { GOING_MAX = 100 };

struct campaign_going {
	int64_t id, brand_id;
	const char *name, *brand;
	const char *status;
	int64_t send_at;  /* or when it goes on */
	int64_t audience; /* 0 as long as it is not fixed */
	int64_t left;     /* open rows */
	int64_t accepted;
};

enum err campaign_going_prepare(struct db *db) MUST_CHECK;
/* By time, at most GOING_MAX; *total: how many there are. */
enum err campaign_going(struct db *db, void *mem, struct campaign_going **out,
    size_t *n, int64_t *total) MUST_CHECK;
/* All of them -> paused, for good; *n: how many. */
enum err campaign_pause_all(struct db *db, const char *reason, int64_t now,
    int64_t *n) MUST_CHECK;
