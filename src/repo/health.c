#include "repo/health.h"

#include "base/mem.h"

enum { DELIVERIES };

static const char *const sql[] = {
	[DELIVERIES] = "SELECT state, sum(n) FROM campaign_counts GROUP BY state",
};

enum err health_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

enum err health_deliveries(struct db *db, struct delivery_counts *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[DELIVERIES]);

	*out = (struct delivery_counts){ 0 };
	while (stmt_next(s)) {
		int64_t state = stmt_int(s, 0);

		if (state < 0 || state >= DELIVERY_STATES)
			continue;
		out->n[state] = stmt_int(s, 1);
		out->audience += out->n[state];
	}
	return stmt_error(s);
}

enum err health_version(struct db *db, void *mem, char **out)
{
	bool lite = db_kind(db) == DB_SQLITE;
	STMT_SCOPE s = db_stmt_text(db,
	    lite ? "SELECT sqlite_version()"
		 : "SELECT current_setting('server_version')");
	enum err e = stmt_row(s);

	if (e == OK)
		*out = mem_printf(mem, "%s %s", lite ? "SQLite" : "PostgreSQL",
		    stmt_text(s, 0));
	return e;
}
