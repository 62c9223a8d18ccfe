#pragma once

#include "base/err.h"

/*
 * One lock for the processes of this host, by flock(2): with an end to the waiting, let
 * go of by the kernel when its holder dies, and fair.  <path>.lock is the lock.
 * <path>.queue is held while waiting for it, so that the next holder is always one who
 * waits already: without that, who has just let go is quicker than those who wake up.
 */
struct filelock {
	int lock, queue; /* descriptors; -1: not open */
};

/* Makes the two files (0600) if need be. ERR_IO, with errno, if it cannot. */
enum err filelock_open(struct filelock *f, void *mem, const char *path) MUST_CHECK;
void filelock_close(struct filelock *f);
/* ERR_BUSY after wait_ms; 0 does not wait. ERR_IO if the file system has no locks. */
enum err filelock_take(const struct filelock *f, int wait_ms) MUST_CHECK;
void filelock_give(const struct filelock *f);
