#include "repo/field.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* clang-format off */
enum { ALL, BY_ID, ADD, SET, DROP };

#define COLUMNS "id, brand_id, key, label, type, choices"

static const char *const sql[] = {
	[ALL] = "SELECT " COLUMNS " FROM fields WHERE brand_id = $1 ORDER BY position, id",
	[BY_ID] = "SELECT " COLUMNS " FROM fields WHERE brand_id = $1 AND id = $2",
	[ADD] = "INSERT INTO fields (brand_id, key, label, type, choices, position, created_at)"
		"  VALUES ($1, $2, $3, $4, $5,"
		"  (SELECT coalesce(max(position), 0) + 1 FROM fields WHERE brand_id = $1), $6)"
		"  RETURNING id",
	[SET] = "UPDATE fields SET label = $3, choices = $4 WHERE brand_id = $1 AND id = $2",
	[DROP] = "DELETE FROM fields WHERE brand_id = $1 AND id = $2",
};
/* clang-format on */

static const char *const types[] = {
	[FIELD_TEXT] = "text",
	[FIELD_NUMBER] = "number",
	[FIELD_DATE] = "date",
	[FIELD_BOOLEAN] = "boolean",
	[FIELD_CHOICE] = "choice",
};

const char *field_type_name(enum field_type t)
{
	return types[t];
}

int field_type_from(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (text_equal(name, types[i]))
			return (int)i;
	return -1;
}

enum err field_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static void read_row(struct stmt *s, void *mem, struct field *f)
{
	const char *choices = stmt_text(s, 5);
	int type = field_type_from(stmt_text(s, 4));

	f->id = stmt_int(s, 0);
	f->brand_id = stmt_int(s, 1);
	f->key = stmt_copy(s, 2, mem);
	f->label = stmt_copy(s, 3, mem);
	f->type = type < 0 ? FIELD_TEXT : (enum field_type)type;
	if (json_read(mem, choices, strlen(choices), &f->choices, NULL) != OK)
		f->choices = json_arr(mem);
}

enum err field_all(struct db *db, void *mem, int64_t brand, struct field **out,
    size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[ALL]);
	struct field *all = mem_array(mem, struct field, FIELDS_MAX);

	*n = 0;
	stmt_bind_int(s, 1, brand);
	while (stmt_next(s) && *n < FIELDS_MAX)
		read_row(s, all, &all[(*n)++]);
	*out = all;
	return stmt_error(s);
}

enum err field_get(struct db *db, void *mem, int64_t brand, int64_t id,
    struct field **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[BY_ID]);
	enum err e;

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, id);
	e = stmt_row(s);
	if (e != OK)
		return e;
	*out = mem_new(mem, struct field);
	read_row(s, *out, *out);
	return OK;
}

static void bind_choices(struct stmt *s, int n, const struct field *f)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "choices");

	stmt_bind_text(s, n, f->choices ? json_write(tmp, f->choices) : "[]");
}

enum err field_row_insert(struct db *db, struct field *f, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);
	enum err e;

	stmt_bind_int(s, 1, f->brand_id);
	stmt_bind_text(s, 2, f->key);
	stmt_bind_text(s, 3, f->label);
	stmt_bind_text(s, 4, types[f->type]);
	bind_choices(s, 5, f);
	stmt_bind_int(s, 6, now);
	e = stmt_row(s);
	if (e == OK)
		f->id = stmt_int(s, 0);
	return e;
}

enum err field_row_update(struct db *db, const struct field *f)
{
	STMT_SCOPE s = db_stmt(db, &sql[SET]);

	stmt_bind_int(s, 1, f->brand_id);
	stmt_bind_int(s, 2, f->id);
	stmt_bind_text(s, 3, f->label);
	bind_choices(s, 4, f);
	return stmt_run(s);
}

enum err field_row_delete(struct db *db, int64_t brand, int64_t id)
{
	STMT_SCOPE s = db_stmt(db, &sql[DROP]);

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, id);
	return stmt_run(s);
}
