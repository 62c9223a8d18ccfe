#pragma once

#include <stdbool.h>

/*
 * What the workers of a pool tell their supervisor without asking the kernel each time:
 * a seat for each worker in memory that they share.  A seat is written by its worker,
 * and emptied by the supervisor when the worker has died.
 *
 * A worker that takes a request while no other one is idle rings, once until the bell
 * is set again: so a pool whose workers are all busy costs one message and not one for
 * each request.
 */
struct seats;

/* What is told instead of the id of a worker that is ready: all are busy. */
enum { SEATS_RING = 0 };

/* For n workers, from 0; gone with mem.  NULL when there is no memory to share. */
struct seats *seats_new(void *mem, int n);
void seat_clear(struct seats *s, int seat);
bool seat_idle(const struct seats *s, int seat);
/* The worker waits for a request from now on. */
void seat_wait(struct seats *s, int seat);
/* The worker serves from now on.  True: no seat of first .. end - 1 is idle, ring. */
bool seat_work(struct seats *s, int seat, int first, int end);
/* The next worker that finds nobody idle rings, or nobody does. */
void seats_set_bell(struct seats *s, bool set);
/* The most that were busy at once since the last call. */
int seats_peak(struct seats *s);
