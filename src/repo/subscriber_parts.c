/* What hangs on a person: tags and memberships of lists. */
#include "repo/subscriber.h"

#include "base/json.h"
#include "base/mem.h"
#include "repo/ids.h"
#include "repo/people_count.h"

/* clang-format off */
enum { TAGS_DROP, TAG_ADD, TAGS, LISTS, LISTS_DROP, LISTS_ADD };

/* A JSON array as rows with a column `value`. */
#define EACH(n) \
	"/*+lite json_each($" n ") *//*+pg json_array_elements_text(CAST($" n " AS json)) */"

static const char *const sql[] = {
	[TAGS_DROP] = "DELETE FROM subscriber_tags WHERE subscriber_id = $1",
	[TAG_ADD] = "INSERT INTO subscriber_tags (subscriber_id, brand_id, tag) VALUES ($1, $2, $3)"
		    "  ON CONFLICT (subscriber_id, tag) DO NOTHING",
	[TAGS] = "SELECT item, n FROM people_counts WHERE brand_id = $1 AND kind = 'tag'"
		 "  AND n > 0 ORDER BY n DESC, item LIMIT $2",
	[LISTS] = "SELECT l.id FROM list_subscribers m JOIN lists l ON l.id = m.list_id"
		  "  WHERE l.brand_id = $1 AND m.subscriber_id = $2 ORDER BY lower(l.name), l.id",
	[LISTS_DROP] = "DELETE FROM list_subscribers WHERE subscriber_id = $1 AND list_id NOT IN"
		       "  (SELECT CAST(value AS BIGINT) FROM " EACH("2") " j)",
	[LISTS_ADD] = "INSERT INTO list_subscribers (list_id, subscriber_id, created_at)"
		      "  SELECT l.id, CAST($2 AS BIGINT), CAST($4 AS BIGINT) FROM lists l"
		      "  WHERE l.brand_id = $1"
		      "  AND l.id IN (SELECT CAST(value AS BIGINT) FROM " EACH("3") " j)"
		      "  ON CONFLICT (list_id, subscriber_id) DO NOTHING",
};
/* clang-format on */

enum err subscriber_parts_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static enum err replace_tags(struct db *db, const struct subscriber *x)
{
	STMT_SCOPE drop = db_stmt(db, &sql[TAGS_DROP]);
	STMT_SCOPE add = db_stmt(db, &sql[TAG_ADD]);
	size_t n = x->tags ? json_object_array_length(x->tags) : 0;
	enum err e;

	stmt_bind_int(drop, 1, x->id);
	e = stmt_run(drop);
	for (size_t i = 0; e == OK && i < n; i++) {
		stmt_reset(add);
		stmt_bind_int(add, 1, x->id);
		stmt_bind_int(add, 2, x->brand_id);
		stmt_bind_text(add, 3,
		    json_object_get_string(json_object_array_get_idx(x->tags, i)));
		e = stmt_run(add);
	}
	return e;
}

enum err subscriber_set_tags(struct db *db, const struct subscriber *x)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "change");
	const char *before;
	enum err e = people_note(db, tmp, &x->id, 1, &before);

	if (e == OK)
		e = replace_tags(db, x);
	return e == OK ? people_settle(db, before, &x->id, 1) : e;
}

enum err subscriber_tags(struct db *db, void *mem, int64_t brand, size_t limit,
    struct json_object **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[TAGS]);

	*out = json_arr(mem);
	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, (int64_t)limit);
	while (stmt_next(s)) {
		struct json_object *o = json_obj(mem);

		json_set_text(o, "tag", stmt_text(s, 0));
		json_set_int(o, "n", stmt_int(s, 1));
		json_push(*out, o);
	}
	return stmt_error(s);
}

enum err subscriber_lists(struct db *db, void *mem, int64_t brand, int64_t subscriber,
    int64_t **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LISTS]);
	size_t cap = 16;
	int64_t *all = mem_array(mem, int64_t, cap);

	*n = 0;
	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, subscriber);
	while (stmt_next(s)) {
		if (*n == cap) {
			cap *= 2;
			all = mem_resize(mem, all, cap * sizeof(*all));
		}
		all[(*n)++] = stmt_int(s, 0);
	}
	*out = all;
	return stmt_error(s);
}

static enum err replace_lists(struct db *db, const struct subscriber *x,
    const int64_t *lists, size_t n, int64_t now)
{
	STMT_SCOPE drop = db_stmt(db, &sql[LISTS_DROP]);
	STMT_SCOPE add = db_stmt(db, &sql[LISTS_ADD]);
	enum err e;

	stmt_bind_int(drop, 1, x->id);
	ids_bind(drop, 2, lists, n);
	e = stmt_run(drop);
	if (e != OK || n == 0)
		return e;
	stmt_bind_int(add, 1, x->brand_id);
	stmt_bind_int(add, 2, x->id);
	ids_bind(add, 3, lists, n);
	stmt_bind_int(add, 4, now);
	return stmt_run(add);
}

enum err subscriber_set_lists(struct db *db, const struct subscriber *x,
    const int64_t *lists, size_t n, int64_t now)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "change");
	const char *before;
	enum err e = people_note(db, tmp, &x->id, 1, &before);

	if (e == OK)
		e = replace_lists(db, x, lists, n, now);
	return e == OK ? people_settle(db, before, &x->id, 1) : e;
}
