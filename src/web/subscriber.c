#include "web/subscriber.h"

#include <string.h>

#include "base/csv.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "kv/kv.h"
#include "repo/field.h"
#include "repo/list.h"
#include "repo/subscriber.h"
#include "service/subscriber.h"
#include "service/tag.h"
#include "web/access.h"
#include "web/export.h"
#include "web/person.h"

enum { SEARCH_MAX = 200, TAGS_SHOWN = 100 };

static const char *const statuses[] = { "active", "unconfirmed", "unsubscribed",
	"bounced", "complained", NULL };

static struct origin origin_of(const struct request *rq)
{
	return (struct origin){ .source = rq->api ? "api" : "page",
		.ip = rq->ip,
		.now = rq->now };
}

static enum err find(struct request *rq, struct subscriber **s)
{
	return subscriber_get(rq->db, rq, rq->args[0], rq->args[1], s);
}

/* An address has no space: what looks like one was a + that nobody encoded. */
static const char *with_plus(void *mem, const char *search)
{
	char *s = mem_str(mem, search);

	for (char *p = s; strchr(s, '@') && *p; p++)
		if (*p == ' ')
			*p = '+';
	return s;
}

static struct subscriber_filter filter_of(struct request *rq, int64_t list)
{
	struct subscriber_filter f = { .brand = rq->args[0], .list = list };
	const char *tag = form_line(rq->query, "tag", 0, TAG_MAX);
	const char *search = form_line(rq->query, "q", 0, SEARCH_MAX);

	f.status = text_empty(form_get(rq->query, "status"))
	    ? -1
	    : form_choice(rq->query, "status", statuses, -1);
	if (!list && !text_empty(form_get(rq->query, "list")))
		f.list = form_int(rq->query, "list", 1, INT64_MAX, 0);
	f.tag = *tag ? tag : NULL;
	f.search = *search ? with_plus(rq, search) : NULL;
	f.before = form_int(rq->query, "cursor", 1, INT64_MAX, 0);
	f.limit = (size_t)form_int(rq->query, "limit", 1, 200, 50);
	return f;
}

enum err subscriber_listing(struct request *rq, void *mem, int64_t list,
    struct json_object **out)
{
	struct subscriber_filter f = filter_of(rq, list);
	struct json_object *items = json_arr(mem);
	struct subscriber *all;
	size_t n, limit = f.limit++;
	enum err e;

	*out = json_obj(mem);
	if (!form_ok(rq->query))
		return ERR_MALFORMED;
	e = subscriber_page(rq->db, rq, &f, &all, &n);
	if (e != OK)
		return e;
	for (size_t i = 0; i < n && i < limit; i++)
		json_push(items, subscriber_json(mem, &all[i], NULL, 0));
	json_set(*out, "items", items);
	json_set_text(*out, "next_cursor",
	    n > limit ? mem_printf(mem, "%lld", (long long)all[limit - 1].id) : NULL);
	return OK;
}

enum err subscriber_list_names(struct request *rq, void *mem, struct json_object **out)
{
	struct list *all;
	size_t n;
	enum err e = list_all(rq->db, rq, rq->args[0], &all, &n);

	*out = json_arr(mem);
	for (size_t i = 0; e == OK && i < n; i++) {
		struct json_object *o = json_obj(mem);

		json_set_int(o, "id", all[i].id);
		json_set_text(o, "name", all[i].name);
		json_push(*out, o);
	}
	return e;
}

/* Numbers by status. */
static enum err counts(struct request *rq, void *mem, struct json_object **out)
{
	int64_t n[5], all = 0;
	enum err e = subscriber_counts(rq->db, rq->args[0], n);

	*out = json_obj(mem);
	for (size_t i = 0; e == OK && i < 5; i++) {
		json_set_int(*out, statuses[i], n[i]);
		all += n[i];
	}
	json_set_int(*out, "all", all);
	return e;
}

/* Tabs, menus: what the page of all subscribers has besides them. */
static enum err index_extra(struct request *rq, struct response *rs)
{
	struct json_object *lists, *tags, *n;
	enum err e = counts(rq, rs, &n);

	if (e == OK)
		e = subscriber_list_names(rq, rs, &lists);
	if (e == OK)
		e = subscriber_tags(rq->db, rs, rq->args[0], TAGS_SHOWN, &tags);
	if (e != OK)
		return e;
	rs->extra = json_obj(rs);
	json_set(rs->extra, "counts", n);
	json_set(rs->extra, "lists", lists);
	json_set(rs->extra, "tags", tags);
	return OK;
}

enum err subscriber_index(struct request *rq, struct response *rs)
{
	struct json_object *o;
	enum err e = subscriber_listing(rq, rs, 0, &o);

	if (e == OK && !rq->api)
		e = index_extra(rq, rs);
	if (e == ERR_MALFORMED)
		return respond_error(rs, e,
		    "The address of this page has a filter that does not exist.");
	return e == OK ? respond(rs, o) : e;
}

/* ---- one person ---- */

static enum err model_of(struct request *rq, void *mem, const struct subscriber *s,
    struct json_object **out)
{
	int64_t *lists;
	size_t n;
	enum err e = subscriber_lists(rq->db, rq, s->brand_id, s->id, &lists, &n);

	if (e == OK)
		*out = subscriber_json(mem, s, lists, n);
	return e;
}

enum err subscriber_new(struct request *rq, struct response *rs)
{
	rs->model = NULL;
	return person_form(rq, rs);
}

enum err subscriber_make(struct request *rq, struct response *rs)
{
	const struct origin o = origin_of(rq);
	struct json_object *model;
	struct subscriber *s;
	enum err e = subscriber_create(rq->db, rq, rq->args[0], rq->form, &o, &s);

	if (e == ERR_CONFLICT && !rq->api)
		return ERR_INVALID;
	if (e == OK)
		e = model_of(rq, rs, s, &model);
	if (e != OK)
		return e;
	audit(rq, "subscriber.create", s->id, NULL);
	respond_flash(rs, "%s is added.", s->email);
	return respond_made(rs, model, "/brands/%lld/subscribers/%lld",
	    (long long)s->brand_id, (long long)s->id);
}

/* Made or changed, whichever it takes: what sign-up forms of other programs need. */
enum err subscriber_put(struct request *rq, struct response *rs)
{
	const struct origin o = origin_of(rq);
	struct json_object *model;
	struct subscriber *s;
	struct upserted up;
	enum err e = subscriber_upsert(rq->db, rq, rq->args[0], rq->form, &o, &up);

	if (e == OK)
		e = subscriber_get(rq->db, rq, up.who->brand_id, up.who->id, &s);
	if (e == OK)
		e = model_of(rq, rs, s, &model);
	if (e != OK)
		return e;
	audit(rq, "subscriber.upsert", s->id, NULL);
	return up.made ? respond_made(rs, model, "/brands/%lld/subscribers/%lld",
			     (long long)s->brand_id, (long long)s->id)
		       : respond(rs, model);
}

enum err subscriber_show(struct request *rq, struct response *rs)
{
	struct json_object *model;
	struct subscriber *s;
	enum err e = find(rq, &s);

	if (e == OK)
		e = model_of(rq, rs, s, &model);
	if (e == OK && !rq->api)
		e = person_page(rq, rs, s);
	return e == OK ? respond(rs, model) : e;
}

enum err subscriber_edit(struct request *rq, struct response *rs)
{
	struct json_object *model;
	struct subscriber *s;
	enum err e = find(rq, &s);

	if (e == OK)
		e = model_of(rq, rs, s, &model);
	if (e == OK)
		e = person_form(rq, rs);
	if (e == OK)
		json_set_text(rs->extra, "tags_line", tag_join(rs, s->tags));
	return e == OK ? respond(rs, model) : e;
}

enum err subscriber_update(struct request *rq, struct response *rs)
{
	const struct origin o = origin_of(rq);
	struct json_object *model;
	struct subscriber *s;
	enum err e = find(rq, &s);

	if (e == OK)
		e = subscriber_change(rq->db, rq, s, rq->form, &o);
	if (e == ERR_CONFLICT && !rq->api)
		return ERR_INVALID;
	if (e == OK)
		e = find(rq, &s);
	if (e == OK)
		e = model_of(rq, rs, s, &model);
	if (e != OK)
		return e;
	audit(rq, "subscriber.change", s->id, NULL);
	respond_flash(rs, "%s is saved.", s->email);
	return respond_seen(rs, model, "/brands/%lld/subscribers/%lld",
	    (long long)s->brand_id, (long long)s->id);
}

enum err subscriber_confirm_drop(struct request *rq, struct response *rs)
{
	struct subscriber *s;
	enum err e = find(rq, &s);

	return e == OK ? respond(rs, subscriber_json(rs, s, NULL, 0)) : e;
}

enum err subscriber_drop(struct request *rq, struct response *rs)
{
	struct subscriber *s;
	enum err e = find(rq, &s);

	if (e == OK)
		e = subscriber_remove(rq->db, s->brand_id, s->id);
	if (e != OK)
		return e;
	audit(rq, "subscriber.delete", s->id, NULL);
	respond_flash(rs, "%s is deleted.", s->email);
	return respond_seen(rs, NULL, "/brands/%lld/subscribers",
	    (long long)s->brand_id);
}

/* ---- export ---- */

static void put_person(struct buf *b, void *mem, const struct subscriber *s,
    const struct field *fields, size_t n)
{
	csv_put(b, s->email);
	csv_put(b, s->first_name);
	csv_put(b, s->last_name);
	csv_put(b, subscriber_status_name(s->status));
	for (size_t i = 0; i < n; i++) {
		struct json_object *v = json_get(s->custom, fields[i].key);

		if (fields[i].type == FIELD_NUMBER && v)
			csv_put_number(b, json_object_get_string(v));
		else
			csv_put(b, v ? json_object_get_string(v) : "");
	}
	csv_put(b, tag_join(mem, s->tags));
	csv_put(b, time_rfc3339(mem, s->created_at));
	csv_end_row(b);
}

/* Page after page, each written before the next is read: memory does not grow. */
static enum err write_all(struct request *rq, struct response *rs,
    struct subscriber_filter *f, const struct field *fields, size_t nfields)
{
	size_t n = f->limit = 500;
	enum err e = OK;

	while (e == OK && n == f->limit) {
		MEM_SCOPE void *tmp = mem_scope(NULL, "export");
		struct buf *b = buf_new(tmp);
		struct subscriber *all;

		e = subscriber_page(rq->db, tmp, f, &all, &n);
		if (e != OK || n == 0)
			return e;
		for (size_t i = 0; i < n; i++)
			put_person(b, tmp, &all[i], fields, nfields);
		response_write(rs, b->data, b->len);
		f->before = all[n - 1].id;
	}
	return e;
}

enum err subscriber_csv(struct request *rq, struct response *rs)
{
	struct subscriber_filter f = filter_of(rq, 0);
	struct buf *head = buf_new(rq);
	SLOT_SCOPE slot = { .fd = -1 };
	struct field *fields;
	size_t n;
	enum err e = field_all(rq->db, rq, rq->args[0], &fields, &n);

	if (e == OK && !form_ok(rq->query))
		return respond_error(rs, ERR_MALFORMED,
		    "This export has a filter that does not exist.");
	if (e == OK)
		e = export_begin(rq, rs, &slot);
	if (e == OK)
		e = respond_stream(rs, "text/csv; charset=utf-8", "subscribers.csv");
	if (e != OK)
		return e;
	audit(rq, "subscriber.export", 0, NULL);
	buf_str(head,
	    "\xEF\xBB\xBF"
	    "email,first_name,last_name,status");
	for (size_t i = 0; i < n; i++)
		csv_put(head, fields[i].key);
	buf_str(head, ",tags,created_at\r\n");
	response_write(rs, head->data, head->len);
	f.before = 0;
	return write_all(rq, rs, &f, fields, n);
}
