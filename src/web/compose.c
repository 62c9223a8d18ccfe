#include "web/compose.h"

#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/field.h"
#include "repo/list.h"
#include "repo/subscriber.h"
#include "service/field.h"
#include "service/list.h"
#include "service/reach.h"
#include "web/access.h"
#include "web/campaign.h"
#include "web/frame.h"

enum { PEOPLE_SHOWN = 20, EDITS_S = 600 };

/* A draft, or the page of what it has become. */
static enum err find_of(struct request *rq, struct response *rs, unsigned statuses,
    struct campaign **out)
{
	enum err e = campaign_find(rq, out);

	if (e != OK || (statuses & 1u << (*out)->status))
		return e;
	if (rq->api)
		return OK;
	return respond_seen(rs, NULL, "/brands/%lld/campaigns/%lld",
	    (long long)(*out)->brand_id, (long long)(*out)->id);
}

static enum err find_draft(struct request *rq, struct response *rs,
    struct campaign **out)
{
	return find_of(rq, rs, 1u << CAMPAIGN_DRAFT, out);
}

/* What every step shows: the campaign and how many it would reach. */
enum err compose_fill(struct request *rq, struct response *rs, const struct campaign *c,
    const char *step)
{
	int64_t reach = 0;
	enum err e = campaign_json(rq->db, rs, c, &rs->model);

	if (e == OK)
		e = reach_measure(rq->db, rq->kv, c, &reach);
	if (e != OK)
		return e;
	json_set_int(rs->model, "reach", reach);
	rs->extra = json_obj(rs);
	json_set_text(rs->extra, "step", step);
	return OK;
}

/* ---- audience ---- */

/* How many can be reached on each list; those of big lists are remembered for a while.
 */
static enum err add_sizes(struct request *rq, int64_t brand, struct json_object *lists)
{
	enum err e = OK;
	size_t i;

	for (i = 0; e == OK && i < json_object_array_length(lists); i++) {
		struct json_object *o = json_object_array_get_idx(lists, i);
		struct list l = { .id = json_int(o, "id", 0), .brand_id = brand };

		e = list_count(rq->db, &l);
		json_set_int(o, "active", l.active);
	}
	return e;
}

enum err compose_audience(struct request *rq, struct response *rs)
{
	struct campaign *c;
	struct json_object *lists;
	enum err e = find_draft(rq, rs, &c);

	if (e != OK || rs->location != NULL)
		return e;
	e = compose_fill(rq, rs, c, "audience");
	if (e == OK)
		e = campaign_lists(rq, c, &lists);
	if (e == OK)
		e = add_sizes(rq, c->brand_id, lists);
	if (e != OK)
		return e;
	json_set(rs->extra, "lists", lists);
	return campaign_name_parent(rq, c, rs->extra);
}

/* Who saved in between, or that it is no draft any more. */
static enum err refuse_change(struct request *rq, struct response *rs,
    const struct campaign *c, enum err e)
{
	const char *why = form_error(rq->form, "version");

	if (e == ERR_CONFLICT && why != NULL)
		return respond_error(rs, e, "%s", why);
	return campaign_refuse(rq, rs, c, e);
}

enum err compose_choose(struct request *rq, struct response *rs)
{
	struct campaign *c;
	enum err e = campaign_find(rq, &c);

	if (e == OK)
		e = refuse_change(rq, rs, c,
		    campaign_change(rq->db, c, rq->now, rq->form));
	if (e != OK || rs->location != NULL)
		return e;
	audit_name(rq, "campaign.audience", c->id, c->name);
	return campaign_answer(rq, rs, c, "content");
}

enum err compose_count(struct request *rq, struct response *rs)
{
	struct campaign c = { .brand_id = rq->args[0] };
	struct json_object *o = json_obj(rs);
	int64_t reach = 0;
	enum err e;

	c.nlists = form_ids(rq->query, rq, "lists", LISTS_MAX, &c.lists);
	c.nexclude_lists =
	    form_ids(rq->query, rq, "exclude_lists", LISTS_MAX, &c.exclude_lists);
	e = reach_measure(rq->db, rq->kv, &c, &reach);
	json_set_int(o, "reach", reach);
	return e == OK ? respond(rs, o) : e;
}

/* ---- content ---- */

static enum err add_fields(struct request *rq, struct response *rs, int64_t brand)
{
	struct json_object *all = json_arr(rs);
	struct field *f;
	size_t i, n;
	enum err e = field_all(rq->db, rq, brand, &f, &n);

	for (i = 0; e == OK && i < n; i++)
		json_push(all, field_json(rs, &f[i]));
	json_set(rs->extra, "fields", all);
	return e;
}

/* Some of the brand's newest people, to preview as. */
enum err compose_people(struct request *rq, struct response *rs, int64_t brand)
{
	struct subscriber_filter f = { .brand = brand,
		.status = SUBSCRIBER_ACTIVE,
		.limit = PEOPLE_SHOWN };
	struct json_object *all = json_arr(rs);
	struct subscriber *s;
	size_t i, n;
	enum err e = subscriber_page(rq->db, rq, &f, &s, &n);

	for (i = 0; e == OK && i < n; i++) {
		struct json_object *o = json_obj(rs);
		char *name = text_trim(rq,
		    mem_printf(rq, "%s %s", s[i].first_name, s[i].last_name));

		json_set_int(o, "id", s[i].id);
		json_set_text(o, "label", name[0] != '\0' ? name : s[i].email);
		json_push(all, o);
	}
	json_set(rs->extra, "people", all);
	return e;
}

static enum err add_problems(struct request *rq, struct response *rs,
    const struct campaign *c, struct json_object *into)
{
	struct check_view v = campaign_view(rq);
	struct check *problems;
	size_t n;
	enum err e = campaign_problems(rs, &v, c, &problems, &n);

	if (e == OK)
		json_set(into, "problems", checks_json(rs, problems, n));
	return e;
}

/* A line of the campaign, the subject or the preview text, as that person sees it. */
static const char *line_for(struct request *rq, const struct campaign *c,
    const struct subscriber *s, const char *line, const char **text)
{
	struct campaign twin = *c;
	struct check_view v = campaign_view(rq);
	struct content *content;
	struct message msg;
	const char *why;

	twin.subject = line;
	if (check_compile(rq, &v, &twin, COMPOSE_PREVIEW, &content) != OK ||
	    content_message(content, rq, s, &msg, &why) != OK)
		return NULL;
	*text = msg.text;
	return msg.subject;
}

/*
 * How the preview is looked at: as whom, on what, and what their inbox says of it. The
 * form's word comes before the address's.
 */
static void add_view(struct request *rq, struct response *rs, const struct campaign *c)
{
	static const char *const shows[] = { "desktop", "phone", "text", NULL };
	struct form *f = form_has(rq->form, "show") ? rq->form : rq->query;
	int show = form_choice(f, "show", shows, 0);
	int64_t as = form_int(f, "as", 0, INT64_MAX, 0);
	struct json_object *o = json_obj(rs);
	struct subscriber *s;
	const char *text = "";

	json_set_text(o, "show", shows[show]);
	json_set_text(o, "part", show == 2 ? "text" : "html");
	json_set_int(o, "as", as);
	json_set(rs->extra, "view", o);
	if (compose_person(rq, as, &s) != OK)
		return;
	json_set_text(o, "subject", line_for(rq, c, s, c->subject, &text));
	/* without a preview text inboxes show how the mail begins */
	json_set_text(o, "snippet",
	    text_empty(c->preview_text) ? text
					: line_for(rq, c, s, c->preview_text, &text));
}

enum err compose_content(struct request *rq, struct response *rs)
{
	struct campaign *c;
	enum err e = find_of(rq, rs, 1u << CAMPAIGN_DRAFT | 1u << CAMPAIGN_PAUSED, &c);

	if (e != OK || rs->location != NULL)
		return e;
	e = compose_fill(rq, rs, c, "content");
	if (e == OK)
		e = add_problems(rq, rs, c, rs->model);
	if (e == OK)
		e = add_fields(rq, rs, c->brand_id);
	if (e == OK)
		e = compose_people(rq, rs, c->brand_id);
	if (e == OK)
		add_view(rq, rs, c);
	return e;
}

/* The status line that htmx swaps in after saving by itself. */
static enum err answer_saved(struct request *rq, struct response *rs,
    const struct campaign *c, const char *why)
{
	enum err e = compose_fill(rq, rs, c, "content");

	if (e == OK && why == NULL)
		e = add_problems(rq, rs, c, rs->model);
	if (e != OK)
		return e;
	add_view(rq, rs, c);
	/* the version seen stays: theirs must not be overwritten unseen */
	if (why != NULL) {
		json_set_text(rs->extra, "why", why);
		json_set_text(rs->extra, "seen", form_get(rq->form, "version"));
	}
	rs->page = "campaign/saved";
	return OK;
}

static const char *first_error(struct form *f)
{
	json_object_object_foreach (form_errors(f), field, sentence) {
		(void)field;
		return json_object_get_string(sentence);
	}
	return "It could not be saved.";
}

/*
 * The editor saves by itself every few seconds: of that one line in a while is enough.
 * Without memcached there may be more.
 */
static void note_edit(struct request *rq, const struct campaign *c)
{
	const char *turn = mem_printf(rq, "audit:edit:%lld:%lld", (long long)c->id,
	    (long long)rq->caller->user_id);

	if (rq->htmx && kv_add(rq->kv, turn, "1", 1, EDITS_S) == ERR_CONFLICT)
		audit_nothing(rq);
	else
		audit_name(rq, "campaign.update", c->id, c->name);
}

enum err compose_save(struct request *rq, struct response *rs)
{
	struct campaign *c;
	enum err e = campaign_find(rq, &c);

	if (e != OK)
		return e;
	e = campaign_change(rq->db, c, rq->now, rq->form);
	if (rq->htmx && (e == ERR_INVALID || e == ERR_CONFLICT)) {
		audit_nothing(rq);
		return answer_saved(rq, rs, c, first_error(rq->form));
	}
	if (e != OK)
		return refuse_change(rq, rs, c, e);
	note_edit(rq, c);
	if (rq->htmx)
		return answer_saved(rq, rs, c, NULL);
	e = campaign_answer(rq, rs, c,
	    form_get(rq->form, "next") != NULL ? "checklist" : "content");
	if (e == OK)
		e = add_problems(rq, rs, c, rs->model);
	return e;
}

/* ---- checklist ---- */

static enum err make_checklist(struct request *rq, struct response *rs,
    const struct campaign *c, struct checklist *out)
{
	struct check_view v = campaign_view(rq);

	return campaign_check(rs, &v, c, out);
}

enum err compose_checklist(struct request *rq, struct response *rs)
{
	struct checklist list;
	struct campaign *c;
	enum err e = find_draft(rq, rs, &c);

	if (e != OK || rs->location != NULL)
		return e;
	e = make_checklist(rq, rs, c, &list);
	if (e == OK && rq->api)
		return respond(rs, checklist_json(rs, &list));
	if (e == OK)
		e = compose_fill(rq, rs, c, "checklist");
	if (e == OK)
		json_set(rs->extra, "list", checklist_json(rs, &list));
	return e;
}

enum err compose_when(struct request *rq, struct response *rs)
{
	struct checklist list;
	struct campaign *c;
	struct json_object *lists;
	enum err e = find_draft(rq, rs, &c);

	if (e != OK || rs->location != NULL)
		return e;
	e = make_checklist(rq, rs, c, &list);
	if (e == OK)
		e = compose_fill(rq, rs, c, "send");
	if (e == OK)
		e = campaign_lists(rq, c, &lists);
	if (e != OK)
		return e;
	json_set(rs->extra, "list", checklist_json(rs, &list));
	campaign_names(rs, lists, rs->extra);
	campaign_name_subject(rq, c, rs->extra);
	return campaign_name_parent(rq, c, rs->extra);
}

/* ---- preview ---- */

enum err compose_person(struct request *rq, int64_t id, struct subscriber **out)
{
	if (id > 0)
		return subscriber_get(rq->db, rq, rq->args[0], id, out);
	*out = example_person(rq, rq->caller->brand);
	return OK;
}

/* In place of a mail that cannot be made: why. */
static enum err preview_problems(struct request *rq, struct response *rs,
    const struct campaign *c)
{
	struct check_view v = campaign_view(rq);
	struct buf *b = buf_new(rs);
	struct check *problems;
	size_t i, n;
	enum err e = campaign_problems(rq, &v, c, &problems, &n);

	if (e != OK)
		return e;
	buf_str(b, "This cannot be shown yet.\n");
	for (i = 0; i < n; i++)
		buf_printf(b, "\n%s\n", problems[i].title);
	return respond_frame_text(rs, b->data);
}

enum err compose_preview(struct request *rq, struct response *rs)
{
	static const char *const parts[] = { "html", "text", NULL };
	bool text = form_choice(rq->query, "part", parts, 0) == 1;
	struct check_view v = campaign_view(rq);
	struct message msg = { .html = "", .text = "" };
	struct content *content;
	struct subscriber *s;
	struct campaign *c;
	const char *why = "";
	enum err e = campaign_find(rq, &c);

	if (e == OK)
		e = compose_person(rq,
		    form_int(rq->query, "subscriber", 0, INT64_MAX, 0), &s);
	if (e == OK)
		e = check_compile(rq, &v, c, COMPOSE_PREVIEW, &content);
	if (e != OK)
		return e;
	if (content_message(content, rq, s, &msg, &why) != OK)
		return respond_frame_text(rs, why);
	if (text_empty(msg.html) && !text_empty(c->html))
		return preview_problems(rq, rs, c);
	if (text || text_empty(msg.html))
		return respond_frame_text(rs, msg.text);
	return respond_frame(rs, msg.html);
}
