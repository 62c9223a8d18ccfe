#include "web/notice.h"

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "send/system_mail.h"

static void send_notice(struct request *rq, struct response *rs)
{
	const struct system_mail *m = rs->for_later;
	const char *why = NULL;
	enum err e = system_mail_send(rq->app, rq, m, &why);

	if (e != OK && e != ERR_NOTFOUND)
		log_warn(&rq->log, "system_mail.failed", LOG_STR("why", why));
}

void notice_later(struct request *rq, struct response *rs, const struct user *u,
    const char *subject, const char *what)
{
	struct system_mail *m = mem_new(rq, struct system_mail);

	*m = (struct system_mail){
		.template = "mail/account_changed",
		.to = u->email,
		.subject = subject,
		.data = json_obj(rq),
	};
	json_set_text(m->data, "email", u->email);
	json_set_text(m->data, "what", what);
	json_set_text(m->data, "ip", rq->ip);
	json_set_time(m->data, "at", rq->now);
	json_set_text(m->data, "link",
	    mem_printf(rq, "%s/forgot", rq->app->config->server.public_url));
	rs->for_later = m;
	rs->later = send_notice;
}
