#include "repo/host.h"

#include "base/mem.h"

enum { GET, LIST, HELD, ADD, SEEN, HOLD_ALL, FREE_ALL, AWAKE, PAST, MARKS, MARK };

/* clang-format off */
#define COLUMNS "SELECT id, name, nonce, held, held_at, seen_at, created_at FROM hosts"
/* What concerns the whole database before what concerns one machine. */
#define BY_WEIGHT " ORDER BY CASE held WHEN 'restored' THEN 0 WHEN 'copied' THEN 1" \
	" WHEN 'new' THEN 2 ELSE 3 END, seen_at DESC, id"

static const char *const sql[] = {
	[GET] = COLUMNS " WHERE id = $1",
	[LIST] = COLUMNS BY_WEIGHT " LIMIT $1",
	[HELD] = COLUMNS " WHERE held <> ''" BY_WEIGHT " LIMIT 1",
	[ADD] = "INSERT INTO hosts (id, name, nonce, held, held_at, seen_at, created_at)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $6)",
	[SEEN] = "UPDATE hosts SET name = $2, nonce = $3, seen_at = $4 WHERE id = $1",
	[HOLD_ALL] = "UPDATE hosts SET held = $1, held_at = $2 WHERE held <> $1",
	[FREE_ALL] = "UPDATE hosts SET held = '', held_at = NULL WHERE held <> ''",
	[AWAKE] = "SELECT count(*) FROM hosts WHERE held = '' AND seen_at >= $1",
	[PAST] = "SELECT (SELECT count(*) FROM hosts),"
	         " (EXISTS (SELECT 1 FROM send_batches) OR EXISTS (SELECT 1 FROM send_attempts)),"
	         " EXISTS (SELECT 1 FROM campaigns WHERE status <> 'draft')",
	[MARKS] = "SELECT slot, n FROM host_marks WHERE host_id = $1 ORDER BY slot",
	[MARK] = "INSERT INTO host_marks (host_id, slot, n) VALUES ($1, $2, $3)"
	         " ON CONFLICT (host_id, slot) DO UPDATE SET n = excluded.n",
};
/* clang-format on */

enum err host_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static void read_row(struct stmt *s, void *mem, struct host *h)
{
	*h = (struct host){
		.id = stmt_copy(s, 0, mem),
		.name = stmt_copy(s, 1, mem),
		.nonce = stmt_copy(s, 2, mem),
		.held = stmt_copy(s, 3, mem),
		.held_at = stmt_int(s, 4),
		.seen_at = stmt_int(s, 5),
		.created_at = stmt_int(s, 6),
	};
}

static enum err read_one(struct stmt *s, void *mem, struct host **out)
{
	enum err e = stmt_row(s);

	if (e != OK)
		return e;
	*out = mem_new(mem, struct host);
	read_row(s, mem, *out);
	return OK;
}

enum err host_get(struct db *db, void *mem, const char *id, struct host **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[GET]);

	stmt_bind_text(s, 1, id);
	return read_one(s, mem, out);
}

enum err host_held(struct db *db, void *mem, struct host **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[HELD]);

	return read_one(s, mem, out);
}

enum err host_list(struct db *db, void *mem, struct host **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LIST]);

	*out = mem_array(mem, struct host, HOSTS_MAX);
	*n = 0;
	stmt_bind_int(s, 1, HOSTS_MAX);
	while (*n < HOSTS_MAX && stmt_next(s))
		read_row(s, mem, &(*out)[(*n)++]);
	return stmt_error(s);
}

enum err host_add(struct db *db, const struct host *h)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);

	stmt_bind_text(s, 1, h->id);
	stmt_bind_text(s, 2, h->name);
	stmt_bind_text(s, 3, h->nonce);
	stmt_bind_text(s, 4, h->held);
	stmt_bind_opt(s, 5, h->held_at);
	stmt_bind_int(s, 6, h->seen_at);
	return stmt_run(s);
}

enum err host_seen(struct db *db, const struct host *h)
{
	STMT_SCOPE s = db_stmt(db, &sql[SEEN]);

	stmt_bind_text(s, 1, h->id);
	stmt_bind_text(s, 2, h->name);
	stmt_bind_text(s, 3, h->nonce);
	stmt_bind_int(s, 4, h->seen_at);
	return stmt_run(s);
}

enum err host_hold_all(struct db *db, const char *why, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[HOLD_ALL]);

	stmt_bind_text(s, 1, why);
	stmt_bind_int(s, 2, now);
	return stmt_run(s);
}

enum err host_free_all(struct db *db, int64_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[FREE_ALL]);
	enum err e = stmt_run(s);

	*n = e == OK ? stmt_changes(s) : 0;
	return e;
}

enum err host_awake(struct db *db, int64_t since, int *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[AWAKE]);
	enum err e;

	stmt_bind_int(s, 1, since);
	e = stmt_row(s);
	*n = e == OK ? (int)stmt_int(s, 0) : 0;
	return e;
}

enum err host_past(struct db *db, struct host_past *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[PAST]);
	enum err e = stmt_row(s);

	if (e == OK)
		*out = (struct host_past){ stmt_int(s, 0), stmt_int(s, 1) == 1,
			stmt_int(s, 2) == 1 };
	return e;
}

enum err host_marks(struct db *db, void *mem, const char *host, struct host_mark **out,
    size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[MARKS]);

	*out = NULL;
	*n = 0;
	stmt_bind_text(s, 1, host);
	while (stmt_next(s)) {
		*out = mem_resize(mem, *out, (*n + 1) * sizeof(**out));
		(*out)[(*n)++] = (struct host_mark){ .host = host,
			.slot = (int)stmt_int(s, 0),
			.n = stmt_int(s, 1) };
	}
	return stmt_error(s);
}

enum err host_mark_put(struct db *db, const struct host_mark *m)
{
	STMT_SCOPE s = db_stmt(db, &sql[MARK]);

	stmt_bind_text(s, 1, m->host);
	stmt_bind_int(s, 2, m->slot);
	stmt_bind_int(s, 3, m->n);
	return stmt_queue(s);
}
