#include "repo/suppression.h"

#include "base/mem.h"

/* clang-format off */
enum { BY_KEY, ADD, LIFT };

static const char *const sql[] = {
	[BY_KEY] = "SELECT brand_id, email_key, reason, detail, created_at FROM suppressions"
		   "  WHERE brand_id = $1 AND email_key = $2",
	[ADD] = "INSERT INTO suppressions (brand_id, email_key, reason, detail, created_at)"
		"  VALUES ($1, $2, $3, $4, $5) ON CONFLICT (brand_id, email_key)"
		"  DO UPDATE SET reason = excluded.reason, detail = excluded.detail,"
		"    created_at = excluded.created_at"
		"  WHERE suppressions.reason = 'unsubscribed' AND excluded.reason <> 'unsubscribed'"
		"    OR suppressions.reason = 'bounced' AND excluded.reason = 'complained'",
	[LIFT] = "DELETE FROM suppressions WHERE brand_id = $1 AND email_key = $2 AND reason = $3",
};
/* clang-format on */

enum err suppression_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

enum err suppression_get(struct db *db, void *mem, int64_t brand, const char *key,
    struct suppression **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[BY_KEY]);
	struct suppression *x;
	enum err e;

	stmt_bind_int(s, 1, brand);
	stmt_bind_text(s, 2, key);
	e = stmt_row(s);
	if (e != OK)
		return e;
	x = *out = mem_new(mem, struct suppression);
	x->brand_id = stmt_int(s, 0);
	x->email_key = stmt_copy(s, 1, x);
	x->reason = stmt_copy(s, 2, x);
	x->detail = stmt_copy(s, 3, x);
	x->created_at = stmt_int(s, 4);
	return OK;
}

enum err suppression_add(struct db *db, const struct suppression *x)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);

	stmt_bind_int(s, 1, x->brand_id);
	stmt_bind_text(s, 2, x->email_key);
	stmt_bind_text(s, 3, x->reason);
	stmt_bind_text(s, 4, x->detail ? x->detail : "");
	stmt_bind_int(s, 5, x->created_at);
	return stmt_run(s);
}

enum err suppression_lift(struct db *db, int64_t brand, const char *key,
    const char *reason, bool *lifted)
{
	STMT_SCOPE s = db_stmt(db, &sql[LIFT]);
	enum err e;

	stmt_bind_int(s, 1, brand);
	stmt_bind_text(s, 2, key);
	stmt_bind_text(s, 3, reason);
	e = stmt_run(s);
	*lifted = e == OK && stmt_changes(s) > 0;
	return e;
}
