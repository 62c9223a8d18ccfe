#include <stdio.h>

#include "app.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "service/host.h"

enum { PAUSE };

static int fail(enum err e)
{
	fprintf(stderr, "maillayer confirm: it failed (%s).\n", err_name(e));
	return 1;
}

static int run(struct arguments *a)
{
	bool pause = a->values[PAUSE] != NULL, changed;
	int64_t paused;
	struct host h;
	struct host_place place;
	struct app *app;
	enum err e;

	if (a->nrest > 0)
		return command_usage(&command_confirm, "it takes no words.");
	if (app_open(a->mem, a->config, "confirm", APP_DB | APP_KV, &app) != OK)
		return 1;
	place = host_place_of(app);
	e = host_visit(app->db, a->mem, &place, clock_now(app->clock), &h, &changed);
	if (e == OK)
		e = host_confirm(app->db, pause, clock_now(app->clock), &paused);
	if (e != OK)
		return fail(e);
	log_info(&app->log, "host.confirmed", LOG_STR("host", h.name),
	    LOG_STR("held", h.held), LOG_INT("paused", paused));
	if (pause)
		printf("%lld campaigns are paused.\n", (long long)paused);
	printf("%s %s sends.\n",
	    text_empty(h.held) ? "Nothing was held." : "Confirmed.", h.name);
	return 0;
}

const struct command command_confirm = {
	.name = "confirm",
	.usage = "",
	.summary = "Lets a restored or copied installation send again.",
	.more = "After a database was restored or copied, or when a new server joins\n"
		"it, nothing is sent until somebody has confirmed, here or on the\n"
		"page /hosts: mail that went out after the copy was made is not\n"
		"known to it and may go out again. Run it as the user that\n"
		"Maillayer runs as.\n",
	.options = { [PAUSE] = { "pause", NULL, "pause all campaigns first" } },
	.run = run,
};
