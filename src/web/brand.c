#include "web/brand.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/brand.h"
#include "service/brand.h"
#include "service/campaign.h"
#include "web/access.h"

static struct json_object *brand_json(void *mem, const struct brand *b)
{
	struct json_object *o = json_obj(mem);

	json_set_int(o, "id", b->id);
	json_set_text(o, "name", b->name);
	json_set_text(o, "from_name", b->from_name);
	json_set_text(o, "from_email", b->from_email);
	json_set_text(o, "reply_to", b->reply_to);
	json_set_text(o, "postal_address", b->postal_address);
	json_set_text(o, "time_zone", b->time_zone);
	json_set_time(o, "created_at", b->created_at);
	json_set_time(o, "updated_at", b->updated_at);
	return o;
}

static enum err visible(struct request *rq, struct brand **b, size_t *n)
{
	const struct caller *c = rq->caller;
	enum err e;

	if (!c->key_brand)
		return brand_list(rq->db, rq, c->admin ? 0 : c->user_id, b, n);
	e = brand_get(rq->db, rq, c->key_brand, b);
	*n = e == OK ? 1 : 0;
	return e;
}

enum err home_show(struct request *rq, struct response *rs)
{
	struct brand *b;
	size_t n;
	enum err e = visible(rq, &b, &n);

	if (e != OK)
		return e;
	return n == 1 ? respond_seen(rs, NULL, "/brands/%lld", (long long)b->id)
		      : respond_seen(rs, NULL, "/brands");
}

enum err brand_index(struct request *rq, struct response *rs)
{
	struct json_object *o = json_obj(rs), *items = json_arr(rs);
	struct brand *b;
	size_t n;
	enum err e = visible(rq, &b, &n);

	if (e != OK)
		return e;
	for (size_t i = 0; i < n; i++)
		json_push(items, brand_json(rs, &b[i]));
	json_set(o, "items", items);
	json_set(o, "next_cursor", NULL);
	return respond(rs, o);
}

enum err brand_new(struct request *rq, struct response *rs)
{
	(void)rq;
	rs->extra = json_obj(rs);
	return OK;
}

enum err brand_make(struct request *rq, struct response *rs)
{
	/* a person becomes its owner; a program that makes brands for others does not
	 */
	int64_t owner = rq->caller->key_id ? 0 : rq->caller->user_id;
	struct brand *b;
	enum err e = brand_create(rq->db, rq, rq->form, owner, rq->now, &b);
	struct caller *c;

	if (e != OK)
		return e;
	c = mem_copy(rq, rq->caller, sizeof(*c));
	c->brand = b;
	rq->caller = c;
	audit(rq, "brand.create", b->id, brand_json(rq, b));
	respond_flash(rs,
	    "%s is ready. Its mail goes to the local outbox until you connect Amazon "
	    "SES.",
	    b->name);
	return respond_made(rs, brand_json(rs, b), "/brands/%lld", (long long)b->id);
}

static struct json_object *brand_campaign_json(void *mem,
    const struct brand_campaign *k)
{
	const struct campaign_stats figures = { .delivered = k->delivered,
		.opened = k->opened,
		.machine_opened = k->machine_opened };
	struct json_object *o = json_obj(mem);

	json_set_int(o, "id", k->id);
	json_set_text(o, "name", k->name);
	json_set_text(o, "status", k->status);
	json_set_int(o, "audience", k->audience);
	json_set_int(o, "settled", k->settled);
	json_set_int(o, "accepted", k->accepted);
	json_set_int(o, "doubt", k->doubt);
	json_set_int(o, "base", stats_base(&figures, k->accepted, NULL));
	json_set_bool(o, "track_opens", k->track_opens);
	json_set_bool(o, "track_clicks", k->track_clicks);
	json_set_int(o, "delivered", k->delivered);
	json_set_int(o, "opened", k->opened);
	json_set_int(o, "machine_opened", k->machine_opened);
	json_set_int(o, "clicked", k->clicked);
	json_set_int(o, "machine_clicked", k->machine_clicked);
	json_set_time(o, "send_at", k->send_at);
	json_set_time(o, "started_at", k->started_at);
	json_set_time(o, "finished_at", k->finished_at);
	json_set_time(o, "updated_at", k->updated_at);
	return o;
}

static struct json_object *overview_json(void *mem, const struct brand_overview *v)
{
	struct json_object *o = json_obj(mem), *last = json_arr(mem);

	json_set_int(o, "subscribers", v->subscribers);
	json_set_int(o, "active", v->active);
	json_set_int(o, "new_30_days", v->new_30_days);
	json_set_int(o, "suppressed", v->suppressed);
	json_set_int(o, "lists", v->lists);
	json_set_int(o, "campaigns", v->campaigns);
	for (size_t i = 0; i < v->nlast; i++)
		json_push(last, brand_campaign_json(mem, &v->last[i]));
	json_set(o, "last_campaigns", last);
	return o;
}

enum err brand_show(struct request *rq, struct response *rs)
{
	const struct brand *b = rq->caller->brand;
	struct json_object *o = brand_json(rs, b);
	struct brand_overview v = { 0 };
	enum err e = brand_overview(rq->db, rs, b->id, rq->now, &v);

	if (e != OK)
		return e;
	json_set(o, "overview", overview_json(rs, &v));
	return respond(rs, o);
}

enum err brand_edit(struct request *rq, struct response *rs)
{
	return respond(rs, brand_json(rs, rq->caller->brand));
}

enum err brand_update(struct request *rq, struct response *rs)
{
	struct brand *b = mem_copy(rq, rq->caller->brand, sizeof(*b));
	enum err e = brand_change(rq->db, rq, b, rq->form, rq->now);

	if (e != OK)
		return e;
	audit(rq, "brand.update", b->id, brand_json(rq, b));
	respond_flash(rs, "Saved.");
	return respond_seen(rs, brand_json(rs, b), "/brands/%lld/settings",
	    (long long)b->id);
}
