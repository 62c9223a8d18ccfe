#include "web/supabase.h"

#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "kv/limit.h"
#include "repo/brand.h"
#include "repo/user.h"
#include "service/invitation.h"
#include "service/supabase.h"
#include "web/access.h"
#include "web/enter.h"
#include "web/notice.h"
#include "web/visit.h"

/* Tries of an address: each costs Supabase a call. */
enum { WINDOW_S = 60, TRIES = 10 };

#define TRIP_COOKIE "ml_trip"

/* ---- there ---- */

static bool is_offered(struct request *rq, const char *provider)
{
	char **words = config_providers(rq, rq->app->config);

	for (size_t i = 0; words[i] != NULL; i++) {
		if (text_equal(words[i], provider))
			return true;
	}
	return false;
}

enum err supabase_go(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	struct supabase_trip t = { .provider = rq->words[0], .next = next_of(rq) };
	const char *url, *cookie;

	if (!v.supabase || !is_offered(rq, t.provider))
		return respond_error(rs, ERR_NOTFOUND,
		    "There is no signing in with this here.");
	if (link_of(rq, &t.link_user) != OK)
		return respond_error(rs, ERR_FORBIDDEN,
		    "This is not good any more. Begin again at the page of your "
		    "account.");
	supabase_depart(&v, rq, &t, &url, &cookie);
	response_cookie(rs, TRIP_COOKIE, cookie, SUPABASE_TRIP_S);
	rs->location = url;
	return OK;
}

/* ---- and back ---- */

/* A page that says why, and how to go on. */
static enum err refuse(struct request *rq, struct response *rs, enum err e,
    const char *why)
{
	rs->status = err_status(e);
	rs->page = "session/refused";
	rs->extra = json_obj(rs);
	json_set_text(rs->extra, "why", why);
	json_set_bool(rs->extra, "later", e == ERR_BUSY);
	json_set_bool(rs->extra, "signed_in", rq->caller->user_id != 0);
	if (e == ERR_BUSY)
		response_header(rs, "Retry-After", "60");
	return OK;
}

static enum err too_often(struct request *rq, struct response *rs)
{
	enum err e =
	    limit_hit(rq->kv, kv_key(rq, "rate:supabase:ip", limit_address(rq, rq->ip)),
		rq->now, WINDOW_S, TRIES, &rs->retry_after);

	if (e == ERR_LIMITED)
		return respond_error(rs, e, "Too many tries. Wait %d seconds.",
		    rs->retry_after);
	return e;
}

static void tell_invitations(struct request *rq, const struct supabase_guest *g)
{
	for (size_t i = 0; i < g->naccepted; i++) {
		const struct invitation *in = &g->accepted[i];
		struct json_object *o = json_obj(rq);

		json_set_text(o, "email", in->email);
		json_set_text(o, "role", role_word(in->role));
		audit_in(rq, in->brand_id, "invitation.accept", in->id, o);
	}
}

static enum err come_in(struct request *rq, struct response *rs,
    const struct supabase_trip *t, const struct supabase_person *p)
{
	struct visit v = visit_of(rq);
	struct supabase_tokens tokens = { p->access, p->refresh };
	struct json_object *detail = json_obj(rq);
	struct supabase_guest g;
	const char *why = NULL;
	enum err e = supabase_admit(&v, rq, p, &g, &why);

	if (e == ERR_FORBIDDEN) {
		supabase_leave(&v, rq, &tokens);
		return refuse(rq, rs, e, why);
	}
	if (e == OK)
		e = enter_as(rq, rs, g.user);
	if (e == OK)
		e = supabase_keep(&v, rq->caller->session_id, p);
	if (e != OK)
		return e;
	json_set_text(detail, "provider", t->provider);
	if (g.made)
		audit(rq, g.naccepted ? "user.join" : "user.register", g.user->id,
		    detail);
	tell_invitations(rq, &g);
	audit(rq, "user.sign_in", g.user->id, detail);
	return respond_seen(rs, NULL, "%s", t->next);
}

/* The person at this browser is signed in to the account that began it, still. */
static enum err link_up(struct request *rq, struct response *rs,
    const struct supabase_trip *t, const struct supabase_person *p)
{
	struct visit v = visit_of(rq);
	struct supabase_tokens tokens = { p->access, p->refresh };
	struct json_object *detail = json_obj(rq);
	struct user *u;
	const char *why =
	    "Sign in to the account that you want to link, then try again.";
	enum err e = ERR_FORBIDDEN;

	if (rq->caller->user_id == t->link_user)
		e = supabase_link(&v, p, t->link_user, &why);
	supabase_leave(&v, rq, &tokens); /* this session of ours did not begin there */
	if (e == ERR_FORBIDDEN)
		return refuse(rq, rs, e, why);
	if (e != OK)
		return e;
	json_set_text(detail, "provider", t->provider);
	audit(rq, "user.link", t->link_user, detail);
	if (user_get(rq->db, rq, t->link_user, &u) == OK)
		notice_later(rq, rs, u, "An account was linked with yours",
		    mem_printf(rq,
			"From now on you can sign in through %s as well. If this was "
			"not you, end the link on the page of your account and change "
			"your password.",
			t->provider));
	respond_flash(rs, "From now on you can sign in with this as well.");
	return respond_seen(rs, NULL, "%s", t->next);
}

/* Words for what came back instead of a code; NULL: a code is there. */
static const char *no_code(struct request *rq)
{
	const char *code = form_get(rq->query, "code");
	const char *error = form_get(rq->query, "error_code");

	if (text_empty(error))
		error = form_get(rq->query, "error");
	if (!text_empty(error))
		return supabase_words(rq, error);
	if (text_empty(code) || strlen(code) > SUPABASE_CODE_MAX)
		return "What came back from Supabase is not a sign-in. Begin again.";
	return NULL;
}

enum err supabase_callback(struct request *rq, struct response *rs)
{
	const char *cookie = request_cookie(rq, TRIP_COOKIE);
	const char *verifier, *why = no_code(rq);
	struct visit v = visit_of(rq);
	struct supabase_person p;
	struct supabase_trip t;
	enum err e;

	if (!v.supabase)
		return ERR_NOTFOUND;
	response_cookie(rs, TRIP_COOKIE, "", -1);
	if (supabase_return(&v, rq, cookie, &t, &verifier) != OK)
		return refuse(rq, rs, ERR_MALFORMED,
		    why ? why
			: "This sign-in was begun in another browser, or more than ten "
			  "minutes ago. Begin again.");
	if (why)
		return refuse(rq, rs, ERR_FORBIDDEN, why);
	e = too_often(rq, rs);
	if (e == OK)
		e = supabase_exchange(&v, rq, form_get(rq->query, "code"), verifier, &p,
		    &why);
	if (why && (e == ERR_FORBIDDEN || e == ERR_BUSY))
		return refuse(rq, rs, e, why);
	if (e != OK)
		return e;
	return t.link_user ? link_up(rq, rs, &t, &p) : come_in(rq, rs, &t, &p);
}
