#pragma once

#include "db/db.h"
#include "model/delivery.h"

/*
 * The ledger as people look at it: pages, search, groups of reasons, rates.  Reading only;
 * repo/ledger changes it.
 */
enum err recipient_prepare(struct db *db) MUST_CHECK;

/* "pending", "claimed" ... "given_up": as the API says it. */
const char *delivery_state_word(enum delivery_state s);
extern const char *const delivery_state_words[];	/* NULL-terminated, in the order of the enum */

struct recipient {
	struct delivery d;
	const char *name;		/* first and last name now; "" */
	const char *bounce;		/* "permanent", "transient", with the code; "" */
	int64_t complained_at;
};

struct recipient_filter {
	unsigned states;		/* bits 1 << enum delivery_state; 0: any */
	bool bounced;			/* only those with bounced_at */
	const char *reason;		/* this reason exactly; NULL: any */
	const char *search;		/* part of the address, or a whole message id; NULL or "": any */
	int64_t after;			/* cursor: ids above */
	int limit;
};

/* By id. *n < limit: there are no more. The campaign must be known to be the brand's. */
enum err recipient_page(struct db *db, void *mem, int64_t campaign, const struct recipient_filter *f,
    struct recipient **out, size_t *n) MUST_CHECK;

/* How many of the open and failed rows have which reason, and when the last was settled. */
struct recipient_reason {
	enum delivery_state state;
	const char *reason;		/* as stored */
	const char *example;		/* an address of the group */
	int64_t n, last_at;
};
/* Of retry, rejected, skipped and doubt rows, the largest first, at most 50. */
enum err recipient_reasons(struct db *db, void *mem, int64_t campaign, struct recipient_reason **out,
    size_t *n) MUST_CHECK;

/* Attempts that ended within (since, now], and the earliest next try of a waiting row (0: none). */
struct recipient_pace {
	int64_t settled;		/* since `since` */
	int64_t first_at;		/* of those, the earliest; 0: none */
	int64_t next_try_at;
};
enum err recipient_pace(struct db *db, int64_t campaign, int64_t since, struct recipient_pace *out)
    MUST_CHECK;
/* The last `limit` accepted, newest first. */
enum err recipient_latest(struct db *db, void *mem, int64_t campaign, int limit,
    struct recipient **out, size_t *n) MUST_CHECK;
