#pragma once

#include <stdbool.h>

#include "db/db.h"

/*
 * Who claims rows of the ledger.  A worker lives as long as the kernel, or PostgreSQL,
 * says so: it holds a flock on a file of its own in <state>/workers (SQLite: one
 * machine), or an advisory lock of its session (PostgreSQL: any machine).  No clock is
 * asked, so a stopped or slow worker is never taken for dead, and a killed one is known
 * at once.
 */
struct worker;

enum err worker_prepare(struct db *db) MUST_CHECK;
/* A new worker with a name that was never used before; it ends when it is freed. */
enum err worker_open(void *mem, struct db *db, const char *state_dir,
    struct worker **out) MUST_CHECK;
/* The name for campaign_subscribers.owner. */
const char *worker_owner(const struct worker *w);
/* True only if the worker of that name is certainly gone. Never true for w itself. */
bool worker_dead(struct worker *w, const char *owner);
