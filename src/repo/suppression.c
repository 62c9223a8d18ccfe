#include "repo/suppression.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/people_count.h"

/* clang-format off */
enum { BY_KEY, ADD, WORSEN, ADD_MANY, LIFT };

/* A JSON array of arrays as rows. */
#define ROWS(n) "/*+lite json_each($" n ") *//*+pg json_array_elements(CAST($" n " AS json)) */"

static const char *const sql[] = {
	[BY_KEY] = "SELECT brand_id, email_key, reason, detail, created_at FROM suppressions"
		   "  WHERE brand_id = $1 AND email_key = $2",
	[ADD] = "INSERT INTO suppressions (brand_id, email_key, reason, detail, created_at)"
		"  VALUES ($1, $2, $3, $4, $5) ON CONFLICT (brand_id, email_key) DO NOTHING",
	[WORSEN] = "UPDATE suppressions SET reason = $3, detail = $4, created_at = $5"
		   "  WHERE brand_id = $1 AND email_key = $2"
		   "  AND (reason = 'unsubscribed' AND CAST($3 AS TEXT) <> 'unsubscribed'"
		   "    OR reason = 'bounced' AND CAST($3 AS TEXT) = 'complained')",
	[ADD_MANY] = "INSERT INTO suppressions (brand_id, email_key, reason, detail, created_at)"
		     "  SELECT CAST($1 AS BIGINT), e.value ->> 0, e.value ->> 1,"
		     "  CAST($3 AS TEXT), CAST($4 AS BIGINT) FROM " ROWS("2") " e"
		     "  WHERE true ON CONFLICT (brand_id, email_key) DO NOTHING",
	[LIFT] = "DELETE FROM suppressions WHERE brand_id = $1 AND email_key = $2 AND reason = $3",
};
/* clang-format on */

enum err suppression_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static void read_row(struct stmt *s, void *mem, struct suppression *x)
{
	x->brand_id = stmt_int(s, 0);
	x->email_key = stmt_copy(s, 1, mem);
	x->reason = stmt_copy(s, 2, mem);
	x->detail = stmt_copy(s, 3, mem);
	x->created_at = stmt_int(s, 4);
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
	read_row(s, x, x);
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

enum err suppression_add_many(struct db *db, int64_t brand, const struct buf *rows,
    const char *detail, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD_MANY]);
	enum err e;

	stmt_bind_int(s, 1, brand);
	stmt_bind_textn(s, 2, rows->data, rows->len);
	stmt_bind_text(s, 3, detail);
	stmt_bind_int(s, 4, now);
	e = stmt_run(s);
	return e == OK && stmt_changes(s) > 0
	    ? people_count_suppressed(db, brand, (int)stmt_changes(s))
	    : e;
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

/* A page's statement is put together of fixed parts; parameters are numbered as they
 * come. */
static const char *page_text(void *mem, const struct suppression_filter *f)
{
	struct buf *b = buf_new(mem);
	int n = 1;

	buf_str(b,
	    "SELECT x.brand_id, x.email_key, x.reason, x.detail, x.created_at,"
	    " (SELECT s.id FROM subscribers s WHERE s.brand_id = x.brand_id"
	    "  AND s.email_key = x.email_key) FROM suppressions x WHERE x.brand_id = "
	    "$1");
	if (f->reason)
		buf_printf(b, " AND x.reason = $%d", ++n);
	if (f->since)
		buf_printf(b, " AND x.created_at >= $%d", ++n);
	if (f->search) {
		buf_printf(b, " AND x.email_key >= $%d AND x.email_key < $%d", n + 1,
		    n + 2);
		buf_printf(b, " AND x.email_key > $%d ORDER BY x.email_key LIMIT $%d",
		    n + 3, n + 4);
		return b->data;
	}
	if (f->before) {
		buf_printf(b, " AND (x.created_at < $%d OR x.created_at = $%d", n + 1,
		    n + 1);
		buf_printf(b, " AND x.email_key < $%d)", n + 2);
		n += 2;
	}
	buf_printf(b, " ORDER BY x.created_at DESC, x.email_key DESC LIMIT $%d", ++n);
	return b->data;
}

static void bind_page(struct stmt *s, void *mem, const struct suppression_filter *f)
{
	int n = 1;

	stmt_bind_int(s, 1, f->brand);
	if (f->reason)
		stmt_bind_text(s, ++n, f->reason);
	if (f->since)
		stmt_bind_int(s, ++n, f->since);
	if (f->search) {
		const char *low = text_lower(mem, f->search);

		stmt_bind_text(s, ++n, low);
		stmt_bind_text(s, ++n, mem_printf(mem, "%s\x7f", low));
		stmt_bind_text(s, ++n, f->before_key ? f->before_key : "");
	} else if (f->before) {
		stmt_bind_int(s, ++n, f->before);
		stmt_bind_text(s, ++n, f->before_key);
	}
	stmt_bind_int(s, ++n, (int64_t)f->limit);
}

enum err suppression_page(struct db *db, void *mem, const struct suppression_filter *f,
    struct suppression **out, size_t *n)
{
	STMT_SCOPE s = db_stmt_text(db, page_text(mem, f));
	struct suppression *all = mem_array(mem, struct suppression, f->limit + 1);

	*n = 0;
	bind_page(s, mem, f);
	while (stmt_next(s) && *n < f->limit) {
		struct suppression *x = &all[(*n)++];

		read_row(s, all, x);
		x->subscriber = stmt_int(s, 5);
	}
	*out = all;
	return stmt_error(s);
}
