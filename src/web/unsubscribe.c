#include "web/track.h"

#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/token.h"
#include "repo/brand.h"
#include "repo/subscriber.h"
#include "repo/suppression.h"
#include "service/subscriber.h"

/* What a link is about; brand and mail are NULL when there is nothing of it any more.
 */
struct visit {
	struct token t;
	struct brand *brand;
	struct mailed *mail;
};

static enum err find(struct request *rq, struct visit *v)
{
	enum err e = token_read(rq->app->keys, TOKEN_UNSUBSCRIBE, rq->words[0], &v->t);

	if (e != OK)
		return e;
	e = subscriber_mailed(rq->db, rq, v->t.campaign, v->t.subscriber, &v->mail);
	if (e == OK)
		e = brand_get(rq->db, rq, v->mail->brand_id, &v->brand);
	return e == ERR_NOTFOUND ? OK : e;
}

/* Half hidden, "m…@example.com": a forwarded mail takes the link to other people. */
static const char *hint(void *mem, const char *email)
{
	const char *at = strrchr(email, '@');

	return at != NULL && at > email ? mem_printf(mem, "%c…%s", email[0], at) : "";
}

/*
 * What is so of the address: active unconfirmed unsubscribed bounced complained manual,
 * or none, when nobody has it and it is not suppressed.
 */
static enum err state_of(struct request *rq, const struct mailed *m, const char **out)
{
	struct suppression *x;
	struct subscriber *s;
	enum err e = suppression_get(rq->db, rq, m->brand_id, m->email_key, &x);

	if (e != ERR_NOTFOUND) {
		*out = e == OK ? x->reason : "";
		return e;
	}
	e = subscriber_get_by_key(rq->db, rq, m->brand_id, m->email_key, &s);
	*out = e == OK ? subscriber_status_name(s->status) : "none";
	return e == ERR_NOTFOUND ? OK : e;
}

static enum err answer(struct response *rs, struct json_object *o, const char *state)
{
	json_set_text(o, "state", state);
	response_header(rs, "Cache-Control", "no-store");
	return respond(rs, o);
}

static enum err show(struct request *rq, struct response *rs, const struct visit *v)
{
	struct json_object *o = json_obj(rq);
	const char *state = "";
	bool may = false;
	enum err e;

	if (!v->brand)
		return answer(rs, o, v->t.campaign ? "gone" : "test");
	e = state_of(rq, v->mail, &state);
	if (e == OK)
		e = subscriber_may_return(rq->db, v->mail, rq->now, &may);
	if (e != OK)
		return e;
	json_set_text(o, "brand", v->brand->name);
	json_set_text(o, "address", hint(rq, v->mail->email));
	json_set_bool(o, "may_return", may);
	json_set_text(o, "token", rq->words[0]);
	return answer(rs, o, state);
}

/* A link that is not ours, or only part of one. */
static enum err damaged(struct request *rq, struct response *rs, enum err e)
{
	if (e != ERR_NOTFOUND)
		return e;
	rs->status = 404;
	return answer(rs, json_obj(rq), "damaged");
}

enum err unsubscribe_show(struct request *rq, struct response *rs)
{
	struct visit v = { 0 };
	enum err e = find(rq, &v);

	return e == OK ? show(rq, rs, &v) : damaged(rq, rs, e);
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

	return subscriber_leave_by_mail(rq->db, v->mail, &o);
}

static enum err stay(struct request *rq, const struct visit *v)
{
	struct origin o = { .source = "page",
		.ip = rq->ip,
		.campaign = v->t.campaign,
		.now = rq->now };
	enum err e = subscriber_return(rq->db, v->mail, &o);

	return e == ERR_CONFLICT ? OK : e; /* the page says that they are gone */
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
	struct visit v = { 0 };
	enum err e = find(rq, &v);

	if (e != OK)
		return damaged(rq, rs, e);
	if (v.brand && action != NULL && strcmp(action, "stay") == 0)
		e = stay(rq, &v);
	else if (v.brand)
		e = leave(rq, &v, one_click);
	if (e != OK)
		return e;
	if (one_click)
		return respond_body(rs, "text/plain; charset=utf-8", "Unsubscribed.\n",
		    14);
	e = find(rq, &v);
	return e == OK ? show(rq, rs, &v) : e;
}
