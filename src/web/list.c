#include "web/list.h"

#include "base/json.h"
#include "base/mem.h"
#include "repo/list.h"
#include "service/list.h"
#include "web/access.h"
#include "web/subscriber.h"

static enum err find(struct request *rq, struct list **l)
{
	return list_get(rq->db, rq, rq->args[0], rq->args[1], l);
}

static enum err measured(struct request *rq, struct list **l)
{
	enum err e = find(rq, l);

	return e == OK ? list_count(rq->db, *l) : e;
}

enum err list_index(struct request *rq, struct response *rs)
{
	struct json_object *o = json_obj(rs), *items = json_arr(rs);
	struct list *all;
	size_t n;
	enum err e = list_all(rq->db, rq, rq->args[0], &all, &n);

	for (size_t i = 0; e == OK && i < n; i++) {
		e = list_count(rq->db, &all[i]);
		if (e == OK)
			json_push(items, list_json(rs, &all[i]));
	}
	json_set(o, "items", items);
	json_set(o, "next_cursor", NULL);
	return e == OK ? respond(rs, o) : e;
}

enum err list_new(struct request *rq, struct response *rs)
{
	(void)rq;
	rs->extra = json_obj(rs);
	return OK;
}

enum err list_make(struct request *rq, struct response *rs)
{
	struct list *l;
	enum err e = list_create(rq->db, rq, rq->args[0], rq->form, rq->now, &l);

	if (e == ERR_CONFLICT && !rq->api)
		return ERR_INVALID;
	if (e != OK)
		return e;
	audit(rq, "list.create", l->id, list_json(rq, l));
	respond_flash(rs, "The list “%s” is there. Add people, or import a file.",
	    l->name);
	return respond_made(rs, list_json(rs, l), "/brands/%lld/lists/%lld",
	    (long long)l->brand_id, (long long)l->id);
}

enum err list_show(struct request *rq, struct response *rs)
{
	struct json_object *people;
	struct list *l;
	enum err e = measured(rq, &l);

	if (e == OK && !rq->api) {
		e = subscriber_listing(rq, rs, l->id, &people);
		if (e == OK)
			rs->extra = json_set(json_obj(rs), "people", people);
	}
	return e == OK ? respond(rs, list_json(rs, l)) : e;
}

enum err list_edit(struct request *rq, struct response *rs)
{
	struct list *l;
	enum err e = find(rq, &l);

	return e == OK ? respond(rs, list_json(rs, l)) : e;
}

enum err list_update(struct request *rq, struct response *rs)
{
	struct list *l;
	enum err e = find(rq, &l);

	if (e == OK)
		e = list_change(rq->db, l, rq->form, rq->now);
	if (e == ERR_CONFLICT && !rq->api)
		return ERR_INVALID;
	if (e == OK)
		e = list_count(rq->db, l);
	if (e != OK)
		return e;
	audit(rq, "list.change", l->id, list_json(rq, l));
	return respond_seen(rs, list_json(rs, l), "/brands/%lld/lists/%lld",
	    (long long)l->brand_id, (long long)l->id);
}

enum err list_confirm_drop(struct request *rq, struct response *rs)
{
	struct list *l;
	enum err e = measured(rq, &l);

	return e == OK ? respond(rs, list_json(rs, l)) : e;
}

enum err list_drop(struct request *rq, struct response *rs)
{
	struct list *l;
	enum err e = find(rq, &l);

	if (e == OK)
		e = list_remove(rq->db, l, rq->form);
	if (e == ERR_CONFLICT)
		return respond_error(rs, rq->api ? e : ERR_INVALID, "%s",
		    form_error(rq->form, "name"));
	if (e != OK)
		return e;
	audit(rq, "list.delete", l->id, list_json(rq, l));
	respond_flash(rs, "The list “%s” is deleted. Its people are still there.",
	    l->name);
	return respond_seen(rs, NULL, "/brands/%lld/lists", (long long)l->brand_id);
}
