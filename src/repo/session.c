#include "repo/session.h"

#include "base/mem.h"

enum { ADD, FIND, SEEN, DROP, DROP_USER, SWEEP };

static const char *const sql[] = {
	[ADD] = "INSERT INTO sessions (user_id, token_hash, csrf, ip, agent,"
		"  created_at, seen_at, expires_at)"
		"  VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
	[FIND] =
	    "SELECT s.id, s.user_id, s.csrf, s.created_at, s.seen_at, s.expires_at,"
	    "  u.email, u.name, u.is_admin, u.created_at"
	    "  FROM sessions s JOIN users u ON u.id = s.user_id"
	    "  WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.seen_at > $3"
	    "  AND u.disabled_at IS NULL",
	[SEEN] = "UPDATE sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2",
	[DROP] = "DELETE FROM sessions WHERE id = $1",
	[DROP_USER] = "DELETE FROM sessions WHERE user_id = $1",
	[SWEEP] = "DELETE FROM sessions WHERE expires_at <= $1 OR seen_at <= $2",
};

enum err session_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

enum err session_add(struct db *db, struct session *n, const uint8_t token_hash[32],
    const char *ip, const char *agent)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);
	enum err e;

	stmt_bind_int(s, 1, n->user_id);
	stmt_bind_blob(s, 2, token_hash, 32);
	stmt_bind_text(s, 3, n->csrf);
	stmt_bind_text(s, 4, ip ? ip : "");
	stmt_bind_text(s, 5, agent ? agent : "");
	stmt_bind_int(s, 6, n->created_at);
	stmt_bind_int(s, 7, n->seen_at);
	stmt_bind_int(s, 8, n->expires_at);
	e = stmt_row(s);
	if (e == OK)
		n->id = stmt_int(s, 0);
	return e;
}

static void read_both(struct stmt *s, void *mem, struct session **out,
    struct user **user)
{
	struct session *n = mem_new(mem, struct session);
	struct user *u = mem_new(mem, struct user);

	n->id = stmt_int(s, 0);
	n->user_id = u->id = stmt_int(s, 1);
	n->csrf = stmt_copy(s, 2, n);
	n->created_at = stmt_int(s, 3);
	n->seen_at = stmt_int(s, 4);
	n->expires_at = stmt_int(s, 5);
	u->email = stmt_copy(s, 6, u);
	u->name = stmt_copy(s, 7, u);
	u->admin = stmt_int(s, 8) != 0;
	u->created_at = stmt_int(s, 9);
	*out = n;
	*user = u;
}

enum err session_find(struct db *db, void *mem, const uint8_t token_hash[32],
    int64_t now, struct session **out, struct user **u)
{
	STMT_SCOPE s = db_stmt(db, &sql[FIND]);
	enum err e;

	stmt_bind_blob(s, 1, token_hash, 32);
	stmt_bind_int(s, 2, now);
	stmt_bind_int(s, 3, now - SESSION_IDLE_MS);
	e = stmt_row(s);
	if (e == OK)
		read_both(s, mem, out, u);
	return e;
}

enum err session_seen(struct db *db, int64_t id, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[SEEN]);

	stmt_bind_int(s, 1, id);
	stmt_bind_int(s, 2, now);
	return stmt_run(s);
}

enum err session_drop(struct db *db, int64_t id)
{
	STMT_SCOPE s = db_stmt(db, &sql[DROP]);

	stmt_bind_int(s, 1, id);
	return stmt_run(s);
}

enum err session_drop_user(struct db *db, int64_t user_id)
{
	STMT_SCOPE s = db_stmt(db, &sql[DROP_USER]);

	stmt_bind_int(s, 1, user_id);
	return stmt_run(s);
}

enum err session_sweep(struct db *db, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[SWEEP]);

	stmt_bind_int(s, 1, now);
	stmt_bind_int(s, 2, now - SESSION_IDLE_MS);
	return stmt_run(s);
}
