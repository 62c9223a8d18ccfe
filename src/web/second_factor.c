#include "web/second_factor.h"

#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/user.h"
#include "service/second_factor.h"
#include "view/qr.h"
#include "web/access.h"
#include "web/account.h"
#include "web/enter.h"
#include "web/notice.h"
#include "web/visit.h"

enum { QR_EDGE = 4 };

/* ---- the second step of signing in ---- */

enum err enter_or_ask(struct request *rq, struct response *rs, const struct user *u,
    const char *next)
{
	struct visit v = visit_of(rq);
	enum err e;

	if (u->totp_secret) {
		audit_nothing(rq);
		response_cookie(rs, PENDING_COOKIE,
		    second_factor_pending(&v, rq, u, next), PENDING_LIFE_S);
		return respond_seen(rs, NULL, "/sign-in/code");
	}
	e = enter_as(rq, rs, u);
	if (e != OK)
		return e;
	audit(rq, "user.sign_in", u->id, NULL);
	return respond_seen(rs, NULL, "%s", next);
}

static enum err pending(struct request *rq, struct user **u, const char **next)
{
	const char *cookie = request_cookie(rq, PENDING_COOKIE);
	struct visit v = visit_of(rq);

	if (text_empty(cookie))
		return ERR_NOTFOUND;
	return second_factor_whose(&v, rq, cookie, u, next);
}

static enum err begin_again(struct request *rq, struct response *rs)
{
	audit_nothing(rq);
	response_cookie(rs, PENDING_COOKIE, "", -1);
	respond_flash(rs, "That took longer than five minutes. Sign in again.");
	return respond_seen(rs, NULL, "/sign-in");
}

enum err sign_in_code_show(struct request *rq, struct response *rs)
{
	const char *next;
	struct user *u;
	enum err e = pending(rq, &u, &next);

	if (e == ERR_NOTFOUND && rq->method == GET)
		return begin_again(rq, rs);
	if (e != OK)
		return e;
	rs->extra = json_obj(rs);
	json_set_text(rs->extra, "email", u->email);
	return OK;
}

static enum err let_in(struct request *rq, struct response *rs, const struct user *u,
    const struct second_factor_try *t)
{
	struct json_object *how = json_obj(rq);
	enum err e = enter_as(rq, rs, u);

	if (e != OK)
		return e;
	response_cookie(rs, PENDING_COOKIE, "", -1);
	json_set_text(how, "second", t->recovery ? "recovery code" : "code");
	audit(rq, "user.sign_in", u->id, how);
	if (t->recovery)
		respond_flash(rs,
		    "You used a recovery code; %lld are left. Your account page makes "
		    "new ones.",
		    (long long)t->left);
	return OK;
}

enum err sign_in_code_do(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	struct second_factor_try t = { 0 };
	const char *next;
	struct user *u;
	enum err e = pending(rq, &u, &next);

	if (e == ERR_NOTFOUND)
		return begin_again(rq, rs);
	if (e == OK)
		e = second_factor_check(&v, rq, u, rq->form, &t);
	if (e == ERR_INVALID)
		log_info(&rq->log, "sign_in.refused", LOG_STR("ip", rq->ip));
	if (e == ERR_LIMITED) {
		log_warn(&rq->log, "sign_in.limited", LOG_STR("ip", rq->ip));
		rs->retry_after = t.retry_after;
		return respond_error(rs, e, "%s", form_error(rq->form, "code"));
	}
	if (e == OK)
		e = let_in(rq, rs, u, &t);
	return e == OK ? respond_seen(rs, NULL, "%s", next) : e;
}

/* ---- on the person's own account ---- */

/* The secret on the page: of the form that comes back, or a new one. */
static char *secret_of(struct request *rq)
{
	const char *sealed = form_get(rq->form, "setup");
	struct visit v = visit_of(rq);
	char *secret;

	if (!text_empty(sealed) &&
	    second_factor_unseal(&v, rq, rq->caller->session_id, sealed, &secret) == OK)
		return secret;
	return second_factor_secret(rq);
}

static char *in_groups(void *mem, const char *s)
{
	struct buf *b = buf_new(mem);

	for (size_t i = 0; s[i]; i++) {
		if (i && i % 4 == 0)
			buf_char(b, ' ');
		buf_char(b, s[i]);
	}
	return b->data;
}

static void set_qr(struct response *rs, const char *uri)
{
	struct qr *q = mem_new(rs, struct qr);

	if (qr_make(uri, q) != OK) /* a very long address: the secret is typed then */
		return;
	json_set_text(rs->extra, "qr", qr_path(rs, q, QR_EDGE));
	json_set_int(rs->extra, "qr_size", q->size + 2 * QR_EDGE);
}

enum err second_factor_show(struct request *rq, struct response *rs)
{
	const char *host = strstr(rq->app->config->server.public_url, "://") + 3;
	struct visit v = visit_of(rq);
	const char *uri, *secret;
	struct user *u;
	enum err e = account_user(rq, &u);

	if (e != OK)
		return e;
	rs->extra = json_obj(rs);
	json_set_bool(rs->extra, "on", u->totp_secret != NULL);
	json_set_bool(rs->extra, "has_password", u->password_hash != NULL);
	if (u->totp_secret || !u->password_hash)
		return OK;
	secret = secret_of(rq);
	uri = second_factor_uri(rs, host, u->email, secret);
	json_set_text(rs->extra, "setup",
	    second_factor_seal(&v, rs, rq->caller->session_id, secret));
	json_set_text(rs->extra, "groups", in_groups(rs, secret));
	set_qr(rs, uri);
	return OK;
}

/* The codes are shown once, so the page is the answer itself. */
static enum err show_codes(struct request *rq, struct response *rs,
    const struct second_factor_new *n)
{
	struct json_object *all = json_arr(rs);

	for (int i = 0; i < RECOVERY_CODES; i++)
		json_push_text(all, n->codes[i]);
	rs->extra = json_obj(rs);
	json_set(rs->extra, "codes", all);
	json_set_text(rs->extra, "public_url", rq->app->config->server.public_url);
	json_set_text(rs->extra, "email", rq->caller->email);
	rs->page = "account/codes";
	return OK;
}

static enum err limited(struct request *rq, struct response *rs, enum err e, int wait)
{
	const char *why = form_error(rq->form, "current_password");

	if (e != ERR_LIMITED)
		return e;
	rs->retry_after = wait;
	return respond_error(rs, e, "%s", why ? why : form_error(rq->form, "code"));
}

static enum err nothing_done(struct request *rq, struct response *rs, const char *to)
{
	audit_nothing(rq);
	return respond_seen(rs, NULL, "%s", to);
}

enum err second_factor_on(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	struct second_factor_new n = { 0 };
	char *secret;
	struct user *u;
	enum err e = account_user(rq, &u);

	if (e != OK)
		return e;
	if (u->totp_secret || !u->password_hash)
		return nothing_done(rq, rs, "/account/second-factor");
	if (second_factor_unseal(&v, rq, rq->caller->session_id,
		form_text(rq->form, "setup", 0, 1000), &secret) != OK)
		return form_fail(rq->form, "code",
		    "The page was too old; this is a new secret. Scan it again.");
	n.secret = secret;
	e = second_factor_enable(&v, rq, u, rq->form, &n);
	if (e == OK)
		e = enter_again(rq, rs);
	if (e != OK)
		return limited(rq, rs, e, n.retry_after);
	audit(rq, "user.second_factor_on", u->id, NULL);
	notice_later(rq, rs, u, "Your second factor is on",
	    "From now on, signing in with your password takes a code of your "
	    "authenticator too.");
	return show_codes(rq, rs, &n);
}

enum err second_factor_off(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	int wait = 0;
	struct user *u;
	enum err e = account_user(rq, &u);

	if (e != OK)
		return e;
	if (!u->totp_secret)
		return nothing_done(rq, rs, "/account");
	e = second_factor_disable(&v, rq, u, rq->form, &wait);
	if (e == OK)
		e = enter_again(rq, rs);
	if (e != OK)
		return limited(rq, rs, e, wait);
	audit(rq, "user.second_factor_off", u->id, NULL);
	notice_later(rq, rs, u, "Your second factor is off",
	    "From now on, your password alone is enough to sign in.");
	respond_flash(rs, "The second factor is off.");
	return respond_seen(rs, NULL, "/account");
}

enum err second_factor_codes(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	struct second_factor_new n = { 0 };
	struct user *u;
	enum err e = account_user(rq, &u);

	if (e != OK)
		return e;
	if (!u->totp_secret)
		return nothing_done(rq, rs, "/account/second-factor");
	e = second_factor_recover(&v, rq, u, rq->form, &n);
	if (e != OK)
		return limited(rq, rs, e, n.retry_after);
	audit(rq, "user.recovery_codes", u->id, NULL);
	return show_codes(rq, rs, &n);
}
