#include "repo/report.h"

#include "base/mem.h"

enum { HOURS, LINKS, LINK_URL, CLIENTS, RESENT };

/* clang-format off */
static const char *const sql[] = {
	[HOURS] = "SELECT hour, opened, machine_opened, clicked FROM campaign_hours"
	          " WHERE campaign_id = $1 AND hour >= $2 ORDER BY hour LIMIT $3",
	[LINKS] = "SELECT number, url, label, people, clicks, machines FROM campaign_links"
	          " WHERE campaign_id = $1 ORDER BY people DESC, clicks DESC, number LIMIT $2",
	[LINK_URL] = "SELECT url FROM campaign_links WHERE campaign_id = $1 AND number = $2",
	[CLIENTS] = "SELECT client, people FROM campaign_clients"
	            " WHERE campaign_id = $1 ORDER BY people DESC, client LIMIT $2",
	[RESENT] = "SELECT count(DISTINCT delivery_id) FROM send_attempts"
	           " WHERE campaign_id = $1 AND resent_at IS NOT NULL",
};
/* clang-format on */

enum { HOUR_MS = 3600000 };

enum err report_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

enum err report_hours(struct db *db, void *mem, int64_t campaign, int64_t from,
    struct report_hour **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[HOURS]);

	*out = mem_array(mem, struct report_hour, REPORT_HOURS);
	*n = 0;
	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, from / HOUR_MS);
	stmt_bind_int(s, 3, REPORT_HOURS);
	while (*n < REPORT_HOURS && stmt_next(s))
		(*out)[(*n)++] = (struct report_hour){
			.hour = stmt_int(s, 0) * HOUR_MS,
			.opened = stmt_int(s, 1),
			.machine_opened = stmt_int(s, 2),
			.clicked = stmt_int(s, 3),
		};
	return stmt_error(s);
}

enum err report_links(struct db *db, void *mem, int64_t campaign, size_t max,
    struct report_link **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LINKS]);

	*out = mem_array(mem, struct report_link, max);
	*n = 0;
	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, (int64_t)max);
	while (*n < max && stmt_next(s))
		(*out)[(*n)++] = (struct report_link){
			.number = (int)stmt_int(s, 0),
			.url = stmt_copy(s, 1, mem),
			.label = stmt_copy(s, 2, mem),
			.people = stmt_int(s, 3),
			.clicks = stmt_int(s, 4),
			.machines = stmt_int(s, 5),
		};
	return stmt_error(s);
}

enum err report_link_url(struct db *db, void *mem, int64_t campaign, int number,
    char **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[LINK_URL]);
	enum err e;

	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, number);
	e = stmt_row(s);
	if (e == OK)
		*out = stmt_copy(s, 0, mem);
	return e;
}

enum err report_clients(struct db *db, void *mem, int64_t campaign, size_t max,
    struct report_client **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[CLIENTS]);

	*out = mem_array(mem, struct report_client, max);
	*n = 0;
	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, (int64_t)max);
	while (*n < max && stmt_next(s))
		(*out)[(*n)++] = (struct report_client){
			.name = stmt_copy(s, 0, mem),
			.people = stmt_int(s, 1),
		};
	return stmt_error(s);
}

enum err report_resent(struct db *db, int64_t campaign, int64_t *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[RESENT]);
	enum err e;

	stmt_bind_int(s, 1, campaign);
	e = stmt_row(s);
	*out = e == OK ? stmt_int(s, 0) : 0;
	return e;
}
