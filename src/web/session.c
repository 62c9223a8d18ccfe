#include "web/session.h"

#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/user.h"
#include "service/address.h"
#include "service/door.h"
#include "service/supabase.h"
#include "web/access.h"
#include "web/enter.h"
#include "web/visit.h"

enum { NEXT_MAX = 2000, KNOWN_S = 180 * 24 * 3600 };

struct json_object *oauth_providers(struct request *rq)
{
	const struct config *c = rq->app->config;
	struct json_object *all = json_arr(rq);
	char **words = config_providers(rq, c);

	for (size_t i = 0; !text_empty(c->supabase.url) && words[i] != NULL; i++)
		json_push_text(all, words[i]);
	return all;
}

const char *next_of(struct request *rq)
{
	const char *next = form_get(rq->form, "next");

	if (text_empty(next))
		next = form_get(rq->query, "next");
	if (text_empty(next) || next[0] != '/' || next[1] == '/' ||
	    strchr(next, '\\') || text_has_control(next) || strlen(next) > NEXT_MAX)
		return "/";
	return next;
}

enum err sign_in_show(struct request *rq, struct response *rs)
{
	int64_t n = 0;
	enum err e = user_count(rq->db, &n);

	if (e != OK)
		return e;
	if (rq->method == GET && rq->caller->user_id) {
		rs->location = next_of(rq);
		return OK;
	}
	rs->extra = json_obj(rs);
	json_set_text(rs->extra, "next", next_of(rq));
	json_set(rs->extra, "providers", oauth_providers(rq));
	json_set_bool(rs->extra, "nobody_yet", n == 0);
	return OK;
}

/* A browser that has signed in has tries of its own from then on. */
static void remember(struct request *rq, struct response *rs, const struct user *u)
{
	struct visit v = visit_of(rq);
	struct address a;
	const char *why;

	if (address_parse(rq, u->email, &a, &why) == OK && !door_knows(&v, rq, a.key))
		response_cookie(rs, KNOWN_COOKIE, door_known(&v, rq, a.key), KNOWN_S);
}

enum err enter_as(struct request *rq, struct response *rs, const struct user *u)
{
	const char *old = request_cookie(rq, SESSION_COOKIE);
	struct visit v = visit_of(rq);
	struct caller *c = mem_new(rq, struct caller);
	char *cookie;
	enum err e = session_begin(&v, rq, u, &cookie);

	if (e == OK)
		e = session_id_of(&v, rq, cookie, &c->session_id);
	if (e == OK && !text_empty(old))
		e = sign_out(&v, rq, old);
	if (e != OK)
		return e;
	response_cookie(rs, SESSION_COOKIE, cookie, (int)(SESSION_LIFE_MS / 1000));
	remember(rq, rs, u);
	c->user_id = u->id;
	c->email = u->email;
	c->name = u->name;
	c->admin = u->admin;
	rq->caller = c;
	return OK;
}

enum err enter_again(struct request *rq, struct response *rs)
{
	const char *old = request_cookie(rq, SESSION_COOKIE);
	struct visit v = visit_of(rq);
	struct caller *c = mem_new(rq, struct caller);
	char *cookie;
	enum err e = session_change(&v, rq, rq->caller->session_id, old, &cookie);

	if (e == OK)
		e = session_read(&v, rq, cookie, c);
	if (e != OK)
		return e;
	response_cookie(rs, SESSION_COOKIE, cookie, (int)(SESSION_LIFE_MS / 1000));
	rq->caller = c;
	return OK;
}

enum err sign_in_do(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	struct user *u;
	enum err e = sign_in(&v, rq, rq->form, &u, &rs->retry_after);

	if (e == ERR_LIMITED)
		log_warn(&rq->log, "sign_in.limited", LOG_STR("ip", rq->ip));
	if (e == ERR_INVALID && form_error(rq->form, "password"))
		log_info(&rq->log, "sign_in.refused", LOG_STR("ip", rq->ip));
	if (e == ERR_LIMITED)
		return respond_error(rs, e, "%s", form_error(rq->form, "password"));
	if (e != OK)
		return e;
	return enter_or_ask(rq, rs, u, next_of(rq));
}

enum err sign_out_do(struct request *rq, struct response *rs)
{
	const char *cookie = request_cookie(rq, SESSION_COOKIE);
	struct visit v = visit_of(rq);
	struct supabase_tokens t;
	bool there = rq->caller->verified_until != 0 &&
	    supabase_tokens_of(&v, rq, rq->caller->session_id, &t) == OK;
	enum err e = text_empty(cookie) ? OK : sign_out(&v, rq, cookie);

	if (e != OK)
		return e;
	audit(rq, "user.sign_out", rq->caller->user_id, NULL);
	if (there && v.supabase != NULL)
		supabase_leave(&v, rq, &t);
	response_cookie(rs, SESSION_COOKIE, "", -1);
	return respond_seen(rs, NULL, "/sign-in");
}
