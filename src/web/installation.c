#include "web/installation.h"

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "repo/brand.h"
#include "repo/user.h"
#include "send/system_mail.h"
#include "service/system_sender.h"
#include "web/access.h"

static void push_choice(void *mem, struct json_object *all, const char *value,
    const char *label)
{
	struct json_object *o = json_obj(mem);

	json_set_text(o, "value", value);
	json_set_text(o, "label", label);
	json_push(all, o);
}

/* The brands that could send, for the form. */
static enum err set_brands(struct request *rq, struct response *rs)
{
	struct json_object *all = json_arr(rs);
	struct brand *b;
	size_t n;
	enum err e = brand_list(rq->db, rq, 0, &b, &n);

	push_choice(rs, all, "0", "The oldest brand with a sender’s address");
	for (size_t i = 0; e == OK && i < n; i++)
		push_choice(rs, all, mem_printf(rs, "%lld", (long long)b[i].id),
		    b[i].name);
	rs->extra = json_obj(rs);
	json_set(rs->extra, "choices", all);
	return e;
}

static enum err sender_json(struct request *rq, struct json_object *o)
{
	struct system_sender s;
	enum err e = system_sender_find(rq->db, rq, &s);

	if (e != OK && e != ERR_NOTFOUND)
		return e;
	json_set_bool(o, "can_send", e == OK);
	if (e != OK)
		return OK;
	json_set_int(o, "brand_id", s.brand->id);
	json_set_text(o, "brand", s.brand->name);
	json_set_text(o, "from", system_mail_from(rq->app, s.brand));
	json_set_bool(o, "chosen", s.chosen);
	json_set_bool(o, "outbox", s.outbox);
	return OK;
}

enum err installation_show(struct request *rq, struct response *rs)
{
	struct json_object *o = json_obj(rs), *mail = json_obj(rs);
	enum err e = sender_json(rq, mail);

	if (e == OK && !rq->api)
		e = set_brands(rq, rs);
	if (e != OK)
		return e;
	json_set(o, "system_mail", mail);
	return respond(rs, o);
}

enum err installation_update(struct request *rq, struct response *rs)
{
	struct json_object *o = json_obj(rq);
	enum err e = system_sender_choose(rq->db, rq, rq->form, rq->now);

	if (e == OK)
		e = sender_json(rq, o);
	if (e != OK)
		return e;
	audit(rq, "installation.update", 0, o);
	if (rq->api)
		return installation_show(rq, rs);
	respond_flash(rs, "The settings were saved.");
	return respond_seen(rs, NULL, "/installation");
}

enum err installation_test(struct request *rq, struct response *rs)
{
	struct system_mail m = {
		.template = "mail/test",
		.subject = "A test of this server’s own mail",
		.data = json_obj(rq),
	};
	const char *why = NULL;
	struct user *u;
	enum err e = user_get(rq->db, rq, rq->caller->user_id, &u);

	if (e != OK)
		return e;
	m.to = u->email;
	e = system_mail_send(rq->app, rq, &m, &why);
	if (e == ERR_NOTFOUND || e == ERR_IO)
		return form_fail(rq->form, "system_brand", "%s", why);
	if (e != OK)
		return e;
	audit(rq, "installation.test_mail", u->id, NULL);
	respond_flash(rs, "The test is on its way to %s.", u->email);
	return respond_seen(rs, NULL, "/installation");
}
