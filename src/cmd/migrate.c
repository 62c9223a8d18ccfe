#include <stdio.h>

#include "app.h"
#include "cmd/commands.h"
#include "db/migrate.h"

static int run(struct arguments *a)
{
	struct migration_state st = { 0 };
	struct app *app;
	enum err e;

	if (app_open(a->mem, a->config, "migrate", APP_DB | APP_MAKE_KEY, &app) != OK)
		return 1;
	e = migrate_up(app->db, a->mem, app->config->server.share_dir,
	    clock_now(app->clock), &st);
	if (e != OK) {
		fprintf(stderr, "maillayer migrate: %s\n",
		    st.why ? st.why : err_name(e));
		return 1;
	}
	printf("The database has schema %d.\n", st.newest);
	return 0;
}

const struct command command_migrate = {
	.name = "migrate",
	.usage = "",
	.summary = "Brings the database to this version's schema.",
	.more = "Applies what is missing, all or nothing. On a new installation\n"
		"it also makes the key file (security.key_file): keep a copy of\n"
		"it apart from backups.\n",
	.run = run,
};
