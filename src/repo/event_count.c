#include "repo/event_count.h"

#include <string.h>

#include "base/mem.h"

enum {
	RECIPIENT,
	ROW,
	FIRSTS,
	CLIENT_AT,
	LINK_SEEN,
	LINK_ADD,
	LINK_PEOPLE,
	LINKS,
	STATS_ADD,
	HOUR_ADD,
	HOUR_TIDY,
	CLIENT_ADD,
	CLIENT_TIDY,
	LEFT_ADD,
};

enum { HOUR_MS = 3600000 };

/* clang-format off */
#define PLUS(table, column) column " = " table "." column " + excluded." column
#define LATEST \
	" last_event_at = CASE WHEN campaign_stats.last_event_at > excluded.last_event_at" \
	"   THEN campaign_stats.last_event_at ELSE excluded.last_event_at END"
/* By the index email_events_moments, which has only opens and clicks. */
#define MOMENT(what, type, machine) \
	"(SELECT " what " FROM email_events WHERE campaign_id = $1 AND subscriber_id = $2" \
	" AND type = " type " AND type <= 2 AND machine = " machine ")"

static const char *const sql[] = {
	[RECIPIENT] = "SELECT c.brand_id, r.settled_at, r.opened_at, r.clicked_at,"
	              "   r.machine_opened_at, r.machine_clicked_at"
	              "  FROM campaigns c JOIN campaign_subscribers r ON r.campaign_id = c.id"
	              " WHERE c.id = $1 AND r.subscriber_id = $2 /*+pg FOR NO KEY UPDATE OF r */",
	[ROW] = "UPDATE campaign_subscribers SET opened_at = $3, clicked_at = $4,"
	        "  machine_opened_at = $5, machine_clicked_at = $6"
	        " WHERE campaign_id = $1 AND subscriber_id = $2",
	[FIRSTS] = "SELECT " MOMENT("min(at)", "1", "0") ", " MOMENT("min(at)", "2", "0") ", "
	           MOMENT("min(at)", "1", "1") ", " MOMENT("min(at)", "2", "1"),
	[CLIENT_AT] = "SELECT min(client /*+pg COLLATE \"C\" */) FROM email_events WHERE campaign_id = $1"
	              "   AND subscriber_id = $2 AND type IN (1, 2) AND type <= 2 AND machine = 0"
	              "   AND at = $3",
	/* Its own index: the events of one person, or of a program that opens and opens, may be many. */
	[LINK_SEEN] = "SELECT 1 FROM email_events /*+lite INDEXED BY email_events_clicked */"
	              " WHERE campaign_id = $1 AND subscriber_id = $2 AND link = $3"
	              "   AND type = 2 AND machine = 0 LIMIT 1",
	[LINK_ADD] = "UPDATE campaign_links SET clicks = clicks + $3, machines = machines + $4"
	             " WHERE campaign_id = $1 AND number = $2",
	[LINK_PEOPLE] = "UPDATE campaign_links SET people = people + $3"
	                " WHERE campaign_id = $1 AND number = $2",
	[LINKS] = "SELECT count(*) FROM campaign_links WHERE campaign_id = $1",
	[STATS_ADD] = "INSERT INTO campaign_stats (campaign_id, opened, opens, machine_opened,"
	              "  machine_opens, clicked, clicks, machine_clicked, machine_clicks,"
	              "  click_opened, last_event_at)"
	              " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
	              " ON CONFLICT (campaign_id) DO UPDATE SET "
	              PLUS("campaign_stats", "opened") ", " PLUS("campaign_stats", "opens") ", "
	              PLUS("campaign_stats", "machine_opened") ", "
	              PLUS("campaign_stats", "machine_opens") ", "
	              PLUS("campaign_stats", "clicked") ", " PLUS("campaign_stats", "clicks") ", "
	              PLUS("campaign_stats", "machine_clicked") ", "
	              PLUS("campaign_stats", "machine_clicks") ", "
	              PLUS("campaign_stats", "click_opened") "," LATEST,
	[HOUR_ADD] = "INSERT INTO campaign_hours (campaign_id, hour, opened, machine_opened, clicked)"
	             " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (campaign_id, hour) DO UPDATE SET "
	             PLUS("campaign_hours", "opened") ", " PLUS("campaign_hours", "machine_opened") ", "
	             PLUS("campaign_hours", "clicked"),
	[HOUR_TIDY] = "DELETE FROM campaign_hours WHERE campaign_id = $1 AND hour = $2"
	              " AND opened = 0 AND machine_opened = 0 AND clicked = 0",
	[CLIENT_ADD] = "INSERT INTO campaign_clients (campaign_id, client, people) VALUES ($1, $2, $3)"
	               " ON CONFLICT (campaign_id, client) DO UPDATE SET "
	               PLUS("campaign_clients", "people"),
	[CLIENT_TIDY] = "DELETE FROM campaign_clients WHERE campaign_id = $1 AND client = $2"
	                " AND people = 0",
	[LEFT_ADD] = "INSERT INTO campaign_stats (campaign_id, unsubscribed, last_event_at)"
	             " VALUES ($1, 1, $2) ON CONFLICT (campaign_id) DO UPDATE SET "
	             PLUS("campaign_stats", "unsubscribed") "," LATEST,
};
/* clang-format on */

enum err event_count_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

/* A statement about one recipient. */
static struct stmt *about(struct db *db, int which, const struct event_recipient *r)
{
	struct stmt *s = db_stmt(db, &sql[which]);

	stmt_bind_int(s, 1, r->campaign_id);
	stmt_bind_int(s, 2, r->subscriber_id);
	return s;
}

enum err event_recipient(struct db *db, int64_t campaign, int64_t subscriber,
    struct event_recipient *out)
{
	struct event_recipient r = { .campaign_id = campaign,
		.subscriber_id = subscriber };
	STMT_SCOPE s = about(db, RECIPIENT, &r);
	enum err e = stmt_row(s);

	if (e != OK)
		return e;
	r.brand_id = stmt_int(s, 0);
	r.settled_at = stmt_int(s, 1);
	r.row.opened_at = stmt_int(s, 2);
	r.row.clicked_at = stmt_int(s, 3);
	r.row.machine_opened_at = stmt_int(s, 4);
	r.row.machine_clicked_at = stmt_int(s, 5);
	*out = r;
	return OK;
}

/* ---- a standing ---- */

static enum err client_at(struct db *db, void *mem, const struct event_recipient *r,
    int64_t at, const char **out)
{
	STMT_SCOPE s = about(db, CLIENT_AT, r);
	enum err e;

	stmt_bind_int(s, 3, at);
	e = stmt_row(s);
	*out = e == OK ? stmt_copy(s, 0, mem) : NULL;
	return e;
}

static int64_t earlier(int64_t a, int64_t b)
{
	if (a == 0 || b == 0)
		return a ? a : b;
	return a < b ? a : b;
}

enum err event_standing(struct db *db, void *mem, const struct event_recipient *r,
    struct standing *out)
{
	STMT_SCOPE s = about(db, FIRSTS, r);
	enum err e = stmt_row(s);

	if (e != OK)
		return e;
	*out = (struct standing){
		.seen_at = stmt_int(s, 0),
		.clicked_at = stmt_int(s, 1),
		.machine_opened_at = stmt_int(s, 2),
		.machine_clicked_at = stmt_int(s, 3),
	};
	out->opened_at = earlier(out->seen_at, out->clicked_at);
	return out->opened_at ? client_at(db, mem, r, out->opened_at, &out->client)
			      : OK;
}

static enum err write_row(struct db *db, const struct event_recipient *r,
    const struct standing *to)
{
	STMT_SCOPE s = about(db, ROW, r);

	stmt_bind_opt(s, 3, to->opened_at);
	stmt_bind_opt(s, 4, to->clicked_at);
	stmt_bind_opt(s, 5, to->machine_opened_at);
	stmt_bind_opt(s, 6, to->machine_clicked_at);
	return stmt_run(s);
}

/* ---- the curve ---- */

enum curve { CURVE_OPENED, CURVE_MACHINE, CURVE_CLICKED };

static enum err hour_add(struct db *db, int64_t campaign, enum curve c, int64_t at,
    int by)
{
	STMT_SCOPE s = db_stmt(db, &sql[HOUR_ADD]);

	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, at / HOUR_MS);
	for (int i = CURVE_OPENED; i <= CURVE_CLICKED; i++)
		stmt_bind_int(s, 3 + i, i == (int)c ? by : 0);
	return stmt_run(s);
}

static enum err hour_leave(struct db *db, int64_t campaign, enum curve c, int64_t at)
{
	STMT_SCOPE s = db_stmt(db, &sql[HOUR_TIDY]);
	enum err e = hour_add(db, campaign, c, at, -1);

	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, at / HOUR_MS);
	return e == OK ? stmt_run(s) : e;
}

/* 0: on none of the hours. */
static enum err hour_move(struct db *db, int64_t campaign, enum curve c, int64_t from,
    int64_t to)
{
	enum err e = OK;

	if (from / HOUR_MS == to / HOUR_MS && !from == !to)
		return OK;
	if (from)
		e = hour_leave(db, campaign, c, from);
	return e == OK && to ? hour_add(db, campaign, c, to, 1) : e;
}

/* On the curve of machines while no person has opened. */
static int64_t machine_hour(const struct standing *s)
{
	return s->opened_at ? 0 : s->machine_opened_at;
}

static enum err move_hours(struct db *db, int64_t campaign, const struct standing *from,
    const struct standing *to)
{
	enum err e =
	    hour_move(db, campaign, CURVE_OPENED, from->opened_at, to->opened_at);

	if (e == OK)
		e = hour_move(db, campaign, CURVE_MACHINE, machine_hour(from),
		    machine_hour(to));
	return e == OK
	    ? hour_move(db, campaign, CURVE_CLICKED, from->clicked_at, to->clicked_at)
	    : e;
}

/* ---- the clients ---- */

static enum err client_add(struct db *db, int64_t campaign, const char *client, int by)
{
	STMT_SCOPE s = db_stmt(db, &sql[CLIENT_ADD]);

	stmt_bind_int(s, 1, campaign);
	stmt_bind_text(s, 2, client);
	stmt_bind_int(s, 3, by);
	return stmt_run(s);
}

static enum err client_leave(struct db *db, int64_t campaign, const char *client)
{
	STMT_SCOPE s = db_stmt(db, &sql[CLIENT_TIDY]);
	enum err e = client_add(db, campaign, client, -1);

	stmt_bind_int(s, 1, campaign);
	stmt_bind_text(s, 2, client);
	return e == OK ? stmt_run(s) : e;
}

static enum err move_client(struct db *db, int64_t campaign, const char *from,
    const char *to)
{
	enum err e = OK;

	if (from && to && strcmp(from, to) == 0)
		return OK;
	if (from)
		e = client_leave(db, campaign, from);
	return e == OK && to ? client_add(db, campaign, to, 1) : e;
}

/* ---- moving ---- */

static void gain_standing(struct event_gain *g, const struct standing *s, int by)
{
	g->opened += by * (s->opened_at != 0);
	g->clicked += by * (s->clicked_at != 0);
	g->machine_opened += by * (machine_hour(s) != 0);
	g->machine_clicked += by * (s->machine_clicked_at != 0 && s->clicked_at == 0);
	g->click_opened += by * (s->clicked_at != 0 && s->seen_at == 0);
}

static bool same_row(const struct standing *a, const struct standing *b)
{
	return a->opened_at == b->opened_at && a->clicked_at == b->clicked_at &&
	    a->machine_opened_at == b->machine_opened_at &&
	    a->machine_clicked_at == b->machine_clicked_at;
}

enum err event_move(struct db *db, const struct event_recipient *r,
    const struct standing *from, const struct standing *to, struct event_gain *g)
{
	enum err e = move_client(db, r->campaign_id, from->client, to->client);

	gain_standing(g, from, -1);
	gain_standing(g, to, 1);
	if (e != OK || same_row(from, to))
		return e;
	e = write_row(db, r, to);
	return e == OK ? move_hours(db, r->campaign_id, from, to) : e;
}

/* ---- figures ---- */

static enum err link_add(struct db *db, const struct event *ev, int clicks,
    int machines)
{
	STMT_SCOPE s = db_stmt(db, &sql[LINK_ADD]);

	stmt_bind_int(s, 1, ev->campaign_id);
	stmt_bind_int(s, 2, ev->link);
	stmt_bind_int(s, 3, clicks);
	stmt_bind_int(s, 4, machines);
	return stmt_run(s);
}

enum err event_count(struct db *db, const struct event *ev, int by,
    struct event_gain *g)
{
	bool machine = ev->reason != MACHINE_NOT;

	if (ev->type == EVENT_OPEN) {
		*(machine ? &g->machine_opens : &g->opens) += by;
		return OK;
	}
	*(machine ? &g->machine_clicks : &g->clicks) += by;
	return link_add(db, ev, machine ? 0 : by, machine ? by : 0);
}

enum err event_link_seen(struct db *db, const struct event_recipient *r, int link,
    bool *seen)
{
	STMT_SCOPE s = about(db, LINK_SEEN, r);
	enum err e;

	stmt_bind_int(s, 3, link);
	e = stmt_row(s);
	*seen = e == OK;
	return e == ERR_NOTFOUND ? OK : e;
}

enum err event_link_people(struct db *db, int64_t campaign, int link, int by)
{
	STMT_SCOPE s = db_stmt(db, &sql[LINK_PEOPLE]);

	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, link);
	stmt_bind_int(s, 3, by);
	return stmt_run(s);
}

enum err event_links(struct db *db, int64_t campaign, int64_t *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[LINKS]);
	enum err e;

	stmt_bind_int(s, 1, campaign);
	e = stmt_row(s);
	*out = e == OK ? stmt_int(s, 0) : 0;
	return e;
}

enum err event_add_gain(struct db *db, int64_t campaign, const struct event_gain *g,
    int64_t at)
{
	STMT_SCOPE s = db_stmt(db, &sql[STATS_ADD]);
	const int parts[] = { g->opened, g->opens, g->machine_opened, g->machine_opens,
		g->clicked, g->clicks, g->machine_clicked, g->machine_clicks,
		g->click_opened };
	enum { PARTS = sizeof(parts) / sizeof(*parts) };

	stmt_bind_int(s, 1, campaign);
	for (int i = 0; i < PARTS; i++)
		stmt_bind_int(s, 2 + i, parts[i]);
	stmt_bind_int(s, 2 + PARTS, at);
	return stmt_run(s);
}

enum err event_count_left(struct db *db, int64_t campaign, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[LEFT_ADD]);

	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, now);
	return stmt_run(s);
}
