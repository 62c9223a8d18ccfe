#include "repo/user.h"

#include "base/mem.h"

enum {
	BY_ID,
	BY_EMAIL,
	COUNT,
	OTHER_ADMINS,
	FIRST_ADMIN,
	LIST,
	ADD,
	SET_PASSWORD,
	SET_NAME,
	SET_ADMIN,
	SET_DISABLED,
	SET_TOTP,
	TAKE_STEP,
};

#define COLUMNS                                                                        \
	"id, email, name, password_hash, is_admin, disabled_at, created_at,"           \
	" totp_secret, totp_step"

static const char *const sql[] = {
	[BY_ID] = "SELECT " COLUMNS " FROM users WHERE id = $1",
	[BY_EMAIL] = "SELECT " COLUMNS " FROM users WHERE email_key = $1",
	[COUNT] = "SELECT count(*) FROM users",
	[OTHER_ADMINS] = "SELECT count(*) FROM users"
			 "  WHERE is_admin = 1 AND disabled_at IS NULL AND id <> $1",
	[FIRST_ADMIN] = "SELECT " COLUMNS " FROM users"
			"  WHERE is_admin = 1 AND disabled_at IS NULL"
			"  ORDER BY id LIMIT 1",
	[LIST] = "SELECT " COLUMNS " FROM users ORDER BY id LIMIT 1000",
	[ADD] = "INSERT INTO users (email, email_key, name, password_hash, is_admin,"
		"  created_at, updated_at)"
		"  VALUES ($1, $2, $3, $4, $5, $6, $6) RETURNING id",
	[SET_PASSWORD] =
	    "UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1",
	[SET_NAME] = "UPDATE users SET name = $2, updated_at = $3 WHERE id = $1",
	[SET_ADMIN] = "UPDATE users SET is_admin = $2, updated_at = $3 WHERE id = $1",
	[SET_DISABLED] =
	    "UPDATE users SET disabled_at = $2, updated_at = $3 WHERE id = $1",
	[SET_TOTP] = "UPDATE users SET totp_secret = $2, totp_step = $3,"
		     "  updated_at = $4 WHERE id = $1",
	[TAKE_STEP] = "UPDATE users SET totp_step = $2"
		      "  WHERE id = $1 AND totp_step < $2 RETURNING id",
};

enum err user_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static void fill(struct stmt *s, void *mem, struct user *u)
{
	size_t len;

	u->id = stmt_int(s, 0);
	u->email = stmt_copy(s, 1, mem);
	u->name = stmt_copy(s, 2, mem);
	u->password_hash = stmt_copy(s, 3, mem);
	u->admin = stmt_int(s, 4) != 0;
	u->disabled = !stmt_is_null(s, 5);
	u->created_at = stmt_int(s, 6);
	if (!stmt_is_null(s, 7)) {
		const void *box = stmt_blob(s, 7, &len);

		u->totp_secret = mem_copy(mem, box, len);
		u->totp_len = len;
	}
	u->totp_step = stmt_int(s, 8);
}

static enum err read_user(struct stmt *s, void *mem, struct user **out)
{
	enum err e = stmt_row(s);

	if (e != OK)
		return e;
	*out = mem_new(mem, struct user);
	fill(s, *out, *out);
	return OK;
}

enum err user_list(struct db *db, void *mem, struct user **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LIST]);
	struct user *all = NULL;

	*n = 0;
	while (stmt_next(s)) {
		all = mem_resize(mem, all, (*n + 1) * sizeof(*all));
		fill(s, mem, &all[(*n)++]);
	}
	*out = all;
	return stmt_error(s);
}

enum err user_get(struct db *db, void *mem, int64_t id, struct user **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[BY_ID]);

	stmt_bind_int(s, 1, id);
	return read_user(s, mem, out);
}

enum err user_find(struct db *db, void *mem, const char *email_key, struct user **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[BY_EMAIL]);

	stmt_bind_text(s, 1, email_key);
	return read_user(s, mem, out);
}

enum err user_count(struct db *db, int64_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[COUNT]);
	enum err e = stmt_row(s);

	if (e == OK)
		*n = stmt_int(s, 0);
	return e;
}

enum err user_add(struct db *db, struct user *u, const char *email_key, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);
	enum err e;

	stmt_bind_text(s, 1, u->email);
	stmt_bind_text(s, 2, email_key);
	stmt_bind_text(s, 3, u->name);
	stmt_bind_text(s, 4, u->password_hash);
	stmt_bind_int(s, 5, u->admin);
	stmt_bind_int(s, 6, now);
	e = stmt_row(s);
	if (e == OK) {
		u->id = stmt_int(s, 0);
		u->created_at = now;
	}
	return e;
}

enum err user_set_password(struct db *db, int64_t id, const char *hash, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[SET_PASSWORD]);

	stmt_bind_int(s, 1, id);
	stmt_bind_text(s, 2, hash);
	stmt_bind_int(s, 3, now);
	return stmt_run(s);
}

static enum err set_int(struct db *db, const char *const *which, int64_t id,
    int64_t value, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, which);

	stmt_bind_int(s, 1, id);
	stmt_bind_int(s, 2, value);
	stmt_bind_int(s, 3, now);
	return stmt_run(s);
}

enum err user_set_name(struct db *db, int64_t id, const char *name, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[SET_NAME]);

	stmt_bind_int(s, 1, id);
	stmt_bind_text(s, 2, name);
	stmt_bind_int(s, 3, now);
	return stmt_run(s);
}

enum err user_set_admin(struct db *db, int64_t id, bool admin, int64_t now)
{
	return set_int(db, &sql[SET_ADMIN], id, admin, now);
}

enum err user_set_disabled(struct db *db, int64_t id, bool disabled, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[SET_DISABLED]);

	stmt_bind_int(s, 1, id);
	stmt_bind_opt(s, 2, disabled ? now : 0);
	stmt_bind_int(s, 3, now);
	return stmt_run(s);
}

enum err user_first_admin(struct db *db, void *mem, struct user **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[FIRST_ADMIN]);

	return read_user(s, mem, out);
}

enum err user_other_admins(struct db *db, int64_t id, int64_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[OTHER_ADMINS]);
	enum err e;

	stmt_bind_int(s, 1, id);
	e = stmt_row(s);
	if (e == OK)
		*n = stmt_int(s, 0);
	return e;
}

enum err user_set_totp(struct db *db, const struct user *u, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[SET_TOTP]);

	stmt_bind_int(s, 1, u->id);
	if (u->totp_secret)
		stmt_bind_blob(s, 2, u->totp_secret, u->totp_len);
	else
		stmt_bind_null(s, 2);
	stmt_bind_int(s, 3, u->totp_step);
	stmt_bind_int(s, 4, now);
	return stmt_run(s);
}

enum err user_take_step(struct db *db, int64_t id, int64_t step)
{
	STMT_SCOPE s = db_stmt(db, &sql[TAKE_STEP]);

	stmt_bind_int(s, 1, id);
	stmt_bind_int(s, 2, step);
	return stmt_row(s);
}
