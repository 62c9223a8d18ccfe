#include "web/password_reset.h"

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "send/system_mail.h"
#include "service/password_reset.h"
#include "service/system_sender.h"
#include "web/access.h"
#include "web/notice.h"
#include "web/visit.h"

/* Says the same whoever the page is for: only what this server can do at all. */
enum err password_reset_new(struct request *rq, struct response *rs)
{
	struct system_sender from;
	enum err e = system_sender_find(rq->db, rq, &from);

	if (e != OK && e != ERR_NOTFOUND)
		return e;
	rs->extra = json_obj(rs);
	json_set_bool(rs->extra, "can_send", e == OK);
	json_set_bool(rs->extra, "outbox", e == OK && from.outbox);
	json_set_bool(rs->extra, "asked", form_has(rq->query, "asked"));
	return OK;
}

static enum err mail_link(struct request *rq, const struct user *u, const char **why)
{
	struct visit v = visit_of(rq);
	const char *base = rq->app->config->server.public_url;
	struct system_mail m = {
		.template = "mail/reset",
		.to = u->email,
		.subject = "Choose a new password",
		.data = json_obj(rq),
	};
	char *word;
	enum err e = password_reset_make(&v, rq, u->id, &word);

	if (e != OK)
		return e;
	json_set_text(m.data, "email", u->email);
	json_set_text(m.data, "link", mem_printf(rq, "%s/reset/%s", base, word));
	json_set_time(m.data, "ends_at", rq->now + RESET_LIFE_MS);
	json_set_text(m.data, "ip", rq->ip);
	return system_mail_send(rq->app, rq, &m, why);
}

/* Everything that depends on whether there is an account happens after the answer. */
static void send_link(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	const char *why = NULL;
	struct user *u;
	enum err e = password_reset_for(&v, rq, rq->form, &u);

	(void)rs;
	if (e != OK) {
		log_info(&rq->log, "reset.ignored", LOG_STR("why", err_name(e)),
		    LOG_STR("ip", rq->ip));
		return;
	}
	audit_name(rq, "user.reset_asked", u->id, u->email);
	e = mail_link(rq, u, &why);
	if (e != OK)
		log_error(&rq->log, "system_mail.failed",
		    LOG_STR("why", why ? why : err_name(e)));
}

enum err password_reset_send(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	enum err e = password_reset_ask(&v, rq, rq->form, &rs->retry_after);

	if (e == ERR_LIMITED)
		return respond_error(rs, e, "%s", form_error(rq->form, "email"));
	if (e != OK)
		return e;
	audit_nothing(rq); /* what was done is known later, and may be nothing */
	rs->later = send_link;
	return respond_seen(rs, NULL, "/forgot?asked=1");
}

static enum err dead(struct response *rs)
{
	return respond_error(rs, ERR_NOTFOUND,
	    "This link was used already, or is older than an hour. Ask for another "
	    "under “Forgot your password?” on the sign-in page.");
}

enum err password_reset_show(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	struct user *u;
	enum err e = password_reset_check(&v, rq, rq->words[0], &u);

	if (e == ERR_NOTFOUND)
		return dead(rs);
	if (e != OK)
		return e;
	rs->extra = json_obj(rs);
	json_set_text(rs->extra, "word", rq->words[0]);
	json_set_text(rs->extra, "email", u->email);
	return OK;
}

enum err password_reset_do(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	struct user *u;
	enum err e = password_reset_complete(&v, rq, rq->words[0], rq->form, &u);

	if (e == ERR_NOTFOUND)
		return dead(rs);
	if (e != OK)
		return e;
	audit_name(rq, "user.reset_password", u->id, u->email);
	notice_later(rq, rs, u, "Your password was changed",
	    "A new password was chosen through the link of a mail. Wherever you were "
	    "signed in, you were signed out.");
	respond_flash(rs, "Your password was changed. Sign in with it.");
	return respond_seen(rs, NULL, "/sign-in");
}
