#include "send/system_mail.h"

#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/campaign.h"
#include "send/content.h"
#include "send/provider.h"
#include "service/system_sender.h"
#include "view/html.h"

enum { TRIES = 3, TRY_MS = 8000, STEP_MS = 50, PAUSE_MS = 400 };

/* ---- the mail as a content without anything to fill in ---- */

static void put_part(struct content *c, enum part_id id, const char *s, size_t len)
{
	struct piece *p = mem_new(c, struct piece);
	struct buf *json = buf_new(c);

	json_escape(json, s, len);
	*p = (struct piece){
		.kind = PIECE_STATIC,
		.text = mem_strn(c, s, len),
		.len = len,
		.json = json->data,
		.json_len = json->len,
	};
	c->part[id] = (struct part){ .pieces = p, .n = 1, .size = json->len };
}

/* At most SUBJECT_MAX characters, cut between two. */
static const char *fit_subject(void *mem, const char *s)
{
	size_t n = 0;

	for (int chars = 0; s[n] && chars < SUBJECT_MAX; chars++) {
		n++;
		while (((unsigned char)s[n] & 0xc0) == 0x80)
			n++;
	}
	return mem_strn(mem, s, n);
}

const char *system_mail_from(const struct app *app, const struct brand *b)
{
	const char *own = app->config->mail.system_from;

	return text_empty(own) ? b->from_email : own;
}

static struct content *content_of(struct app *app, void *mem, const struct brand *b,
    const struct system_mail *m, const struct buf *html)
{
	struct content *c = mem_new(mem, struct content);
	const char *subject = fit_subject(c, m->subject);
	const char *text = html_to_text(c, html->data, html->len);

	c->mode = COMPOSE_SYSTEM;
	c->public_url = app->config->server.public_url;
	c->signer = token_signer_new(c, app->keys);
	c->brand_id = b->id;
	c->brand = *b;
	c->from_name = b->from_name ? b->from_name : "";
	c->from_email = system_mail_from(app, b);
	c->reply_to = b->reply_to ? b->reply_to : "";
	c->from = message_address(c, c->from_name, c->from_email);
	c->has_html = true;
	put_part(c, PART_SUBJECT, subject, strlen(subject));
	put_part(c, PART_HTML, html->data, html->len);
	put_part(c, PART_TEXT, text, strlen(text));
	return c;
}

static enum err render(struct app *app, void *mem, const struct system_mail *m,
    struct buf *out)
{
	json_set_text(m->data, "public_url", app->config->server.public_url);
	json_set_text(m->data, "subject", m->subject);
	return pages_render(app->pages, mem, m->template, m->data, out);
}

/* ---- on its way ---- */

static void pause_ms(int ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000L };

	nanosleep(&t, NULL);
}

static void try_once(struct provider *p, struct outgoing *o)
{
	int64_t end = clock_mono_ms() + TRY_MS;

	o->alone = true;
	p->ops->send(p, &o, 1);
	do {
		p->ops->step(p, STEP_MS);
	} while (p->in_flight && clock_mono_ms() < end);
	if (p->in_flight)
		p->ops->quit(p);
	while (provider_take(p))
		;
}

static bool may_help(enum outcome o)
{
	return o == OUTCOME_RETRY || o == OUTCOME_LATER || o == OUTCOME_SLOW ||
	    o == OUTCOME_DOUBT;
}

static enum err deliver(struct provider *p, struct outgoing *o, const char **why)
{
	for (int i = 0; i < TRIES; i++) {
		o->outcome = OUTCOME_NONE;
		try_once(p, o);
		if (o->outcome == OUTCOME_ACCEPTED)
			return OK;
		if (!may_help(o->outcome))
			break;
		pause_ms(PAUSE_MS);
	}
	*why = text_empty(o->reason) ? "The mail was not sent." : o->reason;
	return ERR_IO;
}

static enum err check(const struct system_mail *m, const char **why)
{
	struct message probe = { .from = "",
		.to = m->to,
		.reply_to = "",
		.subject = m->subject };

	if (!text_empty(m->subject))
		return message_check(&probe, why);
	*why = "The mail has no subject.";
	return ERR_INVALID;
}

enum err system_mail_send(struct app *app, void *mem, const struct system_mail *m,
    const char **why)
{
	struct buf *html = buf_new(mem);
	struct system_sender from;
	struct outgoing *o = mem_new(mem, struct outgoing);
	struct provider *p;
	enum err e = check(m, why);

	if (e != OK)
		return e;
	*why = "No brand is set up to send this server’s own mails.";
	e = system_sender_find(app->db, mem, &from);
	if (e == OK)
		e = provider_open(mem, app, from.brand, "system", &p, why);
	if (e == ERR_INVALID)
		return ERR_IO;
	if (e == OK) {
		*why = "The mail could not be made.";
		e = render(app, mem, m, html);
	}
	if (e != OK)
		return e;
	o->content = content_of(app, mem, from.brand, m, html);
	o->to = m->to;
	o->who = (struct subscriber){ .email = m->to, .email_key = m->to };
	return deliver(p, o, why);
}
