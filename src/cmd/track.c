#include "app.h"
#include "cmd/commands.h"
#include "cmd/serve.h"
#include "http/fcgi.h"
#include "web/track.h"

enum { DRAIN_S = 10 };

static int run(struct arguments *a)
{
	static const struct service service = {
		.process = "track",
		.what = APP_DB | APP_KV | APP_FEW_PAGES | APP_SMALL,
		.workers_min = 1,
		.batch = FCGI_BATCH_MAX,
		.flush = track_flush,
		.drain_s = DRAIN_S,
	};

	return serve(&service, a);
}

const struct command command_track = {
	.name = "track",
	.usage = "",
	.summary = "Serves the open pixel and click addresses on its socket.",
	.more = "As `maillayer web`, on server.track_socket: a pool of its own,\n"
		"so that the rush after a campaign does not slow the pages down.\n",
	.run = run,
};
