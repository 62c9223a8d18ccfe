#pragma once

#include "kv/kv.h"

/*
 * How far a shared rate is turned down, by key, because the other side throttles.  A
 * few throttled answers among many change nothing.  When they are more than a tenth,
 * the rate falls to a little less than what was let through, at most once a round trip
 * and never below a 32nd.  Then it rises by itself: in eight seconds to a little more
 * than that, after twenty-four to the whole.  All processes share it through the
 * server; without one each has its own.
 */
struct slow_answers {
	int64_t now_ms, trip_ms; /* of a call: from asking to the answer */
	int answers,
	    throttled; /* since the last report; throttled ones are answers too */
};
void slow_report(struct kv *kv, const char *key, const struct slow_answers *a);
/* The part of the rate to use now: 1.0 when there is no throttling. */
double slow_part(struct kv *kv, const char *key, int64_t now_ms);
