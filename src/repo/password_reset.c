#include "repo/password_reset.h"

enum { ADD, SWEEP, GET, TAKE, DROP };

static const char *const sql[] = {
	[ADD] = "INSERT INTO password_resets (token_hash, user_id, created_at,"
		"  expires_at) VALUES ($1, $2, $3, $4)",
	[SWEEP] =
	    "DELETE FROM password_resets WHERE"
	    " /*+lite token_hash IN (SELECT token_hash */"
	    " /*+pg ctid = ANY(ARRAY(SELECT ctid */"
	    " FROM password_resets WHERE expires_at <= $1 ORDER BY expires_at LIMIT 100"
	    " /*+lite ) *//*+pg )) */",
	[GET] = "SELECT user_id FROM password_resets"
		"  WHERE token_hash = $1 AND expires_at > $2",
	[TAKE] = "DELETE FROM password_resets"
		 "  WHERE token_hash = $1 AND expires_at > $2 RETURNING user_id",
	[DROP] = "DELETE FROM password_resets WHERE user_id = $1",
};

enum err password_reset_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static enum err sweep(struct db *db, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[SWEEP]);

	stmt_bind_int(s, 1, now);
	return stmt_run(s);
}

enum err password_reset_add(struct db *db, int64_t user_id,
    const uint8_t token_hash[32], int64_t now, int64_t expires_at)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);
	enum err e = sweep(db, now);

	if (e != OK)
		return e;
	stmt_bind_blob(s, 1, token_hash, 32);
	stmt_bind_int(s, 2, user_id);
	stmt_bind_int(s, 3, now);
	stmt_bind_int(s, 4, expires_at);
	return stmt_run(s);
}

static enum err whose(struct db *db, const char *const *which,
    const uint8_t token_hash[32], int64_t now, int64_t *user_id)
{
	STMT_SCOPE s = db_stmt(db, which);
	enum err e;

	stmt_bind_blob(s, 1, token_hash, 32);
	stmt_bind_int(s, 2, now);
	e = stmt_row(s);
	if (e == OK)
		*user_id = stmt_int(s, 0);
	return e;
}

enum err password_reset_get(struct db *db, const uint8_t token_hash[32], int64_t now,
    int64_t *user_id)
{
	return whose(db, &sql[GET], token_hash, now, user_id);
}

enum err password_reset_take(struct db *db, const uint8_t token_hash[32], int64_t now,
    int64_t *user_id)
{
	return whose(db, &sql[TAKE], token_hash, now, user_id);
}

enum err password_reset_drop(struct db *db, int64_t user_id)
{
	STMT_SCOPE s = db_stmt(db, &sql[DROP]);

	stmt_bind_int(s, 1, user_id);
	return stmt_run(s);
}
