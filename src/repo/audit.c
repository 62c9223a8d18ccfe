#include "repo/audit.h"

enum { ADD };

static const char *const sql[] = {
	[ADD] =
	    "INSERT INTO audit_log (brand_id, user_id, api_key_id, action, object_id,"
	    "  detail, ip, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
};

enum err audit_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

enum err audit_add(struct db *db, const struct audit_line *l)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);

	stmt_bind_opt(s, 1, l->brand_id);
	stmt_bind_opt(s, 2, l->user_id);
	stmt_bind_opt(s, 3, l->key_id);
	stmt_bind_text(s, 4, l->action);
	stmt_bind_opt(s, 5, l->object_id);
	stmt_bind_text(s, 6, l->detail ? l->detail : "{}");
	stmt_bind_text(s, 7, l->ip ? l->ip : "");
	stmt_bind_int(s, 8, l->at);
	return stmt_run(s);
}
