#pragma once

#include <stdbool.h>

/*
 * At most n at once, over all processes of this host: for work that takes much memory.
 *Waits for a place; the place is given back when the variable leaves its scope, or the
 *process dies.  Where no file can be made in dir it lets everybody through: this is
 *thrift, not a guard.
 *
 *	SLOT_SCOPE slot = slot_take(dir, "password", 2);
 */
struct slot {
	int fd;
};

struct slot slot_take(const char *dir, const char *name, int n);
/* As slot_take, but false where it would wait. */
bool slot_try(const char *dir, const char *name, int n, struct slot *out);
void slot_done(struct slot *s);
#define SLOT_SCOPE __attribute__((cleanup(slot_done))) struct slot
