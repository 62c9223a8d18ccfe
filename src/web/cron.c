#include "web/cron.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/slot.h"
#include "base/text.h"
#include "repo/setting.h"
#include "send/ingest.h"
#include "send/slice.h"
#include "service/import.h"

static const char seen_key[] = "cron_seen_at";

/* Freshness is measured in minutes: one write in so many ms is enough. */
enum { NOTE_EVERY_MS = 20000, RUNNING_RETRY_S = 10 };

enum err cron_seen(struct app *app, int64_t *at)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "cron");
	char *text;
	enum err e = setting_get(app->db, tmp, seen_key, &text);

	*at = 0;
	if (e == OK && !text_to_int(text, 0, INT64_MAX, at))
		*at = 0;
	return e == ERR_NOTFOUND ? OK : e;
}

static enum err note(struct app *app)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "cron");
	int64_t t = clock_now(app->clock), before;
	enum err e = cron_seen(app, &before);

	if (e != OK || (t - before < NOTE_EVERY_MS && t >= before))
		return e;
	return setting_put(app->db, seen_key, mem_printf(tmp, "%lld", (long long)t), t);
}

static int64_t budget_ms(const struct app *app)
{
	return (int64_t)app->config->server.slice_seconds * 1000;
}

enum err cron_do_send(struct app *app, struct work_report *out)
{
	enum err e = note(app);

	return e == OK ? slice_run(app, budget_ms(app), out) : e;
}

/* One report of two: what is sooner counts. */
static void add(struct work_report *sum, const struct work_report *w)
{
	sum->done += w->done;
	sum->left += w->left;
	sum->more = sum->more || w->more;
	if (w->next_in_ms > 0 &&
	    (sum->next_in_ms == 0 || w->next_in_ms < sum->next_in_ms))
		sum->next_in_ms = w->next_in_ms;
}

/* A failing import must not hold up the counting of opens: both are tried. */
enum err cron_do_jobs(struct app *app, struct work_report *out)
{
	struct work_report imported = { 0 }, counted = { 0 };
	enum err e = note(app), e2;

	*out = (struct work_report){ 0 };
	if (e != OK)
		return e;
	e = import_work(app, budget_ms(app) / 2, &imported);
	e2 = ingest_work(app, budget_ms(app) / 2, &counted);
	add(out, &imported);
	add(out, &counted);
	return e != OK ? e : e2;
}

struct json_object *cron_json(void *mem, const struct work_report *w)
{
	struct json_object *o = json_obj(mem);

	json_set_int(o, "done", w->done);
	json_set_int(o, "left", w->left);
	json_set_bool(o, "more", w->more);
	json_set_int(o, "next_in_ms", w->next_in_ms);
	if (w->held)
		json_set_text(o, "held", w->held);
	return o;
}

/*
 * One at a time on each host, so that triggers that come faster than work is done do
 * not pile up.  Correctness does not need it.
 */
static enum err alone(struct request *rq, struct response *rs, const char *name,
    struct slot *slot)
{
	const struct config *c = rq->app->config;

	if (c->security.cron_rate == 0 || slot_try(c->server.state_dir, name, 1, slot))
		return OK;
	rs->retry_after = RUNNING_RETRY_S;
	return respond_error(rs, ERR_LIMITED,
	    "The trigger before this one is still at work.");
}

enum err cron_send(struct request *rq, struct response *rs)
{
	SLOT_SCOPE slot = { .fd = -1 };
	struct work_report w = { 0 };
	enum err e = alone(rq, rs, "cron-send", &slot);

	if (e == OK)
		e = cron_do_send(rq->app, &w);
	return e == OK ? respond(rs, cron_json(rs, &w)) : e;
}

enum err cron_jobs(struct request *rq, struct response *rs)
{
	SLOT_SCOPE slot = { .fd = -1 };
	struct work_report w = { 0 };
	enum err e = alone(rq, rs, "cron-jobs", &slot);

	if (e == OK)
		e = cron_do_jobs(rq->app, &w);

	return e == OK ? respond(rs, cron_json(rs, &w)) : e;
}
