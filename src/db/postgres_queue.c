#include "db/postgres.h"

#include <string.h>

/*
 * Only indexes: seq scans and the joins that read a whole table are out of the
 * question, and so is all of an index: each of its rows is said to cost a thousand
 * times what it does.  Until the transaction ends.
 */
static const char keyed[] = "SELECT set_config('enable_seqscan', 'off', true),"
			    " set_config('enable_hashjoin', 'off', true),"
			    " set_config('enable_mergejoin', 'off', true),"
			    " set_config('cpu_index_tuple_cost', '5', true)";

enum err pg_sent(struct pg *pg, const char *sql, int sent)
{
	if (!sent)
		return db_failed(pg->db, ERR_BUSY, sql, "The connection was lost.");
	pg->sent[pg->queued++] = sql;
	return OK;
}

static enum err queue_text(struct pg *pg, const char *sql)
{
	PQenterPipelineMode(pg->c);
	return pg_sent(pg, sql,
	    PQsendQueryParams(pg->c, sql, 0, NULL, NULL, NULL, NULL, 0));
}

enum err pg_begin_now(struct pg *pg)
{
	enum err e;

	if (!pg->beginning)
		return OK;
	pg->beginning = false;
	e = queue_text(pg, "BEGIN");
	if (e == OK && pg->keyed)
		e = queue_text(pg, keyed);
	return e == OK && pg->relaxed
	    ? queue_text(pg, "SET LOCAL synchronous_commit = off")
	    : e;
}

/* One queued statement's results, and the NULL that ends them. */
static enum err settle_one(struct pg *pg, const char *sql, PGresult **keep)
{
	enum err e = OK;
	PGresult *r;

	while ((r = PQgetResult(pg->c)) != NULL) {
		if (e == OK && PQresultStatus(r) != PGRES_PIPELINE_ABORTED)
			e = pg_result(pg, r, sql);
		if (keep != NULL && *keep == NULL)
			*keep = r;
		else
			PQclear(r);
	}
	return e;
}

enum err pg_settle(struct pg *pg, PGresult **last)
{
	enum err first = OK;
	int n = pg->queued;

	pg->queued = 0;
	if (PQpipelineStatus(pg->c) == PQ_PIPELINE_OFF)
		return OK;
	if (PQpipelineSync(pg->c) == 0)
		first = ERR_BUSY;
	for (int i = 0; i < n && PQstatus(pg->c) == CONNECTION_OK; i++) {
		enum err e = settle_one(pg, pg->sent[i], i == n - 1 ? last : NULL);

		first = first == OK ? e : first;
	}
	PQclear(PQgetResult(pg->c)); /* the end of the pipeline */
	if (PQstatus(pg->c) == CONNECTION_OK && PQexitPipelineMode(pg->c) == 1)
		return first;
	return first == OK ? db_failed(pg->db, ERR_BUSY, n > 0 ? pg->sent[n - 1] : NULL,
				 "The connection was lost.")
			   : first;
}

enum err pg_commit(struct pg *pg)
{
	PGresult *r = NULL;
	enum err e = queue_text(pg, "COMMIT");

	if (e == OK)
		e = pg_settle(pg, &r);
	/* The server answers ROLLBACK to a COMMIT if a statement failed before. */
	if (e == OK && strcmp(PQcmdStatus(r), "COMMIT") != 0)
		e = db_failed(pg->db, ERR_DB, "COMMIT", "The transaction had failed.");
	PQclear(r);
	return e;
}
