#include "repo/invitation.h"

#include "base/mem.h"
#include "repo/brand.h"

enum { PUT, FIND, GET_ONE, LIST, LIST_FOR, COUNT, DROP, DROP_BY };

#define SELECT                                                                         \
	"SELECT i.id, i.brand_id, i.email, i.email_key, i.role, i.by_mail,"            \
	"  i.invited_by, i.inviter, b.name, i.created_at, i.expires_at"                \
	"  FROM invitations i JOIN brands b ON b.id = i.brand_id "

static const char *const sql[] = {
	[PUT] =
	    "INSERT INTO invitations (brand_id, email, email_key, role, token_hash,"
	    "  by_mail, invited_by, inviter, created_at, expires_at)"
	    "  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
	    "  ON CONFLICT (brand_id, email_key) DO UPDATE SET email = excluded.email,"
	    "  role = excluded.role, token_hash = excluded.token_hash,"
	    "  by_mail = excluded.by_mail, invited_by = excluded.invited_by,"
	    "  inviter = excluded.inviter, created_at = excluded.created_at,"
	    "  expires_at = excluded.expires_at RETURNING id",
	[FIND] = SELECT "WHERE i.token_hash = $1",
	[GET_ONE] = SELECT "WHERE i.brand_id = $1 AND i.id = $2",
	[LIST] = SELECT "WHERE i.brand_id = $1 ORDER BY i.created_at DESC, i.id DESC"
			"  LIMIT 100",
	[LIST_FOR] = SELECT "WHERE i.email_key = $1 AND i.expires_at > $2"
			    "  ORDER BY i.id LIMIT 100",
	[COUNT] = "SELECT count(*) FROM invitations WHERE brand_id = $1",
	[DROP] = "DELETE FROM invitations WHERE brand_id = $1 AND id = $2 RETURNING id",
	[DROP_BY] = "DELETE FROM invitations WHERE brand_id = $1 AND invited_by = $2"
		    "  AND CASE role WHEN 'owner' THEN 4 WHEN 'admin' THEN 3"
		    "    WHEN 'editor' THEN 2 ELSE 1 END > CAST($3 AS BIGINT)",
};

enum err invitation_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static void read_row(struct stmt *s, void *mem, struct invitation *i)
{
	i->id = stmt_int(s, 0);
	i->brand_id = stmt_int(s, 1);
	i->email = stmt_copy(s, 2, mem);
	i->email_key = stmt_copy(s, 3, mem);
	i->role = role_from(stmt_text(s, 4));
	i->by_mail = stmt_int(s, 5) != 0;
	i->invited_by = stmt_int(s, 6);
	i->inviter = stmt_copy(s, 7, mem);
	i->brand = stmt_copy(s, 8, mem);
	i->created_at = stmt_int(s, 9);
	i->expires_at = stmt_int(s, 10);
}

static enum err read_one(struct stmt *s, void *mem, struct invitation **out)
{
	enum err e = stmt_row(s);

	if (e == OK) {
		*out = mem_new(mem, struct invitation);
		read_row(s, *out, *out);
	}
	return e;
}

static enum err read_all(struct stmt *s, void *mem, struct invitation **out, size_t *n)
{
	*out = mem_array(mem, struct invitation, INVITATIONS_MAX);
	*n = 0;
	while (*n < INVITATIONS_MAX && stmt_next(s))
		read_row(s, *out, &(*out)[(*n)++]);
	return stmt_error(s);
}

enum err invitation_put(struct db *db, struct invitation *i,
    const uint8_t token_hash[32])
{
	STMT_SCOPE s = db_stmt(db, &sql[PUT]);
	enum err e;

	stmt_bind_int(s, 1, i->brand_id);
	stmt_bind_text(s, 2, i->email);
	stmt_bind_text(s, 3, i->email_key);
	stmt_bind_text(s, 4, role_word(i->role));
	stmt_bind_blob(s, 5, token_hash, 32);
	stmt_bind_int(s, 6, i->by_mail);
	stmt_bind_opt(s, 7, i->invited_by);
	stmt_bind_text(s, 8, i->inviter);
	stmt_bind_int(s, 9, i->created_at);
	stmt_bind_int(s, 10, i->expires_at);
	e = stmt_row(s);
	if (e == OK)
		i->id = stmt_int(s, 0);
	return e;
}

enum err invitation_find(struct db *db, void *mem, const uint8_t token_hash[32],
    struct invitation **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[FIND]);

	stmt_bind_blob(s, 1, token_hash, 32);
	return read_one(s, mem, out);
}

enum err invitation_get(struct db *db, void *mem, int64_t brand_id, int64_t id,
    struct invitation **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[GET_ONE]);

	stmt_bind_int(s, 1, brand_id);
	stmt_bind_int(s, 2, id);
	return read_one(s, mem, out);
}

enum err invitation_list(struct db *db, void *mem, int64_t brand_id,
    struct invitation **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LIST]);

	stmt_bind_int(s, 1, brand_id);
	return read_all(s, mem, out, n);
}

enum err invitation_list_for(struct db *db, void *mem, const char *email_key,
    int64_t now, struct invitation **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LIST_FOR]);

	stmt_bind_text(s, 1, email_key);
	stmt_bind_int(s, 2, now);
	return read_all(s, mem, out, n);
}

enum err invitation_count(struct db *db, int64_t brand_id, int64_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[COUNT]);
	enum err e;

	stmt_bind_int(s, 1, brand_id);
	e = stmt_row(s);
	if (e == OK)
		*n = stmt_int(s, 0);
	return e;
}

enum err invitation_drop(struct db *db, int64_t brand_id, int64_t id)
{
	STMT_SCOPE s = db_stmt(db, &sql[DROP]);

	stmt_bind_int(s, 1, brand_id);
	stmt_bind_int(s, 2, id);
	return stmt_row(s);
}

enum err invitation_drop_by(struct db *db, int64_t brand_id, int64_t user_id,
    enum role role)
{
	STMT_SCOPE s = db_stmt(db, &sql[DROP_BY]);

	stmt_bind_int(s, 1, brand_id);
	stmt_bind_int(s, 2, user_id);
	stmt_bind_int(s, 3, role);
	return stmt_run(s);
}
