#include "service/campaign.h"

#include "base/json.h"
#include "base/mem.h"
#include "repo/ledger.h"
#include "repo/ledger_check.h"

struct json_object *counts_json(void *mem, const struct delivery_counts *n)
{
	struct json_object *o = json_obj(mem);
	int64_t left = 0;
	int i;

	json_set_int(o, "audience", n->audience);
	for (i = 0; i < DELIVERY_STATES; i++) {
		json_set_int(o, delivery_state_name((enum delivery_state)i), n->n[i]);
		if (i < DELIVERY_ACCEPTED)
			left += n->n[i];
	}
	json_set_int(o, "left", left);
	json_set_int(o, "settled", n->audience - left);
	return o;
}

struct term {
	const char *key, *label;
	int64_t n;
	bool always; /* shown when zero too */
};

struct json_object *sum_json(void *mem, const struct delivery_counts *n)
{
	const struct term terms[] = {
		{ "accepted", "Accepted", n->n[DELIVERY_ACCEPTED], true },
		{ "rejected", "Rejected", n->n[DELIVERY_REJECTED], true },
		{ "skipped", "Skipped", n->n[DELIVERY_SKIPPED], true },
		{ "doubt", "In doubt", n->n[DELIVERY_DOUBT], true },
		{ "cancelled", "Cancelled", n->n[DELIVERY_CANCELLED], false },
		{ "given_up", "Given up", n->n[DELIVERY_GIVEN_UP], false },
		{ "left", "Left",
		    n->n[DELIVERY_PENDING] + n->n[DELIVERY_CLAIMED] +
			n->n[DELIVERY_INTENT] + n->n[DELIVERY_RETRY],
		    true },
	};
	struct json_object *all = json_arr(mem);
	size_t i;

	for (i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		struct json_object *o = json_obj(mem);

		if (terms[i].n == 0 && !terms[i].always)
			continue;
		json_set_text(o, "key", terms[i].key);
		json_set_text(o, "label", terms[i].label);
		json_set_int(o, "value", terms[i].n);
		json_push(all, o);
	}
	return all;
}

struct json_object *stats_json(void *mem, const struct campaign_stats *s)
{
	struct json_object *o = json_obj(mem);

	json_set_int(o, "delivered", s->delivered);
	json_set_int(o, "opened", s->opened);
	json_set_int(o, "opens", s->opens);
	json_set_int(o, "machine_opened", s->machine_opened);
	json_set_int(o, "machine_opens", s->machine_opens);
	json_set_int(o, "clicked", s->clicked);
	json_set_int(o, "clicks", s->clicks);
	json_set_int(o, "machine_clicked", s->machine_clicked);
	json_set_int(o, "machine_clicks", s->machine_clicks);
	json_set_int(o, "bounced", s->bounced);
	json_set_int(o, "soft_bounced", s->soft_bounced);
	json_set_int(o, "complained", s->complained);
	json_set_int(o, "unsubscribed", s->unsubscribed);
	json_set_time(o, "last_event_at", s->last_event_at);
	return o;
}

int64_t stats_base(const struct campaign_stats *s, int64_t accepted, const char **name)
{
	int64_t opened = s->opened + s->machine_opened;
	const char *unused;

	if (name == NULL)
		name = &unused;
	*name = "delivered";
	if (s->delivered > 0 && s->delivered >= opened)
		return s->delivered;
	*name = "accepted";
	if (accepted >= opened)
		return accepted;
	*name = "reached";
	return opened;
}

static struct json_object *ids_json(void *mem, const int64_t *ids, size_t n)
{
	struct json_object *a = json_arr(mem);
	size_t i;

	for (i = 0; i < n; i++)
		json_push_int(a, ids[i]);
	return a;
}

struct json_object *campaign_head_json(void *mem, const struct campaign *c)
{
	struct json_object *o = json_obj(mem);

	json_set_int(o, "id", c->id);
	json_set_int(o, "brand_id", c->brand_id);
	json_set_text(o, "name", c->name);
	json_set_text(o, "status", campaign_status_word(c->status));
	json_set_text(o, "subject", c->subject);
	json_set_text(o, "preview_text", c->preview_text);
	json_set_text(o, "from_name", c->from_name);
	json_set_text(o, "from_email", c->from_email);
	json_set_text(o, "reply_to", c->reply_to);
	json_set_bool(o, "track_opens", c->track_opens);
	json_set_bool(o, "track_clicks", c->track_clicks);
	json_set_text(o, "on_doubt", doubt_policy_word(c->on_doubt));
	json_set_time(o, "send_at", c->send_at);
	json_set_text(o, "send_zone", c->send_zone);
	json_set_int(o, "audience", c->audience);
	json_set_time(o, "frozen_at", c->frozen_at);
	json_set_time(o, "started_at", c->started_at);
	json_set_time(o, "finished_at", c->finished_at);
	json_set_text(o, "pause_reason", c->pause_reason);
	json_set_time(o, "resume_at", c->resume_at);
	json_set_int(o, "resends", c->resends);
	if (c->parent_id)
		json_set_int(o, "parent_id", c->parent_id);
	else
		json_set_text(o, "parent_id", NULL);
	json_set_text(o, "audience_kind", audience_kind_words[c->audience_kind]);
	json_set_int(o, "version", c->version);
	json_set_time(o, "created_at", c->created_at);
	json_set_time(o, "updated_at", c->updated_at);
	return o;
}

enum err campaign_json(struct db *db, void *mem, const struct campaign *c,
    struct json_object **out)
{
	struct json_object *o = campaign_head_json(mem, c);
	struct delivery_counts counts;
	struct campaign_stats stats;
	bool adds_up = false;
	enum err e = ledger_counts(db, c->id, &counts);

	if (e == OK)
		e = campaign_stats_get(db, c->id, &stats);
	if (e == OK)
		e = ledger_adds_up(db, c->id, &adds_up);
	if (e != OK)
		return e;
	json_set_text(o, "html", c->html);
	json_set_text(o, "text", c->text);
	json_set(o, "lists", ids_json(mem, c->lists, c->nlists));
	json_set(o, "exclude_lists",
	    ids_json(mem, c->exclude_lists, c->nexclude_lists));
	json_set(o, "segments", json_arr(mem));
	json_set(o, "exclude_segments", json_arr(mem));
	json_set(o, "counts", counts_json(mem, &counts));
	json_set_bool(o, "adds_up", adds_up);
	json_set(o, "stats", stats_json(mem, &stats));
	*out = o;
	return OK;
}

struct json_object *checks_json(void *mem, const struct check *items, size_t n)
{
	static const char *const levels[] = { [CHECK_GOOD] = "good",
		[CHECK_NOTE] = "note",
		[CHECK_BLOCK] = "block" };
	struct json_object *a = json_arr(mem);
	size_t i;

	for (i = 0; i < n; i++) {
		struct json_object *o = json_obj(mem);

		json_set_text(o, "key", items[i].key);
		json_set_text(o, "level", levels[items[i].level]);
		json_set_text(o, "title", items[i].title);
		json_set_text(o, "todo", items[i].todo);
		json_set_text(o, "where", items[i].where);
		json_set_text(o, "part", items[i].part);
		json_set_int(o, "line", items[i].line);
		json_set_int(o, "column", items[i].column);
		json_push(a, o);
	}
	return a;
}

struct json_object *checklist_json(void *mem, const struct checklist *l)
{
	struct json_object *o = json_obj(mem);

	json_set_bool(o, "ready", l->blocks == 0);
	json_set_int(o, "blocks", (int64_t)l->blocks);
	json_set_int(o, "notes", (int64_t)l->notes);
	json_set_int(o, "reach", l->reach);
	json_set_int(o, "bytes", (int64_t)l->bytes);
	json_set(o, "items", checks_json(mem, l->items, l->n));
	return o;
}
