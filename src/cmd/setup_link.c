#include <stdio.h>

#include "app.h"
#include "cmd/commands.h"
#include "service/auth.h"

static int run(struct arguments *a)
{
	struct app *app;
	char *token;
	enum err e;

	if (app_open(a->mem, a->config, "setup-link", APP_DB, &app) != OK)
		return 1;
	e = setup_token_make(app->db, a->mem, clock_now(app->clock), &token);
	if (e == ERR_CONFLICT)
		return 3;
	if (e != OK) {
		fprintf(stderr, "maillayer setup-link: it failed (%s).\n", err_name(e));
		return 1;
	}
	printf("%s/setup/%s\n", app->config->server.public_url, token);
	return 0;
}

const struct command command_setup_link = {
	.name = "setup-link",
	.usage = "",
	.summary = "Prints the one-time link that creates the first account.",
	.more = "A link printed before stops working. Prints nothing and exits\n"
		"with 3 once there is an account; then use `maillayer user`.\n",
	.run = run,
};
