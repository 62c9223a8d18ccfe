#pragma once

#include "app.h"
#include "http/router.h"
#include "model/work.h"

/* Triggers of background work; both answer {done, left, more, next_in_ms}. */
handler cron_send; /* POST /cron/send: a slice of sending */
handler cron_jobs; /* POST /cron/jobs: imports, then opens and clicks */

/*
 * The same without HTTP.  Both note the time, so that a trigger that stopped is seen.
 */
enum err cron_do_send(struct app *app, struct work_report *out) MUST_CHECK;
enum err cron_do_jobs(struct app *app, struct work_report *out) MUST_CHECK;
struct json_object *cron_json(void *mem, const struct work_report *w);
/* When a trigger came last (UTC ms), 0: never. */
enum err cron_seen(struct app *app, int64_t *at) MUST_CHECK;
