#include "repo/sealed.h"

#include "base/mem.h"

enum { PAGE = 200 };

static const struct sealed_column columns[] = {
	{ "providers", "secret", "provider:" },
	{ "sessions", "supabase", "supabase:" },
	{ "users", "totp_secret", "totp:" },
};

enum { COLUMNS = sizeof(columns) / sizeof(*columns) };

/* The same order as above: the page of each, then the replacement of each. */
static const char *const sql[] = {
	"SELECT brand_id, secret FROM providers WHERE brand_id > $1"
	"  AND secret IS NOT NULL ORDER BY brand_id LIMIT 200",
	"SELECT id, supabase FROM sessions WHERE id > $1"
	"  AND supabase IS NOT NULL ORDER BY id LIMIT 200",
	"SELECT id, totp_secret FROM users WHERE id > $1"
	"  AND totp_secret IS NOT NULL ORDER BY id LIMIT 200",
	"UPDATE providers SET secret = $3 WHERE brand_id = $1 AND secret = $2",
	"UPDATE sessions SET supabase = $3 WHERE id = $1 AND supabase = $2",
	"UPDATE users SET totp_secret = $3 WHERE id = $1 AND totp_secret = $2",
};

enum err sealed_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

size_t sealed_columns(const struct sealed_column **out)
{
	*out = columns;
	return COLUMNS;
}

enum err sealed_page(struct db *db, void *mem, size_t column, int64_t after,
    struct sealed_value **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[column]);

	*n = 0;
	*out = mem_array(mem, struct sealed_value, PAGE);
	stmt_bind_int(s, 1, after);
	while (*n < PAGE && stmt_next(s)) {
		struct sealed_value *v = &(*out)[(*n)++];
		const void *box = stmt_blob(s, 1, &v->len);

		v->id = stmt_int(s, 0);
		v->box = mem_copy(*out, box ? box : "", v->len);
	}
	return stmt_error(s);
}

enum err sealed_replace(struct db *db, size_t column, const struct sealed_value *old,
    const struct sealed_value *fresh)
{
	STMT_SCOPE s = db_stmt(db, &sql[COLUMNS + column]);
	enum err e;

	stmt_bind_int(s, 1, old->id);
	stmt_bind_blob(s, 2, old->box, old->len);
	stmt_bind_blob(s, 3, fresh->box, fresh->len);
	e = stmt_run(s);
	return e == OK && stmt_changes(s) == 0 ? ERR_NOTFOUND : e;
}
