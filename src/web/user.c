#include "web/user.h"

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "repo/user.h"
#include "service/account.h"
#include "service/password_reset.h"
#include "service/second_factor.h"
#include "web/access.h"
#include "web/notice.h"
#include "web/visit.h"

static struct json_object *user_json(void *mem, const struct user *u)
{
	struct json_object *o = json_obj(mem);

	json_set_int(o, "id", u->id);
	json_set_text(o, "email", u->email);
	json_set_text(o, "name", u->name);
	json_set_bool(o, "admin", u->admin);
	json_set_bool(o, "disabled", u->disabled);
	json_set_bool(o, "password", u->password_hash != NULL);
	json_set_bool(o, "second_factor", u->totp_secret != NULL);
	json_set_time(o, "created_at", u->created_at);
	return o;
}

enum err user_index(struct request *rq, struct response *rs)
{
	struct json_object *o = json_obj(rs), *items = json_arr(rs);
	struct user *u;
	size_t n;
	enum err e = user_list(rq->db, rq, &u, &n);

	for (size_t i = 0; e == OK && i < n; i++)
		json_push(items, user_json(rs, &u[i]));
	json_set(o, "items", items);
	json_set(o, "next_cursor", NULL);
	return e == OK ? respond(rs, o) : e;
}

/* What happened, for the audit log and in a sentence for the next page. */
static void tell(struct request *rq, struct response *rs, const struct user *u,
    const struct user *before)
{
	audit_nothing(rq);
	if (u->admin != before->admin) {
		audit_name(rq, u->admin ? "user.promote" : "user.demote", u->id,
		    u->email);
		respond_flash(rs,
		    u->admin ? "%s administers this installation now. They have to "
			       "sign in again."
			     : "%s no longer administers this installation.",
		    u->email);
	}
	if (u->disabled != before->disabled) {
		audit_name(rq, u->disabled ? "user.disable" : "user.enable", u->id,
		    u->email);
		respond_flash(rs,
		    u->disabled ? "%s can no longer sign in, and was signed out."
				: "%s can sign in again.",
		    u->email);
	}
}

enum err user_change(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	struct user *u, *before;
	enum err e = user_get(rq->db, rq, rq->args[0], &before);

	if (e == OK)
		e = account_change_standing(&v, rq, rq->args[0], rq->form, &u);
	if (e != OK)
		return e;
	tell(rq, rs, u, before);
	return respond_seen(rs, user_json(rs, u), "/users");
}

/* Shown once, so the page is the answer itself. */
enum err user_reset_link(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	struct user *u;
	char *word;
	enum err e = user_get(rq->db, rq, rq->args[0], &u);

	if (e == OK && u->disabled)
		return respond_error(rs, ERR_CONFLICT,
		    "%s is disabled: a link would not work.", u->email);
	if (e == OK)
		e = password_reset_make(&v, rq, u->id, &word);
	if (e != OK)
		return e;
	audit_name(rq, "user.reset_link", u->id, u->email);
	rs->extra = json_obj(rs);
	json_set_text(rs->extra, "email", u->email);
	json_set_text(rs->extra, "link",
	    mem_printf(rs, "%s/reset/%s", rq->app->config->server.public_url, word));
	rs->page = "user/link";
	return OK;
}

enum err user_drop_factor(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	struct user *u;
	enum err e = user_get(rq->db, rq, rq->args[0], &u);

	if (e == OK)
		e = second_factor_remove(&v, u);
	if (e != OK)
		return e;
	audit_name(rq, "user.second_factor_drop", u->id, u->email);
	notice_later(rq, rs, u, "Your second factor is off",
	    "An administrator turned it off. Your password alone is enough to sign in; "
	    "set the second factor up again on your account page.");
	respond_flash(rs, "%s signs in with the password alone now.", u->email);
	return respond_seen(rs, NULL, "/users");
}
