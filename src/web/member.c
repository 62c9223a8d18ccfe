#include "web/member.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/brand.h"
#include "service/member.h"
#include "web/access.h"
#include "web/invitation.h"

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
	const struct caller *c = rq->caller;

	return (struct team){
		.db = rq->db,
		.brand_id = c->brand->id,
		.user_id = c->user_id,
		.by = c->role,
		.above = c->admin,
		.now = rq->now,
	};
}

/* What the audit log says of a change: who, and the role before; ROLE_NONE: none. */
static void note(struct request *rq, const char *action, const struct member *m,
    enum role was)
{
	struct json_object *o = json_obj(rq);

	json_set_text(o, "name", text_empty(m->name) ? m->email : m->name);
	json_set_text(o, "email", m->email);
	json_set_text(o, "role", role_word(m->role));
	if (was != ROLE_NONE)
		json_set_text(o, "was", role_word(was));
	audit(rq, action, m->user_id, o);
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

	if (e == OK && !rq->api) {
		rs->extra = json_obj(rs);
		e = invitations_extra(rq, rs->extra);
	}
	if (e != OK)
		return e;
	for (size_t i = 0; i < n; i++)
		json_push(items, member_json(rs, &m[i]));
	json_set(o, "items", items);
	json_set(o, "next_cursor", NULL);
	return respond(rs, o);
}

/* Without asking the person: so only for those who administer the accounts anyway. */
enum err member_make(struct request *rq, struct response *rs)
{
	struct team t = team_of(rq);
	struct member *m;
	enum err e;

	if (!caller_administers(rq->caller))
		return respond_error(rs, ERR_FORBIDDEN,
		    "Only an administrator of this server adds an account without "
		    "asking its owner. Invite them instead.");
	e = member_add(&t, rq, rq->form, &m);
	if (e != OK)
		return e;
	note(rq, "member.add", m, ROLE_NONE);
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
	enum role was;
	enum err e = member_change(&t, rq, rq->args[1], rq->form, &m, &was);

	if (e != OK)
		return e;
	note(rq, "member.role", m, was);
	respond_flash(rs, "%s is %s of this brand now.", m->email, role_word(m->role));
	return to_team(rq, rs, member_json(rs, m));
}

enum err member_expel(struct request *rq, struct response *rs)
{
	struct team t = team_of(rq);
	struct member *m;
	enum err e = member_remove(&t, rq, rq->args[1], rq->form, &m);

	if (e != OK)
		return e;
	note(rq, "member.remove", m, m->role);
	respond_flash(rs, "%s no longer sees this brand.", m->email);
	return to_team(rq, rs, NULL);
}

/* ---- leaving ---- */

static enum err no_member(struct response *rs)
{
	return respond_error(rs, ERR_CONFLICT,
	    "You are not in the team of this brand: you see it because you administer "
	    "this server.");
}

enum err member_confirm_leave(struct request *rq, struct response *rs)
{
	struct member *m;
	int64_t others = 1;
	int64_t brand = rq->caller->brand->id, me = rq->caller->user_id;
	enum err e = member_get(rq->db, rq, brand, me, &m);

	if (e == ERR_NOTFOUND)
		return no_member(rs);
	if (e == OK && m->role == ROLE_OWNER)
		e = member_other_owners(rq->db, brand, me, &others);
	if (e != OK)
		return e;
	rs->extra = json_obj(rs);
	json_set_bool(rs->extra, "only_owner", others == 0);
	return respond(rs, member_json(rs, m));
}

enum err member_leave(struct request *rq, struct response *rs)
{
	struct team t = team_of(rq);
	struct member *m;
	enum err e = member_remove(&t, rq, t.user_id, rq->form, &m);

	if (e == ERR_NOTFOUND)
		return no_member(rs);
	if (e != OK)
		return e;
	note(rq, "member.leave", m, m->role);
	respond_flash(rs, "You have left %s.", rq->caller->brand->name);
	return respond_seen(rs, NULL, "/brands");
}

/* ---- handing over ---- */

enum err member_confirm_hand_over(struct request *rq, struct response *rs)
{
	int64_t brand = rq->caller->brand->id;
	struct member *m, *me;
	enum err e = member_get(rq->db, rq, brand, rq->args[1], &m);
	bool owns;

	if (e != OK)
		return e;
	owns = member_get(rq->db, rq, brand, rq->caller->user_id, &me) == OK &&
	    me->role == ROLE_OWNER;
	rs->extra = json_obj(rs);
	json_set_bool(rs->extra, "i_own", owns);
	return respond(rs, member_json(rs, m));
}

enum err member_make_owner(struct request *rq, struct response *rs)
{
	struct team t = team_of(rq);
	struct member *m;
	enum err e = member_hand_over(&t, rq, rq->args[1], rq->form, &m);

	if (e != OK)
		return e;
	note(rq, "member.hand_over", m, ROLE_NONE);
	respond_flash(rs, "%s owns this brand now.", m->email);
	return to_team(rq, rs, member_json(rs, m));
}
