#pragma once

#include "base/err.h"

/*
 * flock(2) with an end to the waiting: takes the exclusive lock of fd, ERR_BUSY after wait_ms,
 * ERR_IO if the file cannot be locked.  The kernel lets go of it when the process dies.
 */
enum err filelock_take(int fd, int wait_ms) MUST_CHECK;
void filelock_give(int fd);
