#include "web/access.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "kv/limit.h"
#include "repo/api_key.h"
#include "repo/audit.h"
#include "repo/brand.h"
#include "service/api_key.h"
#include "service/audit.h"
#include "service/auth.h"
#include "service/supabase.h"
#include "web/flash.h"
#include "web/idempotency.h"
#include "web/signed_out.h"
#include "web/visit.h"

enum {
	BAD_KEYS_WINDOW_S = 60,
	BAD_KEYS = 10,
	KEY_WINDOW_S = 60,
	CRON_WINDOW_S = 60,
	HOST_BYTES = 256
};

static const struct need {
	enum role role; /* in the brand of the route; ROLE_NONE: no brand asked for */
	unsigned scope; /* of an API key */
} needs[] = {
	[ACCESS_SIGNED_IN] = { ROLE_NONE, SCOPE_READ },
	[ACCESS_INSTALLATION] = { ROLE_NONE, SCOPE_WRITE },
	[VIEW_INSTALLATION] = { ROLE_NONE, SCOPE_READ },
	[MANAGE_USERS] = { ROLE_NONE, SCOPE_MANAGE },
	[VIEW_BRAND] = { ROLE_VIEWER, SCOPE_READ },
	[VIEW_CONTACTS] = { ROLE_VIEWER, SCOPE_READ },
	[EDIT_CONTACTS] = { ROLE_EDITOR, SCOPE_WRITE },
	[VIEW_CAMPAIGNS] = { ROLE_VIEWER, SCOPE_READ },
	[EDIT_CAMPAIGNS] = { ROLE_EDITOR, SCOPE_WRITE },
	[SEND_CAMPAIGNS] = { ROLE_EDITOR, SCOPE_SEND },
	[MANAGE_BRAND] = { ROLE_ADMIN, SCOPE_WRITE },
	[MANAGE_TEAM] = { ROLE_ADMIN, SCOPE_MANAGE },
	[VIEW_MANAGEMENT] = { ROLE_ADMIN, SCOPE_READ },
	[LEAVE_BRAND] = { ROLE_VIEWER, SCOPE_WRITE },
	[OWN_BRAND] = { ROLE_OWNER, SCOPE_MANAGE },
	[ACCESS_PERSON] = { ROLE_NONE, SCOPE_READ },
};

static const char *bearer(const struct request *rq)
{
	const char *a = rq->authorization;

	if (text_empty(a) || strncasecmp(a, "Bearer ", 7) != 0)
		return NULL;
	a += 7;
	return a + strspn(a, " ");
}

/* ---- who calls ---- */

/* One key, or one person with tokens, may ask so often. */
static enum err count_call(struct request *rq, struct response *rs,
    const struct caller *c)
{
	int most = rq->app->config->security.key_rate;
	const char *who = c->bearer
	    ? mem_printf(rq, "rate:token:%lld", (long long)c->user_id)
	    : mem_printf(rq, "rate:key:%lld", (long long)c->key_id);
	enum err e = OK;

	if (most > 0)
		e = limit_hit(rq->kv, who, rq->now, KEY_WINDOW_S, most,
		    &rs->retry_after);
	if (e == ERR_LIMITED)
		return respond_error(rs, e,
		    "%s may ask %d times a minute. Wait %d seconds.",
		    c->bearer ? "You" : "This API key", most, rs->retry_after);
	return e;
}

/* Counts a wrong key; why: a sentence, for as long as there are not too many. */
static enum err wrong_key(struct request *rq, struct response *rs, const char *why)
{
	enum err e =
	    limit_hit(rq->kv, kv_key(rq, "rate:bad-key", limit_address(rq, rq->ip)),
		rq->now, BAD_KEYS_WINDOW_S, BAD_KEYS, &rs->retry_after);

	if (e == ERR_LIMITED)
		return respond_error(rs, e, "Too many wrong API keys. Wait %d seconds.",
		    rs->retry_after);
	return respond_error(rs, ERR_UNAUTHENTICATED, "%s", why);
}

/* A token of Supabase has dots, a key of ours has none. */
static enum err by_token(struct request *rq, struct response *rs, const char *token,
    struct caller *c)
{
	struct visit v = visit_of(rq);
	const char *why = NULL;
	enum err e = supabase_bearer(&v, rq, token, c, &why);

	if (e == OK)
		return count_call(rq, rs, c);
	if (e == ERR_UNAUTHENTICATED)
		return wrong_key(rq, rs, why);
	return why ? respond_error(rs, e, "%s", why) : e;
}

static enum err by_key(struct request *rq, struct response *rs, const char *key,
    struct caller *c)
{
	enum err e;

	if (strchr(key, '.') && visit_of(rq).supabase)
		return by_token(rq, rs, key, c);
	e = key_read(rq->db, rq->kv, rq, key, rq->now, c);
	if (e == OK)
		return count_call(rq, rs, c);
	if (e != ERR_NOTFOUND)
		return e;
	return wrong_key(rq, rs,
	    "This API key is not known, was revoked, has expired, or its user has no "
	    "access any more.");
}

/*
 * Does Supabase still vouch for a session that began there?  If it cannot be asked,
 * pages for everybody and the way out stay open.
 */
static enum err still_there(struct request *rq, struct response *rs, const char *cookie,
    struct caller *c)
{
	struct visit v = visit_of(rq);
	const char *why = NULL;
	enum err e;

	if (text_equal(rq->path, "/sign-out"))
		return OK;
	e = supabase_stay(&v, rq, cookie, c, &why);
	if (e == OK)
		return OK;
	*c = (struct caller){ 0 };
	if (e == ERR_NOTFOUND && why)
		respond_flash(rs, "%s", why);
	if (e == ERR_NOTFOUND || rq->route->access == ACCESS_PUBLIC)
		return OK;
	return why ? respond_error(rs, e, "%s", why) : e;
}

static enum err by_cookie(struct request *rq, struct response *rs, struct caller *c)
{
	const char *cookie = request_cookie(rq, SESSION_COOKIE);
	struct visit v = visit_of(rq);
	enum err e;

	if (text_empty(cookie))
		return OK;
	e = session_read(&v, rq, cookie, c);
	if (e == OK && c->verified_until && rs)
		e = still_there(rq, rs, cookie, c);
	return e == ERR_NOTFOUND ? OK : e;
}

static enum err identify(struct request *rq, struct response *rs, struct caller *c)
{
	const char *key = rq->api ? bearer(rq) : NULL;

	return key ? by_key(rq, rs, key, c) : by_cookie(rq, rs, c);
}

/* ---- may they ---- */

/* The owner's name of an origin: without scheme. */
static bool same_place(const struct request *rq, const char *origin)
{
	const char *public_url = rq->app->config->server.public_url;
	const char *host = strstr(origin, "://");

	return text_equal_nocase(origin, public_url) ||
	    (host && text_equal_nocase(host + 3, rq->host));
}

/*
 * May a page of ours have sent this?  The browser's own word, in the head of the
 * request: Sec-Fetch-Site, Origin ("null" comes with our own forms too, because of
 * Referrer-Policy: no-referrer).
 */
static bool from_here(const struct request *rq)
{
	const char *site = rq->fetch_site;

	if (!text_empty(rq->origin) && !text_equal(rq->origin, "null") &&
	    !same_place(rq, rq->origin))
		return false;
	return text_empty(site) || text_equal(site, "same-origin") ||
	    text_equal(site, "none");
}

/*
 * Did one send it?  The token of the session proves it, where a session is asked for
 * (not at sign-in, also from a page opened before another tab signed in).
 */
static bool from_us(const struct request *rq, const struct caller *c)
{
	const char *token = form_get(rq->form, "csrf");

	if (!c->session_id || rq->route->access == ACCESS_PUBLIC)
		return true;
	if (text_empty(token))
		token = rq->csrf_token;
	return !text_empty(token) && strlen(token) == strlen(c->csrf) &&
	    equal_secret(token, c->csrf, strlen(token));
}

/* Does this change something, by the word of a browser? */
static bool needs_proof(const struct request *rq, const struct caller *c)
{
	return rq->method != GET && rq->method != HEAD && rq->method != OPTIONS &&
	    !c->key_id && !c->bearer;
}

static enum err foreign(struct response *rs)
{
	return respond_error(rs, ERR_FORBIDDEN,
	    "This form did not come from a page of yours that is still good. Go back, "
	    "reload the page and try again.");
}

/* Loads the brand of the route and the caller's role; unseen ones are not there. */
static enum err enter_brand(struct request *rq, struct caller *c)
{
	int64_t id = rq->args[0];
	enum err e;

	if (c->key_id && c->key_brand && c->key_brand != id)
		return ERR_NOTFOUND;
	e = brand_get_for(rq->db, rq, id, c->user_id, &c->brand, &c->role);
	if (e != OK)
		return e;
	if (c->admin)
		c->role = ROLE_OWNER;
	if (c->role == ROLE_NONE) {
		c->brand = NULL;
		return ERR_NOTFOUND;
	}
	rq->log.brand = id;
	return OK;
}

static bool for_administrators(const struct route *r)
{
	return r->access == ACCESS_INSTALLATION || r->access == VIEW_INSTALLATION ||
	    r->access == MANAGE_USERS;
}

bool caller_administers(const struct caller *c)
{
	return c->admin && c->key_brand == 0;
}

static enum err may(struct request *rq, struct response *rs, const struct route *r,
    struct caller *c)
{
	const struct need *need = &needs[r->access];
	enum err e = OK;

	if (text_starts(r->pattern, "/brands/{}"))
		e = enter_brand(rq, c);
	if (e != OK)
		return e;
	if (need->role > c->role)
		return respond_error(rs, ERR_FORBIDDEN,
		    "Your role in this brand is %s; this takes at least %s. An owner "
		    "of the brand can change it.",
		    role_word(c->role), role_word(need->role));
	if (for_administrators(r) && !caller_administers(c))
		return respond_error(rs, ERR_FORBIDDEN, "%s",
		    c->admin
			? "This takes a key for all brands: maillayer key create --all."
			: "Only an administrator of this installation can do this.");
	if ((r->access == ACCESS_PERSON || r->access == LEAVE_BRAND) && c->key_id)
		return respond_error(rs, ERR_FORBIDDEN,
		    "This is about a person’s own account; an API key has none.");
	if ((need->scope & c->scopes) == 0)
		return respond_error(rs, ERR_FORBIDDEN,
		    "This API key has not the scope “%s”.",
		    scopes_text(rq, need->scope));
	if (need->scope == SCOPE_MANAGE && c->key_id && !c->admin &&
	    c->role < ROLE_OWNER)
		return respond_error(rs, ERR_FORBIDDEN,
		    "The scope “manage” counts only while the user of the key is an "
		    "owner.");
	return OK;
}

/* Each host has a trigger of its own. */
static const char *trigger_key(struct request *rq)
{
	char host[HOST_BYTES] = "";

	(void)gethostname(host, sizeof(host) - 1);
	return kv_key(rq, "rate:cron", mem_printf(rq, "%s %s", host, rq->path));
}

static enum err enter_cron(struct request *rq, struct response *rs)
{
	const char *given = bearer(rq), *secret = rq->app->keys->cron;
	int most = rq->app->config->security.cron_rate;
	enum err e = OK;

	if (!given || strlen(given) != strlen(secret) ||
	    !equal_secret(given, secret, strlen(secret)))
		return ERR_NOTFOUND;
	if (most > 0)
		e = limit_hit(rq->kv, trigger_key(rq), rq->now, CRON_WINDOW_S, most,
		    &rs->retry_after);
	if (e == ERR_LIMITED)
		return respond_error(rs, e,
		    "This was triggered %d times in this minute. Wait %d seconds.",
		    most, rs->retry_after);
	return e;
}

enum err access_enter(struct request *rq, struct response *rs, const struct route *r)
{
	struct caller *c = mem_new(rq, struct caller);
	enum err e;

	rq->caller = c;
	if (r->access == ACCESS_CRON)
		return enter_cron(rq, rs);
	if (r->flags & ROUTE_RAW)
		return OK;
	e = identify(rq, rs, c);
	if (e != OK)
		return e;
	rq->known = c->user_id || c->key_id;
	if (r->access != ACCESS_PUBLIC && !rq->known)
		return respond_signed_out(rq, rs);
	if (needs_proof(rq, c) && !from_here(rq))
		return foreign(rs);
	return r->access == ACCESS_PUBLIC ? OK : may(rq, rs, r, c);
}

enum err access_admit(struct request *rq, struct response *rs)
{
	struct caller *c = mem_copy(rq, rq->caller, sizeof(*rq->caller));

	if (rq->route->flags & ROUTE_RAW)
		return OK;
	if (needs_proof(rq, c) && !from_us(rq, c))
		return foreign(rs);
	rq->caller = c;
	return rq->api && rq->method == POST ? idempotency_enter(rq, rs, c) : OK;
}

void access_guess(struct request *rq)
{
	struct caller *c = mem_new(rq, struct caller);
	int64_t id = 0;

	rq->caller = c;
	if (!rq->db || by_cookie(rq, NULL, c) != OK || !c->user_id || rq->nsegments < 2)
		return;
	if (!text_equal(rq->segments[0], "brands") ||
	    !text_to_int(rq->segments[1], 1, INT64_MAX, &id))
		return;
	rq->args[0] = id;
	if (enter_brand(rq, c) != OK)
		c->brand = NULL;
}

const char *access_words(void *mem, const struct route *r)
{
	const struct need *need = &needs[r->access];

	if (r->access == ACCESS_PUBLIC)
		return "For everybody.";
	if (r->access == ACCESS_PERSON || r->access == LEAVE_BRAND)
		return "For a signed-in person, not for keys.";
	if (for_administrators(r))
		return mem_printf(mem,
		    "For administrators of the installation; a key must be for all "
		    "brands, be of an administrator and have the scope %s.",
		    scopes_text(mem, need->scope));
	return mem_printf(mem, "Needs %s%s; of a key the scope %s.",
	    need->role ? "the role " : "anybody known",
	    need->role ? role_word(need->role) : "", scopes_text(mem, need->scope));
}

/* The handler has said that it is done, and it is not. */
static void take_back(struct response *rs)
{
	rs->status = 0;
	rs->model = NULL;
	rs->page = rs->location = rs->flash = rs->detail = NULL;
	rs->body = NULL;
	rs->headers = NULL;
}

enum err access_act(struct request *rq, struct response *rs)
{
	TX_SCOPE tx = { 0 };
	enum err e;

	if ((rq->route->flags & ROUTE_WHOLE) == 0)
		return rq->route->handle(rq, rs);
	e = tx_begin(rq->db, &tx);
	if (e == OK)
		e = rq->route->handle(rq, rs);
	if (e != OK)
		return e;
	e = tx_commit(&tx);
	if (e != OK)
		take_back(rs);
	return e;
}

/* A change that went well and stands nowhere is a mistake of ours. */
static bool missed(const struct request *rq, const struct response *rs, enum err e)
{
	const struct route *r = rq->route;

	return e == OK && rs->status < 400 && r && !(r->flags & ROUTE_RAW) &&
	    !rq->audited && rq->method != GET && rq->method != OPTIONS &&
	    !response_get(rs, "Idempotency-Replayed");
}

void access_leave(struct request *rq, struct response *rs, enum err e)
{
	const struct caller *c = rq->caller;

	if (missed(rq, rs, e))
		log_warn(&rq->log, "audit.missing",
		    LOG_STR("method", method_name(rq->method)),
		    LOG_STR("route", rq->route->pattern));
	if (c && c->kept_as)
		idempotency_leave(rq, rs, e);
	if (rs->flash && rs->status == 303)
		flash_put(rq, rs, rs->flash);
}

/* ---- the audit log ---- */

enum { AGENT_BYTES = 200 };

void audit_in(struct request *rq, int64_t brand, const char *action, int64_t object,
    struct json_object *detail)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "audit");
	const struct caller *c = rq->caller;
	struct json_object *clean = audit_clean(tmp, detail);
	const struct audit_line l = {
		.brand_id = brand,
		.user_id = c->key_id ? 0 : c->user_id,
		.key_id = c->key_id,
		.actor = text_empty(c->name) ? c->email : c->name,
		.actor_email = c->email,
		.action = action,
		.object_id = object,
		.label = audit_label(clean),
		.detail = json_write(tmp, clean),
		.ip = rq->ip,
		.agent = audit_cut(tmp, rq->agent, AGENT_BYTES),
		.at = rq->now,
	};

	rq->audited = true;
	log_info(&rq->log, action, LOG_INT("object", object),
	    LOG_INT("user", c->user_id), LOG_INT("key", c->key_id));
	if (audit_add(rq->db, &l) != OK)
		log_error(&rq->log, "audit.lost", LOG_STR("action", action),
		    LOG_INT("object", object), LOG_INT("user", c->user_id),
		    LOG_INT("key", c->key_id), LOG_STR("detail", l.detail));
}

void audit(struct request *rq, const char *action, int64_t object,
    struct json_object *detail)
{
	const struct brand *b = rq->caller->brand;

	audit_in(rq, b ? b->id : 0, action, object, detail);
}

void audit_name(struct request *rq, const char *action, int64_t object,
    const char *name)
{
	audit(rq, action, object, json_set_text(json_obj(rq), "name", name));
}

void audit_nothing(struct request *rq)
{
	rq->audited = true;
}
