#include "repo/timeline.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "model/event.h"
#include "repo/ledger_attempt.h"

/* clang-format off */
enum { DELIVERIES, EVENTS };

static const char *const sql[] = {
	[DELIVERIES] = "SELECT d.campaign_id, c.name, " STATE_OF_D ", d.reason,"
		       "  coalesce(d.settled_at, c.started_at, c.created_at)"
		       "  FROM campaign_subscribers d JOIN campaigns c ON c.id = d.campaign_id"
		       CURSOR_OF_D
		       "  WHERE c.brand_id = $1 AND d.subscriber_id = $2 ORDER BY 5 DESC, d.id DESC LIMIT 50",
	[EVENTS] = "SELECT e.type, e.machine, e.campaign_id, c.name, l.url, e.client, e.detail, e.at, e.reason"
		   "  FROM email_events e LEFT JOIN campaigns c ON c.id = e.campaign_id"
		   "  LEFT JOIN campaign_links l ON l.campaign_id = e.campaign_id"
		   "    AND l.number = e.link AND e.type = 2"
		   "  WHERE e.brand_id = $1 AND e.subscriber_id = $2 ORDER BY e.at DESC, e.id DESC LIMIT 50",
};
/* clang-format on */

static const char *const words[] = {
	[EVENT_OPEN] = "open",
	[EVENT_CLICK] = "click",
	[EVENT_UNSUBSCRIBE] = "unsubscribe",
	[EVENT_SEND] = "send",
	[EVENT_DELIVERY] = "delivery",
	[EVENT_BOUNCE] = "bounce",
	[EVENT_SOFT_BOUNCE] = "soft_bounce",
	[EVENT_COMPLAINT] = "complaint",
	[EVENT_REJECT] = "reject",
	[EVENT_DELAY] = "delay",
	[EVENT_RENDER_FAILURE] = "render_failure",
};

enum err timeline_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

/* A line, and where it belongs. */
struct line {
	int64_t at;
	int number; /* as read: of one time the newest row comes first */
	struct json_object *o;
};

struct lines {
	struct line all[2 * TIMELINE_MAX];
	int n;
};

static void add(struct lines *l, struct json_object *o, int64_t at)
{
	json_set_time(o, "at", at);
	l->all[l->n] = (struct line){ at, l->n, o };
	l->n++;
}

static enum err read_events(struct db *db, void *mem, int64_t brand, int64_t subscriber,
    struct lines *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[EVENTS]);

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, subscriber);
	while (out->n < TIMELINE_MAX && stmt_next(s)) {
		struct json_object *o = json_obj(mem);
		int64_t type = stmt_int(s, 0);
		bool known =
		    type > 0 && type < (int64_t)(sizeof(words) / sizeof(*words));

		json_set_text(o, "type", known ? words[type] : "event");
		json_set_bool(o, "machine", stmt_int(s, 1) != 0);
		json_set_int(o, "campaign_id", stmt_int(s, 2));
		json_set_text(o, "campaign", stmt_text(s, 3));
		json_set_text(o, "url", stmt_text_or_null(s, 4));
		json_set_text(o, "client", stmt_text(s, 5));
		json_set_text(o, "detail", stmt_text(s, 6));
		json_set_int(o, "reason", stmt_int(s, 8));
		add(out, o, stmt_int(s, 7));
	}
	return stmt_error(s);
}

static enum err read_deliveries(struct db *db, void *mem, int64_t brand,
    int64_t subscriber, struct lines *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[DELIVERIES]);
	int most = out->n + TIMELINE_MAX;

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, subscriber);
	while (out->n < most && stmt_next(s)) {
		struct json_object *o = json_obj(mem);

		json_set_int(o, "campaign_id", stmt_int(s, 0));
		json_set_text(o, "campaign", stmt_text(s, 1));
		json_set_text(o, "state",
		    delivery_state_name((enum delivery_state)stmt_int(s, 2)));
		json_set_text(o, "detail", stmt_text(s, 3));
		add(out, o, stmt_int(s, 4));
	}
	return stmt_error(s);
}

static int newest_first(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->at != y->at)
		return x->at > y->at ? -1 : 1;
	return x->number - y->number;
}

enum err timeline_read(struct db *db, void *mem, int64_t brand, int64_t subscriber,
    struct json_object **out)
{
	struct lines *l = mem_new(mem, struct lines);
	enum err e = read_events(db, mem, brand, subscriber, l);

	*out = json_arr(mem);
	if (e == OK)
		e = read_deliveries(db, mem, brand, subscriber, l);
	if (l->n > 1)
		qsort(l->all, (size_t)l->n, sizeof(*l->all), newest_first);
	/* The newest of each are here, so these are the newest of both. */
	for (int i = 0; i < l->n && i < TIMELINE_MAX; i++)
		json_push(*out, l->all[i].o);
	return e;
}
