#include "repo/member.h"

#include "base/mem.h"
#include "repo/brand.h"

enum { LIST, ONE, DROP, OWNERS, LOCK };

enum { LIST_MAX = 500 };

#define COLUMNS "m.user_id, u.email, u.name, m.role, m.created_at"

static const char *const sql[] = {
	[LIST] = "SELECT " COLUMNS " FROM members m JOIN users u ON u.id = m.user_id"
		 "  WHERE m.brand_id = $1 ORDER BY u.email_key LIMIT 500",
	[ONE] = "SELECT " COLUMNS " FROM members m JOIN users u ON u.id = m.user_id"
		"  WHERE m.brand_id = $1 AND m.user_id = $2",
	[DROP] = "DELETE FROM members WHERE brand_id = $1 AND user_id = $2"
		 "  RETURNING user_id",
	[OWNERS] = "SELECT count(*) FROM members"
		   "  WHERE brand_id = $1 AND user_id <> $2 AND role = 'owner'",
	/* writers of SQLite wait for each other anyway */
	[LOCK] = "SELECT id FROM brands WHERE id = $1 /*+pg FOR UPDATE */",
};

enum err member_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static void read_row(struct stmt *s, void *mem, struct member *m)
{
	m->user_id = stmt_int(s, 0);
	m->email = stmt_copy(s, 1, mem);
	m->name = stmt_copy(s, 2, mem);
	m->role = role_from(stmt_text(s, 3));
	m->created_at = stmt_int(s, 4);
}

enum err member_list(struct db *db, void *mem, int64_t brand_id, struct member **out,
    size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LIST]);

	*out = mem_array(mem, struct member, LIST_MAX);
	*n = 0;
	stmt_bind_int(s, 1, brand_id);
	while (*n < LIST_MAX && stmt_next(s))
		read_row(s, *out, &(*out)[(*n)++]);
	return stmt_error(s);
}

enum err member_get(struct db *db, void *mem, int64_t brand_id, int64_t user_id,
    struct member **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[ONE]);
	enum err e;

	stmt_bind_int(s, 1, brand_id);
	stmt_bind_int(s, 2, user_id);
	e = stmt_row(s);
	if (e == OK) {
		*out = mem_new(mem, struct member);
		read_row(s, *out, *out);
	}
	return e;
}

enum err member_drop(struct db *db, int64_t brand_id, int64_t user_id)
{
	STMT_SCOPE s = db_stmt(db, &sql[DROP]);

	stmt_bind_int(s, 1, brand_id);
	stmt_bind_int(s, 2, user_id);
	return stmt_row(s);
}

enum err member_other_owners(struct db *db, int64_t brand_id, int64_t user_id,
    int64_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[OWNERS]);
	enum err e;

	stmt_bind_int(s, 1, brand_id);
	stmt_bind_int(s, 2, user_id);
	e = stmt_row(s);
	if (e == OK)
		*n = stmt_int(s, 0);
	return e;
}

enum err member_lock(struct db *db, int64_t brand_id)
{
	STMT_SCOPE s = db_stmt(db, &sql[LOCK]);

	stmt_bind_int(s, 1, brand_id);
	return stmt_row(s);
}
