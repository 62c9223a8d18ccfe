#include <stdio.h>
#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/commands.h"
#include "cmd/stdin.h"
#include "repo/user.h"
#include "service/account.h"
#include "service/address.h"
#include "service/audit.h"
#include "service/password_reset.h"

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

/* Writes it down in the audit log; the exit status. */
static int note(const struct arguments *a, struct app *app, const char *action,
    const struct user *u)
{
	enum err e =
	    audit_command(app->db, action, 0, u->id, u->email, clock_now(app->clock));

	return e == OK ? 0 : say_errors(form_new(a->mem), e);
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
	return note(a, app, "user.create", u);
}

static struct visit visit_of(struct app *app)
{
	return (struct visit){
		.db = app->db,
		.kv = app->kv,
		.keys = app->keys,
		.state_dir = app->config->server.state_dir,
		.now = clock_now(app->clock),
	};
}

static enum err set_password(struct arguments *a, struct app *app, struct form *f,
    struct user *u)
{
	struct visit v = visit_of(app);
	const char *password;

	form_add(f, "password", stdin_line(a->mem));
	password = password_chosen(f, u->email);
	if (!form_ok(f))
		return ERR_INVALID;
	return account_set_password(&v, a->mem, u, password, 0);
}

static enum err reset_link(struct arguments *a, struct app *app, struct user *u)
{
	struct visit v = visit_of(app);
	char *word;
	enum err e = password_reset_make(&v, a->mem, u->id, &word);

	if (e == OK)
		printf("%s/reset/%s\n", app->config->server.public_url, word);
	return e;
}

static enum err set_standing(struct arguments *a, struct app *app, struct form *f,
    struct user *u)
{
	struct visit v = visit_of(app);
	const char *what = a->rest[0];

	if (strcmp(what, "disable") == 0 || strcmp(what, "enable") == 0)
		form_add(f, "disabled", strcmp(what, "disable") == 0 ? "1" : "0");
	else
		form_add(f, "admin", strcmp(what, "promote") == 0 ? "1" : "0");
	return account_change_standing(&v, a->mem, u->id, f, &u);
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

static const struct verb {
	const char *name;
	const char *action; /* of the audit log, where nothing else says it */
	bool password;      /* read from standard input */
} verbs[] = {
	{ "list", NULL, false },
	{ "create", NULL, true },
	{ "password", NULL, true },
	{ "reset-link", "user.reset_link", false },
	{ "disable", "user.disable", false },
	{ "enable", "user.enable", false },
	{ "promote", "user.promote", false },
	{ "demote", "user.demote", false },
};

/* What is done to an account that is there. */
static int change(struct arguments *a, struct app *app, const struct verb *v)
{
	struct form *f = form_new(a->mem);
	struct address who;
	struct user *u;
	const char *why;
	enum err e = address_parse(a->mem, a->values[EMAIL], &who, &why);

	if (e == OK)
		e = user_find(app->db, a->mem, who.key, &u);
	if (e == ERR_INVALID || e == ERR_NOTFOUND) {
		fprintf(stderr, "maillayer user: nobody has the address %s.\n",
		    a->values[EMAIL]);
		return 1;
	}
	if (e == OK && v->password)
		e = set_password(a, app, f, u);
	else if (e == OK && strcmp(v->name, "reset-link") == 0)
		e = reset_link(a, app, u);
	else if (e == OK)
		e = set_standing(a, app, f, u);
	if (e != OK)
		return say_errors(f, e);
	return v->password ? note(a, app, "user.set_password", u)
			   : note(a, app, v->action, u);
}

static int run(struct arguments *a)
{
	const char *what = a->nrest == 1 ? a->rest[0] : "";
	const struct verb *v = NULL;
	struct app *app;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(what, verbs[i].name) == 0)
			v = &verbs[i];
	if (v == NULL)
		return command_usage(&command_user, "say what to do: %s.",
		    command_user.usage);
	if (((v->action || v->password) && a->values[EMAIL] == NULL) ||
	    (v->password && a->values[PASSWORD] == NULL))
		return command_usage(&command_user, "%s needs --email ADDRESS%s.", what,
		    v->password ? " and --password-stdin" : "");
	if (app_open(a->mem, a->config, "user", APP_DB | APP_KV, &app) != OK)
		return 1;
	if (strcmp(what, "list") == 0)
		return list(a, app);
	return strcmp(what, "create") == 0 ? create(a, app) : change(a, app, v);
}

const struct command command_user = {
	.name = "user",
	.usage = "create|list|password|reset-link|disable|enable|promote|demote",
	.summary = "Makes, lists and changes accounts.",
	.more = "create prints the new account's id. password sets one; reset-link\n"
		"prints a link that works once, within an hour, and lets its holder\n"
		"choose one. disable and enable say whether the person may sign in,\n"
		"promote and demote whether they administer the installation. Every\n"
		"change but reset-link ends the account's sessions at once.\n",
	.options = {
		[EMAIL] = { "email", "ADDRESS", "whose account" },
		[NAME] = { "name", "NAME", "how the person is called" },
		[PASSWORD] = { "password-stdin", NULL, "reads the password there" },
		[ADMIN] = { "admin", NULL, "may do everything in every brand" },
	},
	.run = run,
};
