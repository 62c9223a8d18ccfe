#pragma once

#include <stdint.h>

/*
 * Work of many rows goes in transactions, and while one writes all other writers wait:
 * a subscriber's unsubscribing too.  So the size of the next one follows from the time
 * that the last one took, on a fast machine as on a slow one.
 */
enum { PACE_US = 20000 }; /* how long one transaction may keep the others waiting */

struct pace {
	int rows;        /* of the next transaction; set to begin with */
	int least, most; /* never fewer or more */
};

/*
 * A transaction has taken `rows` rows, or looked at so many, in us microseconds.  It
 * shrinks at once and grows to twice the size at most.
 */
void pace_took(struct pace *p, int64_t rows, int64_t us);
