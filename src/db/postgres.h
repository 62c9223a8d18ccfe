#pragma once

#include <libpq-fe.h>

#include "db/db_driver.h"

/*
 * What the two files of the PostgreSQL driver share.  What needs no answer at once, the
 * BEGIN first of all, is sent in libpq's pipeline mode and answered together with what
 * is run next.
 */
enum { PG_QUEUE_MAX = 500 };

struct pg {
	struct db *db;
	PGconn *c;
	unsigned names; /* given to statements so far */
	bool beginning; /* a transaction was begun, the server does not know it yet */
	bool keyed;     /* and it is tx_begin_keyed's */
	bool relaxed;   /* and it need not be durable */
	int queued;     /* statements sent whose results are not read yet */
	const char *sent[PG_QUEUE_MAX + 4]; /* what they were, for the log */
};

/* Queues the BEGIN that is waited for, if any. */
enum err pg_begin_now(struct pg *pg) MUST_CHECK;
/* Notes that sql was sent behind what is queued; sent: what libpq said to that. */
enum err pg_sent(struct pg *pg, const char *sql, int sent) MUST_CHECK;
/*
 * Reads what queued statements answered; the first error among them.  last: where to
 * put the result of the last one, the caller's to clear; or NULL.
 */
enum err pg_settle(struct pg *pg, PGresult **last) MUST_CHECK;
/* Commits together with what is queued. */
enum err pg_commit(struct pg *pg) MUST_CHECK;
/* Connects again if the connection is gone and the server knows of no transaction. */
enum err pg_ready(struct pg *pg) MUST_CHECK;
bool pg_lost(const struct pg *pg);
/* OK, or the error of r, logged with sql.  r may be NULL. */
enum err pg_result(const struct pg *pg, const PGresult *r, const char *sql) MUST_CHECK;

enum err pg_prepare(struct stmt *s) MUST_CHECK;
enum err pg_run(struct stmt *s) MUST_CHECK;
enum err pg_queue(struct stmt *s) MUST_CHECK;
void pg_cell(struct stmt *s, int col, struct value *out);
void pg_forget(struct stmt *s);
