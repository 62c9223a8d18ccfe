#include "web/person.h"

#include "base/json.h"
#include "repo/consent.h"
#include "repo/field.h"
#include "repo/suppression.h"
#include "repo/timeline.h"
#include "service/agent.h"
#include "service/field.h"
#include "web/subscriber.h"

enum err person_form(struct request *rq, struct response *rs)
{
	struct json_object *lists, *fields = json_arr(rs);
	struct field *all;
	size_t n;
	enum err e = field_all(rq->db, rq, rq->args[0], &all, &n);

	if (e == OK)
		e = subscriber_list_names(rq, rs, &lists);
	if (e != OK)
		return e;
	for (size_t i = 0; i < n; i++)
		json_push(fields, field_json(rs, &all[i]));
	rs->extra = json_obj(rs);
	json_set(rs->extra, "fields", fields);
	json_set(rs->extra, "lists", lists);
	return OK;
}

static enum err add_consents(struct request *rq, struct response *rs,
    const struct subscriber *s)
{
	struct json_object *out = json_arr(rs);
	struct consent *all;
	size_t n;
	enum err e = consent_of(rq->db, rq, s->brand_id, s->id, &all, &n);

	for (size_t i = 0; e == OK && i < n; i++) {
		struct json_object *o = json_obj(rs);

		json_set_text(o, "action", all[i].action);
		json_set_text(o, "source", all[i].source);
		json_set_text(o, "ip", all[i].ip);
		json_set_text(o, "detail", all[i].detail);
		json_set_int(o, "campaign_id", all[i].campaign_id);
		json_set_time(o, "at", all[i].created_at);
		json_push(out, o);
	}
	json_set(rs->extra, "consents", out);
	return e;
}

static enum err add_suppression(struct request *rq, struct response *rs,
    const struct subscriber *s)
{
	struct suppression *x;
	struct json_object *o;
	enum err e = suppression_get(rq->db, rq, s->brand_id, s->email_key, &x);

	if (e != OK)
		return e == ERR_NOTFOUND ? OK : e;
	o = json_obj(rs);
	json_set_text(o, "reason", x->reason);
	json_set_text(o, "detail", x->detail);
	json_set_time(o, "since", x->created_at);
	json_set(rs->extra, "suppression", o);
	return OK;
}

/* Why an event is a machine's, as a word. */
static void name_reasons(struct json_object *timeline)
{
	for (size_t i = 0; i < json_object_array_length(timeline); i++) {
		struct json_object *o = json_object_array_get_idx(timeline, i);
		int reason = (int)json_int(o, "reason", MACHINE_NOT);

		json_set_text(o, "machine_reason", machine_reason_name(reason));
	}
}

enum err person_page(struct request *rq, struct response *rs,
    const struct subscriber *s)
{
	struct json_object *timeline;
	enum err e = person_form(rq, rs);

	if (e == OK)
		e = add_suppression(rq, rs, s);
	if (e == OK)
		e = add_consents(rq, rs, s);
	if (e == OK)
		e = timeline_read(rq->db, rs, s->brand_id, s->id, &timeline);
	if (e != OK)
		return e;
	name_reasons(timeline);
	json_set(rs->extra, "timeline", timeline);
	return OK;
}
