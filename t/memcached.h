#pragma once

#include <sys/types.h>

/* A memcached of the test's own, on a Unix socket in a folder of its own. */
struct memcached {
	pid_t pid;
	char dir[64];
	char servers[96]; /* for kv_open: "unix:<dir>/sock" */
};

/* Skips the whole program if there is no memcached to run. */
void memcached_begin(struct memcached *m);
/* Starts it again, empty, at the same place. */
void memcached_start(struct memcached *m);
/* The same with little memory. */
void memcached_start_with(struct memcached *m, int megabytes);
void memcached_stop(struct memcached *m);
/* Stops it and removes the folder. */
void memcached_end(struct memcached *m);
