#include "repo/consent.h"

#include "base/mem.h"

/* clang-format off */
enum { ADD, OF };

enum { SHOWN = 200 };

static const char *const sql[] = {
	[ADD] = "INSERT INTO consents (brand_id, subscriber_id, action, source, campaign_id, ip,"
		"  detail, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	[OF] = "SELECT id, brand_id, subscriber_id, campaign_id, action, source, ip, detail,"
	       "  created_at FROM consents WHERE brand_id = $1 AND subscriber_id = $2"
	       "  ORDER BY id DESC LIMIT 200",
};
/* clang-format on */

enum err consent_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

enum err consent_add(struct db *db, const struct consent *c)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);

	stmt_bind_int(s, 1, c->brand_id);
	stmt_bind_int(s, 2, c->subscriber_id);
	stmt_bind_text(s, 3, c->action);
	stmt_bind_text(s, 4, c->source);
	stmt_bind_opt(s, 5, c->campaign_id);
	stmt_bind_text(s, 6, c->ip ? c->ip : "");
	stmt_bind_text(s, 7, c->detail ? c->detail : "");
	stmt_bind_int(s, 8, c->created_at);
	return stmt_run(s);
}

enum err consent_of(struct db *db, void *mem, int64_t brand, int64_t subscriber,
    struct consent **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[OF]);
	struct consent *all = mem_array(mem, struct consent, SHOWN);

	*n = 0;
	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, subscriber);
	while (stmt_next(s) && *n < SHOWN) {
		struct consent *c = &all[(*n)++];

		c->id = stmt_int(s, 0);
		c->brand_id = stmt_int(s, 1);
		c->subscriber_id = stmt_int(s, 2);
		c->campaign_id = stmt_int(s, 3);
		c->action = stmt_copy(s, 4, all);
		c->source = stmt_copy(s, 5, all);
		c->ip = stmt_copy(s, 6, all);
		c->detail = stmt_copy(s, 7, all);
		c->created_at = stmt_int(s, 8);
	}
	*out = all;
	return stmt_error(s);
}
