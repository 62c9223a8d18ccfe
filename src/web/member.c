#include "web/member.h"

#include "base/json.h"
#include "base/mem.h"
#include "repo/brand.h"
#include "service/member.h"
#include "web/access.h"

static struct json_object *member_json(void *mem, const struct member *m)
{
	struct json_object *o = json_obj(mem);

	json_set_int(o, "user_id", m->user_id);
	json_set_text(o, "email", m->email);
	json_set_text(o, "name", m->name);
	json_set_text(o, "role", role_word(m->role));
	json_set_time(o, "created_at", m->created_at);
	return o;
}

static struct team team_of(const struct request *rq)
{
	return (struct team){
		.db = rq->db,
		.brand_id = rq->caller->brand->id,
		.by = rq->caller->role,
		.now = rq->now,
	};
}

static enum err to_team(struct request *rq, struct response *rs,
    struct json_object *model)
{
	return respond_seen(rs, model, "/brands/%lld/members",
	    (long long)rq->caller->brand->id);
}

enum err member_index(struct request *rq, struct response *rs)
{
	struct json_object *o = json_obj(rs), *items = json_arr(rs);
	struct member *m;
	size_t n;
	enum err e = member_list(rq->db, rq, rq->caller->brand->id, &m, &n);

	if (e != OK)
		return e;
	for (size_t i = 0; i < n; i++)
		json_push(items, member_json(rs, &m[i]));
	json_set(o, "items", items);
	json_set(o, "next_cursor", NULL);
	return respond(rs, o);
}

enum err member_make(struct request *rq, struct response *rs)
{
	struct team t = team_of(rq);
	struct member *m;
	enum err e = member_add(&t, rq, rq->form, &m);

	if (e != OK)
		return e;
	audit(rq, "member.set", m->user_id, member_json(rq, m));
	respond_flash(rs, "%s is %s of this brand now.", m->email, role_word(m->role));
	if (rq->api)
		return respond_made(rs, member_json(rs, m), "/brands/%lld/members/%lld",
		    (long long)t.brand_id, (long long)m->user_id);
	return to_team(rq, rs, NULL);
}

enum err member_update(struct request *rq, struct response *rs)
{
	struct team t = team_of(rq);
	struct member *m;
	enum err e = member_change(&t, rq, rq->args[1], rq->form, &m);

	if (e != OK)
		return e;
	audit(rq, "member.set", m->user_id, member_json(rq, m));
	respond_flash(rs, "%s is %s of this brand now.", m->email, role_word(m->role));
	return to_team(rq, rs, member_json(rs, m));
}

enum err member_leave(struct request *rq, struct response *rs)
{
	struct team t = team_of(rq);
	enum err e = member_remove(&t, rq, rq->args[1], rq->form);

	if (e != OK)
		return e;
	audit(rq, "member.remove", rq->args[1], NULL);
	respond_flash(rs, "They no longer see this brand.");
	return to_team(rq, rs, NULL);
}
