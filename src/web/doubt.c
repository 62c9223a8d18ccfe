#include "web/doubt.h"

#include "base/json.h"
#include "base/mem.h"
#include "repo/recipient.h"
#include "web/access.h"
#include "web/campaign.h"

/*
 * The page asks with what the link named (query), or what was sent wrongly (form).
 * Shows one recipient by name; of several, how many.
 */
enum err doubt_confirm(struct request *rq, struct response *rs)
{
	struct form *f = rq->method == GET ? rq->query : rq->form;
	struct doubt_wish w;
	struct campaign *c;
	struct json_object *ids = json_arr(rs), *o = json_obj(rs);
	struct recipient *r = NULL;
	enum err e = campaign_find(rq, &c);

	if (e == OK && rq->method == GET && !form_has(f, "action"))
		return respond_seen(rs, NULL,
		    "/brands/%lld/campaigns/%lld/recipients?state=doubt",
		    (long long)c->brand_id, (long long)c->id);
	if (e == OK && doubt_wish_read(f, rq, &w) != OK && rq->method == GET)
		e = ERR_NOTFOUND;
	if (e == OK && w.n == 1)
		e = recipient_get(rq->db, rq, c->id, w.ids[0], &r);
	if (e == OK)
		e = campaign_json(rq->db, rs, c, &rs->model);
	if (e != OK)
		return e;
	for (size_t i = 0; i < w.n; i++)
		json_push_int(ids, w.ids[i]);
	json_set(o, "ids", ids);
	json_set_bool(o, "resend", w.action == DOUBT_SEND_AGAIN);
	json_set_bool(o, "given_up", w.given_up);
	if (r)
		json_set_text(o, "who", r->d.email);
	rs->extra = o;
	return OK;
}

static void say_done(struct response *rs, const struct doubt_wish *w, int64_t n)
{
	const char *not = w->action == DOUBT_SEND_AGAIN ? "" : "not ";

	if (n == 0)
		respond_flash(rs, "Nobody of them is %s any more.",
		    w->given_up ? "given up" : "in doubt");
	else if (n == 1)
		respond_flash(rs, "It is %ssent again.", not );
	else
		respond_flash(rs, "%lld mails are %ssent again.", (long long)n, not );
}

static enum err answer(struct request *rq, struct response *rs, struct campaign *c,
    int64_t decided)
{
	struct json_object *o;
	enum err e = campaign_find(rq, &c); /* it may be sending again */

	if (e == OK)
		e = campaign_json(rq->db, rs, c, &o);
	if (e != OK)
		return e;
	json_set_int(o, "decided", decided);
	return respond_seen(rs, o, "/brands/%lld/campaigns/%lld",
	    (long long)c->brand_id, (long long)c->id);
}

enum err doubt_decide(struct request *rq, struct response *rs)
{
	struct json_object *detail = json_obj(rq);
	int64_t decided = 0;
	struct doubt_wish w;
	struct campaign *c;
	enum err e = campaign_find(rq, &c);

	if (e == OK)
		e = doubt_wish_read(rq->form, rq, &w);
	if (e == OK) {
		w.by = campaign_caller(rq);
		e = campaign_decide(rq->db, c, &w, rq->now, &decided, rq->form);
		e = campaign_refuse(rq, rs, c, e);
	}
	if (e != OK || rs->location != NULL)
		return e;
	json_set_text(detail, "name", c->name);
	json_set_text(detail, "action", doubt_action_words[w.action]);
	json_set_int(detail, "n", decided);
	audit(rq, "campaign.doubt", c->id, detail);
	say_done(rs, &w, decided);
	return answer(rq, rs, c, decided);
}
