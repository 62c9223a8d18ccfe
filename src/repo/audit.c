#include "repo/audit.h"

#include "base/mem.h"
#include "base/text.h"
#include "repo/like.h"

enum { ADD, PAGE };

/* clang-format off */
static const char *const sql[] = {
	[ADD] =
	    "INSERT INTO audit_log (brand_id, user_id, api_key_id, actor, actor_email,"
	    "  action, object_id, label, detail, ip, agent, at)"
	    "  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
	[PAGE] =
	    "SELECT l.id, l.brand_id, l.user_id, l.api_key_id, l.actor, l.actor_email,"
	    "  l.action, l.object_id, l.label, l.detail, l.ip, l.agent, l.at, b.name"
	    "  FROM audit_log l LEFT JOIN brands b ON b.id = l.brand_id"
	    " WHERE (CAST($1 AS BIGINT) = 0 OR l.brand_id = $1)"
	    "   AND (CAST($2 AS BIGINT) = 0 OR l.id < $2)"
	    "   AND (CAST($3 AS TEXT) = '' OR lower(l.actor) LIKE lower($3) ESCAPE '!'"
	    "        OR lower(l.actor_email) LIKE lower($3) ESCAPE '!')"
	    "   AND (CAST($4 AS TEXT) = '' OR l.action = $4"
	    "        OR l.action LIKE $4 || '.%')"
	    "   AND (CAST($5 AS TEXT) = '' OR lower(l.label) LIKE lower($5) ESCAPE '!')"
	    "   AND (CAST($6 AS BIGINT) = 0 OR l.object_id = $6)"
	    "   AND (CAST($7 AS BIGINT) = 0 OR l.at >= $7)"
	    "   AND (CAST($8 AS BIGINT) = 0 OR l.at < $8)"
	    " ORDER BY l.id DESC LIMIT $9",
};
/* clang-format on */

enum err audit_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

enum err audit_add(struct db *db, const struct audit_line *l)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);

	stmt_bind_opt(s, 1, l->brand_id);
	stmt_bind_opt(s, 2, l->user_id);
	stmt_bind_opt(s, 3, l->key_id);
	stmt_bind_text(s, 4, or_empty(l->actor));
	stmt_bind_text(s, 5, or_empty(l->actor_email));
	stmt_bind_text(s, 6, l->action);
	stmt_bind_opt(s, 7, l->object_id);
	stmt_bind_text(s, 8, or_empty(l->label));
	stmt_bind_text(s, 9, l->detail ? l->detail : "{}");
	stmt_bind_text(s, 10, or_empty(l->ip));
	stmt_bind_text(s, 11, or_empty(l->agent));
	stmt_bind_int(s, 12, l->at);
	return stmt_run(s);
}

static void read_row(struct stmt *s, void *mem, struct audit_line *l)
{
	l->id = stmt_int(s, 0);
	l->brand_id = stmt_int(s, 1);
	l->user_id = stmt_int(s, 2);
	l->key_id = stmt_int(s, 3);
	l->actor = stmt_copy(s, 4, mem);
	l->actor_email = stmt_copy(s, 5, mem);
	l->action = stmt_copy(s, 6, mem);
	l->object_id = stmt_int(s, 7);
	l->label = stmt_copy(s, 8, mem);
	l->detail = stmt_copy(s, 9, mem);
	l->ip = stmt_copy(s, 10, mem);
	l->agent = stmt_copy(s, 11, mem);
	l->at = stmt_int(s, 12);
	l->brand = mem_str(mem, stmt_text(s, 13));
}

enum err audit_page(struct db *db, void *mem, const struct audit_filter *f,
    struct audit_line **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[PAGE]);
	size_t most = f->limit < AUDIT_PAGE_MAX ? (size_t)f->limit : AUDIT_PAGE_MAX;

	*out = mem_array(mem, struct audit_line, most);
	*n = 0;
	stmt_bind_int(s, 1, f->brand_id);
	stmt_bind_int(s, 2, f->cursor);
	stmt_bind_text(s, 3, like_part(mem, f->person));
	stmt_bind_text(s, 4, or_empty(f->noun));
	stmt_bind_text(s, 5, like_part(mem, f->about));
	stmt_bind_int(s, 6, f->object_id);
	stmt_bind_int(s, 7, f->from);
	stmt_bind_int(s, 8, f->before);
	stmt_bind_int(s, 9, (int64_t)most);
	while (*n < most && stmt_next(s))
		read_row(s, *out, &(*out)[(*n)++]);
	return stmt_error(s);
}
