#include <stdio.h>
#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/commands.h"
#include "cmd/stdin.h"
#include "repo/user.h"
#include "service/auth.h"

enum { EMAIL, NAME, PASSWORD, ADMIN };

static int say_errors(const struct form *f, enum err e)
{
	struct json_object *errors = form_errors(f);

	if (e != ERR_INVALID || errors == NULL) {
		fprintf(stderr, "maillayer user: it failed (%s).\n", err_name(e));
		return 1;
	}
	json_object_object_foreach (errors, field, sentence)
		fprintf(stderr, "maillayer user: %s: %s\n", field,
		    json_object_get_string(sentence));
	return 1;
}

static int create(struct arguments *a, struct app *app)
{
	struct form *f = form_new(a->mem);
	struct user *u;
	enum err e;

	form_add(f, "email", a->values[EMAIL]);
	form_add(f, "name", a->values[NAME] ? a->values[NAME] : "");
	form_add(f, "password", stdin_line(a->mem));
	e = user_create(app->db, a->mem, f, a->values[ADMIN] != NULL,
	    clock_now(app->clock), &u);
	if (e != OK)
		return say_errors(f, e);
	printf("%lld\n", (long long)u->id);
	return 0;
}

static int set_password(struct arguments *a, struct app *app)
{
	struct form *f = form_new(a->mem);
	enum err e;

	form_add(f, "password", stdin_line(a->mem));
	e = user_reset_password(app->db, a->mem, a->values[EMAIL], f,
	    clock_now(app->clock));
	if (e == ERR_NOTFOUND) {
		fprintf(stderr, "maillayer user: nobody has the address %s.\n",
		    a->values[EMAIL]);
		return 1;
	}
	return e == OK ? 0 : say_errors(f, e);
}

static int list(struct arguments *a, struct app *app)
{
	struct user *users;
	size_t n;
	enum err e = user_list(app->db, a->mem, &users, &n);

	if (e != OK)
		return say_errors(form_new(a->mem), e);
	for (size_t i = 0; i < n; i++)
		printf("%lld\t%s\t%s\t%s%s\n", (long long)users[i].id, users[i].email,
		    users[i].name, users[i].admin ? "admin" : "",
		    users[i].disabled ? " disabled" : "");
	return 0;
}

static int run(struct arguments *a)
{
	const char *what = a->nrest == 1 ? a->rest[0] : "";
	bool makes = strcmp(what, "create") == 0, lists = strcmp(what, "list") == 0;
	struct app *app;

	if (!makes && !lists && strcmp(what, "password") != 0)
		return command_usage(&command_user,
		    "say what to do: create, list or password.");
	if (!lists && (a->values[EMAIL] == NULL || a->values[PASSWORD] == NULL))
		return command_usage(&command_user,
		    "%s needs --email ADDRESS and --password-stdin.", what);
	if (app_open(a->mem, a->config, "user", APP_DB, &app) != OK)
		return 1;
	if (lists)
		return list(a, app);
	return makes ? create(a, app) : set_password(a, app);
}

const struct command command_user = {
	.name = "user",
	.usage = "create|list|password",
	.summary = "Makes and lists accounts, sets a password.",
	.more = "create prints the new account's id. password ends the sessions.\n",
	.options = {
		[EMAIL] = { "email", "ADDRESS", "whose account" },
		[NAME] = { "name", "NAME", "how the person is called" },
		[PASSWORD] = { "password-stdin", NULL, "reads the password there" },
		[ADMIN] = { "admin", NULL, "may do everything in every brand" },
	},
	.run = run,
};
