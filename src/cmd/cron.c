#include "app.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cmd/commands.h"
#include "cmd/serve.h"
#include "service/host.h"

/* A backup made before now is older than the database was when we stopped. */
static void leave(struct app *app)
{
	const struct host_place place = host_place_of(app);
	enum err e = host_leave(app->db, app, &place, clock_now(app->clock));

	if (e != OK)
		log_warn(&app->log, "host.leave", LOG_STR("error", err_name(e)));
}

static int run(struct arguments *a)
{
	static const struct service service = {
		.process = "cron",
		.what = APP_DB | APP_KV,
		.workers_min = 1,
		.end = leave,
	};

	return serve(&service, a);
}

const struct command command_cron = {
	.name = "cron",
	.usage = "",
	.summary = "Serves the triggers of background work on its socket.",
	.more = "As `maillayer web`, on server.cron_socket. POST /cron/send sends\n"
		"for up to server.slice_seconds, POST /cron/jobs imports and\n"
		"counts; both want the secret that `maillayer secret cron`\n"
		"prints. `maillayer cron-once` does the same at once.\n",
	.run = run,
};
