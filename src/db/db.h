#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"

/*
 * One connection to SQLite or PostgreSQL, used by one process and opened after fork.
 * SQL is written once for both: $1 placeholders (by number), ON CONFLICT, RETURNING,
 * ->>.  Where one of them needs more, a marked comment is opened by that driver only:
 *
 *	SELECT id FROM x / *+pg FOR UPDATE SKIP LOCKED * /        (without the spaces)
 *	SELECT id FROM x / *+lite INDEXED BY x_open * / WHERE ...
 *
 * Statements are named by the address of their text in the repository's table, prepared
 * when a connection first needs them and reused.  db_prepare prepares a whole table:
 * the start of a pool does so once, so that bad SQL stops it and not a request.
 *
 * Reading: a statement fetches all its rows at the first step.  So a loop over rows may
 * run other statements, the same one too, and may write; and lists are read in pages.
 *
 * Writing: SQLite allows one writer.  Write transactions (and single writing statements
 * outside one) hold one flock on <db>.lock, waited for up to 5 s, then ERR_BUSY;
 * commits and checkpoints both happen under it (WAL-reset race of SQLite before
 * 3.51.3).
 *
 * A statement that fails inside a transaction dooms it, on both databases: what follows
 * returns the same error at once and tx_commit rolls back.  So where a conflict is
 * expected inside a transaction, write ON CONFLICT DO NOTHING (or DO UPDATE) RETURNING
 * and look at the row or at stmt_changes; do not run into ERR_CONFLICT and go on.
 *
 * One text for both, the traps:
 * - PostgreSQL infers each parameter's type from where it stands first.  Beside a
 *   column (a = $1, VALUES ($1), SET a = $1, LIMIT $1) that is right.  Elsewhere say
 *   it: CAST($1 AS BIGINT) = 0, CAST($2 AS TEXT) IS NULL, SELECT CAST($3 AS BIGINT),
 *   COALESCE(a, CAST($4 AS BIGINT)).  Beside a literal 0 it would be a 32-bit integer.
 * - Scalar max(a, b), min(a, b), ifnull, iif, GLOB, instr, json_* and strftime are
 *   SQLite's, greatest, ILIKE, ANY and now() PostgreSQL's: use CASE, COALESCE, lower(a)
 *   LIKE and bind the time.  LIKE ignores case on SQLite only.  a IS NOT DISTINCT FROM
 *   b works on both.
 * - A comparison is 1/0 or true/false: stmt_int reads both; store it as CASE WHEN ...
 *   THEN 1 ELSE 0 END.  Booleans in tables are BIGINT 0/1, so write "is_admin = 1".
 * - GROUP BY must name every plain column of the select list.  An INSERT ... SELECT
 *   with ON CONFLICT needs a WHERE ("WHERE true").  In ON CONFLICT DO UPDATE name the
 *   table for the old value: SET n = campaign_counts.n + excluded.n.
 * - id IN (SELECT ... LIMIT n FOR UPDATE SKIP LOCKED) may take more than n on
 *   PostgreSQL: put the SELECT in WITH ... AS MATERIALIZED.  In UPDATE ... FROM,
 *   RETURNING n must be a name that only the table has (SQLite takes no alias there,
 *   PostgreSQL wants one if two have it).
 * - PostgreSQL runs at READ COMMITTED: two transactions may read the same state.  So
 *   change a state with the old one in the WHERE and look at stmt_changes, or read it
 *   FOR UPDATE in a comment marked pg.
 * - Text must be UTF-8 without NUL; a bound text with a NUL is ERR_INVALID.
 */
struct db;
struct stmt;

enum db_kind { DB_SQLITE, DB_POSTGRES };

/*
 * url: sqlite:/path/to/file or postgresql://...  The handle closes when its owner is
 * freed.
 */
enum err db_open(void *mem, const char *url, const struct log *lg,
    struct db **out) MUST_CHECK;
enum db_kind db_kind(const struct db *db);
/* Points the log at the current request, so that lines carry its id. */
void db_set_log(struct db *db, const struct log *lg);
/* Prepares n statements of a table (NULL holes are skipped). */
enum err db_prepare(struct db *db, const char *const *sql, size_t n) MUST_CHECK;
/* Runs text with any number of statements: migrations only. */
enum err db_script(struct db *db, const char *sql) MUST_CHECK;
/*
 * Whether SQLite's own table of the schema may be written: for a migration that changes
 * the texts of tables and no row.  No at first.
 */
void db_open_schema(struct db *db, bool open);
/*
 * How often the connection was made: a change says that it was lost meanwhile, and that
 * the database may be another one now, such as a standby that lacks the last commits.
 */
unsigned db_connects(const struct db *db);
/* True if the database answers (readiness). */
bool db_alive(struct db *db);
/*
 * Memory for pages of SQLite that were read before; 8 MB at first. PostgreSQL has its
 * own.
 */
void db_set_cache(struct db *db, int kb);
/* There is time: gives back memory that only saves time (SQLite's page cache). */
void db_rest(struct db *db);
/* How long to wait for another writer before ERR_BUSY; 5,000 ms at first. */
void db_set_wait(struct db *db, int ms);

/* ---- statements ---- */
void stmt_done(struct stmt **s);
#define STMT_SCOPE __attribute__((cleanup(stmt_done))) struct stmt *

/*
 * sql: the address of the slot, e.g. db_stmt(db, &sql[GET]). Never NULL; errors come at
 * stepping.
 */
struct stmt *db_stmt(struct db *db, const char *const *sql);
/* A statement whose text is made at run time from fixed parts (never from input). */
struct stmt *db_stmt_text(struct db *db, const char *sql);
/*
 * Parameters count from 1, are copied, and stay bound from one run to the next until
 * they are bound anew or the scope ends; one never bound is NULL.
 */
void stmt_bind_int(struct stmt *s, int n, int64_t v);
void stmt_bind_double(struct stmt *s, int n, double v);
/* NULL binds NULL */
void stmt_bind_text(struct stmt *s, int n, const char *v);
void stmt_bind_textn(struct stmt *s, int n, const char *v, size_t len);
void stmt_bind_blob(struct stmt *s, int n, const void *v, size_t len);
void stmt_bind_null(struct stmt *s, int n);
/* 0 binds NULL: for optional references and times. */
void stmt_bind_opt(struct stmt *s, int n, int64_t v);

/*
 * Runs a statement that returns no rows. ERR_CONFLICT on a unique or foreign key
 * violation, ERR_BUSY if another writer did not let go in time, ERR_FULL if the disk is
 * full.
 */
enum err stmt_run(struct stmt *s) MUST_CHECK;
/*
 * As stmt_run, for what needs no answer inside a transaction, many rows or the last
 * statements of it: PostgreSQL gets it together with what is run next, so the network
 * is waited for once and not for each.  A failure comes from this or from any later
 * call, at the latest from tx_commit; rows and stmt_changes are not known.
 */
enum err stmt_queue(struct stmt *s) MUST_CHECK;
/* Steps to the first row; ERR_NOTFOUND if there is none. */
enum err stmt_row(struct stmt *s) MUST_CHECK;
/* while (stmt_next(s)) ...; afterwards stmt_error(s) tells whether it ended well. */
bool stmt_next(struct stmt *s);
enum err stmt_error(const struct stmt *s) MUST_CHECK;
/* Gives back the rows; binding anew or running again does it too. */
void stmt_reset(struct stmt *s);
int64_t stmt_changes(const struct stmt *s); /* rows changed by the last stmt_run */

/* Columns from 0, of the current row. Text and blobs live until the reset. */
int64_t stmt_int(struct stmt *s, int col); /* NULL is 0 */
double stmt_double(struct stmt *s, int col);
const char *stmt_text(struct stmt *s, int col); /* NULL is "" */
const char *stmt_text_or_null(struct stmt *s, int col);
char *stmt_copy(struct stmt *s, int col, void *mem); /* copy; NULL stays NULL */
const void *stmt_blob(struct stmt *s, int col, size_t *len);
bool stmt_is_null(struct stmt *s, int col);

/* ---- transactions ---- */
struct tx {
	struct db *db;
	bool open;
	uint64_t writes; /* of the connection when it began */
};
void tx_done(struct tx *t); /* rolls back if still open */
/*
 *	TX_SCOPE tx = { 0 };
 *	enum err e = tx_begin(db, &tx);
 *	...
 *	if (e == OK) e = tx_commit(&tx);
 * A transaction inside a transaction joins it: the outer one decides.  But an inner one
 * that has written and ends without tx_commit dooms the outer one (ERR_INTERNAL), for
 * half of its work must not be kept.
 */
#define TX_SCOPE __attribute__((cleanup(tx_done))) struct tx
/*
 * BEGIN IMMEDIATE on SQLite.  PostgreSQL gets its BEGIN with the first statement, so
 * there a server that does not answer is heard of then.
 */
enum err tx_begin(struct db *db, struct tx *t) MUST_CHECK;
/*
 * The same for a transaction whose every statement finds its rows by an index, however
 * small their tables may be now.  PostgreSQL plans a statement once and keeps the plan:
 * made while a table was empty it would be "read all of it", for millions of rows too.
 * Such a statement belongs into transactions of this kind only.
 */
enum err tx_begin_keyed(struct db *db, struct tx *t) MUST_CHECK;
enum err tx_commit(struct tx *t) MUST_CHECK;
/*
 * How long the last transaction that was committed kept other writers waiting, from
 * when it had its turn, in microseconds: for base/pace.  On PostgreSQL only those wait
 * who want the same rows, so a tenth of its time counts.
 */
int64_t db_held_us(const struct db *db);
/*
 * At the beginning of a transaction that may be lost in a power cut, because nothing is
 * told to anybody before a later commit: PostgreSQL's commit does not wait for the
 * disk.  A later one that does brings it along.  SQLite's is as durable as ever.
 */
enum err tx_relax(struct tx *t) MUST_CHECK;
