#include "repo/event.h"

enum {
	RECIPIENT,
	INSERT,
	INSERT_ONCE,
	OPEN_PERSON,
	OPEN_MACHINE,
	CLICK_PERSON,
	CLICK_MACHINE,
	LINK_SEEN,
	LINK_ADD,
	STATS_ADD,
	HOUR_ADD,
	CLIENT_ADD,
	LEFT_ADD,
	POSITION,
	SET_POSITION,
	FORGET,
};

/* clang-format off */
#define RECIPIENT_ROW " WHERE campaign_id = $1 AND subscriber_id = $2"
#define PLUS(table, column) column " = " table "." column " + excluded." column

static const char *const sql[] = {
	[RECIPIENT] = "SELECT c.brand_id, r.opened_at, r.clicked_at, r.machine_opened_at,"
	              "  r.machine_clicked_at"
	              "  FROM campaigns c JOIN campaign_subscribers r ON r.campaign_id = c.id"
	              " WHERE c.id = $1 AND r.subscriber_id = $2",
	[INSERT] = "INSERT INTO email_events (brand_id, campaign_id, subscriber_id, type, machine,"
	           "  link, client, detail, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	[INSERT_ONCE] = "INSERT INTO email_events (brand_id, campaign_id, subscriber_id, type, detail,"
	                "  at, effect) VALUES ($1, $2, $3, $4, $5, $6, $7)"
	                " ON CONFLICT (brand_id, effect) WHERE effect IS NOT NULL DO NOTHING",
	[OPEN_PERSON] = "UPDATE campaign_subscribers SET opened_at = $3" RECIPIENT_ROW,
	[OPEN_MACHINE] = "UPDATE campaign_subscribers SET machine_opened_at = $3" RECIPIENT_ROW,
	[CLICK_PERSON] = "UPDATE campaign_subscribers SET clicked_at = $3" RECIPIENT_ROW,
	[CLICK_MACHINE] = "UPDATE campaign_subscribers SET machine_clicked_at = $3" RECIPIENT_ROW,
	/* Its own index: the events of one person, or of a program that opens and opens, may be many. */
	[LINK_SEEN] = "SELECT 1 FROM email_events /*+lite INDEXED BY email_events_clicked */"
	              RECIPIENT_ROW " AND link = $3 AND type = 2 AND machine = 0 LIMIT 1",
	[LINK_ADD] = "UPDATE campaign_links SET people = people + $3, clicks = clicks + $4,"
	             "  machines = machines + $5 WHERE campaign_id = $1 AND number = $2",
	[STATS_ADD] = "INSERT INTO campaign_stats (campaign_id, opened, opens, machine_opened,"
	              "  machine_opens, clicked, clicks, machine_clicked, machine_clicks, last_event_at)"
	              " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
	              " ON CONFLICT (campaign_id) DO UPDATE SET "
	              PLUS("campaign_stats", "opened") ", " PLUS("campaign_stats", "opens") ", "
	              PLUS("campaign_stats", "machine_opened") ", "
	              PLUS("campaign_stats", "machine_opens") ", "
	              PLUS("campaign_stats", "clicked") ", " PLUS("campaign_stats", "clicks") ", "
	              PLUS("campaign_stats", "machine_clicked") ", "
	              PLUS("campaign_stats", "machine_clicks") ","
	              " last_event_at = excluded.last_event_at",
	[HOUR_ADD] = "INSERT INTO campaign_hours (campaign_id, hour, opened, machine_opened, clicked)"
	             " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (campaign_id, hour) DO UPDATE SET "
	             PLUS("campaign_hours", "opened") ", " PLUS("campaign_hours", "machine_opened") ", "
	             PLUS("campaign_hours", "clicked"),
	[CLIENT_ADD] = "INSERT INTO campaign_clients (campaign_id, client, people) VALUES ($1, $2, 1)"
	               " ON CONFLICT (campaign_id, client) DO UPDATE SET "
	               PLUS("campaign_clients", "people"),
	[LEFT_ADD] = "INSERT INTO campaign_stats (campaign_id, unsubscribed, last_event_at)"
	             " VALUES ($1, 1, $2) ON CONFLICT (campaign_id) DO UPDATE SET "
	             PLUS("campaign_stats", "unsubscribed") ","
	             " last_event_at = excluded.last_event_at",
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

/* What one event adds to the figures of its campaign. */
struct gain {
	int opened, opens, machine_opened, machine_opens;
	int clicked, clicks, machine_clicked, machine_clicks;
};

/* What was known of the recipient before the event. */
struct before {
	bool opened, clicked, machine_opened, machine_clicked;
};

static enum err read_recipient(struct db *db, struct event *ev, struct before *b)
{
	STMT_SCOPE s = db_stmt(db, &sql[RECIPIENT]);
	enum err e;

	stmt_bind_int(s, 1, ev->campaign_id);
	stmt_bind_int(s, 2, ev->subscriber_id);
	e = stmt_row(s);
	if (e != OK)
		return e;
	ev->brand_id = stmt_int(s, 0);
	b->opened = !stmt_is_null(s, 1);
	b->clicked = !stmt_is_null(s, 2);
	b->machine_opened = !stmt_is_null(s, 3);
	b->machine_clicked = !stmt_is_null(s, 4);
	return OK;
}

static enum err mark(struct db *db, int which, const struct event *ev)
{
	STMT_SCOPE s = db_stmt(db, &sql[which]);

	stmt_bind_int(s, 1, ev->campaign_id);
	stmt_bind_int(s, 2, ev->subscriber_id);
	stmt_bind_int(s, 3, ev->at);
	return stmt_run(s);
}

static enum err add_client(struct db *db, const struct event *ev)
{
	STMT_SCOPE s = db_stmt(db, &sql[CLIENT_ADD]);

	stmt_bind_int(s, 1, ev->campaign_id);
	stmt_bind_text(s, 2, ev->client);
	return stmt_run(s);
}

/* A person's first open; whoever had been counted as "machine only" no longer is. */
static enum err open_by_person(struct db *db, const struct event *ev,
    const struct before *b, struct gain *g)
{
	enum err e;

	if (b->opened)
		return OK;
	g->opened = 1;
	g->machine_opened = b->machine_opened ? -1 : 0;
	e = mark(db, OPEN_PERSON, ev);
	return e == OK ? add_client(db, ev) : e;
}

static enum err apply_open(struct db *db, const struct event *ev,
    const struct before *b, struct gain *g)
{
	if (!ev->machine) {
		g->opens = 1;
		return open_by_person(db, ev, b, g);
	}
	g->machine_opens = 1;
	if (b->machine_opened)
		return OK;
	g->machine_opened = b->opened ? 0 : 1;
	return mark(db, OPEN_MACHINE, ev);
}

static enum err link_seen(struct db *db, const struct event *ev, bool *seen)
{
	STMT_SCOPE s = db_stmt(db, &sql[LINK_SEEN]);
	enum err e;

	stmt_bind_int(s, 1, ev->campaign_id);
	stmt_bind_int(s, 2, ev->subscriber_id);
	stmt_bind_int(s, 3, ev->link);
	e = stmt_row(s);
	*seen = e == OK;
	return e == ERR_NOTFOUND ? OK : e;
}

static enum err add_link(struct db *db, const struct event *ev)
{
	STMT_SCOPE s = db_stmt(db, &sql[LINK_ADD]);
	bool seen = true;
	enum err e = ev->machine ? OK : link_seen(db, ev, &seen);

	if (e != OK)
		return e;
	stmt_bind_int(s, 1, ev->campaign_id);
	stmt_bind_int(s, 2, ev->link);
	stmt_bind_int(s, 3, seen ? 0 : 1);
	stmt_bind_int(s, 4, ev->machine ? 0 : 1);
	stmt_bind_int(s, 5, ev->machine ? 1 : 0);
	return stmt_run(s);
}

static enum err apply_click(struct db *db, const struct event *ev,
    const struct before *b, struct gain *g)
{
	enum err e = add_link(db, ev);

	if (e != OK)
		return e;
	if (ev->machine) {
		g->machine_clicks = 1;
		if (b->machine_clicked)
			return OK;
		g->machine_clicked = b->clicked ? 0 : 1;
		return mark(db, CLICK_MACHINE, ev);
	}
	g->clicks = 1;
	e = open_by_person(db, ev, b, g);
	if (e != OK || b->clicked)
		return e;
	g->clicked = 1;
	g->machine_clicked = b->machine_clicked ? -1 : 0;
	return mark(db, CLICK_PERSON, ev);
}

static enum err add_stats(struct db *db, const struct event *ev, const struct gain *g)
{
	STMT_SCOPE s = db_stmt(db, &sql[STATS_ADD]);
	const int parts[] = { g->opened, g->opens, g->machine_opened, g->machine_opens,
		g->clicked, g->clicks, g->machine_clicked, g->machine_clicks };

	stmt_bind_int(s, 1, ev->campaign_id);
	for (int i = 0; i < 8; i++)
		stmt_bind_int(s, 2 + i, parts[i]);
	stmt_bind_int(s, 10, ev->at);
	return stmt_run(s);
}

static enum err add_hour(struct db *db, const struct event *ev, const struct gain *g)
{
	STMT_SCOPE s = db_stmt(db, &sql[HOUR_ADD]);

	if (g->opened <= 0 && g->machine_opened <= 0 && g->clicked <= 0)
		return OK;
	stmt_bind_int(s, 1, ev->campaign_id);
	stmt_bind_int(s, 2, ev->at / 3600000);
	stmt_bind_int(s, 3, g->opened);
	stmt_bind_int(s, 4, g->machine_opened > 0 ? 1 : 0);
	stmt_bind_int(s, 5, g->clicked);
	return stmt_run(s);
}

static enum err insert(struct db *db, const struct event *ev)
{
	STMT_SCOPE s = db_stmt(db, &sql[INSERT]);

	stmt_bind_int(s, 1, ev->brand_id);
	stmt_bind_int(s, 2, ev->campaign_id);
	stmt_bind_int(s, 3, ev->subscriber_id);
	stmt_bind_int(s, 4, ev->type);
	stmt_bind_int(s, 5, ev->machine);
	stmt_bind_int(s, 6, ev->link);
	stmt_bind_text(s, 7, ev->client ? ev->client : "");
	stmt_bind_text(s, 8, ev->detail ? ev->detail : "");
	stmt_bind_int(s, 9, ev->at);
	return stmt_run(s);
}

enum err event_record(struct db *db, struct event *ev)
{
	struct gain g = { 0 };
	struct before b = { 0 };
	enum err e = read_recipient(db, ev, &b);

	if (e != OK)
		return e == ERR_NOTFOUND ? OK : e;
	e = ev->type == EVENT_OPEN ? apply_open(db, ev, &b, &g)
				   : apply_click(db, ev, &b, &g);
	if (e == OK)
		e = insert(db, ev);
	if (e == OK)
		e = add_stats(db, ev, &g);
	if (e == OK)
		e = add_hour(db, ev, &g);
	return e;
}

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

enum err event_count_left(struct db *db, int64_t campaign, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[LEFT_ADD]);

	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, now);
	return stmt_run(s);
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
