#pragma once

#include "service/auth.h"

/*
 * How often somebody may try to sign in: 5 times a minute from an address, 10 times in
 * 15 minutes with a wrong password for an account, with a growing pause after half of
 * them.  A browser that has signed in to the account before has tries of its own, so
 * that nobody can shut a person out of it by trying.
 */
struct door {
	const char *key; /* what is counted */
	int left;        /* more tries until the long pause */
	int wait;        /* seconds until the next one is taken */
};

/* Counts a try from this address, of either step. ERR_LIMITED, *wait seconds. */
enum err door_from(const struct visit *v, void *mem, int *wait) MUST_CHECK;
/* Counts a try for an account, by the key of its address, whether it is there or not.
 * ERR_LIMITED: d->wait seconds. */
enum err door_knock(const struct visit *v, void *mem, const char *email_key,
    struct door *d) MUST_CHECK;
/* The password was wrong: fills d->wait, before which nothing is tried. */
void door_refuse(const struct visit *v, void *mem, struct door *d);
/* The password was right: the try counts against nobody. */
void door_welcome(const struct visit *v, const struct door *d);
/* What a browser keeps (visit.known) that has signed in to the account. */
char *door_known(const struct visit *v, void *mem, const char *email_key);
/* Is what this browser keeps for this account? */
bool door_knows(const struct visit *v, void *mem, const char *email_key);
