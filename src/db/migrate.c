#include "db/migrate.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "base/text.h"

/* One file of the directory. */
struct step {
	int version;
	const char *name; /* NNNN_name.sql */
	char *sql;
	const char *checksum; /* SHA-256 of the file, hex */
	bool applied;
};

struct steps {
	struct step *at;
	size_t n;
	int newest;
};

enum { EXISTS, RECORDED, RECORD };

static const char *const sql[] = {
	[EXISTS] = "SELECT 1 FROM"
		   " /*+lite sqlite_schema WHERE name = 'schema_migrations' */"
		   " /*+pg pg_tables WHERE tablename = 'schema_migrations'"
		   " AND schemaname = current_schema() */",
	[RECORDED] = "SELECT version, name, checksum FROM schema_migrations"
		     " ORDER BY version",
	[RECORD] = "INSERT INTO schema_migrations (version, name, checksum, applied_at)"
		   " VALUES ($1, $2, $3, $4)",
};

/* The first statements of the transaction: two who migrate at once take turns. */
static const char first_sql[] = "/*+pg SELECT pg_advisory_xact_lock(7308337310); */"
				"CREATE TABLE IF NOT EXISTS schema_migrations ("
				"	version BIGINT PRIMARY KEY,"
				"	name TEXT NOT NULL,"
				"	checksum TEXT NOT NULL,"
				"	applied_at BIGINT NOT NULL"
				");";

/* ---- the files ---- */

static char *read_all(void *mem, const char *path, size_t *len)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "file");
	struct buf *b = buf_new(tmp);
	char block[8192];
	size_t n;
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return NULL;
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(b, block, n);
	n = (size_t)ferror(f);
	fclose(f);
	*len = b->len;
	return n != 0 ? NULL : mem_strn(mem, b->data, b->len);
}

/* The number of NNNN_name.sql; 0 if it is not named so. */
static int version_of(const char *name)
{
	if (strspn(name, "0123456789") != 4 || name[4] != '_' ||
	    !text_ends(name, ".sql"))
		return 0;
	return (int)strtol(name, NULL, 10);
}

static bool read_step(void *mem, const char *dir, const char *name, struct step *out)
{
	const char *path = mem_printf(mem, "%s/%s", dir, name);
	uint8_t sum[32];
	size_t len = 0;

	*out = (struct step){ .version = version_of(name), .name = mem_str(mem, name) };
	out->sql = read_all(mem, path, &len);
	if (out->sql == NULL)
		return false;
	sha256(out->sql, len, sum);
	out->checksum = hex_encode(mem, sum, sizeof(sum));
	return true;
}

static int by_version(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	return x->version - y->version;
}

static enum err read_dir(void *mem, const char *dir, struct steps *out,
    struct migration_state *st)
{
	DIR *d = opendir(dir);
	bool good = d != NULL;
	struct dirent *entry;

	while (good && (entry = readdir(d)) != NULL) {
		if (version_of(entry->d_name) == 0)
			continue;
		out->at = mem_resize(mem, out->at, (out->n + 1) * sizeof(struct step));
		good = read_step(mem, dir, entry->d_name, &out->at[out->n++]);
	}
	if (d != NULL)
		closedir(d);
	if (!good || out->n == 0) {
		st->why = mem_printf(mem, "The migrations in %s cannot be read: %s.",
		    dir, good ? "there are none" : strerror(errno));
		return ERR_IO;
	}
	qsort(out->at, out->n, sizeof(struct step), by_version);
	out->newest = out->at[out->n - 1].version;
	for (size_t i = 0; i < out->n; i++) {
		if (out->at[i].version == (int)i + 1)
			continue;
		st->why = mem_printf(mem,
		    "In %s, %s is not number %04zu: one is missing or"
		    " there are two.",
		    dir, out->at[i].name, i + 1);
		return ERR_IO;
	}
	return OK;
}

/* ---- what the database says ---- */

static enum err compare(void *mem, const struct steps *all, struct stmt *s,
    struct migration_state *st)
{
	int version = (int)stmt_int(s, 0);
	struct step *step;

	if (version > all->newest) {
		st->why = mem_printf(mem,
		    "The database was migrated to %s by a newer version"
		    " of Maillayer; this one knows %04d at most. Install the newer"
		    " one.",
		    stmt_text(s, 1), all->newest);
		return ERR_CONFLICT;
	}
	step = &all->at[version - 1];
	if (!text_equal(step->checksum, stmt_text(s, 2))) {
		st->why = mem_printf(mem,
		    "%s is not the file that was applied to this"
		    " database: its checksum has changed. Restore the original file.",
		    step->name);
		return ERR_CONFLICT;
	}
	step->applied = true;
	st->applied = version;
	return OK;
}

static enum err read_recorded(struct db *db, void *mem, const struct steps *all,
    struct migration_state *st)
{
	STMT_SCOPE exists = db_stmt_text(db, sql[EXISTS]);
	STMT_SCOPE s = NULL;
	enum err e = stmt_row(exists);

	if (e != OK)
		return e == ERR_NOTFOUND ? OK : e;
	s = db_stmt_text(db, sql[RECORDED]);
	while (e == OK && stmt_next(s))
		e = compare(mem, all, s, st);
	return e == OK ? stmt_error(s) : e;
}

static const char *kind_dir(void *mem, const struct db *db, const char *share_dir)
{
	return mem_printf(mem, "%s/sql/%s", share_dir,
	    db_kind(db) == DB_SQLITE ? "sqlite" : "postgres");
}

/* ---- doing it ---- */

#ifdef FAILPOINTS
/* Up to the ; that ends it. */
static size_t statement_length(const char *s)
{
	bool quoted = false;
	size_t i = 0;

	for (; s[i] && (quoted || s[i] != ';'); i++) {
		if (s[i] == '\'')
			quoted = !quoted;
		else if (!quoted && strncmp(s + i, "--", 2) == 0)
			i += strcspn(s + i, "\n") - 1;
	}
	return s[i] ? i + 1 : i;
}

/* One statement at a time, so that a test can end us after each. */
static enum err run_file(struct db *db, void *mem, const char *text)
{
	enum err e = OK;

	for (size_t n; e == OK; text += n) {
		n = statement_length(text);
		if (n == 0 || text[n - 1] != ';')
			break; /* comments at the end */
		e = db_script(db, mem_strn(mem, text, n));
		FAILPOINT("migrate.statement");
	}
	return e;
}
#else
static enum err run_file(struct db *db, void *mem, const char *text)
{
	(void)mem;
	return db_script(db, text);
}
#endif

static enum err apply(struct db *db, void *mem, const struct step *step, int64_t now,
    struct migration_state *st)
{
	STMT_SCOPE s = db_stmt_text(db, sql[RECORD]);
	enum err e;

	db_open_schema(db, strstr(step->sql, "PRAGMA writable_schema") != NULL);
	e = run_file(db, mem, step->sql);
	db_open_schema(db, false);
	FAILPOINT("migrate.script");
	stmt_bind_int(s, 1, step->version);
	stmt_bind_text(s, 2, step->name);
	stmt_bind_text(s, 3, step->checksum);
	stmt_bind_int(s, 4, now);
	if (e == OK)
		e = stmt_run(s);
	if (e != OK)
		st->why = mem_printf(mem,
		    "%s failed; nothing was changed. The log says"
		    " where.",
		    step->name);
	else
		st->applied = step->version;
	return e;
}

static enum err apply_missing(struct db *db, void *mem, const struct steps *all,
    int64_t now, struct migration_state *st)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = db_script(db, first_sql);
	if (e == OK)
		e = read_recorded(db, mem, all, st);
	for (size_t i = 0; e == OK && i < all->n; i++)
		if (!all->at[i].applied)
			e = apply(db, mem, &all->at[i], now, st);
	FAILPOINT("migrate.recorded");
	if (e == OK)
		e = tx_commit(&tx);
	return e;
}

enum err migrate_up(struct db *db, void *mem, const char *share_dir, int64_t now,
    struct migration_state *st)
{
	struct steps all = { 0 };
	enum err e;

	*st = (struct migration_state){ 0 };
	e = read_dir(mem, kind_dir(mem, db, share_dir), &all, st);
	st->newest = all.newest;
	if (e == OK)
		e = apply_missing(db, mem, &all, now, st);
	if (e != OK && st->why == NULL)
		st->why = "The database could not be migrated; nothing was changed.";
	return e;
}

enum err migrate_check(struct db *db, void *mem, const char *share_dir,
    struct migration_state *st)
{
	struct steps all = { 0 };
	enum err e;

	*st = (struct migration_state){ 0 };
	e = read_dir(mem, kind_dir(mem, db, share_dir), &all, st);
	st->newest = all.newest;
	if (e == OK)
		e = read_recorded(db, mem, &all, st);
	if (e == OK && st->applied < all.newest) {
		st->why = mem_printf(mem,
		    "The database is at migration %04d and this version"
		    " of Maillayer needs %04d: run \"maillayer migrate\".",
		    st->applied, all.newest);
		e = ERR_CONFLICT;
	}
	if (e != OK && st->why == NULL)
		st->why = "The database does not answer; the log says why.";
	return e;
}
