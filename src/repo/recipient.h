#pragma once

#include <stdbool.h>

#include "db/db.h"
#include "model/delivery.h"

/*
 * The ledger as people look at it: pages, search, groups of reasons, rates.  Reading
 * only; repo/ledger changes it.
 */
enum err recipient_prepare(struct db *db) MUST_CHECK;

struct recipient {
	struct delivery d;
	const char *name;   /* first and last name now; "" */
	const char *bounce; /* "permanent", "transient", with the code; "" */
	int64_t complained_at;
};

struct recipient_filter {
	unsigned states;    /* bits 1 << enum delivery_state; 0: any */
	bool bounced;       /* only those with bounced_at */
	const char *reason; /* this reason exactly; NULL or "": any */
	const char
	    *search;   /* part of the address, or a whole message id; NULL or "": any */
	int64_t after; /* cursor of the page before; 0: the first page */
	int limit;
};

struct recipient_rows {
	struct recipient *rows;
	size_t n;
	int64_t next; /* cursor of the next page; 0: this is the last */
};
/*
 * By state, then id, as the index stands: quick on a ledger of any size, but for a
 * search by part of an address, which looks at every row.  A search for a whole address
 * or message id that is there gives only that.  The caller has checked that the
 * campaign is the brand's.
 */
enum err recipient_page(struct db *db, void *mem, int64_t campaign,
    const struct recipient_filter *f, struct recipient_rows *out) MUST_CHECK;

/* One row, by its id.  ERR_NOTFOUND also when it is another campaign's. */
enum err recipient_get(struct db *db, void *mem, int64_t campaign, int64_t id,
    struct recipient **out) MUST_CHECK;

/* How many rows that did not go through have which reason. */
struct recipient_reason {
	enum delivery_state state;
	const char *reason;  /* as stored */
	const char *example; /* an address of the group */
	int64_t n, last_at;  /* last_at 0: not known */
};
/* Of retry, rejected, skipped and doubt rows, the largest first, at most REASONS_MAX.
 */
enum { REASONS_MAX = 30 };
enum err recipient_reasons(struct db *db, void *mem, int64_t campaign,
    struct recipient_reason **out, size_t *n) MUST_CHECK;

/*
 * How fast it goes: from the newest PACE_ATTEMPTS attempts of the installation, so it
 * costs the same whatever the size of the campaign.
 */
enum { PACE_ATTEMPTS = 20000, PACE_STEPS = 24, PACE_STEP_MS = 20000 };
struct recipient_pace {
	int64_t settled; /* answered in the last minute */
	int64_t span_ms; /* what part of that minute is known: 60,000 or less */
	int64_t
	    step[PACE_STEPS]; /* answered per PACE_STEP_MS, oldest first, ending now */
	int64_t next_try_at;  /* of the row waiting to be tried again; 0: none */
};
enum err recipient_pace(struct db *db, int64_t campaign, int64_t now,
    struct recipient_pace *out) MUST_CHECK;
/* The last accepted of the newest attempts, newest first, at most limit. */
enum err recipient_latest(struct db *db, void *mem, int64_t campaign, int limit,
    struct recipient **out, size_t *n) MUST_CHECK;
