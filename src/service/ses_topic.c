#include "service/ses_topic.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "service/sns.h"

enum { PATIENCE_MS = 30 * 60 * 1000 };

enum err ses_topic_begin(struct db *db, void *mem, struct ses_topic *t, struct form *f)
{
	struct ses_topic *all;
	bool here = false;
	size_t n = 0;
	enum err e;

	t->arn = form_line(f, "topic_arn", 1, SNS_ARN_MAX);
	if (!form_ok(f))
		return ERR_INVALID;
	if (sns_region(mem, t->arn) == NULL)
		return form_fail(f, "topic_arn",
		    "A topic's ARN looks like "
		    "arn:aws:sns:eu-west-1:123456789012:name.");
	e = ses_topic_list(db, mem, t->brand_id, &all, &n);
	for (size_t i = 0; e == OK && i < n; i++)
		here = here || text_equal(all[i].arn, t->arn);
	if (e == OK && !here && n >= SES_TOPICS_MAX)
		return form_fail(f, "topic_arn",
		    "A brand has at most 20 topics. Take one away first.");
	return e == OK ? ses_topic_want(db, t) : e;
}

static struct json_object *topic_json(void *mem, const struct ses_topic *t)
{
	struct json_object *o = json_obj(mem);

	json_set_int(o, "id", t->id);
	json_set_text(o, "topic_arn", t->arn);
	json_set_text(o, "state", t->state);
	json_set_time(o, "created_at", t->created_at);
	json_set_time(o, "confirmed_at", t->confirmed_at);
	json_set_time(o, "last_event_at", t->last_event_at);
	return o;
}

enum err ses_topic_json(struct db *db, void *mem, int64_t brand,
    struct json_object **out)
{
	struct ses_topic *all;
	size_t n = 0;
	enum err e = ses_topic_list(db, mem, brand, &all, &n);

	*out = json_arr(mem);
	for (size_t i = 0; e == OK && i < n; i++)
		json_push(*out, topic_json(mem, &all[i]));
	return e;
}

enum err ses_topic_silent(struct db *db, void *mem, int64_t brand, int64_t now,
    int64_t *since)
{
	struct ses_topic *all;
	size_t n = 0;
	int64_t heard = 0, mailed = 0;
	enum err e = ses_topic_list(db, mem, brand, &all, &n);

	*since = 0;
	for (size_t i = 0; e == OK && i < n; i++) {
		int64_t at =
		    all[i].last_event_at ? all[i].last_event_at : all[i].confirmed_at;

		if (text_equal(all[i].state, "confirmed") && at > heard)
			heard = at;
	}
	if (e == OK && heard > 0)
		e = ses_topic_last_mailing(db, brand, &mailed);
	if (e == OK && heard > 0 && mailed > heard && now - mailed > PATIENCE_MS)
		*since = heard;
	return e;
}
