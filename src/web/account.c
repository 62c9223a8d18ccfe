#include "web/account.h"

#include "base/json.h"
#include "base/mem.h"
#include "repo/recovery_code.h"
#include "repo/session.h"
#include "repo/user.h"
#include "service/account.h"
#include "service/device.h"
#include "web/access.h"
#include "web/enter.h"
#include "web/me.h"
#include "web/notice.h"
#include "web/supabase.h"
#include "web/visit.h"

enum err account_user(struct request *rq, struct user **out)
{
	return user_get(rq->db, rq, rq->caller->user_id, out);
}

/* ---- where they are signed in ---- */

static struct json_object *session_json(struct request *rq, const struct session *s)
{
	struct json_object *o = json_obj(rq);

	json_set_int(o, "id", s->id);
	json_set_text(o, "device", device_name(rq, s->agent));
	json_set_text(o, "ip", s->ip);
	json_set_time(o, "created_at", s->created_at);
	json_set_time(o, "seen_at", s->seen_at);
	json_set_time(o, "expires_at", s->expires_at);
	json_set_bool(o, "current", s->id == rq->caller->session_id);
	return o;
}

static enum err sessions_json(struct request *rq, struct json_object *out)
{
	struct session *s;
	size_t n;
	enum err e = session_list(rq->db, rq, rq->caller->user_id, rq->now, &s, &n);

	for (int others = 0; e == OK && others < 2; others++)
		for (size_t i = 0; i < n; i++)
			if ((s[i].id != rq->caller->session_id) == others)
				json_push(out, session_json(rq, &s[i]));
	return e;
}

enum err account_sessions(struct request *rq, struct response *rs)
{
	struct json_object *o = json_obj(rs), *items = json_arr(rs);
	enum err e = sessions_json(rq, items);

	if (e != OK)
		return e;
	json_set(o, "items", items);
	json_set(o, "next_cursor", NULL);
	return respond(rs, o);
}

enum err account_end_session(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	struct session_pick p = { rq->caller->user_id, rq->args[0], 0 };
	size_t n;
	enum err e = sessions_end(&v, &p, &n);

	if (e == OK && n == 0)
		e = ERR_NOTFOUND;
	if (e != OK)
		return e;
	audit(rq, "session.end", rq->args[0], NULL);
	respond_flash(rs, "That browser is signed out.");
	return respond_seen(rs, NULL, "/account");
}

enum err account_end_others(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	struct session_pick p = { rq->caller->user_id, 0, rq->caller->session_id };
	struct json_object *o = json_obj(rs);
	size_t n;
	enum err e = sessions_end(&v, &p, &n);

	if (e != OK)
		return e;
	json_set_int(o, "ended", (int64_t)n);
	audit(rq, "session.end_others", rq->caller->user_id, o);
	if (n == 1)
		respond_flash(rs, "The other browser is signed out.");
	else
		respond_flash(rs, "%zu other browsers are signed out.", n);
	return respond_seen(rs, o, "/account");
}

/* ---- the page ---- */

enum err account_show(struct request *rq, struct response *rs)
{
	struct json_object *sessions = json_arr(rs);
	struct user *u;
	int64_t codes = 0;
	enum err e = account_user(rq, &u);

	if (e == OK)
		e = sessions_json(rq, sessions);
	if (e == OK)
		e = recovery_code_count(rq->db, u->id, &codes);
	if (e != OK)
		return e;
	rs->extra = json_obj(rs);
	json_set_text(rs->extra, "person", u->name);
	json_set_text(rs->extra, "email", u->email);
	json_set_bool(rs->extra, "has_password", u->password_hash != NULL);
	json_set_bool(rs->extra, "second_factor", u->totp_secret != NULL);
	json_set_int(rs->extra, "codes_left", codes);
	json_set(rs->extra, "sessions", sessions);
	return link_extra(rq, rs->extra);
}

enum err account_rename(struct request *rq, struct response *rs)
{
	const char *cookie = request_cookie(rq, SESSION_COOKIE);
	struct visit v = visit_of(rq);
	struct caller *c;
	struct user *u;
	enum err e = account_user(rq, &u);

	if (e == OK)
		e = account_set_name(&v, u, rq->form);
	if (e != OK)
		return e;
	if (cookie)
		session_forget(&v, rq, cookie);
	c = mem_copy(rq, rq->caller, sizeof(*c));
	c->name = form_line(rq->form, "name", 0, USER_NAME_MAX);
	rq->caller = c;
	audit_name(rq, "user.rename", u->id, c->name);
	if (rq->api)
		return me_show(rq, rs);
	respond_flash(rs, "Your name was saved.");
	return respond_seen(rs, NULL, "/account");
}

enum err account_password(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	struct account_change c = { .keep = rq->caller->session_id };
	struct user *u;
	enum err e = account_user(rq, &u);

	if (e == OK)
		e = account_change_password(&v, rq, u, rq->form, &c);
	if (e == OK)
		e = enter_again(rq, rs);
	if (e == ERR_LIMITED) {
		rs->retry_after = c.retry_after;
		return respond_error(rs, e, "%s",
		    form_error(rq->form, "current_password"));
	}
	if (e != OK)
		return e;
	audit(rq, "user.password", u->id, NULL);
	notice_later(rq, rs, u, "Your password was changed",
	    "It was changed on your account page. Everywhere else you were signed in, "
	    "you were signed out.");
	respond_flash(rs,
	    "Your password was changed. Everywhere else you are signed out.");
	return respond_seen(rs, NULL, "/account");
}
