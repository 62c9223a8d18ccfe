#include "web/provider.h"

#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/provider.h"
#include "send/provider.h"
#include "service/brand.h"
#include "service/ses_topic.h"
#include "web/access.h"

/* What Amazon said of the account besides its quota; null where it was not asked. */
static void set_account(void *mem, struct json_object *o,
    const struct provider_settings *p)
{
	struct json_object *said = NULL;

	json_set(o, "production", NULL);
	json_set(o, "enforcement", NULL);
	if (!p->account_json ||
	    json_read(mem, p->account_json, strlen(p->account_json), &said, NULL) != OK)
		return;
	if (json_get(said, "ProductionAccessEnabled"))
		json_set_bool(o, "production",
		    json_flag(said, "ProductionAccessEnabled", false));
	if (json_get(said, "EnforcementStatus"))
		json_set_text(o, "enforcement",
		    json_text(said, "EnforcementStatus", ""));
}

/* Without the secret: whether there is one is all that is told. */
static struct json_object *provider_json(void *mem, const struct provider_settings *p)
{
	struct json_object *o = json_obj(mem);

	json_set_text(o, "kind", provider_kind_word(p->kind));
	json_set_text(o, "region", p->region);
	json_set_text(o, "region_name", ses_region_name(p->region));
	json_set_text(o, "access_key_id", p->access_key_id);
	json_set_bool(o, "secret_access_key_set", p->secret != NULL);
	json_set_text(o, "endpoint", p->endpoint);
	json_set_text(o, "configuration_set", p->configuration_set);
	json_set_text(o, "mode", send_mode_word(p->mode));
	json_set_double(o, "rate", p->rate);
	json_set_double(o, "max_rate", p->max_rate);
	json_set_double(o, "max_day", p->max_day);
	json_set_double(o, "sent_day", p->sent_day);
	json_set_time(o, "checked_at", p->checked_at);
	set_account(mem, o, p);
	return o;
}

/* Where events of the account come in, and who may bring them. */
static enum err add_events(struct request *rq, struct json_object *o)
{
	const struct brand *b = rq->caller->brand;
	struct json_object *topics = NULL;
	int64_t silent = 0;
	enum err e = ses_topic_json(rq->db, rq, b->id, &topics);

	if (e == OK)
		e = ses_topic_silent(rq->db, rq, b->id, rq->now, &silent);
	if (rq->caller->role >= ROLE_ADMIN)
		json_set_text(o, "events_url",
		    mem_printf(rq, "%s/hooks/ses/%s",
			rq->app->config->server.public_url, b->hook_token));
	else
		json_set_text(o, "events_url", NULL);
	json_set(o, "topics", topics);
	json_set_time(o, "silent_since", silent);
	return e;
}

/* The settings with all that stands on the page. */
static enum err answer(struct request *rq, struct response *rs,
    const struct provider_settings *p, struct json_object **out)
{
	*out = provider_json(rs, p);
	return add_events(rq, *out);
}

static struct json_object *regions_json(void *mem)
{
	struct json_object *arr = json_arr(mem);
	size_t n;
	const struct region *r = ses_regions(&n);

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_obj(mem);

		json_set_text(o, "value", r[i].code);
		json_set_text(o, "label",
		    mem_printf(mem, "%s, %s", r[i].name, r[i].code));
		json_push(arr, o);
	}
	return arr;
}

enum err provider_show(struct request *rq, struct response *rs)
{
	struct provider_settings *p;
	struct json_object *o = NULL;
	enum err e = provider_settings_get(rq->db, rq, rq->caller->brand->id, &p);

	if (e == OK)
		e = answer(rq, rs, p, &o);
	if (e != OK)
		return e;
	rs->extra = json_obj(rs);
	json_set(rs->extra, "regions", regions_json(rs));
	json_set_bool(rs->extra, "may_change", rq->caller->role >= ROLE_ADMIN);
	return respond(rs, o);
}

enum err provider_update(struct request *rq, struct response *rs)
{
	const struct provider_wish w = {
		.keys = rq->app->keys,
		.allow_loopback = rq->app->config->security.allow_loopback_http,
		.brand_id = rq->caller->brand->id,
		.now = rq->now,
	};
	struct provider_settings *p;
	struct json_object *o = NULL;
	enum err e = provider_change(rq->db, rq, &w, rq->form, &p);

	if (e == OK)
		e = answer(rq, rs, p, &o);
	if (e != OK)
		return e;
	audit(rq, "provider.update", w.brand_id, provider_json(rq, p));
	if (p->kind == PROVIDER_SES)
		respond_flash(rs,
		    "Mail of this brand now leaves through Amazon SES, %s. Send "
		    "yourself a test first.",
		    ses_region_name(p->region));
	else
		respond_flash(rs, "Mail of this brand now stays in the local outbox.");
	return respond_seen(rs, o, "/brands/%lld/provider", (long long)w.brand_id);
}

/* Asks the account for its limits, whatever kind is set: only with SES there is one. */
enum err provider_check(struct request *rq, struct response *rs)
{
	struct provider_settings *ps;
	struct provider *p;
	struct json_object *o = NULL;
	const char *why = NULL;
	enum err e = provider_settings_get(rq->db, rq, rq->caller->brand->id, &ps);

	if (e != OK)
		return e;
	if (ps->kind != PROVIDER_SES)
		return respond_error(rs, ERR_CONFLICT,
		    "The local outbox has no account to ask. Set Amazon SES first.");
	e = provider_ses_open(rq, rq->app, ps, &p, &why);
	if (e == OK)
		e = p->ops->account(p, rq, ps, &why);
	if (e != OK)
		return respond_error(rs, ERR_CONFLICT,
		    "Amazon did not answer as hoped: %s", why);
	ps->checked_at = rq->now;
	e = provider_settings_account(rq->db, ps);
	if (e == OK)
		e = answer(rq, rs, ps, &o);
	if (e != OK)
		return e;
	audit(rq, "provider.check", ps->brand_id, NULL);
	respond_flash(rs, "Amazon answered: the key works.");
	return respond_seen(rs, o, "/brands/%lld/provider", (long long)ps->brand_id);
}

/* ---- topics ---- */

static enum err answer_topics(struct request *rq, struct response *rs)
{
	int64_t brand = rq->caller->brand->id;
	struct provider_settings *p;
	struct json_object *o = NULL;
	enum err e = provider_settings_get(rq->db, rq, brand, &p);

	if (e == OK)
		e = answer(rq, rs, p, &o);
	return e == OK ? respond_seen(rs, o, "/brands/%lld/provider", (long long)brand)
		       : e;
}

static struct json_object *named(struct request *rq, const char *arn)
{
	return json_set_text(json_obj(rq), "topic_arn", arn);
}

enum err provider_begin_topic(struct request *rq, struct response *rs)
{
	struct ses_topic t = { .brand_id = rq->caller->brand->id,
		.created_by = rq->caller->user_id,
		.created_at = rq->now };
	enum err e = ses_topic_begin(rq->db, rq, &t, rq->form);

	if (e != OK)
		return e;
	audit(rq, "provider.topic", t.id, named(rq, t.arn));
	respond_flash(rs,
	    "Now subscribe the address below to the topic in Amazon SNS. "
	    "The subscription is confirmed by itself.");
	return answer_topics(rq, rs);
}

enum err provider_drop_topic(struct request *rq, struct response *rs)
{
	enum err e = ses_topic_drop(rq->db, rq->caller->brand->id, rq->args[1]);

	if (e != OK)
		return e;
	audit(rq, "provider.topic_drop", rq->args[1], NULL);
	respond_flash(rs, "The topic is no longer listened to.");
	return answer_topics(rq, rs);
}
