#include <stdio.h>
#include <string.h>

#include "app.h"
#include "base/mem.h"
#include "cmd/commands.h"
#include "service/sealed.h"

static int fail(const char *what, enum err e)
{
	if (e == ERR_CONFLICT)
		fprintf(stderr,
		    "maillayer secret: another process is changing the key file.\n");
	else
		fprintf(stderr,
		    "maillayer secret: %s failed (%s). Nothing is lost: run it "
		    "again.\n",
		    what, err_name(e));
	return 1;
}

static int show_cron(struct arguments *a)
{
	struct app *app;

	if (app_open(a->mem, a->config, "secret", 0, &app) != OK)
		return 1;
	puts(app->keys->cron);
	return 0;
}

static int tell(const struct sealed_count *n)
{
	printf("%lld sealed value%s, all with the newest key.\n", (long long)n->newest,
	    n->newest == 1 ? "" : "s");
	if (n->unreadable == 0)
		return 0;
	fprintf(stderr,
	    "maillayer secret: %lld more cannot be opened by any key of the file: "
	    "enter "
	    "those credentials again.\n",
	    (long long)n->unreadable);
	return 1;
}

/* The keys as they are in the file now. */
static enum err reload(struct arguments *a, struct app *app)
{
	return keyring_load(a->mem, app->config->security.key_file, false, &app->keys);
}

/*
 * A run that was killed has left values of the key before: it goes on without making
 * one more.
 */
static enum err add_key(struct arguments *a, struct app *app)
{
	const char *file = app->config->security.key_file;
	struct sealed_count n;
	enum err e = sealed_look(app->db, app->keys, &n);

	if (e == OK && app->keys->nbox > 1 && n.older > 0) {
		puts("Going on where the last rotation stopped.");
		return OK;
	}
	if (e == OK && app->keys->nbox > 1)
		e = keyring_forget_boxes(file);
	if (e == OK)
		e = keyring_add_box(file);
	return e == OK ? reload(a, app) : e;
}

static int rotate(struct arguments *a)
{
	struct sealed_count n;
	struct app *app;
	enum err e;

	if (app_open(a->mem, a->config, "secret", APP_DB, &app) != OK)
		return 1;
	e = add_key(a, app);
	if (e == OK)
		e = sealed_renew(app->db, app->keys, &n);
	if (e != OK)
		return fail("the rotation", e);
	puts("The key before stays in the file for what running processes seal "
	     "meanwhile.\nReload them (systemctl reload 'maillayer@*'), copy the key "
	     "file, then run `maillayer secret forget`.");
	return tell(&n);
}

static int forget(struct arguments *a)
{
	struct sealed_count n;
	struct app *app;
	enum err e;

	if (app_open(a->mem, a->config, "secret", APP_DB, &app) != OK)
		return 1;
	e = sealed_renew(app->db, app->keys, &n);
	if (e == OK)
		e = keyring_forget_boxes(app->config->security.key_file);
	return e == OK ? tell(&n) : fail("this", e);
}

static const struct {
	const char *word;
	int (*run)(struct arguments *a);
} words[] = {
	{ "cron", show_cron },
	{ "rotate", rotate },
	{ "forget", forget },
};

static int run(struct arguments *a)
{
	for (size_t i = 0; a->nrest == 1 && i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(a->rest[0], words[i].word) == 0)
			return words[i].run(a);
	return command_usage(&command_secret, "say what: cron, rotate or forget.");
}

const struct command command_secret = {
	.name = "secret",
	.usage = "cron|rotate|forget",
	.summary = "The secret of the triggers; a new key for what is sealed.",
	.more =
	    "cron prints the secret that /cron/ asks for: POST it as `Authorization:\n"
	    "Bearer SECRET` to /cron/send and /cron/jobs.\n"
	    "rotate makes a new key in security.key_file and seals every stored\n"
	    "credential anew with it; interrupted, it goes on when it is run again.\n"
	    "forget removes the keys that came before. Links in mails that were sent\n"
	    "and the secret of the triggers stay as they are.\n",
	.run = run,
};
