#include <stdio.h>
#include <string.h>

#include "app.h"
#include "cmd/commands.h"

static int run(struct arguments *a)
{
	struct app *app;

	if (a->nrest != 1 || strcmp(a->rest[0], "cron") != 0)
		return command_usage(&command_secret, "say which secret: cron.");
	if (app_open(a->mem, a->config, "secret", 0, &app) != OK)
		return 1;
	puts(app->keys->cron);
	return 0;
}

const struct command command_secret = {
	.name = "secret",
	.usage = "cron",
	.summary = "Prints the secret that /cron/ asks for.",
	.more = "POST it as `Authorization: Bearer SECRET` to /cron/send and\n"
		"/cron/jobs. It is derived from security.key_file.\n",
	.run = run,
};
