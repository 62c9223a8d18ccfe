#include "web/track.h"

#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/token.h"
#include "repo/brand.h"
#include "repo/event.h"
#include "repo/subscriber.h"
#include "service/subscriber.h"

/* What the page knows; brand and who are NULL when the person is not here any more. */
struct visit {
	struct token t;
	struct brand *brand;
	struct subscriber *who;
};

static enum err find(struct request *rq, struct visit *v)
{
	int64_t brand = 0;
	enum err e = token_read(rq->app->keys, TOKEN_UNSUBSCRIBE, rq->words[0], &v->t);

	if (e != OK)
		return e;
	e = event_brand(rq->db, v->t.subscriber, &brand);
	if (e == OK)
		e = brand_get(rq->db, rq, brand, &v->brand);
	if (e == OK)
		e = subscriber_get(rq->db, rq, brand, v->t.subscriber, &v->who);
	return e == ERR_NOTFOUND ? OK : e;
}

/* Half hidden, "m…@example.com": a forwarded mail takes the link to other people. */
static const char *hint(void *mem, const char *email)
{
	const char *at = strrchr(email, '@');

	return at != NULL && at > email ? mem_printf(mem, "%c…%s", email[0], at) : "";
}

static enum err show(struct request *rq, struct response *rs, const struct visit *v)
{
	struct json_object *o = json_obj(rq);

	json_set_text(o, "brand", v->brand != NULL ? v->brand->name : "");
	json_set_text(o, "address", v->who != NULL ? hint(rq, v->who->email) : "");
	json_set_bool(o, "left", v->who == NULL || v->who->status != SUBSCRIBER_ACTIVE);
	json_set_text(o, "token", rq->words[0]);
	response_header(rs, "Cache-Control", "no-store");
	return respond(rs, o);
}

enum err unsubscribe_show(struct request *rq, struct response *rs)
{
	struct visit v = { 0 };
	enum err e = find(rq, &v);

	return e == OK ? show(rq, rs, &v) : e;
}

static enum err leave(struct request *rq, const struct visit *v, bool one_click)
{
	const char *reason = form_get(rq->form, "reason");
	struct origin o = {
		.source = one_click ? "one-click" : "page",
		.ip = rq->ip,
		.detail = reason != NULL && strlen(reason) <= 500 ? reason : NULL,
		.campaign = v->t.campaign,
		.now = rq->now,
	};

	return subscriber_unsubscribe(rq->db, v->who->brand_id, v->who->id, &o, NULL);
}

/*
 * RFC 8058: the mail provider posts List-Unsubscribe=One-Click without cookies and
 * wants 200 and no redirect, however often.  The page's own button may be taken back
 * with action=stay.
 */
enum err unsubscribe_do(struct request *rq, struct response *rs)
{
	const char *word = form_get(rq->form, "List-Unsubscribe");
	const char *action = form_get(rq->form, "action");
	bool one_click = word != NULL && strcmp(word, "One-Click") == 0;
	struct origin o = { .source = "page", .ip = rq->ip, .now = rq->now };
	struct visit v = { 0 };
	enum err e = find(rq, &v);

	if (e != OK)
		return e;
	o.campaign = v.t.campaign;
	if (v.who != NULL && action != NULL && strcmp(action, "stay") == 0)
		e = subscriber_resubscribe(rq->db, v.who->brand_id, v.who->id, &o);
	else if (v.who != NULL)
		e = leave(rq, &v, one_click);
	if (e != OK)
		return e;
	if (one_click)
		return respond_body(rs, "text/plain; charset=utf-8", "Unsubscribed.\n",
		    14);
	e = find(rq, &v);
	return e == OK ? show(rq, rs, &v) : e;
}
