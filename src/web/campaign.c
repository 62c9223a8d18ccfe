#include "web/campaign.h"

#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/ledger.h"
#include "repo/list.h"
#include "service/report.h"
#include "web/access.h"
#include "web/recipient.h"

enum { PAGE_ROWS = 20, ROWS_MAX = 200, RECENT_DAYS = 30, RECIPIENTS_SHOWN = 8 };

/* ---- what all handlers of campaigns need ---- */

enum err campaign_find(struct request *rq, struct campaign **out)
{
	return campaign_get(rq->db, rq, rq->args[0], rq->args[1], out);
}

struct check_view campaign_view(const struct request *rq)
{
	return (struct check_view){
		.db = rq->db,
		.brand = rq->caller->brand,
		.keys = rq->app->keys,
		.public_url = rq->app->config->server.public_url,
		.now = rq->now,
	};
}

const char *campaign_path(void *mem, const struct campaign *c, const char *step)
{
	return mem_printf(mem, "/brands/%lld/campaigns/%lld%s%s",
	    (long long)c->brand_id, (long long)c->id, step[0] != '\0' ? "/" : "", step);
}

enum err campaign_answer(struct request *rq, struct response *rs,
    const struct campaign *c, const char *step)
{
	struct json_object *o;
	enum err e = campaign_json(rq->db, rs, c, &o);

	if (e == OK)
		e = respond_seen(rs, o, "%s", campaign_path(rs, c, step));
	return e;
}

enum err campaign_refuse(struct request *rq, struct response *rs,
    const struct campaign *c, enum err e)
{
	const char *why = form_error(rq->form, "status");

	if (e != ERR_CONFLICT || why == NULL)
		return e;
	if (rq->api)
		return respond_error(rs, e, "%s", why);
	audit_nothing(rq);
	respond_flash(rs, "%s", why);
	return respond_seen(rs, NULL, "%s", campaign_path(rs, c, ""));
}

int page_limit(struct request *rq, int dflt)
{
	return (int)form_int(rq->query, "limit", 1, ROWS_MAX, dflt);
}

static bool holds(const int64_t *ids, size_t n, int64_t id)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

enum err campaign_lists(struct request *rq, const struct campaign *c,
    struct json_object **out)
{
	struct json_object *all = json_arr(rq);
	struct list *l;
	size_t i, n;
	enum err e = list_all(rq->db, rq, c->brand_id, &l, &n);

	if (e != OK)
		return e;
	for (i = 0; i < n; i++) {
		struct json_object *o = json_obj(rq);

		json_set_int(o, "id", l[i].id);
		json_set_text(o, "name", l[i].name);
		json_set_bool(o, "chosen", holds(c->lists, c->nlists, l[i].id));
		json_set_bool(o, "without",
		    holds(c->exclude_lists, c->nexclude_lists, l[i].id));
		json_push(all, o);
	}
	*out = all;
	return OK;
}

static const char *names_with(void *mem, struct json_object *lists, const char *flag)
{
	struct buf *b = buf_new(mem);
	size_t i, n = json_object_array_length(lists);

	for (i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(lists, i);

		if (json_flag(o, flag, false))
			buf_printf(b, "%s%s", b->len > 0 ? " + " : "",
			    json_text(o, "name", ""));
	}
	return b->data;
}

void campaign_names(void *mem, struct json_object *lists, struct json_object *into)
{
	json_set_text(into, "to", names_with(mem, lists, "chosen"));
	json_set_text(into, "without", names_with(mem, lists, "without"));
}

/* ---- index ---- */

#define BIT(s) (1u << (s))

static const struct tab {
	const char *key, *label;
	unsigned statuses;
} tabs[] = {
	{ "all", "All", 0 },
	{ "drafts", "Drafts", BIT(CAMPAIGN_DRAFT) },
	{ "scheduled", "Scheduled", BIT(CAMPAIGN_SCHEDULED) },
	{ "active", "Active", BIT(CAMPAIGN_SENDING) | BIT(CAMPAIGN_PAUSED) },
	{ "finished", "Finished", BIT(CAMPAIGN_COMPLETED) | BIT(CAMPAIGN_CANCELLED) },
};
enum { TABS = sizeof(tabs) / sizeof(tabs[0]) };

static const char *const tab_words[] = { "all", "drafts", "scheduled", "active",
	"finished", NULL };

static struct json_object *tabs_json(void *mem, const int64_t tally[CAMPAIGN_STATUSES])
{
	struct json_object *all = json_arr(mem);
	int i, s;

	for (i = 0; i < TABS; i++) {
		struct json_object *o = json_obj(mem);
		int64_t n = 0;

		for (s = 0; s < CAMPAIGN_STATUSES; s++)
			if (tabs[i].statuses == 0 || (tabs[i].statuses & BIT(s)) != 0)
				n += tally[s];
		json_set_text(o, "key", tabs[i].key);
		json_set_text(o, "label", tabs[i].label);
		json_set_int(o, "n", n);
		json_push(all, o);
	}
	return all;
}

static struct json_object *line_json(void *mem, const struct campaign_line *l)
{
	struct json_object *o = campaign_head_json(mem, &l->c);

	json_set_text(o, "author", l->author);
	json_set_text(o, "to",
	    l->c.audience_kind == AUDIENCE_UNOPENED
		? "Who did not open an earlier campaign"
		: l->c.audience_kind == AUDIENCE_UNSENT
		? "Who was left of a cancelled campaign"
		: l->to);
	json_set_text(o, "without", l->without);
	json_set(o, "counts", counts_json(mem, &l->counts));
	json_set(o, "stats", stats_json(mem, &l->stats));
	json_set_int(o, "base",
	    stats_base(&l->stats, l->counts.n[DELIVERY_ACCEPTED], NULL));
	return o;
}

/*
 * Tabs, the lists to filter by, the sentence of the last 30 days, what an empty page
 * can say.
 */
static enum err index_extra(struct request *rq, struct response *rs)
{
	int64_t brand = rq->args[0], tally[CAMPAIGN_STATUSES], all = 0;
	struct campaign none = { .brand_id = brand };
	struct campaign_recent r = { 0 };
	struct json_object *o = json_obj(rs), *lists, *recent = json_obj(rs);
	enum err e = campaign_tally(rq->db, brand, tally);
	int s;

	if (e == OK)
		e = campaign_lists(rq, &none, &lists);
	if (e == OK)
		e = campaign_recent(rq->db, brand,
		    rq->now - RECENT_DAYS * INT64_C(86400000), &r);
	if (e != OK)
		return e;
	for (s = 0; s < CAMPAIGN_STATUSES; s++)
		all += tally[s];
	json_set_int(recent, "accepted", r.accepted);
	json_set_int(recent, "base", r.base);
	json_set_int(recent, "opened", r.opened);
	json_set_int(recent, "complained", r.complained);
	json_set(o, "recent", recent);
	json_set(o, "tabs", tabs_json(rs, tally));
	json_set_int(o, "all", all);
	json_set(o, "lists", lists);
	rs->extra = o;
	return OK;
}

static struct campaign_filter index_filter(struct request *rq)
{
	struct campaign_filter f = { .limit =
					 page_limit(rq, rq->api ? 50 : PAGE_ROWS) };
	int tab = form_choice(rq->query, "tab", tab_words, 0);
	int status = form_choice(rq->query, "status", campaign_status_words, -1);

	f.statuses = status >= 0 ? BIT(status) : tabs[tab].statuses;
	f.search = form_text(rq->query, "q", 0, CAMPAIGN_SEARCH_MAX);
	f.list = form_int(rq->query, "list", 0, INT64_MAX, 0);
	f.before = form_int(rq->query, "cursor", 0, INT64_MAX, 0);
	f.limit++; /* one more tells whether there is a next page */
	return f;
}

enum err campaign_index(struct request *rq, struct response *rs)
{
	struct campaign_filter f = index_filter(rq);
	struct json_object *o = json_obj(rs), *items = json_arr(rs);
	struct campaign_line *l;
	const char *next = NULL;
	size_t i, n;
	enum err e = campaign_page(rq->db, rq, rq->args[0], &f, &l, &n);

	if (e == OK && !rq->api)
		e = index_extra(rq, rs);
	if (e != OK)
		return e;
	if (n == (size_t)f.limit) {
		n--;
		next = mem_printf(rs, "%lld", (long long)l[n - 1].c.id);
	}
	for (i = 0; i < n; i++)
		json_push(items, line_json(rs, &l[i]));
	json_set(o, "items", items);
	json_set_text(o, "next_cursor", next);
	return respond(rs, o);
}

/* ---- one ---- */

enum err campaign_new(struct request *rq, struct response *rs)
{
	(void)rq;
	rs->extra = json_obj(rs);
	return OK;
}

/* The problems of the templates, named to whoever wrote them; they do not stop a draft.
 */
static enum err add_problems(struct request *rq, struct response *rs,
    const struct campaign *c, struct json_object *o)
{
	struct check_view v = campaign_view(rq);
	struct check *problems;
	size_t n;
	enum err e = campaign_problems(rs, &v, c, &problems, &n);

	if (e == OK)
		json_set(o, "problems", checks_json(rs, problems, n));
	return e;
}

enum err campaign_make(struct request *rq, struct response *rs)
{
	struct campaign *c;
	struct json_object *o;
	enum err e = campaign_create(rq->db, rq->caller->brand, rq->caller->user_id,
	    rq->now, rq->form, &c);

	if (e == OK)
		e = campaign_json(rq->db, rs, c, &o);
	if (e == OK)
		e = add_problems(rq, rs, c, o);
	if (e != OK)
		return e;
	audit_name(rq, "campaign.create", c->id, c->name);
	return respond_made(rs, o, "/brands/%lld/campaigns/%lld%s",
	    (long long)c->brand_id, (long long)c->id, rq->api ? "" : "/audience");
}

void campaign_name_subject(struct request *rq, const struct campaign *c,
    struct json_object *into)
{
	struct check_view v = campaign_view(rq);
	const char *subject = example_subject(rq, &v, c, NULL);

	json_set_text(into, "subject", subject);
	json_set_bool(into, "subject_varies", !text_equal(subject, c->subject));
}

static enum err show_report(struct request *rq, struct response *rs,
    const struct campaign *c)
{
	struct json_object *report, *lists, *drawing, *first;
	struct delivery_counts counts;
	enum err e = report_json(rq->db, rs, c, &report);

	if (e == OK)
		e = ledger_counts(rq->db, c->id, &counts);
	if (e == OK)
		e = campaign_lists(rq, c, &lists);
	if (e == OK)
		e = recipient_first(rq, rs, c->id, RECIPIENTS_SHOWN, &first);
	if (e != OK)
		return e;
	rs->page = "campaign/report";
	rs->extra = json_obj(rs);
	json_set(rs->extra, "report", report);
	json_set(rs->extra, "first", first);
	drawing = report_drawing(rs, c, report, rq->now, rq->caller->brand->time_zone);
	json_set(drawing, "sum", campaign_sum(rs, c, &counts));
	json_set(rs->extra, "drawing", drawing);
	campaign_names(rs, lists, rs->extra);
	campaign_name_subject(rq, c, rs->extra);
	return campaign_add_followers(rq, rs, c);
}

/* One address for every state: the editor, the live page or the report. */
enum err campaign_show(struct request *rq, struct response *rs)
{
	struct campaign *c;
	enum err e = campaign_find(rq, &c);

	if (e != OK)
		return e;
	if (!rq->api && c->status == CAMPAIGN_DRAFT)
		return respond_seen(rs, NULL, "%s",
		    campaign_path(rs, c,
			c->nlists == 0 && c->audience_kind == AUDIENCE_LISTS
			    ? "audience"
			    : "content"));
	e = campaign_json(rq->db, rs, c, &rs->model);
	if (e == OK && rq->api)
		e = campaign_add_rate(rq, rs->model, c);
	if (e != OK || rq->api)
		return e;
	/* the live page asks with the status it shows: another one needs the whole page
	 */
	if (rq->htmx && form_has(rq->query, "live") &&
	    !text_equal(form_get(rq->query, "live"), campaign_status_word(c->status)))
		response_header(rs, "HX-Refresh", "true");
	if (c->status == CAMPAIGN_COMPLETED || c->status == CAMPAIGN_CANCELLED)
		return show_report(rq, rs, c);
	return campaign_live(rq, rs, c);
}

enum err campaign_confirm_drop(struct request *rq, struct response *rs)
{
	struct campaign *c;
	enum err e = campaign_find(rq, &c);

	return e == OK ? respond(rs, campaign_head_json(rs, c)) : e;
}

enum err campaign_drop(struct request *rq, struct response *rs)
{
	struct campaign *c;
	enum err e = campaign_find(rq, &c);

	if (e == OK)
		e = campaign_remove(rq->db, c, rq->form);
	if (e == ERR_CONFLICT)
		return campaign_refuse(rq, rs, c, e);
	if (e != OK)
		return e;
	audit_name(rq, "campaign.delete", c->id, c->name);
	respond_flash(rs, "“%s” is deleted.", c->name);
	return respond_seen(rs, NULL, "/brands/%lld/campaigns", (long long)c->brand_id);
}

enum err campaign_duplicate(struct request *rq, struct response *rs)
{
	struct campaign *c, *copy;
	struct json_object *o;
	enum err e = campaign_find(rq, &c);

	if (e == OK)
		e = campaign_copy(rq->db, rq, c, rq->caller->user_id, rq->now, &copy);
	if (e == OK)
		e = campaign_json(rq->db, rs, copy, &o);
	if (e != OK)
		return e;
	audit_name(rq, "campaign.duplicate", copy->id, copy->name);
	respond_flash(rs, "This is a copy, a new draft. Nothing was sent.");
	return respond_made(rs, o, "%s",
	    campaign_path(rs, copy, rq->api ? "" : "content"));
}

/* ---- pause, resume, cancel ---- */

const char *campaign_caller(struct request *rq)
{
	const struct caller *by = rq->caller;

	if (by->key_id != 0)
		return mem_printf(rq, "the API key “%s”", by->name);
	return text_empty(by->name) ? by->email : by->name;
}

enum err campaign_do_pause(struct request *rq, struct response *rs)
{
	struct campaign *c;
	enum err e = campaign_find(rq, &c);

	if (e == OK)
		e = campaign_refuse(rq, rs, c,
		    campaign_pause(rq->db, c,
			mem_printf(rq, "Paused by %s.", campaign_caller(rq)), rq->now,
			rq->form));
	if (e != OK || rs->location != NULL)
		return e;
	audit_name(rq, "campaign.pause", c->id, c->name);
	respond_flash(rs,
	    "Paused. Mails already handed over still arrive; no new one leaves.");
	return campaign_answer(rq, rs, c, "");
}

enum err campaign_do_resume(struct request *rq, struct response *rs)
{
	struct campaign *c;
	enum err e = campaign_find(rq, &c);

	if (e == OK)
		e = campaign_refuse(rq, rs, c,
		    campaign_resume(rq->db, c, rq->now, rq->form));
	if (e != OK || rs->location != NULL)
		return e;
	audit_name(rq, "campaign.resume", c->id, c->name);
	respond_flash(rs, "Sending goes on.");
	return campaign_answer(rq, rs, c, "");
}

enum err campaign_confirm_cancel(struct request *rq, struct response *rs)
{
	struct campaign *c;
	enum err e = campaign_find(rq, &c);

	if (e == OK)
		e = campaign_json(rq->db, rs, c, &rs->model);
	return e;
}

enum err campaign_do_cancel(struct request *rq, struct response *rs)
{
	bool planned;
	struct campaign *c;
	enum err e = campaign_find(rq, &c);

	if (e != OK)
		return e;
	planned = c->status == CAMPAIGN_SCHEDULED;
	e = campaign_refuse(rq, rs, c, campaign_cancel(rq->db, c, rq->now, rq->form));
	if (e != OK || rs->location != NULL)
		return e;
	audit_name(rq, planned ? "campaign.unschedule" : "campaign.cancel", c->id,
	    c->name);
	respond_flash(rs,
	    planned ? "It is a draft again and will not be sent by itself."
		    : "Cancelled. Who was not mailed yet will not be.");
	return campaign_answer(rq, rs, c, planned ? "send" : "");
}
