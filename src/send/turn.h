#pragma once

#include "app.h"
#include "kv/lock.h"
#include "kv/slow.h"
#include "model/brand.h"
#include "model/campaign.h"
#include "model/work.h"
#include "repo/ledger.h"
#include "repo/ledger_recent.h"
#include "repo/worker.h"
#include "service/host_mark.h"
#include "send/compose.h"
#include "send/provider.h"

/*
 * Inside of a slice.  A slice has one worker and works on a few campaigns at once, each
 * in a lane of its own; a turn is what one campaign gets of a lane: claim rows, write
 * the intent, hand over, settle what comes back, step by step.
 */
struct slice {
	struct app *app;
	struct worker *worker;
	struct host_marker *marker;
	unsigned connects;   /* of the database, when it was compared with the marks */
	int64_t claim_until; /* monotonic ms: nothing is claimed later */
	int hosts;           /* that send from this database, this one included */
	bool kept_away;      /* another slice is at work on one of the campaigns */
	struct work_report report;
};

enum {
	CLAIM_BATCH = 2000,
	INTENT_MAX = 250, /* claims more when it has fewer */
	SETTLE_BATCH = 250,
	SETTLE_AGE = 25 /* ms */,
	BACK_MAX = 2048, /* more than any provider has under way */
	FAILURES_MAX = 20,
	DOUBTS_MAX = RECENT_MAX / 10
};

struct turn {
	struct slice *slice;
	struct app *app;
	struct due_campaign due;
	struct campaign *campaign;
	struct brand *brand;
	struct content *content;
	struct provider *provider;
	struct lock lock;
	const char *owner;
	int64_t until;    /* monotonic ms */
	int64_t failing;  /* monotonic ms since when the database is away */
	enum err error;   /* of the last step */
	bool freezing;    /* its audience is not yet whole */
	bool eager;       /* the last step handed some over: no waiting in the next */
	int64_t renew_at; /* of the lock */

	/* claim */
	struct claimed mine; /* rows claimed and not yet intended */
	int64_t pool;        /* how many of them */
	int64_t take_at;     /* monotonic ms: no intent earlier (rate, silence) */
	int64_t hold; /* ms between single tries while nobody answers; 0: they do */
	bool dry;     /* nothing left to claim now */
	bool stop;    /* nothing more is begun */

	/* settle */
	struct outgoing *back[BACK_MAX];
	size_t nback;
	int64_t back_since;
	struct recent recent;
	const char *pause; /* sentence: the campaign cannot go on */
	int64_t resume_at; /* of pause: goes on by itself then */

	/* rate */
	double part;               /* of the rate, when throttled: kv/slow.h */
	int64_t part_at;           /* monotonic ms when that was asked */
	struct slow_answers heard; /* not reported yet */
	int64_t heard_at;          /* monotonic ms of the last report */
	int share;                 /* turns of this slice on the same account */
	double credit;             /* recipients, of its share of the rate */
	int64_t credit_at;         /* monotonic ms up to which that was counted */
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
/*
 * For who writes them with something else: what came back as results, owned by the turn
 * and as many as t->nback; and lets it go when that is committed.
 */
struct settle *turn_results(struct turn *t);
void turn_written(struct turn *t, struct settle *r, bool well);
/* rate.c: how many of want may go now; 0 and t->take_at when none. */
int turn_allowed(struct turn *t, int want);
/* What an answer says about the rate, and to tell the other processes now and then. */
void turn_heard(struct turn *t, enum outcome outcome);
void turn_report(struct turn *t);
/*
 * turn.c: begins a turn, owned by the slice's worker; freezing ends at `until`, and so
 * does the turn unless t->until is moved.  *out NULL: nothing is to be sent now;
 * *again: because its audience is not yet whole.
 */
enum err turn_open(struct slice *s, const struct due_campaign *due, int64_t until,
    struct turn **out, bool *again) MUST_CHECK;
/* Works, waiting at most wait_ms for answers; false when the turn has ended. */
bool turn_step(struct turn *t, int wait_ms);
/* Gives back what was not sent, and frees it; *more: it ended for lack of time only. */
enum err turn_close(struct turn *t, bool *more) MUST_CHECK;
/* lanes.c: turns on what is due, until the slice's time is over or nothing is left. */
enum err lanes_run(struct slice *s) MUST_CHECK;
/* Gives back the rows of workers that are gone; *alive when another one is at work. */
enum err turn_reclaim(struct slice *s, int64_t campaign, bool *alive) MUST_CHECK;
