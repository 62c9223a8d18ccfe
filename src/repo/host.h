#pragma once

#include <stdbool.h>

#include "db/db.h"

/* The machines that send from this database; see service/host.h. */
enum { HOSTS_MAX = 200 };

struct host {
	const char *id, *name, *nonce;
	const char *held; /* "" or why it sends nothing: "new", "copied", "restored" */
	int64_t held_at, seen_at, created_at;
};

enum err host_prepare(struct db *db) MUST_CHECK;
enum err host_get(struct db *db, void *mem, const char *id,
    struct host **out) MUST_CHECK;
/* Held ones first; at most HOSTS_MAX. */
enum err host_list(struct db *db, void *mem, struct host **out, size_t *n) MUST_CHECK;
/* The one to speak of while anything is held; ERR_NOTFOUND when nothing is. */
enum err host_held(struct db *db, void *mem, struct host **out) MUST_CHECK;
enum err host_add(struct db *db, const struct host *h) MUST_CHECK;
/* It was here again: name, nonce and seen_at. */
enum err host_seen(struct db *db, const struct host *h) MUST_CHECK;
/* Every host is held, for this reason. */
enum err host_hold_all(struct db *db, const char *why, int64_t now) MUST_CHECK;
/* No host is held any more; *n: how many were. */
enum err host_free_all(struct db *db, int64_t *n) MUST_CHECK;

/* How many send and were here since then. */
enum err host_awake(struct db *db, int64_t since, int *n) MUST_CHECK;

/* What a database has been used for. */
struct host_past {
	int64_t hosts;
	bool attempts;  /* mail was handed to a provider */
	bool campaigns; /* one is more than a draft */
};
enum err host_past(struct db *db, struct host_past *out) MUST_CHECK;

/*
 * How far a slot of a host has come: its n grows with every intent and commits with it.
 * One slice at a time has a slot, so a database that has n has every intent before it.
 */
struct host_mark {
	const char *host;
	int slot;
	int64_t n;
	int64_t before; /* of an intent: what the database has of the slot already */
};
/* All of a host, by slot; *out NULL when there are none. */
enum err host_marks(struct db *db, void *mem, const char *host, struct host_mark **out,
    size_t *n) MUST_CHECK;
/* In the transaction of the intent; not contended, as nobody else has this row. */
enum err host_mark_put(struct db *db, const struct host_mark *m) MUST_CHECK;
