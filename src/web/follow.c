#include "base/json.h"
#include "base/mem.h"
#include "service/reach.h"
#include "web/access.h"
#include "web/campaign.h"

enum err campaign_name_parent(struct request *rq, const struct campaign *c,
    struct json_object *into)
{
	struct campaign *parent;
	enum err e;

	if (c->audience_kind == AUDIENCE_LISTS)
		return OK;
	e = campaign_get(rq->db, rq, c->brand_id, c->parent_id, &parent);
	if (e != OK)
		return e == ERR_NOTFOUND ? OK : e;
	json_set_text(into, "to",
	    mem_printf(rq,
		c->audience_kind == AUDIENCE_UNOPENED
		    ? "those who got “%s” and did not open it"
		    : "those whom “%s” was not sent to any more",
		parent->name));
	return OK;
}

enum err campaign_add_followers(struct request *rq, struct response *rs,
    const struct campaign *c)
{
	struct campaign next = { .brand_id = c->brand_id, .parent_id = c->id };
	int64_t unopened = 0, unsent = 0;
	enum err e = campaign_name_parent(rq, c, rs->extra);

	next.audience_kind = AUDIENCE_UNOPENED;
	if (e == OK && c->track_opens)
		e = reach_measure(rq->db, rq->kv, &next, &unopened);
	next.audience_kind = AUDIENCE_UNSENT;
	if (e == OK && c->status == CAMPAIGN_CANCELLED)
		e = reach_measure(rq->db, rq->kv, &next, &unsent);
	json_set_int(rs->extra, "unopened", unopened);
	json_set_int(rs->extra, "unsent", unsent);
	return e;
}

enum err campaign_follow_up(struct request *rq, struct response *rs)
{
	struct campaign_follower w = { .user = rq->caller->user_id };
	struct campaign *c, *next;
	struct json_object *o;
	enum err e = campaign_find(rq, &c);

	w.kind = (enum audience_kind)form_choice(rq->form, "audience",
	    audience_kind_words, AUDIENCE_LISTS);
	if (e == OK)
		e = campaign_refuse(rq, rs, c,
		    campaign_follow(rq->db, c, &w, rq->now, &next, rq->form));
	if (e != OK || rs->location != NULL)
		return e;
	e = campaign_json(rq->db, rs, next, &o);
	if (e != OK)
		return e;
	audit_name(rq, "campaign.follow", next->id, next->name);
	respond_flash(rs,
	    "This is a new draft with the same content, to those of "
	    "“%s” only. Nothing was sent.",
	    c->name);
	return respond_made(rs, o, "%s",
	    campaign_path(rs, next, rq->api ? "" : "content"));
}
