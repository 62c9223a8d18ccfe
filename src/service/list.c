#include "service/list.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "repo/list.h"

enum { DESCRIPTION_MAX = 300 };

enum err list_create(struct db *db, void *mem, int64_t brand, struct form *f,
    int64_t now, struct list **out)
{
	struct list *l = mem_new(mem, struct list);
	enum err e;

	l->brand_id = brand;
	l->name = mem_str(l, form_line(f, "name", 1, LIST_NAME_MAX));
	l->description = mem_str(l, form_line(f, "description", 0, DESCRIPTION_MAX));
	if (!form_ok(f))
		return ERR_INVALID;
	e = list_row_insert(db, l, now);
	if (e == ERR_CONFLICT)
		form_fail(f, "name", "There is a list “%s” already.", l->name);
	*out = l;
	return e;
}

enum err list_change(struct db *db, struct list *l, struct form *f, int64_t now)
{
	enum err e;

	if (form_has(f, "name"))
		l->name = mem_str(l, form_line(f, "name", 1, LIST_NAME_MAX));
	if (form_has(f, "description"))
		l->description =
		    mem_str(l, form_line(f, "description", 0, DESCRIPTION_MAX));
	if (!form_ok(f))
		return ERR_INVALID;
	e = list_row_update(db, l, now);
	if (e == ERR_CONFLICT)
		form_fail(f, "name", "There is a list “%s” already.", l->name);
	return e;
}

enum err list_remove(struct db *db, struct list *l, struct form *f)
{
	int64_t used;
	enum err e = list_campaigns(db, l->brand_id, l->id, &used);

	if (e == OK && used > 0) {
		form_fail(f, "name",
		    "%lld campaign%s being sent or scheduled to this list. "
		    "Cancel or wait, then delete it.",
		    (long long)used, used == 1 ? " is" : "s are");
		return ERR_CONFLICT;
	}
	if (e == OK)
		e = list_row_delete(db, l->brand_id, l->id);
	return e;
}

struct json_object *list_json(void *mem, const struct list *l)
{
	struct json_object *o = json_obj(mem);

	json_set_int(o, "id", l->id);
	json_set_text(o, "name", l->name);
	json_set_text(o, "description", l->description);
	json_set_int(o, "subscribers", l->subscribers);
	json_set_int(o, "active", l->active);
	json_set_time(o, "created_at", l->created_at);
	return o;
}
