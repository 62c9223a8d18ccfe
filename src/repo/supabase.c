#include "repo/supabase.h"

#include "base/mem.h"

enum { FIND, OF, LINK, COPY, UNLINK, GET_ROW, PUT_ROW, CLAIM, REST };

static const char *const sql[] = {
	[FIND] = "SELECT id FROM users WHERE supabase_user_id = $1",
	[OF] = "SELECT supabase_user_id FROM users WHERE id = $1",
	[LINK] = "UPDATE users SET supabase_user_id = $2, updated_at = $3"
		 "  WHERE id = $1 AND supabase_user_id IS NULL"
		 "  AND NOT EXISTS (SELECT 1 FROM users WHERE supabase_user_id = $2)",
	[COPY] =
	    "UPDATE users SET email = $2, email_key = $3,"
	    "  name = CASE WHEN name = '' THEN $4 ELSE name END, updated_at = $5"
	    "  WHERE id = $1 AND password_hash IS NULL"
	    "  AND NOT EXISTS (SELECT 1 FROM users WHERE email_key = $3 AND id <> $1)",
	[UNLINK] = "UPDATE users SET supabase_user_id = NULL, updated_at = $2"
		   "  WHERE id = $1 AND password_hash IS NOT NULL",
	[GET_ROW] = "SELECT supabase, verified_until, renewing_until FROM sessions"
		    "  WHERE id = $1",
	[PUT_ROW] = "UPDATE sessions SET supabase = $2, verified_until = $3,"
		    "  renewing_until = $4 WHERE id = $1",
	[CLAIM] = "UPDATE sessions SET renewing_until = $4"
		  "  WHERE id = $1 AND verified_until = $2 AND renewing_until <= $3",
	[REST] = "UPDATE sessions SET renewing_until = $2 WHERE id = $1",
};

enum err supabase_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static enum err changed_one(struct stmt *s, enum err otherwise)
{
	enum err e = stmt_run(s);

	return e == OK && stmt_changes(s) == 0 ? otherwise : e;
}

/* ---- accounts ---- */

enum err supabase_user_find(struct db *db, const char *supabase_id, int64_t *user_id)
{
	STMT_SCOPE s = db_stmt(db, &sql[FIND]);
	enum err e;

	stmt_bind_text(s, 1, supabase_id);
	e = stmt_row(s);
	if (e == OK)
		*user_id = stmt_int(s, 0);
	return e;
}

enum err supabase_user_of(struct db *db, void *mem, int64_t user_id, char **supabase_id)
{
	STMT_SCOPE s = db_stmt(db, &sql[OF]);
	enum err e;

	stmt_bind_int(s, 1, user_id);
	e = stmt_row(s);
	if (e == OK)
		*supabase_id = stmt_copy(s, 0, mem);
	return e;
}

enum err supabase_user_link(struct db *db, int64_t user_id, const char *supabase_id,
    int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[LINK]);

	stmt_bind_int(s, 1, user_id);
	stmt_bind_text(s, 2, supabase_id);
	stmt_bind_int(s, 3, now);
	return changed_one(s, ERR_CONFLICT);
}

enum err supabase_user_copy(struct db *db, const struct user *u, const char *email_key,
    int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[COPY]);

	stmt_bind_int(s, 1, u->id);
	stmt_bind_text(s, 2, u->email);
	stmt_bind_text(s, 3, email_key);
	stmt_bind_text(s, 4, u->name);
	stmt_bind_int(s, 5, now);
	return stmt_run(s);
}

enum err supabase_user_unlink(struct db *db, int64_t user_id, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[UNLINK]);

	stmt_bind_int(s, 1, user_id);
	stmt_bind_int(s, 2, now);
	return changed_one(s, ERR_CONFLICT);
}

/* ---- sessions ---- */

enum err supabase_row_get(struct db *db, void *mem, int64_t session_id,
    struct supabase_row *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[GET_ROW]);
	const void *box;
	enum err e;

	*out = (struct supabase_row){ 0 };
	stmt_bind_int(s, 1, session_id);
	e = stmt_row(s);
	if (e != OK)
		return e;
	box = stmt_blob(s, 0, &out->len);
	out->box = stmt_is_null(s, 0) ? NULL : mem_copy(mem, box, out->len);
	out->verified_until = stmt_int(s, 1);
	out->renewing_until = stmt_int(s, 2);
	return OK;
}

enum err supabase_row_put(struct db *db, int64_t session_id,
    const struct supabase_row *row)
{
	STMT_SCOPE s = db_stmt(db, &sql[PUT_ROW]);

	stmt_bind_int(s, 1, session_id);
	stmt_bind_blob(s, 2, row->box, row->len);
	stmt_bind_int(s, 3, row->verified_until);
	stmt_bind_int(s, 4, row->renewing_until);
	return changed_one(s, ERR_NOTFOUND);
}

enum err supabase_row_claim(struct db *db, int64_t session_id, int64_t verified_until,
    int64_t now, int64_t until)
{
	STMT_SCOPE s = db_stmt(db, &sql[CLAIM]);

	stmt_bind_int(s, 1, session_id);
	stmt_bind_int(s, 2, verified_until);
	stmt_bind_int(s, 3, now);
	stmt_bind_int(s, 4, until);
	return changed_one(s, ERR_CONFLICT);
}

enum err supabase_row_rest(struct db *db, int64_t session_id, int64_t until)
{
	STMT_SCOPE s = db_stmt(db, &sql[REST]);

	stmt_bind_int(s, 1, session_id);
	stmt_bind_int(s, 2, until);
	return changed_one(s, ERR_NOTFOUND);
}
