#include "repo/campaign_going.h"

#include "base/mem.h"

enum { LIST, TOTAL, PAUSE };

#define GOES_ON                                                                        \
	"(c.status IN ('scheduled', 'sending')"                                        \
	" OR (c.status = 'paused' AND c.resume_at IS NOT NULL))"
#define ROWS_IN(states)                                                                \
	"COALESCE((SELECT sum(k.n) FROM campaign_counts k WHERE k.campaign_id = c.id"  \
	" AND k.state " states "), 0)"

/* clang-format off */
static const char *const sql[] = {
	[LIST] = "SELECT c.id, c.brand_id, c.name, b.name, c.status,"
	         " COALESCE(c.resume_at, c.send_at), c.audience, " ROWS_IN("< 4") ", "
	         ROWS_IN("= 4")
	         " FROM campaigns c JOIN brands b ON b.id = c.brand_id WHERE " GOES_ON
	         " ORDER BY 6, c.id LIMIT $1",
	[TOTAL] = "SELECT count(*) FROM campaigns c WHERE " GOES_ON,
	[PAUSE] = "UPDATE campaigns AS c SET status = 'paused', pause_reason = $1,"
	          " resume_at = NULL, updated_at = $2 WHERE " GOES_ON,
};
/* clang-format on */

enum err campaign_going_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static void read_row(struct stmt *s, void *mem, struct campaign_going *c)
{
	*c = (struct campaign_going){
		.id = stmt_int(s, 0),
		.brand_id = stmt_int(s, 1),
		.name = stmt_copy(s, 2, mem),
		.brand = stmt_copy(s, 3, mem),
		.status = stmt_copy(s, 4, mem),
		.send_at = stmt_int(s, 5),
		.audience = stmt_int(s, 6),
		.left = stmt_int(s, 7),
		.accepted = stmt_int(s, 8),
	};
}

static enum err total_of(struct db *db, int64_t *total)
{
	STMT_SCOPE s = db_stmt(db, &sql[TOTAL]);
	enum err e = stmt_row(s);

	*total = e == OK ? stmt_int(s, 0) : 0;
	return e;
}

enum err campaign_going(struct db *db, void *mem, struct campaign_going **out,
    size_t *n, int64_t *total)
{
	STMT_SCOPE s = db_stmt(db, &sql[LIST]);
	enum err e;

	*out = mem_array(mem, struct campaign_going, GOING_MAX);
	*n = 0;
	stmt_bind_int(s, 1, GOING_MAX);
	while (*n < GOING_MAX && stmt_next(s))
		read_row(s, mem, &(*out)[(*n)++]);
	e = stmt_error(s);
	return e == OK ? total_of(db, total) : e;
}

enum err campaign_pause_all(struct db *db, const char *reason, int64_t now, int64_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[PAUSE]);
	enum err e;

	stmt_bind_text(s, 1, reason);
	stmt_bind_int(s, 2, now);
	e = stmt_run(s);
	*n = e == OK ? stmt_changes(s) : 0;
	return e;
}
