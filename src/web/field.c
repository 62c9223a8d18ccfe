#include "web/field.h"

#include "base/json.h"
#include "base/mem.h"
#include "repo/field.h"
#include "service/field.h"
#include "web/access.h"

static enum err find(struct request *rq, struct field **f)
{
	return field_get(rq->db, rq, rq->args[0], rq->args[1], f);
}

static enum err answer(struct request *rq, struct response *rs)
{
	struct field *f;
	enum err e = find(rq, &f);

	return e == OK ? respond(rs, field_json(rs, f)) : e;
}

enum err field_index(struct request *rq, struct response *rs)
{
	struct json_object *o = json_obj(rs), *items = json_arr(rs);
	struct field *all;
	size_t n;
	enum err e = field_all(rq->db, rq, rq->args[0], &all, &n);

	if (e != OK)
		return e;
	for (size_t i = 0; i < n; i++)
		json_push(items, field_json(rs, &all[i]));
	json_set(o, "items", items);
	json_set(o, "next_cursor", NULL);
	return respond(rs, o);
}

enum err field_new(struct request *rq, struct response *rs)
{
	(void)rq;
	rs->extra = json_obj(rs);
	return OK;
}

enum err field_make(struct request *rq, struct response *rs)
{
	struct field *f;
	enum err e = field_create(rq->db, rq, rq->args[0], rq->form, rq->now, &f);

	if (e == ERR_CONFLICT && !rq->api)
		return ERR_INVALID;
	if (e != OK)
		return e;
	audit(rq, "field.create", f->id, field_json(rq, f));
	respond_flash(rs, "The field “%s” is there. In a mail it is {{ %s }}.",
	    f->label, f->key);
	if (rq->api)
		return respond_made(rs, field_json(rs, f), "/brands/%lld/fields/%lld",
		    (long long)f->brand_id, (long long)f->id);
	return respond_made(rs, field_json(rs, f), "/brands/%lld/fields",
	    (long long)f->brand_id);
	respond_flash(rs, "The field “%s” is there. In a mail it is {{ %s }}.",
	    f->label, f->key);
	return respond_made(rs, field_json(rs, f), "/brands/%lld/fields",
	    (long long)f->brand_id);
}

enum err field_show(struct request *rq, struct response *rs)
{
	return answer(rq, rs);
}

enum err field_edit(struct request *rq, struct response *rs)
{
	return answer(rq, rs);
}

enum err field_update(struct request *rq, struct response *rs)
{
	struct field *f;
	enum err e = find(rq, &f);

	if (e == OK)
		e = field_change(rq->db, rq, f, rq->form);
	if (e != OK)
		return e;
	audit(rq, "field.change", f->id, field_json(rq, f));
	return respond_seen(rs, field_json(rs, f), "/brands/%lld/fields",
	    (long long)f->brand_id);
}

enum err field_confirm_drop(struct request *rq, struct response *rs)
{
	return answer(rq, rs);
}

enum err field_drop(struct request *rq, struct response *rs)
{
	struct field *f;
	enum err e = find(rq, &f);

	if (e == OK)
		e = field_row_delete(rq->db, f->brand_id, f->id);
	if (e != OK)
		return e;
	audit(rq, "field.delete", f->id, field_json(rq, f));
	respond_flash(rs, "The field “%s” is deleted.", f->label);
	return respond_seen(rs, NULL, "/brands/%lld/fields", (long long)f->brand_id);
}
