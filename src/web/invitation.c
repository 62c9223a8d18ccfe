#include "web/invitation.h"

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "kv/limit.h"
#include "repo/brand.h"
#include "send/system_mail.h"
#include "service/invitation.h"
#include "web/access.h"

/* Mails a brand may have sent in an hour, and one address may get in a day. */
enum { HOUR_S = 3600, BRAND_MAILS = 30, DAY_S = 24 * 3600, ADDRESS_MAILS = 4 };

static struct inviter inviter_of(const struct request *rq)
{
	const struct caller *c = rq->caller;

	return (struct inviter){
		.db = rq->db,
		.brand_id = c->brand->id,
		.user_id = c->user_id,
		.name = text_empty(c->name) ? c->email : c->name,
		.role = c->role,
		.now = rq->now,
	};
}

static struct json_object *invitation_json(void *mem, const struct invitation *i,
    int64_t now)
{
	struct json_object *o = json_obj(mem);

	json_set_int(o, "id", i->id);
	json_set_text(o, "email", i->email);
	json_set_text(o, "role", role_word(i->role));
	json_set_text(o, "state", i->expires_at > now ? "waiting" : "expired");
	json_set_bool(o, "by_mail", i->by_mail);
	json_set_text(o, "invited_by", i->inviter);
	json_set_time(o, "created_at", i->created_at);
	json_set_time(o, "expires_at", i->expires_at);
	return o;
}

static enum err all_json(struct request *rq, struct json_object **out)
{
	struct invitation *i;
	size_t n;
	enum err e = invitation_list(rq->db, rq, rq->caller->brand->id, &i, &n);

	*out = json_arr(rq);
	for (size_t k = 0; e == OK && k < n; k++)
		json_push(*out, invitation_json(rq, &i[k], rq->now));
	return e;
}

enum err invitations_extra(struct request *rq, struct json_object *extra)
{
	struct json_object *all, *roles = json_arr(rq);
	enum err e = all_json(rq, &all);

	for (enum role r = ROLE_VIEWER; r <= rq->caller->role; r++)
		json_push_text(roles, role_word(r));
	json_set(extra, "invitations", all);
	json_set(extra, "may_give", roles);
	return e;
}

enum err invitation_index(struct request *rq, struct response *rs)
{
	struct json_object *o = json_obj(rs), *all;
	enum err e = all_json(rq, &all);

	json_set(o, "items", all);
	json_set(o, "next_cursor", NULL);
	return e == OK ? respond(rs, o) : e;
}

/* ---- on its way ---- */

/* Nobody is buried in our mail: neither by one brand nor by all of them. */
static enum err check_mails(struct request *rq, struct response *rs,
    const struct invitation *i)
{
	const char *brand =
	    mem_printf(rq, "rate:invite:brand:%lld", (long long)i->brand_id);
	const char *address = kv_key(rq, "rate:invite:address", i->email_key);
	enum err e =
	    limit_hit(rq->kv, brand, rq->now, HOUR_S, BRAND_MAILS, &rs->retry_after);

	if (e == OK)
		e = limit_hit(rq->kv, address, rq->now, DAY_S, ADDRESS_MAILS,
		    &rs->retry_after);
	if (e == ERR_LIMITED)
		return respond_error(rs, e,
		    "%s has had enough mail from here for now, or this brand has "
		    "invited too many people in an hour. Give them a link instead.",
		    i->email);
	return e;
}

static enum err send_mail(struct request *rq, const struct invitation *i,
    const char *link, const char **why)
{
	struct system_mail m = {
		.template = "mail/invitation",
		.to = i->email,
		.subject = mem_printf(rq, "%s invites you to %s", i->inviter, i->brand),
		.data = invitation_json(rq, i, rq->now),
	};

	json_set_text(m.data, "brand", i->brand);
	json_set_text(m.data, "link", link);
	return system_mail_send(rq->app, rq, &m, why);
}

/*
 * The invitation stands in the database; now its link goes to the person, or to the
 * page, once.
 */
static enum err deliver(struct request *rq, struct response *rs,
    const struct invitation *i, const char *token)
{
	const char *why = NULL,
		   *link = mem_printf(rs, "%s/invitations/%s",
		       rq->app->config->server.public_url, token);
	struct json_object *o = invitation_json(rs, i, rq->now);
	bool sent = i->by_mail && send_mail(rq, i, link, &why) == OK;

	json_set_bool(o, "sent", sent);
	json_set_text(o, "why", sent || !i->by_mail ? NULL : why);
	json_set_text(o, "url", sent ? NULL : link);
	if (rq->api)
		return respond_made(rs, o, "/brands/%lld/invitations/%lld",
		    (long long)i->brand_id, (long long)i->id);
	if (sent) {
		respond_flash(rs, "%s has mail: the invitation is good for 7 days.",
		    i->email);
		return respond_seen(rs, NULL, "/brands/%lld/members",
		    (long long)i->brand_id);
	}
	/* shown once, so the page is the answer itself */
	rs->page = "invitation/made";
	return respond(rs, o);
}

static void note(struct request *rq, const char *action, const struct invitation *i)
{
	struct json_object *o = json_obj(rq);

	json_set_text(o, "email", i->email);
	json_set_text(o, "role", role_word(i->role));
	json_set_bool(o, "by_mail", i->by_mail);
	audit_in(rq, i->brand_id, action, i->id, o);
}

/* ---- by the team ---- */

/* A new one, or one that waits (renew: its id) with a new word. */
static enum err invite(struct request *rq, struct response *rs, int64_t renew)
{
	struct inviter by = inviter_of(rq);
	struct invitation *i;
	char *token;
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(rq->db, &tx);

	if (e == OK)
		e = renew ? invitation_renew(&by, rq, renew, rq->form, &i, &token)
			  : invitation_make(&by, rq, rq->form, &i, &token);
	if (e == OK && i->by_mail)
		e = check_mails(rq, rs, i);
	if (e != OK)
		return e;
	note(rq, renew ? "invitation.renew" : "invitation.create", i);
	e = tx_commit(&tx);
	return e == OK ? deliver(rq, rs, i, token) : e;
}

enum err invitation_create(struct request *rq, struct response *rs)
{
	return invite(rq, rs, 0);
}

enum err invitation_again(struct request *rq, struct response *rs)
{
	return invite(rq, rs, rq->args[1]);
}

enum err invitation_withdraw(struct request *rq, struct response *rs)
{
	struct inviter by = inviter_of(rq);
	struct invitation *i;
	enum err e = invitation_revoke(&by, rq, rq->args[1], rq->form, &i);

	if (e != OK)
		return e;
	note(rq, "invitation.revoke", i);
	respond_flash(rs, "The invitation of %s is no longer good.", i->email);
	return respond_seen(rs, NULL, "/brands/%lld/members", (long long)i->brand_id);
}
