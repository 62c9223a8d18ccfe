#pragma once

#include <stdint.h>

#include "base/err.h"

/*
 * Counters that all processes of one host share without a server: a file in the state
 * directory, mapped.  Bounded like the table of a process: when it is full, the
 * counters that end first go.
 */
struct tally;

/* NULL when the file cannot be made. */
struct tally *tally_open(void *mem, const char *state_dir);
/* As kv_count. */
void tally_count(struct tally *t, const char *key, int64_t by, int ttl_s, int64_t *now);
