#pragma once

#include "db/db.h"
#include "model/event.h"

/*
 * What is counted of opens and clicks: the recipient's row, the figures, the curve, the
 * links and the clients of a campaign.  They change in the transaction of the events.
 */
enum err event_count_prepare(struct db *db) MUST_CHECK;

/* ---- one recipient ---- */

/*
 * What the opens and clicks of one recipient come to.  It follows from the set of them
 * alone, and not from the order in which they are read.  Times are UTC ms, 0: never.
 */
struct standing {
	int64_t opened_at; /* earliest open or click of a person */
	int64_t clicked_at, machine_opened_at, machine_clicked_at;
	int64_t seen_at;    /* earliest open of a person: a click alone is none */
	const char *client; /* that of opened_at; NULL while 0 */
};

struct event_recipient {
	int64_t campaign_id, subscriber_id, brand_id;
	int64_t settled_at;  /* when the mail was handed over; 0: not known */
	struct standing row; /* as the ledger has it; seen_at and client are not */
};

/* The recipient's row, locked until the transaction ends. ERR_NOTFOUND. */
enum err event_recipient(struct db *db, int64_t campaign, int64_t subscriber,
    struct event_recipient *out) MUST_CHECK;
/* All of it, from the events; client is owned by mem. */
enum err event_standing(struct db *db, void *mem, const struct event_recipient *r,
    struct standing *out) MUST_CHECK;

/* What is added to the figures of a campaign. */
struct event_gain {
	int opened, opens, machine_opened, machine_opens;
	int clicked, clicks, machine_clicked, machine_clicks, click_opened;
};

/*
 * Row, curve and clients of the campaign go from one standing to another; what that is
 * in figures is added to *g.
 */
enum err event_move(struct db *db, const struct event_recipient *r,
    const struct standing *from, const struct standing *to,
    struct event_gain *g) MUST_CHECK;
/* One event more (+1) or less (-1), as its reason says, in *g and of its link. */
enum err event_count(struct db *db, const struct event *ev, int by,
    struct event_gain *g) MUST_CHECK;
/* Writes the figures; at: the time of the event that changed them. */
enum err event_add_gain(struct db *db, int64_t campaign, const struct event_gain *g,
    int64_t at) MUST_CHECK;

/* A person has followed this link; ask it before and after a change of events. */
enum err event_link_seen(struct db *db, const struct event_recipient *r, int link,
    bool *seen) MUST_CHECK;
enum err event_link_people(struct db *db, int64_t campaign, int link,
    int by) MUST_CHECK;
/* How many links the mails of a campaign have. */
enum err event_links(struct db *db, int64_t campaign, int64_t *out) MUST_CHECK;

/*
 * One more of the campaign's recipients unsubscribed; in the transaction that marks the
 * row.
 */
enum err event_count_left(struct db *db, int64_t campaign, int64_t now) MUST_CHECK;
