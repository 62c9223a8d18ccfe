#include "repo/suppression.h"

#include "base/mem.h"
#include "repo/people_count.h"

/* clang-format off */
enum { BY_KEY, ADD, WORSEN, LIFT };

static const char *const sql[] = {
	[BY_KEY] = "SELECT brand_id, email_key, reason, detail, created_at FROM suppressions"
		   "  WHERE brand_id = $1 AND email_key = $2",
	[ADD] = "INSERT INTO suppressions (brand_id, email_key, reason, detail, created_at)"
		"  VALUES ($1, $2, $3, $4, $5) ON CONFLICT (brand_id, email_key) DO NOTHING",
	[WORSEN] = "UPDATE suppressions SET reason = $3, detail = $4, created_at = $5"
		   "  WHERE brand_id = $1 AND email_key = $2"
		   "  AND (reason = 'unsubscribed' AND CAST($3 AS TEXT) <> 'unsubscribed'"
		   "    OR reason = 'bounced' AND CAST($3 AS TEXT) = 'complained')",
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

static enum err write(struct db *db, int which, const struct suppression *x,
    int64_t *changes)
{
	STMT_SCOPE s = db_stmt(db, &sql[which]);
	enum err e;

	stmt_bind_int(s, 1, x->brand_id);
	stmt_bind_text(s, 2, x->email_key);
	stmt_bind_text(s, 3, x->reason);
	stmt_bind_text(s, 4, x->detail ? x->detail : "");
	stmt_bind_int(s, 5, x->created_at);
	e = stmt_run(s);
	*changes = e == OK ? stmt_changes(s) : 0;
	return e;
}

enum err suppression_add(struct db *db, const struct suppression *x)
{
	TX_SCOPE tx = { 0 };
	int64_t added, worsened;
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = write(db, ADD, x, &added);
	if (e == OK)
		e = added ? people_count_suppressed(db, x->brand_id, 1)
			  : write(db, WORSEN, x, &worsened);
	return e == OK ? tx_commit(&tx) : e;
}

enum err suppression_lift(struct db *db, int64_t brand, const char *key,
    const char *reason, bool *lifted)
{
	STMT_SCOPE s = db_stmt(db, &sql[LIFT]);
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	stmt_bind_int(s, 1, brand);
	stmt_bind_text(s, 2, key);
	stmt_bind_text(s, 3, reason);
	if (e == OK)
		e = stmt_run(s);
	*lifted = e == OK && stmt_changes(s) > 0;
	if (*lifted)
		e = people_count_suppressed(db, brand, -1);
	return e == OK ? tx_commit(&tx) : e;
}
