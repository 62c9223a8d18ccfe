#pragma once

#include "base/form.h"
#include "db/db.h"
#include "repo/suppression.h"
#include "service/subscriber.h"

enum { SUPPRESS_AT_ONCE = 10000, LIFT_AT_ONCE = 10000 };

struct suppressed {
	int64_t added, known; /* not suppressed before; suppressed before */
};
struct lifted {
	int64_t n;
	bool more; /* there are more bounces than LIFT_AT_ONCE */
};

/*
 * emails (array, or text with one a line), reason (otherwise manual): the addresses get
 * no more mail, and a subscriber who has one leaves.  ERR_INVALID with a sentence at
 * emails or reason.
 */
enum err suppression_make(struct db *db, void *mem, int64_t brand, struct form *f,
    const struct origin *o, struct suppressed *out) MUST_CHECK;

/*
 * Takes suppressions back, with a note that says why: one (email), or all bounces since
 * a time (reason "bounced", since).  A subscriber who has the address is active again,
 * and the history says by whom.  Complaints stay.  ERR_NOTFOUND: the address is not
 * suppressed.
 */
enum err suppression_take_back(struct db *db, void *mem, int64_t brand, struct form *f,
    const struct origin *o, struct lifted *out) MUST_CHECK;

/* email, reason, detail, created_at, subscriber_id (null: nobody has the address). */
struct json_object *suppression_json(void *mem, const struct suppression *x);
