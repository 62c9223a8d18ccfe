#include "db/postgres.h"

#include <poll.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { STATEMENT_MS = 30000, IDLE_IN_TRANSACTION_MS = 60000 };

/* ---- errors ---- */

struct state_error {
	const char *state; /* beginning of an SQLSTATE; the longest comes first */
	enum err e;
};

static const struct state_error state_errors[] = {
	{ "23505", ERR_CONFLICT }, /* unique */
	{ "23503", ERR_CONFLICT }, /* foreign key */
	{ "23P01", ERR_CONFLICT }, /* exclusion */
	{ "22021", ERR_INVALID },  /* not UTF-8 */
	{ "22P05", ERR_INVALID },  /* a character that JSON may not hold */
	{ "40001", ERR_BUSY },     /* serialisation */
	{ "40P01", ERR_BUSY },     /* deadlock */
	{ "55P03", ERR_BUSY },     /* lock_timeout */
	{ "57014", ERR_BUSY },     /* statement_timeout */
	{ "53100", ERR_FULL },
	{ "53", ERR_BUSY },    /* too many connections, out of memory */
	{ "57P", ERR_BUSY },   /* shutting down, starting up */
	{ "25P03", ERR_BUSY }, /* idle too long in a transaction */
	{ "08", ERR_BUSY },
	{ "58", ERR_IO },
};

static enum err err_of(const char *state)
{
	for (size_t i = 0; i < sizeof(state_errors) / sizeof(state_errors[0]); i++)
		if (text_starts(state, state_errors[i].state))
			return state_errors[i].e;
	return ERR_DB;
}

/*
 * A server that has closed an idle connection has written so: a last message, then the
 * end. libpq sees it only when it reads.
 */
bool pg_lost(const struct pg *pg)
{
	struct pollfd p = { .fd = PQsocket(pg->c), .events = POLLIN };

	while (PQstatus(pg->c) == CONNECTION_OK && poll(&p, 1, 0) > 0)
		if (PQconsumeInput(pg->c) == 0)
			return true;
	return PQstatus(pg->c) != CONNECTION_OK;
}

enum err pg_result(const struct pg *pg, const PGresult *r, const char *sql)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "why");
	ExecStatusType status = PQresultStatus(r);
	const char *state, *why;

	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return OK;
	state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	if (state == NULL)
		return db_failed(pg->db, pg_lost(pg) ? ERR_BUSY : ERR_DB, sql,
		    pg_lost(pg) ? "The connection was lost." : "libpq failed.");
	why = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	if (text_starts(state, "22"))
		why = "A value was refused."; /* the message would show it */
	return db_failed(pg->db, err_of(state), sql,
	    mem_printf(tmp, "%s %s", state, why));
}

static enum err run_text(struct pg *pg, const char *sql)
{
	PGresult *r = PQexec(pg->c, sql);
	enum err e = pg_result(pg, r, sql);

	PQclear(r);
	return e;
}

/* ---- connecting ---- */

static int close_pg(struct pg *pg)
{
	PQfinish(pg->c);
	return 0;
}

static void no_notice(void *arg, const PGresult *r)
{
	(void)arg;
	(void)r;
}

/* PostgreSQL's 0 is "for ever". */
static int patience(const struct pg *pg)
{
	return pg->db->wait_ms > 0 ? pg->db->wait_ms : 1;
}

/*
 * A commit that was acknowledged must survive a crash, whatever the server's default.
 */
static enum err set_session(struct pg *pg)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "session");
	const char *encoding = PQparameterStatus(pg->c, "server_encoding");

	if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
		return db_failed(pg->db, ERR_DB, NULL,
		    "The database's encoding must be UTF8: create it with"
		    " ENCODING 'UTF8'.");
	return run_text(pg,
	    mem_printf(tmp,
		"SET lock_timeout = %d; SET statement_timeout = %d;"
		"SET idle_in_transaction_session_timeout = %d;"
		"SET bytea_output = 'hex'; SET jit = off;"
		"SELECT set_config('synchronous_commit', 'on', false)"
		" WHERE current_setting('synchronous_commit') = 'off'",
		patience(pg), STATEMENT_MS, IDLE_IN_TRANSACTION_MS));
}

static enum err connected(struct pg *pg)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "why");
	const char *why = PQerrorMessage(pg->c);

	if (pg_lost(pg))
		return db_failed(pg->db, ERR_BUSY, "connect",
		    mem_strn(tmp, why, strcspn(why, "\n")));
	PQsetNoticeReceiver(pg->c, no_notice, NULL);
	pg->db->connects++;
	pg->queued = 0;
	return set_session(pg);
}

static enum err pg_open(struct db *db, const char *url)
{
	/* what stands before dbname is a default, what stands after it is our will */
	static const char *const keys[] = {
		"connect_timeout",
		"tcp_user_timeout",
		"fallback_application_name",
		"dbname",
		"client_encoding",
		NULL,
	};
	const char *const values[] = { "5", "10000", "maillayer", url, "UTF8", NULL };
	struct pg *pg = mem_new(db, struct pg);

	db->state = pg;
	pg->db = db;
	pg->c = PQconnectdbParams(keys, values, 1);
	mem_on_free(pg, close_pg);
	return connected(pg);
}

enum err pg_ready(struct pg *pg)
{
	if (!pg_lost(pg))
		return OK;
	if (pg->db->depth > 0 && !pg->beginning)
		return ERR_BUSY;
	PQreset(pg->c);
	return connected(pg);
}

/* ---- transactions ---- */

static enum err begin(struct pg *pg, bool keyed)
{
	enum err e = pg_ready(pg);

	pg->beginning = e == OK;
	pg->keyed = keyed;
	pg->relaxed = false;
	return e;
}

static enum err rollback(struct pg *pg)
{
	bool unknown = pg->beginning;

	pg->beginning = false;
	if (pg_settle(pg, NULL) != OK)
		log_debug(pg->db->lg, "db.queued_lost");
	if (unknown || pg_lost(pg) || PQtransactionStatus(pg->c) == PQTRANS_IDLE)
		return OK;
	return run_text(pg, "ROLLBACK");
}

static enum err commit(struct pg *pg)
{
	enum err e, undone;

	if (pg->beginning) { /* nothing was done in it */
		pg->beginning = false;
		return OK;
	}
	e = pg_commit(pg);
	if (e == OK)
		return OK;
	undone = rollback(pg);
	return undone == OK ? e : undone;
}

static enum err set_wait(struct pg *pg)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "wait");
	enum err e = pg_settle(pg, NULL);

	if (e == OK)
		e = pg_ready(pg);
	if (e != OK)
		return e;
	return run_text(pg, mem_printf(tmp, "SET lock_timeout = %d", patience(pg)));
}

static enum err ping(struct pg *pg)
{
	enum err e = pg_settle(pg, NULL);

	if (e == OK)
		e = pg_ready(pg);
	return e == OK ? run_text(pg, "SELECT 1") : e;
}

static enum err pg_control(struct db *db, enum db_verb verb)
{
	struct pg *pg = db->state;

	switch (verb) {
	case DB_BEGIN: return begin(pg, false);
	case DB_BEGIN_KEYED: return begin(pg, true);
	case DB_RELAX: pg->relaxed = pg->beginning; return OK;
	case DB_COMMIT: return commit(pg);
	case DB_ROLLBACK: return rollback(pg);
	case DB_PING: return ping(pg);
	case DB_WAIT: return set_wait(pg);
	case DB_CACHE:
	case DB_DEFEND:
	case DB_REST: return OK;
	}
	return ERR_INTERNAL;
}

/* Migrations may take as long as they need. */
static enum err pg_script(struct db *db, const char *sql)
{
	struct pg *pg = db->state;
	enum err e = pg_ready(pg);

	if (e == OK)
		e = pg_begin_now(pg);
	if (e == OK)
		e = pg_settle(pg, NULL);
	if (e == OK && db->depth > 0)
		e = run_text(pg, "SET LOCAL statement_timeout = 0");
	if (e == OK)
		e = run_text(pg, sql);
	if (e == OK && db->depth > 0 && PQtransactionStatus(pg->c) != PQTRANS_INTRANS)
		e = db_failed(db, ERR_DB, sql,
		    "A script must not end the transaction.");
	return e;
}

const struct db_driver db_postgres = {
	.kind = DB_POSTGRES,
	.mark = "pg",
	.open = pg_open,
	.prepare = pg_prepare,
	.run = pg_run,
	.queue = pg_queue,
	.cell = pg_cell,
	.forget = pg_forget,
	.control = pg_control,
	.script = pg_script,
};
