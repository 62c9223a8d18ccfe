#include "web/outbox.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/user.h"
#include "repo/campaign.h"
#include "repo/outbox.h"
#include "repo/provider.h"
#include "send/mime.h"
#include "web/campaign.h"
#include "web/frame.h"

enum { PAGE_ROWS = 30, SEARCH_MAX = 254 };

/* Keys never see the installation's own mails, nor does anybody but its administrators.
 */
static struct outbox_view view_of(const struct request *rq)
{
	return (struct outbox_view){
		.brand = rq->args[0],
		.system = rq->caller->admin && rq->caller->session_id,
	};
}

/* The text in one line, for a list. */
static const char *one_line(void *mem, const char *text)
{
	struct buf *b = buf_new(mem);

	for (; *text != '\0'; text++) {
		bool blank = strchr(" \t\r\n", *text) != NULL;

		if (!blank)
			buf_char(b, *text);
		else if (b->len > 0 && b->data[b->len - 1] != ' ')
			buf_char(b, ' ');
	}
	return b->data;
}

static struct json_object *line_json(void *mem, const struct outbox_message *m)
{
	struct json_object *o = json_obj(mem);

	json_set_int(o, "id", m->id);
	json_set_text(o, "kind", m->kind);
	json_set_text(o, "from", m->from_header);
	json_set_text(o, "to", m->to_email);
	json_set_text(o, "subject", m->subject);
	json_set_text(o, "text", m->text);
	json_set_int(o, "campaign_id", m->campaign_id);
	json_set_text(o, "campaign", m->campaign_name);
	json_set_int(o, "subscriber_id", m->subscriber_id);
	json_set_time(o, "created_at", m->created_at);
	return o;
}

/* ---- the list ---- */

static enum err index_extra(struct request *rq, struct response *rs,
    const struct outbox_filter *f)
{
	struct provider_settings *ps;
	struct outbox_view v = view_of(rq);
	struct campaign *c;
	int64_t all;
	enum err e = outbox_count(rq->db, &v, &all);

	if (e == OK)
		e = provider_settings_get(rq->db, rq, rq->args[0], &ps);
	if (e != OK)
		return e;
	rs->extra = json_obj(rs);
	json_set_int(rs->extra, "all", all);
	json_set_text(rs->extra, "kind", provider_kind_word(ps->kind));
	if (f->campaign != 0) {
		e = campaign_get(rq->db, rq, rq->args[0], f->campaign, &c);
		if (e == OK)
			json_set(rs->extra, "campaign", campaign_head_json(rs, c));
	}
	return e;
}

enum err outbox_index(struct request *rq, struct response *rs)
{
	struct outbox_filter f = {
		.campaign = form_int(rq->query, "campaign", 0, INT64_MAX, 0),
		.search = form_text(rq->query, "q", 0, SEARCH_MAX),
		.before = form_int(rq->query, "cursor", 0, INT64_MAX, 0),
		.limit = page_limit(rq, rq->api ? 50 : PAGE_ROWS) + 1,
	};
	struct outbox_view v = view_of(rq);
	struct json_object *o = json_obj(rs), *items = json_arr(rs);
	struct outbox_message *m;
	const char *next = NULL;
	size_t i, n;
	enum err e = outbox_page(rq->db, rq, &v, &f, &m, &n);

	if (e == OK && !rq->api)
		e = index_extra(rq, rs, &f);
	if (e != OK)
		return e;
	if (n == (size_t)f.limit) {
		n--;
		next = mem_printf(rs, "%lld", (long long)m[n - 1].id);
	}
	for (i = 0; i < n; i++) {
		m[i].text = one_line(rs, m[i].text);
		json_push(items, line_json(rs, &m[i]));
	}
	json_set(o, "items", items);
	json_set_text(o, "next_cursor", next);
	return respond(rs, o);
}

/* ---- one message ---- */

static enum err find(struct request *rq, struct outbox_message **out)
{
	struct outbox_view v = view_of(rq);

	return outbox_get(rq->db, rq, &v, rq->args[1], out);
}

/* [[name, value]] as [{name, value}], which templates can walk. */
static struct json_object *headers_json(void *mem, const char *text)
{
	struct json_object *all = json_arr(mem), *in;
	const char *why;
	size_t i;

	if (json_read(mem, text, strlen(text), &in, &why) != OK ||
	    !json_object_is_type(in, json_type_array))
		return all;
	for (i = 0; i < json_object_array_length(in); i++) {
		struct json_object *pair = json_object_array_get_idx(in, i),
				   *o = json_obj(mem);

		if (!json_object_is_type(pair, json_type_array) ||
		    json_object_array_length(pair) != 2)
			continue;
		json_set(o, "name", json_object_array_get_idx(pair, 0));
		json_set(o, "value", json_object_array_get_idx(pair, 1));
		json_push(all, o);
	}
	return all;
}

enum err outbox_show(struct request *rq, struct response *rs)
{
	static const char *const views[] = { "html", "text", "headers", "raw", NULL };
	int view = form_choice(rq->query, "view", views, 0);
	struct outbox_view v = view_of(rq);
	struct outbox_message *m;
	int64_t newer, older;
	struct json_object *o;
	enum err e = find(rq, &m);

	if (e == OK)
		e = outbox_beside(rq->db, &v, m->id, &newer, &older);
	if (e != OK)
		return e;
	o = line_json(rs, m);
	json_set_text(o, "html", m->html);
	json_set(o, "headers", headers_json(rs, m->headers));
	rs->extra = json_obj(rs);
	if (view == 0 && text_empty(m->html))
		view = 1;
	json_set_text(rs->extra, "view", views[view]);
	json_set_int(rs->extra, "newer", newer);
	json_set_int(rs->extra, "older", older);
	if (view == 3)
		json_set_text(rs->extra, "raw", mime_message(rs, m));
	return respond(rs, o);
}

enum err outbox_html(struct request *rq, struct response *rs)
{
	struct outbox_message *m;
	enum err e = find(rq, &m);

	return e == OK ? respond_frame(rs, m->html) : e;
}

enum err outbox_raw(struct request *rq, struct response *rs)
{
	struct outbox_message *m;
	const char *raw;
	enum err e = find(rq, &m);

	if (e != OK)
		return e;
	raw = mime_message(rs, m);
	response_header(rs, "Content-Disposition",
	    "attachment; filename=message-%lld.eml", (long long)m->id);
	return respond_body(rs, "message/rfc822", raw, strlen(raw));
}
