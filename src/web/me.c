#include "web/me.h"

#include "base/json.h"
#include "base/mem.h"
#include "model/user.h"
#include "repo/api_key.h"
#include "repo/brand.h"

static struct json_object *user_json(struct request *rq)
{
	const struct caller *c = rq->caller;
	struct json_object *o;

	if (!c->user_id || c->key_id)
		return NULL;
	o = json_obj(rq);
	json_set_int(o, "id", c->user_id);
	json_set_text(o, "email", c->email);
	json_set_text(o, "name", c->name);
	json_set_bool(o, "admin", c->admin);
	return o;
}

static struct json_object *key_json(struct request *rq)
{
	const struct caller *c = rq->caller;
	struct json_object *o;

	if (!c->key_id)
		return NULL;
	o = json_obj(rq);
	json_set_int(o, "id", c->key_id);
	json_set_text(o, "name", c->name);
	json_set_text(o, "scopes", scopes_text(rq, c->scopes));
	if (c->key_brand)
		json_set_int(o, "brand_id", c->key_brand);
	else
		json_set(o, "brand_id", NULL);
	return o;
}

/* Brands with the caller's role in each. */
static enum err brands_json(struct request *rq, struct json_object *out)
{
	const struct caller *c = rq->caller;
	struct brand *b, *one;
	enum role role;
	size_t n;
	enum err e = brand_list(rq->db, rq, c->admin ? 0 : c->user_id, &b, &n);

	for (size_t i = 0; e == OK && i < n; i++) {
		struct json_object *o;

		if (c->key_brand && c->key_brand != b[i].id)
			continue;
		e = brand_get_for(rq->db, rq, b[i].id, c->user_id, &one, &role);
		if (c->admin)
			role = ROLE_OWNER;
		o = json_obj(rq);
		json_set_int(o, "id", b[i].id);
		json_set_text(o, "name", b[i].name);
		json_set_text(o, "role", role_word(role));
		json_push(out, o);
	}
	return e;
}

enum err me_show(struct request *rq, struct response *rs)
{
	struct json_object *o = json_obj(rs), *brands = json_arr(rs);
	enum err e = brands_json(rq, brands);

	if (e != OK)
		return e;
	json_set(o, "user", user_json(rq));
	json_set(o, "key", key_json(rq));
	json_set(o, "brands", brands);
	return respond(rs, o);
}
