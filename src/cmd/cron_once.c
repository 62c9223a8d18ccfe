#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "base/json.h"
#include "cmd/commands.h"
#include "web/cron.h"

static int failed(const char *what)
{
	fprintf(stderr, "maillayer cron-once: %s failed; the log says why.\n", what);
	return 1;
}

typedef enum err work(struct app *app, struct work_report *out);

/* Does one kind of work and puts its report into o. */
static enum err add(struct app *app, struct json_object *o, const char *name, work *fn)
{
	struct work_report w = { 0 };
	enum err e = fn(app, &w);

	if (e == OK)
		json_set(o, name, cron_json(app, &w));
	return e;
}

static int run(struct arguments *a)
{
	const char *only = a->nrest > 0 ? a->rest[0] : NULL;
	bool sends = only == NULL || strcmp(only, "send") == 0;
	bool works = only == NULL || strcmp(only, "jobs") == 0;
	struct json_object *o;
	struct app *app;

	if (a->nrest > 1 || (!sends && !works))
		return command_usage(&command_cron_once, "say send, jobs or nothing.");
	if (app_open(a->mem, a->config, "cron-once", APP_DB | APP_KV, &app) != OK)
		return 1;
	o = json_obj(a->mem);
	if (sends && add(app, o, "send", cron_do_send) != OK)
		return failed("sending");
	if (works && add(app, o, "jobs", cron_do_jobs) != OK)
		return failed("importing and counting");
	puts(json_write(a->mem, o));
	return 0;
}

const struct command command_cron_once = {
	.name = "cron-once",
	.usage = "[send|jobs]",
	.summary = "Does one slice of background work, without HTTP.",
	.more = "send: sends; jobs: imports and counts opens; neither: both. For\n"
		"a timer of the system in place of the HTTP trigger. Prints what\n"
		"was done as JSON: {\"send\": {done, left, more, next_in_ms},\n"
		"\"jobs\": {...}}.\n",
	.run = run,
};
