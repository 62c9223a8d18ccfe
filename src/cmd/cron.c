#include "app.h"
#include "cmd/commands.h"
#include "cmd/serve.h"

static int run(struct arguments *a)
{
	static const struct service service = {
		.process = "cron",
		.what = APP_DB | APP_KV,
		.workers_min = 1,
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
