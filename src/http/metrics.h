#pragma once

#include <stdint.h>

#include "base/buf.h"

/*
 * Counters in memory shared by all processes of one host: a file in the state
 * directory, mapped, updated with relaxed atomics.  Slots are found by name (with
 * labels) once and kept.
 */
struct metrics;

/*
 * NULL when the file cannot be made; all functions below take NULL and do nothing then.
 */
struct metrics *metrics_open(void *mem, const char *state_dir);
/*
 * name as Prometheus writes it:
 * maillayer_requests_total{route="/brands/{}",status="200"}
 */
void metrics_add(struct metrics *m, const char *name, int64_t by);
void metrics_set(struct metrics *m, const char *name, int64_t value);
int64_t metrics_get(struct metrics *m, const char *name);
/*
 * Observes seconds in a histogram with fixed buckets 1 ms .. 10 s; labels: a="1",b="2".
 */
void metrics_time(struct metrics *m, const char *name, const char *labels,
    int64_t microseconds);
void metrics_print(struct metrics *m, struct buf *out);
