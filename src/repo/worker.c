#include "repo/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

struct worker {
	struct db *db;
	char *owner;
	char *dir, *file; /* file NULL: held in PostgreSQL */
	int fd;
	int64_t key;
};

enum { TAKE, GIVE };

/* PostgreSQL's; a SQLite database never steps them, but prepares every statement. */
static const char *const sql[] = {
	[TAKE] =
	    "SELECT /*+lite 0 + $1 *//*+pg pg_try_advisory_lock(CAST($1 AS BIGINT)) */",
	[GIVE] =
	    "SELECT /*+lite 0 + $1 *//*+pg pg_advisory_unlock(CAST($1 AS BIGINT)) */",
};

enum err worker_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static bool advisory(struct db *db, int what, int64_t key)
{
	STMT_SCOPE s = db_stmt(db, &sql[what]);

	stmt_bind_int(s, 1, key);
	return stmt_row(s) == OK && stmt_int(s, 0) == 1;
}

static int worker_end(struct worker *w)
{
	if (!w->file) {
		advisory(w->db, GIVE, w->key);
		return 0;
	}
	unlink(w->file);
	close(w->fd);
	return 0;
}

static enum err take_file(struct worker *w)
{
	if (mkdir(w->dir, 0700) != 0 && errno != EEXIST)
		return ERR_IO;
	w->file = mem_printf(w, "%s/%s.lock", w->dir, w->owner);
	w->fd = open(w->file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (w->fd < 0)
		return errno == ENOSPC ? ERR_FULL : ERR_IO;
	if (flock(w->fd, LOCK_EX | LOCK_NB) != 0) {
		close(w->fd);
		return ERR_IO;
	}
	return OK;
}

enum err worker_open(void *mem, struct db *db, const char *state_dir,
    struct worker **out)
{
	struct worker *w = mem_new(mem, struct worker);
	enum err e = OK;

	random_bytes(&w->key, sizeof(w->key));
	w->key &= INT64_MAX;
	w->db = db;
	w->dir = mem_printf(w, "%s/workers", state_dir);
	w->owner = mem_printf(w, "%lld", (long long)w->key);
	if (db_kind(db) == DB_SQLITE)
		e = take_file(w);
	else if (!advisory(db, TAKE, w->key))
		e = ERR_DB;
	if (e != OK) {
		mem_free(w);
		return e;
	}
	mem_on_free(w, worker_end);
	*out = w;
	return OK;
}

const char *worker_owner(const struct worker *w)
{
	return w->owner;
}

static bool file_dead(struct worker *w, const char *owner)
{
	char *file = mem_printf(w, "%s/%s.lock", w->dir, owner);
	int fd = open(file, O_RDWR | O_CLOEXEC);
	bool dead;

	if (fd < 0) {
		dead = errno == ENOENT;
	} else {
		dead = flock(fd, LOCK_EX | LOCK_NB) == 0;
		if (dead)
			unlink(file);
		close(fd);
	}
	mem_free(file);
	return dead;
}

bool worker_dead(struct worker *w, const char *owner)
{
	int64_t key;

	if (strcmp(owner, w->owner) == 0 || !text_to_int(owner, 0, INT64_MAX, &key))
		return false;
	if (w->file)
		return file_dead(w, owner);
	if (!advisory(w->db, TAKE, key))
		return false;
	advisory(w->db, GIVE, key);
	return true;
}
