#include "web/api_key.h"

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/api_key.h"
#include "service/api_key.h"
#include "web/access.h"

static struct json_object *key_json(void *mem, const struct api_key *k, int64_t now)
{
	struct json_object *o = json_obj(mem);
	const char *state = k->user_there ? "active" : "suspended";

	if (k->expires_at && k->expires_at <= now)
		state = "expired";
	if (k->revoked_at)
		state = "revoked";
	json_set_int(o, "id", k->id);
	json_set_text(o, "name", k->name);
	json_set_text(o, "prefix", k->prefix);
	json_set_text(o, "scopes", scopes_text(mem, k->scopes));
	json_set_text(o, "state", state);
	json_set_text(o, "user", text_empty(k->user_email) ? NULL : k->user_email);
	json_set_time(o, "created_at", k->created_at);
	json_set_time(o, "last_used_at", k->last_used_at);
	json_set_time(o, "expires_at", k->expires_at);
	json_set_time(o, "revoked_at", k->revoked_at);
	return o;
}

enum err api_key_index(struct request *rq, struct response *rs)
{
	struct json_object *o = json_obj(rs), *items = json_arr(rs);
	struct api_key *keys;
	size_t n;
	enum err e = api_key_list(rq->db, rq, rq->caller->brand->id, &keys, &n);

	if (e != OK)
		return e;
	for (size_t i = 0; i < n; i++)
		json_push(items, key_json(rs, &keys[i], rq->now));
	json_set(o, "items", items);
	json_set(o, "next_cursor", NULL);
	return respond(rs, o);
}

/* Only an owner gives the scope `manage`. */
static struct key_grant grant_of(const struct request *rq)
{
	const struct caller *c = rq->caller;

	return (struct key_grant){
		.brand_id = c->brand->id,
		.user_id = c->user_id,
		.key_id = c->key_id,
		.ends = c->key_ends,
		.scopes = c->role == ROLE_OWNER ? c->scopes
						: c->scopes & ~(unsigned)SCOPE_MANAGE,
		.zone = c->brand->time_zone,
		.now = rq->now,
	};
}

enum err api_key_make(struct request *rq, struct response *rs)
{
	const struct key_grant g = grant_of(rq);
	struct api_key *k;
	struct json_object *o;
	char *secret;
	enum err e = key_create(rq->db, rq, &g, rq->form, &k, &secret);

	if (e == OK)
		e = api_key_get(rq->db, rq, g.brand_id, k->id, &k);
	if (e != OK)
		return e;
	audit(rq, "api_key.create", k->id, key_json(rq, k, rq->now));
	o = key_json(rs, k, rq->now);
	json_set_text(o, "key", secret);
	/* shown once, so the page is the answer itself: nothing to come back to */
	if (!rq->api) {
		rs->extra = json_obj(rs);
		json_set_text(rs->extra, "public_url",
		    rq->app->config->server.public_url);
		rs->page = "api_key/made";
		return respond(rs, o);
	}
	return respond_made(rs, o, "/brands/%lld/keys/%lld", (long long)g.brand_id,
	    (long long)k->id);
}

enum err api_key_drop(struct request *rq, struct response *rs)
{
	int64_t brand = rq->caller->brand->id;
	struct api_key *k;
	enum err e = api_key_revoke(rq->db, brand, rq->args[1], rq->now);

	if (e == OK)
		e = api_key_get(rq->db, rq, brand, rq->args[1], &k);
	if (e != OK)
		return e;
	audit_name(rq, "api_key.revoke", k->id, k->name);
	respond_flash(rs, "The key “%s” no longer works.", k->name);
	return respond_seen(rs, key_json(rs, k, rq->now), "/brands/%lld/keys",
	    (long long)brand);
}
