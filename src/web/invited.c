#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "kv/limit.h"
#include "repo/brand.h"
#include "repo/user.h"
#include "service/auth.h"
#include "service/invitation.h"
#include "web/access.h"
#include "web/enter.h"
#include "web/invitation.h"

/* The page that an invitation leads to, for who got the link. */

enum { BAD_WINDOW_S = 60, BAD_LINKS = 10 };

static enum err find(struct request *rq, struct response *rs, struct invitation **out)
{
	enum err e = invitation_open(rq->db, rq, rq->words[0], rq->now, out);

	if (e != ERR_NOTFOUND)
		return e;
	e = limit_hit(rq->kv,
	    kv_key(rq, "rate:bad-invitation", limit_address(rq, rq->ip)), rq->now,
	    BAD_WINDOW_S, BAD_LINKS, &rs->retry_after);
	if (e == ERR_LIMITED)
		return respond_error(rs, e,
		    "Too many links that are not good. Wait %d seconds.",
		    rs->retry_after);
	return respond_error(rs, ERR_NOTFOUND,
	    "This invitation is not good any more: it was used or taken back, a newer "
	    "one was made, or it is older than 7 days. Ask the person who invited you "
	    "for a new one.");
}

/* Does the address of the invitation have an account? */
static enum err find_account(struct request *rq, const struct invitation *i,
    struct user **out)
{
	enum err e = user_find(rq->db, rq, i->email_key, out);

	if (e == ERR_NOTFOUND)
		*out = NULL;
	return e == ERR_NOTFOUND ? OK : e;
}

enum err invitation_show(struct request *rq, struct response *rs)
{
	const struct caller *c = rq->caller;
	struct json_object *o = json_obj(rs);
	const char *as = "new";
	struct invitation *i;
	struct user *u;
	enum err e = find(rq, rs, &i);

	if (e == OK)
		e = find_account(rq, i, &u);
	if (e != OK)
		return e;
	if (c->user_id)
		as = u && u->id == c->user_id ? "member" : "other";
	else if (u)
		as = "account";
	json_set_text(o, "email", i->email);
	json_set_text(o, "brand", i->brand);
	json_set_text(o, "role", role_word(i->role));
	json_set_text(o, "inviter", i->inviter);
	json_set_time(o, "expires_at", i->expires_at);
	json_set_text(o, "as", as);
	json_set_text(o, "me", c->user_id ? c->email : NULL);
	json_set_text(o, "csrf", c->csrf);
	json_set_text(o, "path", mem_printf(rs, "/invitations/%s", rq->words[0]));
	rs->extra = json_obj(rs);
	json_set(rs->extra, "providers", oauth_providers(rq));
	return respond(rs, o);
}

static enum err join(struct request *rq, struct response *rs,
    const struct invitation *i, const struct user *u)
{
	struct json_object *detail = json_obj(rq);
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(rq->db, &tx);

	if (e == OK)
		e = invitation_accept(rq->db, i, u, rq->now);
	if (e == ERR_FORBIDDEN)
		return respond_error(rs, e,
		    "This invitation is for %s, and you are signed in as %s. Sign out "
		    "first, then open the link again.",
		    i->email, u->email);
	if (e == ERR_NOTFOUND)
		return respond_error(rs, e, "This invitation was used just now.");
	if (e != OK)
		return e;
	json_set_text(detail, "email", i->email);
	json_set_text(detail, "role", role_word(i->role));
	audit_in(rq, i->brand_id, "invitation.accept", i->id, detail);
	e = tx_commit(&tx);
	if (e != OK)
		return e;
	respond_flash(rs, "Welcome to %s. You are %s here.", i->brand,
	    role_word(i->role));
	return respond_seen(rs, NULL, "/brands/%lld", (long long)i->brand_id);
}

/*
 * An account of its own, with the address of the invitation whatever the form says: of
 * two values the last counts.
 */
static enum err make_account(struct request *rq, struct response *rs,
    const struct invitation *i, struct user **out)
{
	enum err e;

	form_add(rq->form, "email", i->email);
	e = user_create(rq->db, rq, rq->form, false, rq->now, out);
	if (e != OK)
		return e;
	e = enter_as(rq, rs, *out);
	if (e == OK)
		audit_in(rq, 0, "user.join", (*out)->id,
		    json_set_text(json_obj(rq), "email", (*out)->email));
	return e;
}

enum err invitation_take(struct request *rq, struct response *rs)
{
	struct invitation *i;
	struct user *u;
	enum err e = find(rq, rs, &i);

	if (e == OK && rq->caller->user_id)
		e = user_get(rq->db, rq, rq->caller->user_id, &u);
	else if (e == OK)
		e = find_account(rq, i, &u);
	if (e != OK)
		return e;
	if (u && !rq->caller->user_id)
		return respond_error(rs, ERR_FORBIDDEN,
		    "There is an account for %s. Sign in with it, then open the link "
		    "again.",
		    i->email);
	if (!u)
		e = make_account(rq, rs, i, &u);
	return e == OK ? join(rq, rs, i, u) : e;
}
