#include "repo/event.h"

#include "base/mem.h"

enum {
	AGENT_ADD,
	AGENT_SET,
	INSERT,
	INSERT_ONCE,
	REJUDGE,
	BETWEEN,
	JUDGED,
	SET_JUDGED,
	OLDER,
	POSITION,
	SET_POSITION,
	FORGET,
};

/* clang-format off */
static const char *const sql[] = {
	[AGENT_ADD] = "INSERT INTO user_agents (text) VALUES ($1)"
	              " ON CONFLICT (text) DO UPDATE SET text = excluded.text RETURNING id",
	[AGENT_SET] = "UPDATE email_events SET agent_id = $2 WHERE id = $1",
	[INSERT] = "INSERT INTO email_events (brand_id, campaign_id, subscriber_id, type, machine,"
	           "  link, client, detail, at, agent_id, sent_ms, reason, rules)"
	           " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
	           "  (SELECT id FROM user_agents WHERE text = $10), $11, $12, $13)"
	           " RETURNING id, agent_id",
	[INSERT_ONCE] = "INSERT INTO email_events (brand_id, campaign_id, subscriber_id, type, detail,"
	                "  at, effect) VALUES ($1, $2, $3, $4, $5, $6, $7)"
	                " ON CONFLICT (brand_id, effect) WHERE effect IS NOT NULL DO NOTHING",
	[REJUDGE] = "UPDATE email_events SET reason = $2, machine = $3, client = $4, sent_ms = $5,"
	            "  rules = $6 WHERE id = $1",
	[BETWEEN] = "SELECT v.id, v.type, v.reason, v.link, v.rules, a.text, v.sent_ms, v.client, v.at"
	            "  FROM email_events v LEFT JOIN user_agents a ON a.id = v.agent_id"
	            " WHERE v.campaign_id = $1 AND v.subscriber_id = $2 AND v.type IN (1, 2)"
	            "   AND v.type <= 2 AND v.machine IN (0, 1) AND v.at BETWEEN $3 AND $4"
	            " ORDER BY v.at, v.id",
	[JUDGED] = "SELECT event_id FROM judgements WHERE rules = $1",
	[SET_JUDGED] = "INSERT INTO judgements (rules, event_id, finished_at) VALUES ($1, $2, $3)"
	               " ON CONFLICT (rules) DO UPDATE SET event_id = excluded.event_id,"
	               "  finished_at = excluded.finished_at",
	[OLDER] = "SELECT id, campaign_id, subscriber_id,"
	          "   CASE WHEN type <= 2 AND rules < $2 THEN 1 ELSE 0 END"
	          "  FROM email_events WHERE id > $1 ORDER BY id LIMIT $3",
	[POSITION] = "SELECT position FROM spool_files WHERE name = $1",
	[SET_POSITION] = "INSERT INTO spool_files (name, position, updated_at) VALUES ($1, $2, $3)"
	                 " ON CONFLICT (name) DO UPDATE SET position = excluded.position,"
	                 "  updated_at = excluded.updated_at",
	[FORGET] = "DELETE FROM spool_files WHERE name = $1",
};
/* clang-format on */

enum err event_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

/* The event is the first one with this User-Agent; each text is kept once. */
static enum err add_agent(struct db *db, int64_t event, const char *text)
{
	STMT_SCOPE add = db_stmt(db, &sql[AGENT_ADD]);
	STMT_SCOPE set = db_stmt(db, &sql[AGENT_SET]);
	enum err e;

	stmt_bind_text(add, 1, text);
	e = stmt_row(add);
	if (e != OK)
		return e;
	stmt_bind_int(set, 1, event);
	stmt_bind_int(set, 2, stmt_int(add, 0));
	return stmt_run(set);
}

static void bind_sent(struct stmt *s, int n, int64_t sent_ms)
{
	if (sent_ms == SENT_UNKNOWN)
		stmt_bind_null(s, n);
	else
		stmt_bind_int(s, n, sent_ms);
}

enum err event_insert(struct db *db, const struct event *ev)
{
	STMT_SCOPE s = db_stmt(db, &sql[INSERT]);
	enum err e;

	stmt_bind_int(s, 1, ev->brand_id);
	stmt_bind_int(s, 2, ev->campaign_id);
	stmt_bind_int(s, 3, ev->subscriber_id);
	stmt_bind_int(s, 4, ev->type);
	stmt_bind_int(s, 5, ev->reason != MACHINE_NOT);
	stmt_bind_int(s, 6, ev->link);
	stmt_bind_text(s, 7, ev->client ? ev->client : "");
	stmt_bind_text(s, 8, ev->detail ? ev->detail : "");
	stmt_bind_int(s, 9, ev->at);
	stmt_bind_text(s, 10, ev->agent);
	bind_sent(s, 11, ev->sent_ms);
	stmt_bind_int(s, 12, ev->reason);
	stmt_bind_int(s, 13, ev->rules);
	e = stmt_row(s);
	if (e != OK || ev->agent == NULL || !stmt_is_null(s, 1))
		return e;
	return add_agent(db, stmt_int(s, 0), ev->agent);
}

enum err event_rejudge(struct db *db, const struct event *ev)
{
	STMT_SCOPE s = db_stmt(db, &sql[REJUDGE]);

	stmt_bind_int(s, 1, ev->id);
	stmt_bind_int(s, 2, ev->reason);
	stmt_bind_int(s, 3, ev->reason != MACHINE_NOT);
	stmt_bind_text(s, 4, ev->client);
	bind_sent(s, 5, ev->sent_ms);
	stmt_bind_int(s, 6, ev->rules);
	return stmt_run(s);
}

static struct event read_event(struct stmt *s, void *mem,
    const struct event_recipient *r)
{
	return (struct event){
		.id = stmt_int(s, 0),
		.brand_id = r->brand_id,
		.campaign_id = r->campaign_id,
		.subscriber_id = r->subscriber_id,
		.type = (enum event_type)stmt_int(s, 1),
		.reason = (enum machine_reason)stmt_int(s, 2),
		.link = (int)stmt_int(s, 3),
		.rules = (int)stmt_int(s, 4),
		.agent = stmt_copy(s, 5, mem),
		.sent_ms = stmt_is_null(s, 6) ? SENT_UNKNOWN : stmt_int(s, 6),
		.client = stmt_copy(s, 7, mem),
		.at = stmt_int(s, 8),
	};
}

enum err event_between(struct db *db, void *mem, const struct event_recipient *r,
    int64_t from, int64_t to, struct event_list *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[BETWEEN]);
	size_t room = 0;

	*out = (struct event_list){ 0 };
	stmt_bind_int(s, 1, r->campaign_id);
	stmt_bind_int(s, 2, r->subscriber_id);
	stmt_bind_int(s, 3, from);
	stmt_bind_int(s, 4, to);
	while (stmt_next(s)) {
		if (out->n == room) {
			room = room ? room * 2 : 16;
			out->all = mem_resize(mem, out->all, room * sizeof(*out->all));
		}
		out->all[out->n++] = read_event(s, mem, r);
	}
	return stmt_error(s);
}

/* ---- the history ---- */

enum err event_judged(struct db *db, int rules, int64_t *event)
{
	STMT_SCOPE s = db_stmt(db, &sql[JUDGED]);
	enum err e;

	stmt_bind_int(s, 1, rules);
	e = stmt_row(s);
	*event = e == OK ? stmt_int(s, 0) : 0;
	return e == ERR_NOTFOUND ? OK : e;
}

enum err event_set_judged(struct db *db, int rules, int64_t event, int64_t finished_at)
{
	STMT_SCOPE s = db_stmt(db, &sql[SET_JUDGED]);

	stmt_bind_int(s, 1, rules);
	stmt_bind_int(s, 2, event);
	stmt_bind_opt(s, 3, finished_at);
	return stmt_run(s);
}

enum err event_older(struct db *db, void *mem, int rules, int limit,
    struct event_batch *b)
{
	STMT_SCOPE s = db_stmt(db, &sql[OLDER]);

	b->events = mem_array(mem, struct event, (size_t)limit);
	b->n = 0;
	b->looked = 0;
	stmt_bind_int(s, 1, b->last);
	stmt_bind_int(s, 2, rules);
	stmt_bind_int(s, 3, limit);
	while (b->looked < limit && stmt_next(s)) {
		b->looked++;
		b->last = stmt_int(s, 0);
		if (stmt_int(s, 3) == 0)
			continue;
		b->events[b->n++] = (struct event){
			.id = b->last,
			.campaign_id = stmt_int(s, 1),
			.subscriber_id = stmt_int(s, 2),
		};
	}
	return stmt_error(s);
}

/* ---- what providers tell ---- */

enum err event_add_once(struct db *db, const struct event *ev, const char *effect,
    bool *first)
{
	STMT_SCOPE s = db_stmt(db, &sql[INSERT_ONCE]);
	enum err e;

	stmt_bind_int(s, 1, ev->brand_id);
	stmt_bind_int(s, 2, ev->campaign_id);
	stmt_bind_int(s, 3, ev->subscriber_id);
	stmt_bind_int(s, 4, ev->type);
	stmt_bind_text(s, 5, ev->detail ? ev->detail : "");
	stmt_bind_int(s, 6, ev->at);
	stmt_bind_text(s, 7, effect);
	e = stmt_run(s);
	*first = e == OK && stmt_changes(s) > 0;
	return e;
}

enum err spool_position(struct db *db, const char *name, int64_t *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[POSITION]);
	enum err e;

	stmt_bind_text(s, 1, name);
	e = stmt_row(s);
	*out = e == OK ? stmt_int(s, 0) : 0;
	return e == ERR_NOTFOUND ? OK : e;
}

enum err spool_set_position(struct db *db, const char *name, int64_t position,
    int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[SET_POSITION]);

	stmt_bind_text(s, 1, name);
	stmt_bind_int(s, 2, position);
	stmt_bind_int(s, 3, now);
	return stmt_run(s);
}

enum err spool_forget(struct db *db, const char *name)
{
	STMT_SCOPE s = db_stmt(db, &sql[FORGET]);

	stmt_bind_text(s, 1, name);
	return stmt_run(s);
}
