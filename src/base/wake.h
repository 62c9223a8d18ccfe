#pragma once

/*
 * Wakes who triggers the background work `name` ("send", "jobs"): there is some.
 * Writes a byte to the named pipe <dir>/wake-<name>, if somebody listens there and it
 * holds none yet.  Never waits.  A hint only: triggers come without it too, later.
 */
void wake(const char *dir, const char *name);
