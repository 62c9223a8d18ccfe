#pragma once

#include "base/buf.h"
#include "db/db.h"

/*
 * What db.c and its two drivers share; nobody else includes this.  A statement keeps
 * its bound parameters here, a driver hands them over and fetches all rows at once: so
 * a loop over rows may write, and no row holds a lock while a page is made of it.
 */
enum value_type {
	VALUE_NULL,
	VALUE_INT,
	VALUE_DOUBLE,
	VALUE_TEXT,
	VALUE_BLOB,
	VALUE_BAD, /* refused when the statement is run */
};

/* A bound parameter, or a cell of a row. */
struct value {
	enum value_type type;
	int64_t i;
	double d;
	const char *p; /* text (NUL-terminated) or bytes */
	size_t n;
};

struct param {
	struct value v;
	char *own; /* copy of text or bytes, reused */
	size_t cap;
};

struct stmt {
	struct db *db;
	struct stmt *next; /* in its slot of db->slots */
	const char *key;   /* address of the text; NULL: made at run time */
	const char *sql;   /* the text as this driver wants it */
	void *state;       /* the driver's */
	struct param *params;
	int n_params; /* made room for; the rest is NULL */
	bool busy, ran, writes;
	enum err broken; /* it could not be prepared */
	enum err error;  /* of the last run */
	int64_t row, n_rows, changes;
	void *scratch; /* texts made of numbers; gone at reset */
};

enum { DB_SLOTS = 256 };

enum db_verb {
	DB_BEGIN,
	DB_BEGIN_KEYED,
	DB_RELAX,
	DB_COMMIT,
	DB_ROLLBACK,
	DB_PING,
	DB_WAIT,
	DB_CACHE,
	DB_REST,
	DB_DEFEND
};

struct db_driver {
	enum db_kind kind;
	const char *mark; /* opens a marked comment: "lite" or "pg" */
	/* Connects and sets db->state, which closes when it is freed. */
	enum err (*open)(struct db *db, const char *url);
	/* Sets s->state (closes when freed) and s->writes. */
	enum err (*prepare)(struct stmt *s);
	/* Runs it with its parameters; sets s->n_rows and s->changes. */
	enum err (*run)(struct stmt *s);
	/*
	 * As run, but may return before the outcome is known; any later call may report
	 * it.
	 */
	enum err (*queue)(struct stmt *s);
	/* The cell of row s->row; valid until forget. */
	void (*cell)(struct stmt *s, int col, struct value *out);
	/* Gives back the rows. */
	void (*forget)(struct stmt *s);
	/*
	 * DB_WAIT, DB_CACHE, DB_DEFEND: db->wait_ms, db->cache_kb, db->open_schema
	 * has changed.
	 */
	enum err (*control)(struct db *db, enum db_verb verb);
	enum err (*script)(struct db *db, const char *sql);
};

struct db {
	const struct db_driver *driver;
	void *state; /* the driver's */
	void *stmts; /* owner of all statements; freed before state */
	const struct log *lg;
	int wait_ms, cache_kb;
	bool open_schema;  /* SQLite: a migration may write it */
	int depth;         /* open tx scopes */
	enum err doomed;   /* a statement of this transaction failed */
	uint64_t writes;   /* writing statements run so far */
	unsigned connects; /* PostgreSQL: how often; SQLite stays at 0 */
	int64_t began_us;  /* the outermost tx scope */
	int64_t held_us;   /* how long the last one took */
	struct stmt *slots[DB_SLOTS];
};

extern const struct db_driver db_sqlite, db_postgres;

/* The bound parameter n (from 1); NULL if nothing was ever bound there. */
const struct value *stmt_value(const struct stmt *s, int n);
/*
 * Logs a failure once, with the first line of the statement and the library's sentence,
 * which must hold no bound value; returns e.  sql may be NULL.
 */
enum err db_failed(const struct db *db, enum err e, const char *sql, const char *why);
