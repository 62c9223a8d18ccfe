#include "repo/setting.h"

enum { READ, PUT, TAKE };

static const char *const sql[] = {
	[READ] = "SELECT value FROM settings WHERE key = $1",
	[PUT] = "INSERT INTO settings (key, value, updated_at) VALUES ($1, $2, $3)"
		"  ON CONFLICT (key) DO UPDATE SET value = excluded.value,"
		"  updated_at = excluded.updated_at",
	[TAKE] = "DELETE FROM settings WHERE key = $1 AND value = $2 RETURNING key",
};

enum err setting_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

enum err setting_get(struct db *db, void *mem, const char *key, char **value)
{
	STMT_SCOPE s = db_stmt(db, &sql[READ]);
	enum err e;

	stmt_bind_text(s, 1, key);
	e = stmt_row(s);
	if (e == OK)
		*value = stmt_copy(s, 0, mem);
	return e;
}

enum err setting_put(struct db *db, const char *key, const char *value, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[PUT]);

	stmt_bind_text(s, 1, key);
	stmt_bind_text(s, 2, value);
	stmt_bind_int(s, 3, now);
	return stmt_run(s);
}

enum err setting_take(struct db *db, const char *key, const char *value)
{
	STMT_SCOPE s = db_stmt(db, &sql[TAKE]);

	stmt_bind_text(s, 1, key);
	stmt_bind_text(s, 2, value);
	return stmt_row(s);
}
