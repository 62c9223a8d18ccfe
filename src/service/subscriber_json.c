#include "service/subscriber.h"

#include "base/json.h"
#include "repo/subscriber.h"

struct json_object *subscriber_json(void *mem, const struct subscriber *s,
    const int64_t *lists, size_t nlists)
{
	struct json_object *o = json_obj(mem), *ids;

	json_set_int(o, "id", s->id);
	json_set_text(o, "email", s->email);
	json_set_text(o, "status", subscriber_status_name(s->status));
	json_set_text(o, "first_name", s->first_name);
	json_set_text(o, "last_name", s->last_name);
	json_set(o, "fields", s->custom ? s->custom : json_obj(mem));
	json_set(o, "tags", s->tags ? s->tags : json_arr(mem));
	if (lists) {
		ids = json_arr(mem);
		for (size_t i = 0; i < nlists; i++)
			json_push_int(ids, lists[i]);
		json_set(o, "lists", ids);
	}
	json_set_time(o, "created_at", s->created_at);
	json_set_time(o, "updated_at", s->updated_at);
	return o;
}
