#pragma once

#include "repo/ledger.h"

/* Inside of the ledger, shared by ledger.c and ledger_attempt.c. */

/* By how much the count of each state changes. */
struct moved {
	int64_t n[DELIVERY_STATES];
};
/* Changes campaign_counts; in the transaction of the rows, as its last statement. */
enum err ledger_count_moved(struct db *db, int64_t campaign, const struct moved *m) MUST_CHECK;
enum err ledger_attempt_prepare(struct db *db) MUST_CHECK;
