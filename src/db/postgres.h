#pragma once

#include <libpq-fe.h>

#include "db/db_driver.h"

/* What the two files of the PostgreSQL driver share. */
struct pg {
	struct db *db;
	PGconn *c;
	/* of the connection: statements are prepared once in each */
	unsigned generation;
	unsigned names;         /* given to statements so far */
	int queued;             /* statements sent whose results are not read yet */
	const char *queued_sql; /* the last of them */
};

/* Reads what queued statements answered; the first error among them. */
enum err pg_settle(struct pg *pg) MUST_CHECK;
/* Outside a transaction: connects again if the connection is gone. */
enum err pg_ready(struct pg *pg) MUST_CHECK;
bool pg_lost(const struct pg *pg);
/* OK, or the error of r, logged with sql.  r may be NULL. */
enum err pg_result(const struct pg *pg, const PGresult *r, const char *sql) MUST_CHECK;

enum err pg_prepare(struct stmt *s) MUST_CHECK;
enum err pg_run(struct stmt *s) MUST_CHECK;
enum err pg_queue(struct stmt *s) MUST_CHECK;
void pg_cell(struct stmt *s, int col, struct value *out);
void pg_forget(struct stmt *s);
