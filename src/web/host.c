#include "web/host.h"

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/campaign_going.h"
#include "service/host.h"
#include "web/access.h"

static struct json_object *host_json(void *mem, const struct host *h)
{
	struct json_object *o = json_obj(mem);

	json_set_text(o, "name", h->name);
	json_set_text(o, "held", text_empty(h->held) ? NULL : h->held);
	json_set_time(o, "held_at", h->held_at);
	json_set_time(o, "seen_at", h->seen_at);
	json_set_time(o, "created_at", h->created_at);
	return o;
}

static enum err add_hosts(struct request *rq, struct response *rs,
    struct json_object *o)
{
	struct json_object *all = json_arr(rs);
	struct host *h;
	size_t n;
	enum err e = host_list(rq->db, rq, &h, &n);

	for (size_t i = 0; e == OK && i < n; i++)
		json_push(all, host_json(rs, &h[i]));
	json_set_text(o, "held", e == OK && n && !text_empty(h->held) ? h->held : NULL);
	json_set_text(o, "what", e == OK && n ? host_held_sentence(h->held) : "");
	json_set(o, "hosts", all);
	return e;
}

static struct json_object *going_json(void *mem, const struct campaign_going *c)
{
	struct json_object *o = json_obj(mem);

	json_set_int(o, "id", c->id);
	json_set_int(o, "brand_id", c->brand_id);
	json_set_text(o, "name", c->name);
	json_set_text(o, "brand", c->brand);
	json_set_text(o, "status", c->status);
	json_set_time(o, "send_at", c->send_at);
	json_set_int(o, "audience", c->audience);
	json_set_int(o, "accepted", c->accepted);
	json_set_int(o, "left", c->left);
	return o;
}

static enum err add_campaigns(struct request *rq, struct response *rs,
    struct json_object *o)
{
	struct json_object *all = json_arr(rs);
	struct campaign_going *c;
	int64_t total = 0;
	size_t n;
	enum err e = campaign_going(rq->db, rq, &c, &n, &total);

	for (size_t i = 0; e == OK && i < n; i++)
		json_push(all, going_json(rs, &c[i]));
	json_set(o, "campaigns", all);
	json_set_int(o, "campaigns_total", total);
	return e;
}

enum err host_index(struct request *rq, struct response *rs)
{
	struct json_object *o = json_obj(rs);
	enum err e = add_hosts(rq, rs, o);

	if (e == OK)
		e = add_campaigns(rq, rs, o);
	return e == OK ? respond(rs, o) : e;
}

enum err host_confirm_do(struct request *rq, struct response *rs)
{
	static const char *const words[] = { "keep", "pause", NULL };
	int choice = form_choice(rq->form, "campaigns", words, -1);
	struct json_object *o = json_obj(rs);
	int64_t paused;
	enum err e;

	if (!form_ok(rq->form))
		return ERR_INVALID;
	if (choice < 0)
		return form_fail(rq->form, "campaigns",
		    "Choose whether the campaigns go on or are paused.");
	e = host_confirm(rq->db, choice == 1, rq->now, &paused);
	if (e != OK)
		return e;
	json_set_int(o, "paused", paused);
	audit(rq, "host.confirm", 0, o);
	respond_flash(rs,
	    choice == 1 ? "Confirmed. Paused: %lld. Resume what should go on."
			: "Confirmed. Sending goes on with the next trigger.",
	    (long long)paused);
	return respond_seen(rs, o, "/hosts");
}
