#include "send/ses.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "service/address.h"

/*
 * JSON written straight into the buffer: static parts of the content are kept escaped,
 * so that per recipient only values are escaped.
 */

/* A value that is not static; numbered in the order of the template. */
struct var {
	enum part_id part;
	const struct piece *piece;
};

struct ses_template {
	const struct content *content;
	struct buf *part[PARTS]; /* as inside a JSON string, with {{vN}} */
	struct var *vars;
	size_t nvars;
	bool open, close, slash; /* {{x0}} "{", {{x1}} "}", {{x2}} "\" are used */
};

static void put_text(struct buf *b, const char *s)
{
	buf_char(b, '"');
	json_escape(b, s, strlen(s));
	buf_char(b, '"');
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

/* ---- parts common to both calls ---- */
static void put_sender(const struct ses_writer *w, const struct content *c,
    struct buf *b)
{
	buf_str(b, "{\"FromEmailAddress\":");
	put_text(b,
	    message_address_ascii(w->mem, c->from_name,
		address_wire(w->mem, c->from_email)));
	if (*c->reply_to) {
		buf_str(b, ",\"ReplyToAddresses\":[");
		put_text(b, address_wire(w->mem, c->reply_to));
		buf_char(b, ']');
	}
}

/* ,"key": */
static void put_key(struct buf *b, const char *key)
{
	buf_str(b, ",\"");
	buf_str(b, key);
	buf_str(b, "\":");
}

static void put_headers(struct buf *b, const char *key, const struct mail_header *h,
    size_t n)
{
	put_key(b, key);
	buf_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		buf_str(b, i ? ",{\"Name\":" : "{\"Name\":");
		put_text(b, h[i].name);
		buf_str(b, ",\"Value\":");
		put_text(b, h[i].value);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

static void put_tags(struct buf *b, const char *key, const struct outgoing *o)
{
	if (!o->delivery_id)
		return;
	put_key(b, key);
	buf_str(b, "[{\"Name\":\"maillayer_delivery\",\"Value\":\"");
	buf_int(b, o->delivery_id);
	buf_char(b, '-');
	buf_int(b, o->tries);
	buf_str(b, "\"},{\"Name\":\"maillayer_campaign\",\"Value\":\"");
	buf_int(b, o->campaign_id);
	buf_str(b, "\"}]");
}

/* Checks what becomes a header; the subject as rendered is left in *subject. */
static enum err prepare(const struct ses_writer *w, struct outgoing *o, struct fill *f,
    struct message *m, const char **why)
{
	struct buf *subject = buf_new(w->mem);

	fill_begin(f, o->content, w->mem, &o->who);
	if (fill_part(f, PART_SUBJECT, false, subject) != OK) {
		*why = f->why;
		return ERR_INVALID;
	}
	*m = (struct message){
		.from = o->content->from,
		.reply_to = o->content->reply_to,
		.to = address_wire(w->mem, o->to),
		.subject = text_trim(w->mem, subject->data),
	};
	m->nheaders = fill_headers(f, m->headers);
	if (!is_ascii(m->to)) {
		*why = "Amazon SES cannot send to an address with such letters.";
		return ERR_INVALID;
	}
	return message_ready(m, why);
}

/* ---- SendEmail ---- */
enum err ses_single(const struct ses_writer *w, struct outgoing *o, struct buf *b,
    const char **why)
{
	struct fill f;
	struct message m;
	enum err e = prepare(w, o, &f, &m, why);

	if (e != OK)
		return e;
	put_sender(w, o->content, b);
	buf_str(b, ",\"Destination\":{\"ToAddresses\":[");
	put_text(b, m.to);
	buf_str(b,
	    "]},\"Content\":{\"Simple\":{\"Subject\":{\"Charset\":\"UTF-8\",\"Data\":");
	put_text(b, m.subject);
	buf_str(b, "},\"Body\":{\"Text\":{\"Charset\":\"UTF-8\",\"Data\":\"");
	e = fill_part(&f, PART_TEXT, true, b);
	if (e == OK && o->content->has_html) {
		buf_str(b, "\"},\"Html\":{\"Charset\":\"UTF-8\",\"Data\":\"");
		e = fill_part(&f, PART_HTML, true, b);
	}
	buf_str(b, "\"}}");
	put_headers(b, "Headers", m.headers, m.nheaders);
	buf_str(b, "}}");
	put_tags(b, "EmailTags", o);
	if (!text_empty(w->configuration_set)) {
		buf_str(b, ",\"ConfigurationSetName\":");
		put_text(b, w->configuration_set);
	}
	buf_char(b, '}');
	*why = f.why;
	return e == OK ? OK : ERR_INVALID;
}

/* ---- SendBulkEmail: the template ---- */

/*
 * Static text goes into SES's template language, where {{ opens a variable, a backslash
 * before it quotes it, and } behind one could be taken for its end.  What could be
 * misread becomes a variable itself.
 */
static void put_static(struct ses_template *t, const struct piece *p, bool after,
    bool before, struct buf *b)
{
	for (size_t i = 0; i < p->len; i++) {
		char c = p->text[i], next = i + 1 < p->len ? p->text[i + 1] : 0;
		bool last = i + 1 == p->len;

		if (c == '{' &&
		    (next == '{' || (i && p->text[i - 1] == '{') || (last && before))) {
			buf_str(b, "{{x0}}");
			t->open = true;
		} else if (c == '}' && i == 0 && after) {
			buf_str(b, "{{x1}}");
			t->close = true;
		} else if (c == '\\' && ((last && before) || next == '{')) {
			buf_str(b, "{{x2}}");
			t->slash = true;
		} else {
			buf_char(b, c);
		}
	}
}

static void put_part(struct ses_template *t, enum part_id id)
{
	const struct part *p = &t->content->part[id];
	struct buf *raw = buf_new(t);

	for (size_t i = 0; i < p->n; i++) {
		if (p->pieces[i].kind == PIECE_STATIC) {
			put_static(t, &p->pieces[i], i > 0, i + 1 < p->n, raw);
			continue;
		}
		buf_printf(raw, "{{v%zu}}", t->nvars);
		t->vars = mem_resize(t, t->vars, (t->nvars + 1) * sizeof(*t->vars));
		t->vars[t->nvars++] = (struct var){ id, &p->pieces[i] };
	}
	t->part[id] = buf_new(t);
	json_escape(t->part[id], raw->data, raw->len);
	mem_free(raw);
}

struct ses_template *ses_template_new(void *mem, const struct content *c)
{
	struct ses_template *t = mem_new(mem, struct ses_template);
	size_t size = 0;

	t->content = c;
	for (int i = 0; i < PARTS; i++) {
		put_part(t, (enum part_id)i);
		size += t->part[i]->len;
	}
	if (size <= SES_TEMPLATE_MAX)
		return t;
	mem_free(t);
	return NULL;
}

/* ---- SendBulkEmail: the call ---- */
void ses_bulk_begin(const struct ses_writer *w, const struct ses_template *t,
    struct buf *b)
{
	put_sender(w, t->content, b);
	buf_str(b,
	    ",\"DefaultContent\":{\"Template\":{\"TemplateContent\":{\"Subject\":\"");
	buf_add(b, t->part[PART_SUBJECT]->data, t->part[PART_SUBJECT]->len);
	buf_str(b, "\",\"Text\":\"");
	buf_add(b, t->part[PART_TEXT]->data, t->part[PART_TEXT]->len);
	if (t->content->has_html) {
		buf_str(b, "\",\"Html\":\"");
		buf_add(b, t->part[PART_HTML]->data, t->part[PART_HTML]->len);
	}
	buf_str(b, "\"},\"TemplateData\":\"{}\"}},\"BulkEmailEntries\":[");
}

/* "key":" */
static void put_name(struct buf *data, char kind, size_t n)
{
	buf_str(data, data->len > 1 ? ",\"" : "\"");
	buf_char(data, kind);
	buf_int(data, (int64_t)n);
	buf_str(data, "\":\"");
}

static void put_extra(struct buf *data, bool used, size_t n, const char *rest)
{
	if (!used)
		return;
	put_name(data, 'x', n);
	buf_str(data, rest);
}

static enum err put_data(struct fill *f, const struct ses_template *t, struct buf *data)
{
	struct buf *value = buf_new(f->mem);
	enum err e = OK;

	buf_reserve(data, t->nvars * 128);
	buf_char(data, '{');
	for (size_t i = 0; e == OK && i < t->nvars; i++) {
		buf_reset(value);
		e = fill_piece(f, t->vars[i].part, t->vars[i].piece, value);
		put_name(data, 'v', i);
		json_escape(data, value->data, value->len);
		buf_char(data, '"');
	}
	put_extra(data, t->open, 0, "{\"");
	put_extra(data, t->close, 1, "}\"");
	put_extra(data, t->slash, 2, "\\\\\"");
	buf_char(data, '}');
	return e;
}

enum err ses_bulk_entry(const struct ses_writer *w, const struct ses_template *t,
    struct outgoing *o, bool first, struct buf *b, const char **why)
{
	struct fill f;
	struct message m;
	struct buf *data = buf_new(w->mem);
	enum err e = prepare(w, o, &f, &m, why);

	if (e == OK) {
		e = put_data(&f, t, data);
		*why = f.why;
	}
	if (e != OK)
		return ERR_INVALID;
	if (data->len > SES_DATA_MAX)
		return ERR_TOO_LARGE;
	buf_str(b,
	    first ? "{\"Destination\":{\"ToAddresses\":["
		  : ",{\"Destination\":{\"ToAddresses\":[");
	put_text(b, m.to);
	buf_str(b,
	    "]},\"ReplacementEmailContent\":{\"ReplacementTemplate\":{"
	    "\"ReplacementTemplateData\":\"");
	json_escape(b, data->data, data->len);
	buf_str(b, "\"}}");
	put_headers(b, "ReplacementHeaders", m.headers, m.nheaders);
	put_tags(b, "ReplacementTags", o);
	buf_char(b, '}');
	return OK;
}

void ses_bulk_end(const struct ses_writer *w, struct buf *b)
{
	buf_char(b, ']');
	if (!text_empty(w->configuration_set)) {
		buf_str(b, ",\"ConfigurationSetName\":");
		put_text(b, w->configuration_set);
	}
	buf_char(b, '}');
}
