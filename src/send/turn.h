#pragma once

#include "app.h"
#include "kv/lock.h"
#include "model/brand.h"
#include "model/campaign.h"
#include "model/work.h"
#include "repo/ledger.h"
#include "repo/ledger_recent.h"
#include "repo/worker.h"
#include "send/compose.h"
#include "send/provider.h"

/*
 * Inside of a slice.  A slice has one worker and takes turns on the due campaigns; a
 * turn works on one campaign: claim rows, write the intent, hand over, settle what
 * comes back.
 */
struct slice {
	struct app *app;
	struct worker *worker;
	int64_t claim_until; /* monotonic ms: nothing is claimed later */
	bool kept_away;      /* another slice is at work on one of the campaigns */
	struct work_report report;
};

enum {
	CLAIM_BATCH = 500,
	CLAIM_LOW = 200,
	INTENT_MAX = 450,
	SETTLE_BATCH = 250,
	SETTLE_AGE = 25 /* ms */,
	BACK_MAX = 2048, /* more than any provider has under way */
	FAILURES_MAX = 20,
	DOUBTS_MAX = RECENT_MAX / 10
};

struct turn {
	struct slice *slice;
	struct app *app;
	struct campaign *campaign;
	struct brand *brand;
	struct content *content;
	struct provider *provider;
	struct lock lock;
	const char *owner;
	int64_t until;    /* monotonic ms */
	int64_t renew_at; /* of the lock */

	/* claim */
	struct claimed mine; /* rows claimed and not yet intended */
	int64_t pool;        /* how many of them */
	int64_t take_at;     /* monotonic ms: no intent earlier (rate, throttling) */
	bool dry;            /* nothing left to claim now */
	bool stop;           /* nothing more is begun */

	/* settle */
	struct outgoing *back[BACK_MAX];
	size_t nback;
	int64_t back_since;
	struct recent recent;
	const char *pause; /* sentence: the campaign cannot go on */
	int64_t resume_at; /* of pause: goes on by itself then */

	/* rate */
	double part;     /* of the rate, when throttled: kv/slow.h */
	int64_t part_at; /* monotonic ms when that was asked */
};

/* claim.c: claims when little is left, and hands over what rate and provider allow. */
enum err turn_refill(struct turn *t) MUST_CHECK;
/*
 * Nothing more is to be claimed: time is over, the campaign stopped, or we were told to
 * end.
 */
bool turn_over(const struct turn *t);
/*
 * How many at a time are worth the flush of a disk: a quarter of what the provider can
 * have under way (room: what it has left), at most a batch.
 */
size_t turn_worth(const struct turn *t, size_t room);
/* settle.c: takes what the provider gave back; writes it when it is time (or now). */
void turn_collect(struct turn *t);
enum err turn_settle(struct turn *t, bool now) MUST_CHECK;
/* rate.c: where kv/slow.h keeps how far the account's rate is turned down. */
char *turn_slow_key(void *mem, const struct provider *p);
/* rate.c: how many of want may go now; 0 and t->take_at when none. */
int turn_allowed(struct turn *t, int want);
/* turn.c: one turn; *more when it ended for lack of time only. */
enum err turn_run(struct slice *s, const struct due_campaign *due, int64_t until,
    bool *more) MUST_CHECK;
/* Gives back the rows of workers that are gone; *alive when another one is at work. */
enum err turn_reclaim(struct slice *s, int64_t campaign, bool *alive) MUST_CHECK;
