#pragma once

#include <sqlite3.h>

#include "db/db_driver.h"
#include "db/filelock.h"

/* What the two files of the SQLite driver share. */
struct lite {
	struct db *db;
	sqlite3 *h;
	struct filelock lock; /* of all who write */
	int wal_pages;        /* after the last commit of this connection */
	int checkpoint_at;
};

/* The error of rc, logged with sql. */
enum err lite_failed(const struct lite *l, int rc, const char *sql);
enum err lite_lock(struct lite *l) MUST_CHECK;
/* Copies the log into the database first if it has grown long. */
void lite_unlock(struct lite *l);

enum err lite_prepare(struct stmt *s) MUST_CHECK;
enum err lite_run(struct stmt *s) MUST_CHECK;
void lite_cell(struct stmt *s, int col, struct value *out);
void lite_forget(struct stmt *s);
