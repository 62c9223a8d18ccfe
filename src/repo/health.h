#pragma once

#include "db/db.h"
#include "model/delivery.h"

/* What operators look at: of the whole installation, not of a brand. */
enum err health_prepare(struct db *db) MUST_CHECK;
/* Rows of the ledger by state, of all campaigns, from the counts kept beside it. */
enum err health_deliveries(struct db *db, struct delivery_counts *out) MUST_CHECK;
/* "SQLite 3.40.1" or "PostgreSQL 15.8". */
enum err health_version(struct db *db, void *mem, char **out) MUST_CHECK;
