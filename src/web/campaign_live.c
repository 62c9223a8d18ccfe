#include "web/campaign.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/ledger.h"
#include "repo/ledger_doubt.h"
#include "repo/provider.h"
#include "kv/slow.h"
#include "repo/recipient.h"
#include "send/provider.h"
#include "service/reach.h"

enum { LATEST = 5, DOUBTS = 20, SPARK_W = 600, SPARK_H = 60 };

/* ---- rate and time left ---- */

/* Of the last minute, or since it began. */
static double rate_of(const struct recipient_pace *p, int64_t running)
{
	int64_t span = running > 0 && running < p->span_ms ? running : p->span_ms;

	return span > 0 ? (double)p->settled * 1000.0 / (double)span : 0;
}

/* "14", "0.5", "1,000": for people. */
static char *rate_text(void *mem, double rate)
{
	if (rate < 10 && rate != (double)(int64_t)rate)
		return mem_printf(mem, "%.1f", rate);
	return text_count(mem, (int64_t)rate);
}

static const char *duration(void *mem, int64_t ms)
{
	int64_t min = (ms + 30000) / 60000;

	if (ms < 60000)
		return mem_printf(mem, "%lld s", (long long)(ms / 1000));
	if (min < 120)
		return mem_printf(mem, "%lld min", (long long)min);
	if (min < 48 * 60)
		return mem_printf(mem, "%lld h", (long long)((min + 30) / 60));
	return mem_printf(mem, "%lld days", (long long)((min + 720) / 1440));
}

/* The rate of each step as a line and an area of 600 x 60. */
static void add_spark(void *mem, struct json_object *o, const struct recipient_pace *p)
{
	struct buf *line = buf_new(mem), *area = buf_new(mem);
	int64_t most = 0;
	int i, first = 0;

	while (first < PACE_STEPS - 2 && p->step[first] == 0)
		first++;
	for (i = first; i < PACE_STEPS; i++)
		most = p->step[i] > most ? p->step[i] : most;
	buf_printf(area, "M0 %d", SPARK_H);
	for (i = first; i < PACE_STEPS; i++) {
		double x = (double)SPARK_W * (i - first) / (PACE_STEPS - 1 - first);
		double y = SPARK_H -
		    (SPARK_H - 6.0) * (double)p->step[i] / (double)(most ? most : 1);

		buf_printf(line, "%s%.1f %.1f", i == first ? "M" : "L", x, y);
		buf_printf(area, "L%.1f %.1f", x, y);
	}
	buf_printf(area, "L%d %dZ", SPARK_W, SPARK_H);
	json_set_text(o, "line", line->data);
	json_set_text(o, "area", area->data);
	json_set_int(o, "minutes", (PACE_STEPS - first) * PACE_STEP_MS / 60000);
	json_set_double(o, "most", (double)most * 1000.0 / PACE_STEP_MS);
}

static struct json_object *pace_json(void *mem, const struct request *rq,
    const struct campaign *c, const struct recipient_pace *p, int64_t left)
{
	struct json_object *o = json_obj(mem);
	double rate = rate_of(p, c->started_at ? rq->now - c->started_at : 0);

	json_set_text(o, "rate", rate_text(mem, rate));
	json_set_time(o, "next_try_at", p->next_try_at);
	if (rate > 0 && left > 0 && c->status == CAMPAIGN_SENDING) {
		int64_t ms = (int64_t)((double)left / rate * 1000.0);

		json_set_text(o, "left", duration(mem, ms));
		json_set_time(o, "done_at", rq->now + ms);
	}
	if (c->started_at > 0)
		json_set_text(o, "running", duration(mem, rq->now - c->started_at));
	add_spark(mem, o, p);
	return o;
}

/* ---- what went wrong ---- */

static const char *todo_of(enum delivery_state s)
{
	switch (s) {
	case DELIVERY_RETRY:
		return "They are tried again by themselves. Nothing to do.";
	case DELIVERY_REJECTED:
		return "Refused for good: these were not mailed and are not tried "
		       "again.";
	case DELIVERY_DOUBT:
		return "Handed over, but no clear answer came: the mail may have left "
		       "or not.";
	default: return "Left out on purpose. Nothing to do.";
	}
}

/* Some reasons are words of ours, others sentences of the provider. */
static const char *title_of(void *mem, const struct recipient_reason *r)
{
	if (!text_empty(r->reason)) {
		char *title = mem_str(mem, r->reason);

		if (*title >= 'a' && *title <= 'z')
			*title -= 'a' - 'A';
		return title;
	}
	switch (r->state) {
	case DELIVERY_RETRY: return "Waiting to be tried again";
	case DELIVERY_REJECTED: return "Refused";
	case DELIVERY_DOUBT: return "No answer came back";
	default: return "Left out";
	}
}

static struct json_object *reasons_json(void *mem, const struct recipient_reason *r,
    size_t n)
{
	struct json_object *all = json_arr(mem);
	size_t i;

	for (i = 0; i < n; i++) {
		struct json_object *o = json_obj(mem);

		json_set_text(o, "state", delivery_state_name(r[i].state));
		json_set_text(o, "reason", r[i].reason);
		json_set_text(o, "title", title_of(mem, &r[i]));
		json_set_text(o, "todo", todo_of(r[i].state));
		json_set_text(o, "example", r[i].example);
		json_set_int(o, "n", r[i].n);
		json_set_time(o, "last_at", r[i].last_at);
		json_push(all, o);
	}
	return all;
}

static struct json_object *people_json(void *mem, const struct recipient *r, size_t n)
{
	struct json_object *all = json_arr(mem);
	size_t i;

	for (i = 0; i < n; i++) {
		struct json_object *o = json_obj(mem);

		json_set_int(o, "id", r[i].d.id);
		json_set_int(o, "subscriber_id", r[i].d.subscriber_id);
		json_set_text(o, "name", r[i].name);
		json_set_text(o, "email", r[i].d.email);
		json_set_text(o, "reason", r[i].d.reason);
		json_set_time(o, "settled_at", r[i].d.settled_at);
		json_push(all, o);
	}
	return all;
}

/* ---- the page ---- */

static enum err add_ledger(struct request *rq, struct json_object *o,
    const struct campaign *c, int64_t left)
{
	struct recipient_filter doubts = { .states = 1u << DELIVERY_DOUBT,
		.limit = DOUBTS };
	struct recipient_reason *why;
	struct recipient_pace pace;
	struct recipient *rows;
	struct recipient_rows page;
	size_t n;
	enum err e = recipient_pace(rq->db, c->id, rq->now, &pace);

	if (e == OK)
		e = recipient_reasons(rq->db, rq, c->id, &why, &n);
	if (e != OK)
		return e;
	json_set(o, "pace", pace_json(rq, rq, c, &pace, left));
	json_set(o, "reasons", reasons_json(rq, why, n));
	e = recipient_latest(rq->db, rq, c->id, LATEST, &rows, &n);
	if (e != OK)
		return e;
	json_set(o, "latest", people_json(rq, rows, n));
	e = recipient_page(rq->db, rq, c->id, &doubts, &page);
	if (e == OK)
		json_set(o, "doubts", people_json(rq, page.rows, page.n));
	return e;
}

static double slowed_part(struct request *rq, const struct provider_settings *ps)
{
	return slow_part(rq->kv, provider_slow_key(rq, provider_account_key(rq, ps)),
	    rq->now);
}

enum err campaign_add_rate(struct request *rq, struct json_object *o,
    const struct campaign *c)
{
	struct provider_settings *ps;
	enum err e = provider_settings_get(rq->db, rq, c->brand_id, &ps);

	if (e != OK)
		return e;
	json_set(o, "allowed_rate", NULL);
	json_set(o, "rate", NULL);
	if (ps->rate > 0 || ps->max_rate > 0) {
		json_set_double(o, "allowed_rate", provider_rate(ps));
		json_set_double(o, "rate", provider_rate(ps) * slowed_part(rq, ps));
	}
	return OK;
}

static enum err add_provider(struct request *rq, struct json_object *o,
    const struct campaign *c)
{
	struct provider_settings *ps;
	struct json_object *p = json_obj(rq);
	double rate, part;
	enum err e = provider_settings_get(rq->db, rq, c->brand_id, &ps);

	if (e != OK)
		return e;
	rate = provider_rate(ps);
	part = slowed_part(rq, ps);
	json_set_text(p, "kind", provider_kind_word(ps->kind));
	json_set_text(p, "rate",
	    ps->rate > 0 || ps->max_rate > 0 ? rate_text(rq, rate) : NULL);
	json_set_text(p, "slowed", part < 1 ? rate_text(rq, rate * part) : NULL);
	json_set_int(p, "max_day", (int64_t)ps->max_day);
	json_set_int(p, "free_day", (int64_t)(ps->max_day - ps->sent_day));
	json_set(o, "provider", p);
	return OK;
}

struct json_object *campaign_sum(void *mem, const struct campaign *c,
    const struct delivery_counts *n)
{
	struct json_object *all = sum_json(mem, n);
	size_t i;

	for (i = 0; i < json_object_array_length(all); i++) {
		struct json_object *o = json_object_array_get_idx(all, i);

		json_set_text(o, "href",
		    mem_printf(mem, "/brands/%lld/campaigns/%lld/recipients?state=%s",
			(long long)c->brand_id, (long long)c->id,
			json_text(o, "key", "")));
	}
	return all;
}

enum err campaign_live(struct request *rq, struct response *rs,
    const struct campaign *c)
{
	struct json_object *o = json_obj(rs), *lists;
	struct delivery_counts counts;
	int64_t left = 0, reach = 0, feed = 0;
	int i;
	enum err e = ledger_counts(rq->db, c->id, &counts);

	if (e == OK)
		e = campaign_lists(rq, c, &lists);
	if (e == OK && c->status == CAMPAIGN_SCHEDULED)
		e = reach_measure(rq->db, rq->kv, c, &reach);
	if (e != OK)
		return e;
	for (i = 0; i < DELIVERY_ACCEPTED; i++)
		left += counts.n[i];
	campaign_names(rs, lists, o);
	e = campaign_name_parent(rq, c, o);
	if (c->status == CAMPAIGN_SCHEDULED)
		campaign_name_subject(rq, c, o);
	json_set_int(o, "reach", reach);
	json_set(o, "sum", campaign_sum(rs, c, &counts));
	if (e == OK && c->status != CAMPAIGN_SCHEDULED)
		e = add_ledger(rq, o, c, left);
	if (e == OK)
		e = add_provider(rq, o, c);
	if (e == OK)
		e = ledger_feed_at(rq->db, c->brand_id, &feed);
	json_set_time(o, "feed_at", feed);
	rs->page = "campaign/live";
	rs->extra = o;
	return e;
}
