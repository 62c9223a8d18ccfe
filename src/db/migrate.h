#pragma once

#include "db/db.h"

/*
 * Versioned migrations: <dir>/NNNN_name.sql, dir = <share>/sql/{sqlite,postgres}.  All
 * that are missing run in one transaction, each recorded in schema_migrations(version,
 * name, checksum, applied_at).  A changed checksum or a version newer than the newest
 * file stops with a sentence.  Requests never migrate.
 */
struct migration_state {
	int applied, newest; /* versions */
	const char *why;     /* sentence when an error is returned */
};
enum err migrate_up(struct db *db, void *mem, const char *share_dir, int64_t now,
    struct migration_state *st) MUST_CHECK;
/* OK if the schema is exactly the newest; ERR_CONFLICT and why otherwise. */
enum err migrate_check(struct db *db, void *mem, const char *share_dir,
    struct migration_state *st) MUST_CHECK;
