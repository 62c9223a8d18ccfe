#include <stdio.h>

#include "app.h"
#include "base/json.h"
#include "cmd/commands.h"
#include "web/cron.h"

static int failed(enum err e, const char *what)
{
	fprintf(stderr, "maillayer cron-once: %s failed (%s); the log says why.\n",
	    what, err_name(e));
	return 1;
}

static int run(struct arguments *a)
{
	struct json_object *o;
	struct work_report w = { 0 };
	struct app *app;
	enum err e;

	if (app_open(a->mem, a->config, "cron-once", APP_DB | APP_KV, &app) != OK)
		return 1;
	o = json_obj(a->mem);
	e = cron_do_send(app, &w);
	if (e != OK)
		return failed(e, "sending");
	json_set(o, "send", cron_json(a->mem, &w));
	e = cron_do_jobs(app, &w);
	if (e != OK)
		return failed(e, "importing and counting");
	json_set(o, "jobs", cron_json(a->mem, &w));
	puts(json_write(a->mem, o));
	return 0;
}

const struct command command_cron_once = {
	.name = "cron-once",
	.usage = "",
	.summary = "Does one slice of all background work, without HTTP.",
	.more = "For a timer of the system in place of the HTTP trigger.  Prints what "
		"was done as\n"
		"JSON: {\"send\": {done, left, more, next_in_ms}, \"jobs\": {...}}.\n",
	.run = run,
};
