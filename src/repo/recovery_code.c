#include "repo/recovery_code.h"

enum { CLEAR, ADD, TAKE, COUNT };

static const char *const sql[] = {
	[CLEAR] = "DELETE FROM recovery_codes WHERE user_id = $1",
	[ADD] = "INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)",
	[TAKE] = "DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2"
		 "  RETURNING user_id",
	[COUNT] = "SELECT count(*) FROM recovery_codes WHERE user_id = $1",
};

enum err recovery_code_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static enum err clear(struct db *db, int64_t user_id)
{
	STMT_SCOPE s = db_stmt(db, &sql[CLEAR]);

	stmt_bind_int(s, 1, user_id);
	return stmt_run(s);
}

static enum err add(struct db *db, int64_t user_id, const uint8_t hash[32])
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);

	stmt_bind_int(s, 1, user_id);
	stmt_bind_blob(s, 2, hash, 32);
	return stmt_run(s);
}

enum err recovery_code_put(struct db *db, int64_t user_id, uint8_t (*hashes)[32],
    size_t n)
{
	enum err e = clear(db, user_id);

	for (size_t i = 0; e == OK && i < n; i++)
		e = add(db, user_id, hashes[i]);
	return e;
}

enum err recovery_code_take(struct db *db, int64_t user_id, const uint8_t hash[32])
{
	STMT_SCOPE s = db_stmt(db, &sql[TAKE]);

	stmt_bind_int(s, 1, user_id);
	stmt_bind_blob(s, 2, hash, 32);
	return stmt_row(s);
}

enum err recovery_code_count(struct db *db, int64_t user_id, int64_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[COUNT]);
	enum err e;

	stmt_bind_int(s, 1, user_id);
	e = stmt_row(s);
	if (e == OK)
		*n = stmt_int(s, 0);
	return e;
}
