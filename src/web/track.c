#include "web/track.h"

#include <string.h>

#include "app.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/token.h"
#include "base/wake.h"
#include "kv/limit.h"
#include "repo/brand.h"
#include "repo/campaign.h"
#include "repo/report.h"
#include "repo/subscriber.h"
#include "send/compose.h"
#include "send/link.h"
#include "send/spool.h"

enum { OPENS_A_SECOND = 50, CLICKS_A_SECOND = 20 }; /* as in nginx */

/* A transparent GIF of one pixel. */
static const char pixel[] = "GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\4\1\0\0\0\0,"
			    "\0\0\0\0\1\0\1\0\0\2\2D\1\0;";

/*
 * nginx counts single addresses, and who has one of IPv6 has a /64 of them: those are
 * counted here as well.  Where they cannot be, they are let through.
 */
static bool is_flood(const struct request *rq, const struct token *t)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "is_flood");
	bool click = t->purpose == TOKEN_CLICK;
	int wait;

	if (strchr(rq->ip, ':') == NULL)
		return false;
	return limit_hit(rq->kv,
		   kv_key(tmp, click ? "rate:click" : "rate:open",
		       limit_address(tmp, rq->ip)),
		   rq->now, 1, click ? CLICKS_A_SECOND : OPENS_A_SECOND,
		   &wait) == ERR_LIMITED;
}

/*
 * Durable before the answer, by track_flush.  A full disk costs the count (the spool
 * logs it), never the reader's picture or link.  A test mail (campaign 0) and a HEAD
 * request count nothing.
 */
static void count(struct request *rq, const struct token *t)
{
	struct spool_record r = {
		.type = t->purpose == TOKEN_CLICK ? EVENT_CLICK : EVENT_OPEN,
		.campaign = t->campaign,
		.subscriber = t->subscriber,
		.link = t->link,
		.at = rq->now,
	};
	enum err e = OK;

	if (t->campaign == 0 || rq->head || rq->limited || is_flood(rq, t))
		return;
	spool_set_agent(&r, rq->agent);
	if (rq->app->spool == NULL)
		e = spool_open(rq->app, rq->app->config->server.state_dir,
		    &rq->app->log, &rq->app->spool);
	if (e == OK)
		e = spool_append(rq->app->spool, &r);
	if (e != OK)
		log_error(&rq->log, "track.lost", LOG_INT("campaign", t->campaign));
}

void track_flush(struct app *app)
{
	const char *dir = app->config->server.state_dir;
	int n = app->spool ? spool_unsynced(app->spool) : 0;

	if (n == 0)
		return;
	if (spool_sync(app->spool) != OK)
		log_error(&app->log, "track.lost", LOG_INT("events", n));
	wake(dir, "jobs");
}

enum err track_open(struct request *rq, struct response *rs)
{
	struct token t;
	enum err e = token_read(rq->app->keys, TOKEN_OPEN, rq->words[0], &t);

	if (e != OK)
		return e;
	count(rq, &t);
	response_header(rs, "Cache-Control", "no-store");
	return respond_body(rs, "image/gif", pixel, sizeof(pixel) - 1);
}

/* ---- where a click leads ---- */

/*
 * Values are those of the address that got the mail.  Who is gone, or has another
 * address since, still reaches the page, with empty ones.
 */
static enum err whose(struct request *rq, const struct token *t,
    struct subscriber **who, struct brand **b, struct campaign **c)
{
	struct subscriber *s;
	struct mailed *m;
	enum err e = subscriber_mailed(rq->db, rq, t->campaign, t->subscriber, &m);

	if (e == OK)
		e = brand_get(rq->db, rq, m->brand_id, b);
	if (e == OK)
		e = campaign_get(rq->db, rq, m->brand_id, t->campaign, c);
	if (e == OK)
		e = subscriber_get(rq->db, rq, m->brand_id, t->subscriber, &s);
	if (e == OK && text_equal(s->email_key, m->email_key))
		*who = s;
	return e;
}

/*
 * A link of the mails that were made before their tokens held the values: filled with
 * those of today.
 */
static enum err fill_link(struct request *rq, const struct token *t, char **url)
{
	struct subscriber nobody = { .email = "", .first_name = "", .last_name = "" };
	struct brand nameless = { .name = "", .postal_address = "" };
	struct campaign untitled = { .name = "" };
	struct subscriber *who = &nobody;
	struct brand *b = &nameless;
	struct campaign *c = &untitled;
	const char *leave = unsubscribe_url(rq, rq->app->config->server.public_url,
	    rq->app->keys, t->campaign, t->subscriber);
	enum err e = whose(rq, t, &who, &b, &c);

	if (e != OK && e != ERR_NOTFOUND)
		return e;
	return link_fill(rq, *url, merge_data(rq, who, b, c->name, leave), url);
}

/* Only what the campaign contains, and only the web: never an open redirect. */
static enum err find_link(struct request *rq, const struct token *t, char **url)
{
	enum err e = report_link_url(rq->db, rq, t->campaign, t->link, url);

	if (e == OK && t->between)
		*url = link_join(rq, *url, t);
	else if (e == OK && link_is_merged(*url))
		e = fill_link(rq, t, url);
	if (e == OK && *url)
		*url = link_ascii(rq, *url);
	if (e == OK && !*url)
		e = ERR_NOTFOUND;
	return e == ERR_INVALID ? ERR_NOTFOUND : e;
}

enum err track_click(struct request *rq, struct response *rs)
{
	struct token t;
	char *url = NULL;
	enum err e = token_read_in(rq, rq->app->keys, TOKEN_CLICK, rq->words[0], &t);

	if (e == OK) {
		count(rq, &t);
		e = find_link(rq, &t, &url);
	}
	if (e != OK)
		return e;
	rs->status = 302;
	response_header(rs, "Location", "%s", url);
	response_header(rs, "Cache-Control", "no-store");
	return respond_body(rs, "text/plain; charset=utf-8", "", 0);
}
