#include "repo/session.h"

#include <string.h>

#include "base/mem.h"

enum { ADD, FIND, SEEN, END, LIST, RENEW, SWEEP };

static const char *const sql[] = {
	[ADD] = "INSERT INTO sessions (user_id, token_hash, csrf, ip, agent,"
		"  created_at, seen_at, expires_at)"
		"  VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
	[FIND] =
	    "SELECT s.id, s.user_id, s.csrf, s.created_at, s.seen_at, s.expires_at,"
	    "  u.email, u.name, u.is_admin, u.created_at, s.verified_until"
	    "  FROM sessions s JOIN users u ON u.id = s.user_id"
	    "  WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.seen_at > $3"
	    "  AND u.disabled_at IS NULL",
	[SEEN] = "UPDATE sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2",
	[END] = "DELETE FROM sessions WHERE user_id = $1"
		"  AND (CAST($2 AS BIGINT) = 0 OR id = $2) AND id <> $3"
		"  RETURNING token_hash",
	[LIST] = "SELECT id, ip, agent, created_at, seen_at, expires_at FROM sessions"
		 "  WHERE user_id = $1 AND +expires_at > $2 AND +seen_at > $3"
		 "  ORDER BY seen_at DESC, id DESC LIMIT 100",
	[RENEW] = "UPDATE sessions SET token_hash = $2, csrf = $3"
		  "  WHERE id = $1 RETURNING id",
	/* Each sign-in adds one and removes more: never many at once. */
	[SWEEP] =
	    "DELETE FROM sessions WHERE"
	    " /*+lite id IN ( *//*+pg id = ANY(ARRAY( */"
	    "  SELECT id FROM (SELECT id FROM sessions WHERE expires_at <= $1"
	    "    ORDER BY expires_at LIMIT 100) a"
	    "  UNION ALL SELECT id FROM (SELECT id FROM sessions WHERE seen_at <= $2"
	    "    ORDER BY seen_at LIMIT 100) b /*+lite ) *//*+pg )) */",
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
	n->verified_until = stmt_int(s, 10);
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

enum err session_end(struct db *db, void *mem, const struct session_pick *p,
    uint8_t (**hashes)[32], size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[END]);
	uint8_t(*all)[32] = NULL;
	size_t len;

	*n = 0;
	stmt_bind_int(s, 1, p->user_id);
	stmt_bind_int(s, 2, p->only);
	stmt_bind_int(s, 3, p->but);
	while (stmt_next(s)) {
		const void *hash = stmt_blob(s, 0, &len);

		all = mem_resize(mem, all, (*n + 1) * sizeof(*all));
		if (len == sizeof(*all))
			memcpy(all[(*n)++], hash, len);
	}
	*hashes = all;
	return stmt_error(s);
}

enum err session_list(struct db *db, void *mem, int64_t user_id, int64_t now,
    struct session **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LIST]);
	struct session *all = NULL;

	*n = 0;
	stmt_bind_int(s, 1, user_id);
	stmt_bind_int(s, 2, now);
	stmt_bind_int(s, 3, now - SESSION_IDLE_MS);
	while (stmt_next(s)) {
		all = mem_resize(mem, all, (*n + 1) * sizeof(*all));
		all[(*n)++] = (struct session){
			.id = stmt_int(s, 0),
			.user_id = user_id,
			.csrf = "",
			.ip = stmt_copy(s, 1, mem),
			.agent = stmt_copy(s, 2, mem),
			.created_at = stmt_int(s, 3),
			.seen_at = stmt_int(s, 4),
			.expires_at = stmt_int(s, 5),
		};
	}
	*out = all;
	return stmt_error(s);
}

enum err session_renew(struct db *db, int64_t id, const uint8_t token_hash[32],
    const char *csrf)
{
	STMT_SCOPE s = db_stmt(db, &sql[RENEW]);

	stmt_bind_int(s, 1, id);
	stmt_bind_blob(s, 2, token_hash, 32);
	stmt_bind_text(s, 3, csrf);
	return stmt_row(s);
}

enum err session_sweep(struct db *db, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[SWEEP]);

	stmt_bind_int(s, 1, now);
	stmt_bind_int(s, 2, now - SESSION_IDLE_MS);
	return stmt_run(s);
}
