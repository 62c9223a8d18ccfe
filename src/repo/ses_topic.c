#include "repo/ses_topic.h"

#include "base/mem.h"

enum { LIST, GET, WANT, DROP, CONFIRMED, ENDED, HEARD, MAILING, TAKE, FORGET };

enum { MINUTE_MS = 60000 };

/* clang-format off */
#define COLUMNS "SELECT id, brand_id, created_by, topic_arn, state, created_at, confirmed_at," \
	"  last_event_at FROM ses_topics"

static const char *const sql[] = {
	[LIST] = COLUMNS " WHERE brand_id = $1 ORDER BY id LIMIT $2",
	[GET] = COLUMNS " WHERE brand_id = $1 AND topic_arn = $2",
	[WANT] = "INSERT INTO ses_topics (brand_id, topic_arn, state, created_by, created_at)"
	         " VALUES ($1, $2, 'wanted', $3, $4)"
	         " ON CONFLICT (brand_id, topic_arn) DO UPDATE SET state = 'wanted',"
	         "   created_by = excluded.created_by, created_at = excluded.created_at"
	         " RETURNING id",
	[DROP] = "DELETE FROM ses_topics WHERE brand_id = $1 AND id = $2",
	[CONFIRMED] = "UPDATE ses_topics SET state = 'confirmed', confirmed_at = $2"
	              " WHERE id = $1 AND state = 'wanted'",
	[ENDED] = "UPDATE ses_topics SET state = 'ended' WHERE id = $1",
	[HEARD] = "UPDATE ses_topics SET last_event_at = $2"
	          " WHERE id = $1 AND (last_event_at IS NULL OR last_event_at < $3)",
	[MAILING] = "SELECT max(c.started_at) FROM campaigns c WHERE c.brand_id = $1"
	            "   AND EXISTS (SELECT 1 FROM campaign_counts k"
	            "     WHERE k.campaign_id = c.id AND k.state = 4 AND k.n > 0)",
	[TAKE] = "INSERT INTO hook_messages (brand_id, message_id, at) VALUES ($1, $2, $3)"
	         " ON CONFLICT (brand_id, message_id) DO NOTHING",
	[FORGET] = "DELETE FROM hook_messages WHERE"
		  " /*+lite (brand_id, message_id) IN (SELECT brand_id, message_id */"
		  " /*+pg ctid = ANY(ARRAY(SELECT ctid */"
		  " FROM hook_messages WHERE at < $1 ORDER BY at LIMIT 500"
		  " /*+lite ) *//*+pg )) */",
};
/* clang-format on */

enum err ses_topic_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static void read_row(struct stmt *s, void *mem, struct ses_topic *t)
{
	*t = (struct ses_topic){
		.id = stmt_int(s, 0),
		.brand_id = stmt_int(s, 1),
		.created_by = stmt_int(s, 2),
		.arn = stmt_copy(s, 3, mem),
		.state = stmt_copy(s, 4, mem),
		.created_at = stmt_int(s, 5),
		.confirmed_at = stmt_int(s, 6),
		.last_event_at = stmt_int(s, 7),
	};
}

enum err ses_topic_list(struct db *db, void *mem, int64_t brand, struct ses_topic **out,
    size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LIST]);

	*out = mem_array(mem, struct ses_topic, SES_TOPICS_MAX);
	*n = 0;
	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, SES_TOPICS_MAX);
	while (*n < SES_TOPICS_MAX && stmt_next(s))
		read_row(s, mem, &(*out)[(*n)++]);
	return stmt_error(s);
}

enum err ses_topic_get(struct db *db, void *mem, int64_t brand, const char *arn,
    struct ses_topic **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[GET]);
	enum err e;

	stmt_bind_int(s, 1, brand);
	stmt_bind_text(s, 2, arn);
	e = stmt_row(s);
	if (e != OK)
		return e;
	*out = mem_new(mem, struct ses_topic);
	read_row(s, mem, *out);
	return OK;
}

enum err ses_topic_want(struct db *db, struct ses_topic *t)
{
	STMT_SCOPE s = db_stmt(db, &sql[WANT]);
	enum err e;

	stmt_bind_int(s, 1, t->brand_id);
	stmt_bind_text(s, 2, t->arn);
	stmt_bind_opt(s, 3, t->created_by);
	stmt_bind_int(s, 4, t->created_at);
	e = stmt_row(s);
	if (e != OK)
		return e;
	t->id = stmt_int(s, 0);
	t->state = "wanted";
	return OK;
}

enum err ses_topic_drop(struct db *db, int64_t brand, int64_t id)
{
	STMT_SCOPE s = db_stmt(db, &sql[DROP]);
	enum err e;

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, id);
	e = stmt_run(s);
	return e == OK && stmt_changes(s) == 0 ? ERR_NOTFOUND : e;
}

enum err ses_topic_confirmed(struct db *db, int64_t id, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[CONFIRMED]);

	stmt_bind_int(s, 1, id);
	stmt_bind_int(s, 2, now);
	return stmt_run(s);
}

enum err ses_topic_ended(struct db *db, int64_t id)
{
	STMT_SCOPE s = db_stmt(db, &sql[ENDED]);

	stmt_bind_int(s, 1, id);
	return stmt_run(s);
}

enum err ses_topic_heard(struct db *db, int64_t id, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[HEARD]);

	stmt_bind_int(s, 1, id);
	stmt_bind_int(s, 2, now);
	stmt_bind_int(s, 3, now - MINUTE_MS);
	return stmt_run(s);
}

enum err ses_topic_last_mailing(struct db *db, int64_t brand, int64_t *at)
{
	STMT_SCOPE s = db_stmt(db, &sql[MAILING]);
	enum err e;

	stmt_bind_int(s, 1, brand);
	e = stmt_row(s);
	*at = e == OK ? stmt_int(s, 0) : 0;
	return e;
}

enum err hook_message_take(struct db *db, int64_t brand, const char *message_id,
    int64_t now, bool *first)
{
	STMT_SCOPE s = db_stmt(db, &sql[TAKE]);
	enum err e;

	stmt_bind_int(s, 1, brand);
	stmt_bind_text(s, 2, message_id);
	stmt_bind_int(s, 3, now);
	e = stmt_run(s);
	*first = e == OK && stmt_changes(s) > 0;
	return e;
}

enum err hook_message_forget(struct db *db, int64_t before)
{
	STMT_SCOPE s = db_stmt(db, &sql[FORGET]);

	stmt_bind_int(s, 1, before);
	return stmt_run(s);
}
