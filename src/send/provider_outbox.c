#include "send/provider.h"

#include "base/json.h"
#include "base/mem.h"
#include "repo/outbox.h"

/*
 * Keeps every message in outbox_messages instead of sending it, so that the whole
 * product works before there is an account.  One transaction for all that wait.
 */
enum { OUTBOX_ROOM = 500 };

struct outbox {
	struct provider base;
	struct outgoing *wait[OUTBOX_ROOM];
	size_t n;
};

static size_t outbox_room(struct provider *p)
{
	return OUTBOX_ROOM - ((struct outbox *)p)->n;
}

static void outbox_send(struct provider *p, struct outgoing *const *batch, size_t n)
{
	struct outbox *x = (struct outbox *)p;

	for (size_t i = 0; i < n && x->n < OUTBOX_ROOM; i++) {
		x->wait[x->n++] = batch[i];
		p->in_flight++;
	}
}

static char *headers_json(void *mem, const struct message *m)
{
	struct json_object *all = json_arr(mem);

	for (size_t i = 0; i < m->nheaders; i++) {
		struct json_object *pair = json_arr(mem);

		json_push_text(pair, m->headers[i].name);
		json_push_text(pair, m->headers[i].value);
		json_push(all, pair);
	}
	return json_write(mem, all);
}

static void add_header(struct message *m, const char *name, const char *value)
{
	if (m->nheaders < MESSAGE_HEADERS && *value)
		m->headers[m->nheaders++] = (struct mail_header){ name, value };
}

/* ERR_INVALID: this one cannot be composed; it has been handed back already. */
static enum err keep(struct outbox *x, void *mem, struct outgoing *o)
{
	struct provider *p = &x->base;
	struct message m;
	const char *why;
	struct outbox_message row;
	struct subscriber who = o->who;
	enum err e;

	who.email = o->to;
	e = content_message(o->content, mem, &who, &m, &why);
	if (e != OK) {
		provider_done(p, o, OUTCOME_REJECTED, why);
		return ERR_INVALID;
	}
	add_header(&m, "Reply-To", m.reply_to);
	row = (struct outbox_message){
		.brand_id = p->brand_id,
		.campaign_id = o->campaign_id,
		.subscriber_id = o->delivery_id ? o->who.id : 0,
		.delivery_id = o->delivery_id,
		.tries = o->delivery_id ? o->tries : 0,
		.kind = p->kind,
		.from_header = m.from,
		.to_email = o->to,
		.subject = m.subject,
		.headers = headers_json(mem, &m),
		.html = m.html,
		.text = m.text,
		.created_at = clock_now(p->app->clock),
	};
	e = outbox_insert(p->app->db, &row);
	if (e == OK)
		o->message_id = mem_printf(o, "outbox-%lld", (long long)row.id);
	return e == ERR_CONFLICT ? OK : e; /* kept before: all is well */
}

static enum err keep_all(struct outbox *x)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(x->base.app->db, &tx);

	for (size_t i = 0; e == OK && i < x->n; i++) {
		MEM_SCOPE void *tmp = mem_scope(x, "message");

		e = keep(x, tmp, x->wait[i]);
		if (e == ERR_INVALID) {
			x->wait[i] = NULL;
			e = OK;
		}
	}
	return e == OK ? tx_commit(&tx) : e;
}

static void outbox_step(struct provider *p, int timeout_ms)
{
	struct outbox *x = (struct outbox *)p;
	enum err e;

	(void)timeout_ms;
	if (!x->n)
		return;
	e = keep_all(x);
	for (size_t i = 0; i < x->n; i++) {
		if (!x->wait[i])
			continue;
		if (e == OK)
			provider_done(p, x->wait[i], OUTCOME_ACCEPTED, NULL);
		else if (e == ERR_FULL)
			provider_done(p, x->wait[i], OUTCOME_STOP, "The disk is full.");
		else
			provider_done(p, x->wait[i], OUTCOME_LATER,
			    "The outbox could not be written.");
	}
	x->n = 0;
}

static void outbox_quit(struct provider *p)
{
	outbox_step(p, 0);
}

static const struct provider_ops ops = {
	.name = "outbox",
	.room = outbox_room,
	.send = outbox_send,
	.step = outbox_step,
	.quit = outbox_quit,
};

enum err provider_outbox_open(void *mem, struct app *app,
    const struct provider_settings *ps, struct provider **out, const char **why)
{
	struct outbox *x = mem_new(mem, struct outbox);

	(void)why;
	x->base =
	    (struct provider){ .ops = &ops, .app = app, .brand_id = ps->brand_id };
	*out = &x->base;
	return OK;
}
