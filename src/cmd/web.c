#include "app.h"
#include "cmd/commands.h"
#include "cmd/serve.h"

enum { DRAIN_S = 20 };

static int run(struct arguments *a)
{
	static const struct service service = {
		.process = "web",
		.what = APP_DB | APP_KV | APP_PAGES | APP_SMALL,
		.workers_min = 2,
		.wakes = true,
		.drain_s = DRAIN_S,
	};

	return serve(&service, a);
}

const struct command command_web = {
	.name = "web",
	.usage = "",
	.summary = "Serves pages and the API on its socket.",
	.more = "Worker processes answer FastCGI requests of nginx on\n"
		"server.web_socket, or on the listening socket given as file\n"
		"descriptor 0. SIGHUP starts new workers and lets the old ones\n"
		"finish; SIGTERM lets all finish.\n",
	.run = run,
};
