#pragma once

#include <stdint.h>

#include "base/buf.h"

/*
 * Counters in memory shared by all processes of one host: a file in the state directory,
 * mapped, updated with relaxed atomics.  Slots are found by name (with labels) once and kept.
 */
struct metrics;

struct metrics *metrics_open(void *mem, const char *state_dir);
/* name as Prometheus writes it: maillayer_requests_total{route="/brands/{}",status="200"} */
void metrics_add(struct metrics *m, const char *name, int64_t by);
void metrics_set(struct metrics *m, const char *name, int64_t value);
/* Observes seconds in a histogram with fixed buckets 1 ms .. 10 s. */
void metrics_time(struct metrics *m, const char *name, const char *labels, int64_t microseconds);
void metrics_print(struct metrics *m, struct buf *out);
