#include "send/content.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/token.h"
#include "send/link.h"
#include "view/html.h"

char *unsubscribe_url(void *mem, const char *public_url, const struct keyring *k,
    int64_t campaign, int64_t subscriber)
{
	struct token t = { .purpose = TOKEN_UNSUBSCRIBE,
		.campaign = campaign,
		.subscriber = subscriber };
	char text[TOKEN_MAX];

	token_write(k, &t, text);
	return mem_printf(mem, "%s/u/%s", public_url, text);
}

/* One line: line breaks of a postal address become commas. */
static char *one_line(void *mem, const char *s)
{
	struct buf *b = buf_new(mem);

	for (; s && *s; s++) {
		if (*s != '\n' && *s != '\r')
			buf_char(b, *s);
		else if (b->len && b->data[b->len - 1] != ' ')
			buf_str(b, ", ");
	}
	return b->data;
}

/* To a template an empty value is one that is not there: {% if first_name %}. */
static void add_text(struct json_object *o, const char *key, const char *text)
{
	if (!text_empty(text))
		json_set_text(o, key, text);
}

static bool is_empty(struct json_object *value)
{
	return !value ||
	    (json_object_is_type(value, json_type_string) &&
		json_object_get_string_len(value) == 0);
}

static bool has_empty(struct json_object *custom)
{
	json_object_object_foreach (custom, key, value) {
		(void)key;
		if (is_empty(value))
			return true;
	}
	return false;
}

static struct json_object *without_empty(void *mem, struct json_object *custom)
{
	struct json_object *o = json_obj(mem);

	json_object_object_foreach (custom, key, value)
		if (!is_empty(value))
			json_set(o, key, value);
	return o;
}

static void add_custom(void *mem, struct json_object *data, struct json_object *custom)
{
	if (has_empty(custom))
		custom = without_empty(mem, custom);
	json_set(data, "fields", custom);
	json_object_object_foreach (custom, key, value)
		if (!json_object_object_get_ex(data, key, NULL))
			json_set(data, key, value);
}

struct json_object *merge_data(void *mem, const struct subscriber *s,
    const struct brand *b, const char *campaign_name, const char *unsubscribe)
{
	struct json_object *o = json_obj(mem);

	json_set_text(o, "email", s->email);
	add_text(o, "first_name", s->first_name);
	add_text(o, "last_name", s->last_name);
	json_set_text(o, "unsubscribe_url", unsubscribe);
	add_text(o, "postal_address", one_line(mem, b->postal_address));
	json_set_text(o, "brand_name", b->name);
	json_set_text(o, "campaign_name", campaign_name);
	json_set(o, "tags", s->tags ? s->tags : json_arr(mem));
	if (s->custom)
		add_custom(mem, o, s->custom);
	return o;
}

/* {public_url}/t/o/{token}, for example. */
static void put_address(const struct content *c, const char *path,
    const struct token *t, struct buf *out)
{
	char text[TOKEN_MAX];
	int n = token_sign(c->signer, t, text);

	buf_str(out, c->public_url);
	buf_str(out, path);
	buf_add(out, text, (size_t)n);
}

void fill_begin(struct fill *f, const struct content *c, void *mem,
    const struct subscriber *who)
{
	struct buf *b = buf_new(mem);
	struct token t = { .purpose = TOKEN_UNSUBSCRIBE };

	*f = (struct fill){ .c = c, .mem = mem, .who = who };
	f->tmp = buf_new(mem);
	f->address = buf_new(mem);
	if (c->mode == COMPOSE_SEND) {
		t.campaign = c->campaign_id;
		t.subscriber = who->id;
	}
	if (c->mode == COMPOSE_PREVIEW)
		buf_str(b, "#unsubscribe");
	else
		put_address(c, "/u/", &t, b);
	f->unsubscribe = b->data;
}

static struct json_object *data_of(struct fill *f)
{
	if (f->data)
		return f->data;
	f->data = merge_data(f->mem, f->who, &f->c->brand, f->c->campaign_name,
	    f->unsubscribe);
	add_text(f->data, "now", f->c->now_text);
	add_text(f->data, "today", f->c->today);
	return f->data;
}

static void put_token(struct fill *f, enum token_purpose purpose, int link,
    struct buf *out)
{
	struct token t = {
		.purpose = purpose,
		.campaign = f->c->campaign_id,
		.subscriber = f->who->id,
		.link = link,
	};

	put_address(f->c, purpose == TOKEN_OPEN ? "/t/o/" : "/t/c/", &t, out);
}

/* ---- addresses with values ---- */

static void put_text(enum part_id part, const char *s, struct buf *out)
{
	if (part == PART_HTML)
		html_escape(out, s, strlen(s));
	else
		buf_str(out, s);
}

/* The signed address that leads to this one for ever, or the address itself. */
static void put_tracked(struct fill *f, int number, const char *stored,
    const char *address, struct buf *out)
{
	struct token t = {
		.purpose = TOKEN_CLICK,
		.campaign = f->c->campaign_id,
		.subscriber = f->who->id,
		.link = number,
	};

	link_cut(stored, address, &t);
	if (f->plain || t.length > TOKEN_BETWEEN_MAX)
		put_text(PART_HTML, address, out);
	else
		put_address(f->c, "/t/c/", &t, out);
}

/* What is in no way an address of the web is told by the checklist. */
static void put_other(enum part_id part, const char *s, struct buf *out)
{
	static const char *const good[] = { "mailto:", "tel:", "sms:", "#" };

	while (*s && (unsigned char)*s <= ' ')
		s++;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (part == PART_TEXT ||
		    strncasecmp(s, good[i], strlen(good[i])) == 0) {
			put_text(part, s, out);
			return;
		}
	buf_char(out, '#');
}

/* f->address is a rendered address of link `number`, as it is stored. */
static void put_link(struct fill *f, enum part_id part, int number, const char *stored,
    struct buf *out)
{
	char *ascii = link_ascii(f->mem, f->address->data);

	if (!ascii)
		put_other(part, f->address->data, out);
	else if (number && stored && part == PART_HTML)
		put_tracked(f, number, stored, ascii, out);
	else
		put_text(part, ascii, out);
}

static enum err put_pieces(struct fill *f, enum part_id part, const struct piece *p,
    struct buf *out)
{
	enum err e = OK;

	buf_reset(f->address);
	buf_char(f->address, LIQUID_ADDRESS);
	for (size_t i = 0; e == OK && i < p->ninner; i++)
		e = fill_piece(f, part, &p->inner[i], f->address);
	if (e == OK)
		put_link(f, part, p->n, p->text, out);
	return e;
}

/* The address at s, up to `end`, with its marks; the bytes read. */
static size_t put_marked_link(struct fill *f, enum part_id part, const char *s,
    const char *end, struct buf *out)
{
	const char *close = memchr(s, LIQUID_ADDRESS_END, (size_t)(end - s)), *behind;
	int number;

	behind = close
	    ? memchr(close + 1, LIQUID_ADDRESS_END, (size_t)(end - close - 1))
	    : NULL;
	if (!behind)
		return 1;
	number = (int)strtol(close + 1, NULL, 10);
	buf_reset(f->address);
	buf_add(f->address, s + 1, (size_t)(close - s - 1));
	put_link(f, part, number, content_link_url(f->c, number), out);
	return (size_t)(behind - s) + 1;
}

static void put_click(struct fill *f, int link, struct buf *out)
{
	const char *url = f->plain ? content_link_url(f->c, link) : NULL;

	if (url)
		put_text(PART_HTML, url, out);
	else
		put_token(f, TOKEN_CLICK, link, out);
}

/* The mark at s, up to `end`; the bytes read. */
static size_t put_mark(struct fill *f, enum part_id part, const char *s,
    const char *end, struct buf *out)
{
	const char *close;

	if (*s == LIQUID_ADDRESS)
		return put_marked_link(f, part, s, end, out);
	if (*s == LIQUID_BRACE)
		buf_char(out, '{');
	close = *s == MARK ? memchr(s + 1, MARK, (size_t)(end - s - 1)) : NULL;
	if (!close)
		return 1;
	if (s[1] == 'c')
		put_click(f, (int)strtol(s + 2, NULL, 10), out);
	else if (s[1] == 'o')
		put_token(f, TOKEN_OPEN, 0, out);
	return (size_t)(close - s) + 1;
}

/* Replaces the marks of a rendered part; a mark that is not ours is dropped. */
static void put_marked(struct fill *f, enum part_id part, const char *s, size_t len,
    struct buf *out)
{
	static const char marks[] = { MARK, LIQUID_ADDRESS, LIQUID_ADDRESS_END,
		LIQUID_BRACE, 0 };
	const char *end = s + len, *at = s;

	while ((at += strcspn(at, marks)) < end) {
		if (*at == '\0') {
			at++;
			continue;
		}
		buf_add(out, s, (size_t)(at - s));
		at += put_mark(f, part, at, end, out);
		s = at;
	}
	buf_add(out, s, (size_t)(end - s));
}

static enum err put_whole(struct fill *f, enum part_id part, struct buf *out)
{
	struct buf *b = buf_new(f->mem);
	struct liquid_error error = { 0 };
	enum err e =
	    liquid_render(f->c->part[part].liquid, f->mem, data_of(f), b, &error);

	if (e == OK)
		put_marked(f, part, b->data, b->len, out);
	else
		f->why = mem_printf(f->mem, "Line %d: %s", error.line, error.text);
	mem_free(b);
	return e;
}

/*
 * Where the text of the template would not be a template of its own, since a tag
 * begins in what is hidden, the finished HTML is read.
 */
static enum err put_read(struct fill *f, struct buf *out)
{
	struct buf *html = buf_new(f->mem);
	enum err e;
	char *text;

	f->plain = true;
	e = fill_part(f, PART_HTML, false, html);
	f->plain = false;
	if (e != OK)
		return e;
	text = html_to_text(f->mem, html->data, html->len);
	put_marked(f, PART_TEXT, text, strlen(text), out);
	return OK;
}

enum err fill_piece(struct fill *f, enum part_id part, const struct piece *p,
    struct buf *out)
{
	struct liquid_error error = { 0 };
	enum err e = OK;

	switch (p->kind) {
	case PIECE_STATIC: buf_add(out, p->text, p->len); break;
	case PIECE_CLICK: put_click(f, p->n, out); break;
	case PIECE_READ: e = put_read(f, out); break;
	case PIECE_PIXEL: put_token(f, TOKEN_OPEN, 0, out); break;
	case PIECE_WHOLE: e = put_whole(f, part, out); break;
	case PIECE_LINK: e = put_pieces(f, part, p, out); break;
	case PIECE_VALUE:
		e = liquid_slot(f->c->part[part].liquid, f->mem, p->n, data_of(f), out,
		    &error);
		if (e != OK)
			f->why =
			    mem_printf(f->mem, "Line %d: %s", error.line, error.text);
		break;
	}
	return e;
}

enum err fill_part(struct fill *f, enum part_id part, bool json, struct buf *out)
{
	const struct part *p = &f->c->part[part];
	enum err e = OK;

	buf_reserve(out, p->size + 4096);
	for (size_t i = 0; e == OK && i < p->n; i++) {
		const struct piece *pc = &p->pieces[i];

		if (pc->kind == PIECE_STATIC) {
			buf_add(out, json ? pc->json : pc->text,
			    json ? pc->json_len : pc->len);
		} else if (!json) {
			e = fill_piece(f, part, pc, out);
		} else {
			buf_reset(f->tmp);
			e = fill_piece(f, part, pc, f->tmp);
			json_escape(out, f->tmp->data, f->tmp->len);
		}
	}
	return e;
}

size_t fill_headers(struct fill *f, struct mail_header h[MESSAGE_HEADERS])
{
	const struct content *c = f->c;
	size_t n = 0;

	if (c->mode == COMPOSE_PREVIEW)
		return 0;
	if (c->mode == COMPOSE_SYSTEM) { /* no out-of-office answers (RFC 3834) */
		h[0] = (struct mail_header){ "Auto-Submitted", "auto-generated" };
		return 1;
	}
	/* no mailto: beside it, since nothing here receives mail */
	h[n++] = (struct mail_header){ "List-Unsubscribe",
		mem_printf(f->mem, "<%s>", f->unsubscribe) };
	h[n++] = (struct mail_header){ "List-Unsubscribe-Post",
		"List-Unsubscribe=One-Click" };
	h[n++] = (struct mail_header){ "List-Id", c->list_id };
	return n;
}

/* Removes white space at both ends without looking at a merged value's inside. */
static char *trimmed(void *mem, struct buf *b)
{
	return text_trim(mem, b->data);
}

enum err content_message(const struct content *c, void *mem, const struct subscriber *s,
    struct message *out, const char **why)
{
	struct fill f;
	struct buf *part[PARTS];
	enum err e = OK;

	*why = NULL;
	fill_begin(&f, c, mem, s);
	for (int i = 0; e == OK && i < PARTS; i++) {
		part[i] = buf_new(mem);
		e = fill_part(&f, (enum part_id)i, false, part[i]);
	}
	if (e != OK) {
		*why = f.why ? f.why : "This message cannot be rendered.";
		return ERR_INVALID;
	}
	*out = (struct message){
		.from = c->from,
		.to = s->email,
		.reply_to = c->reply_to,
		.subject = trimmed(mem, part[PART_SUBJECT]),
		.html = part[PART_HTML]->data,
		.html_len = part[PART_HTML]->len,
		.text = part[PART_TEXT]->data,
		.text_len = part[PART_TEXT]->len,
	};
	out->nheaders = fill_headers(&f, out->headers);
	/* while it is being written a mail is shown without its subject */
	return c->mode == COMPOSE_PREVIEW ? message_check(out, why)
					  : message_ready(out, why);
}
