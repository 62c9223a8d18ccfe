#include "repo/list.h"

#include "base/mem.h"
#include "repo/people_count.h"

/* clang-format off */
enum { ALL, BY_ID, COUNT, ADD, SET, DROP, USED };

#define COLUMNS "id, brand_id, name, description, created_at"

#define COUNTED(kind) \
	"COALESCE((SELECT n FROM people_counts" \
	"  WHERE brand_id = $1 AND kind = '" kind "' AND item = CAST($2 AS TEXT)), 0)"

static const char *const sql[] = {
	[ALL] = "SELECT " COLUMNS " FROM lists WHERE brand_id = $1 ORDER BY lower(name), id",
	[BY_ID] = "SELECT " COLUMNS " FROM lists WHERE brand_id = $1 AND id = $2",
	[COUNT] = "SELECT " COUNTED("list") ", " COUNTED("active"),
	[ADD] = "INSERT INTO lists (brand_id, name, description, created_at, updated_at)"
		"  VALUES ($1, $2, $3, $4, $4) RETURNING id",
	[SET] = "UPDATE lists SET name = $3, description = $4, updated_at = $5"
		"  WHERE brand_id = $1 AND id = $2",
	[DROP] = "DELETE FROM lists WHERE brand_id = $1 AND id = $2",
	[USED] = "SELECT count(*) FROM campaign_audience a JOIN campaigns c ON c.id = a.campaign_id"
		 "  WHERE a.list_id = $2 AND c.brand_id = $1"
		 "  AND c.status IN ('scheduled', 'sending', 'paused')",
};
/* clang-format on */

enum err list_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static void read_row(struct stmt *s, void *mem, struct list *l)
{
	l->id = stmt_int(s, 0);
	l->brand_id = stmt_int(s, 1);
	l->name = stmt_copy(s, 2, mem);
	l->description = stmt_copy(s, 3, mem);
	l->created_at = stmt_int(s, 4);
}

enum err list_all(struct db *db, void *mem, int64_t brand, struct list **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[ALL]);
	struct list *all = mem_array(mem, struct list, 8);
	size_t cap = 8;

	*n = 0;
	stmt_bind_int(s, 1, brand);
	while (stmt_next(s)) {
		if (*n == cap) {
			cap *= 2;
			all = mem_resize(mem, all, cap * sizeof(*all));
		}
		all[*n] = (struct list){ 0 };
		read_row(s, all, &all[(*n)++]);
	}
	*out = all;
	return stmt_error(s);
}

enum err list_get(struct db *db, void *mem, int64_t brand, int64_t id,
    struct list **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[BY_ID]);
	enum err e;

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, id);
	e = stmt_row(s);
	if (e != OK)
		return e;
	*out = mem_new(mem, struct list);
	read_row(s, *out, *out);
	return OK;
}

enum err list_count(struct db *db, struct list *l)
{
	STMT_SCOPE s = db_stmt(db, &sql[COUNT]);
	enum err e;

	stmt_bind_int(s, 1, l->brand_id);
	stmt_bind_int(s, 2, l->id);
	e = stmt_row(s);
	if (e != OK)
		return e;
	l->subscribers = stmt_int(s, 0);
	l->active = stmt_int(s, 1);
	return OK;
}

static enum err number_of(struct db *db, const char *const *query, int64_t brand,
    int64_t id, int64_t *n)
{
	STMT_SCOPE s = db_stmt(db, query);
	enum err e;

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, id);
	e = stmt_row(s);
	if (e == OK)
		*n = stmt_int(s, 0);
	return e;
}

enum err list_row_insert(struct db *db, struct list *l, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);
	enum err e;

	stmt_bind_int(s, 1, l->brand_id);
	stmt_bind_text(s, 2, l->name);
	stmt_bind_text(s, 3, l->description);
	stmt_bind_int(s, 4, now);
	e = stmt_row(s);
	if (e != OK)
		return e;
	l->id = stmt_int(s, 0);
	l->created_at = now;
	return OK;
}

enum err list_row_update(struct db *db, const struct list *l, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[SET]);

	stmt_bind_int(s, 1, l->brand_id);
	stmt_bind_int(s, 2, l->id);
	stmt_bind_text(s, 3, l->name);
	stmt_bind_text(s, 4, l->description);
	stmt_bind_int(s, 5, now);
	return stmt_run(s);
}

enum err list_row_delete(struct db *db, int64_t brand, int64_t id)
{
	STMT_SCOPE s = db_stmt(db, &sql[DROP]);
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, id);
	if (e == OK)
		e = stmt_run(s);
	if (e == OK && stmt_changes(s) > 0)
		e = people_count_forget_list(db, brand, id);
	return e == OK ? tx_commit(&tx) : e;
}

enum err list_campaigns(struct db *db, int64_t brand, int64_t id, int64_t *n)
{
	return number_of(db, &sql[USED], brand, id, n);
}
