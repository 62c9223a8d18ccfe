#include <stdio.h>
#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "repo/brand.h"
#include "service/api_key.h"

enum { BRAND, ALL, SCOPES, NAME };

static int fail(const struct form *f, enum err e)
{
	struct json_object *errors = form_errors(f);

	if (e != ERR_INVALID || errors == NULL) {
		fprintf(stderr, "maillayer key: it failed (%s).\n", err_name(e));
		return 1;
	}
	json_object_object_foreach (errors, field, sentence)
		fprintf(stderr, "maillayer key: %s: %s\n", field,
		    json_object_get_string(sentence));
	return 1;
}

static int create(struct arguments *a, struct app *app, int64_t brand)
{
	struct form *f = form_new(a->mem);
	struct key_grant g = {
		.brand_id = brand,
		.scopes = SCOPE_READ | SCOPE_WRITE | SCOPE_SEND,
		.now = clock_now(app->clock),
	};
	struct api_key *key;
	struct brand *b;
	char *secret;
	enum err e = OK;

	if (brand != 0)
		e = brand_get(app->db, a->mem, brand, &b);
	if (e == ERR_NOTFOUND) {
		fprintf(stderr, "maillayer key: there is no brand %lld.\n",
		    (long long)brand);
		return 1;
	}
	form_add(f, "name", a->values[NAME] ? a->values[NAME] : "Made by command");
	form_add(f, "scopes", a->values[SCOPES] ? a->values[SCOPES] : "read");
	if (e == OK)
		e = key_create(app->db, a->mem, &g, f, &key, &secret);
	if (e != OK)
		return fail(f, e);
	puts(secret);
	return 0;
}

static int run(struct arguments *a)
{
	int64_t brand = 0;
	struct app *app;

	if (a->nrest != 1 || strcmp(a->rest[0], "create") != 0)
		return command_usage(&command_key, "say what to do: create.");
	if ((a->values[BRAND] != NULL) == (a->values[ALL] != NULL))
		return command_usage(&command_key, "say either --brand ID or --all.");
	if (a->values[BRAND] && !text_to_int(a->values[BRAND], 1, INT64_MAX, &brand))
		return command_usage(&command_key, "--brand wants a brand's number.");
	if (app_open(a->mem, a->config, "key", APP_DB, &app) != OK)
		return 1;
	return create(a, app, brand);
}

const struct command command_key = {
	.name = "key",
	.usage = "create",
	.summary = "Makes an API key and prints it, once.",
	.more = "Only a hash of the key is kept.\n",
	.options = {
		[BRAND] = { "brand", "ID", "for one brand" },
		[ALL] = { "all", NULL, "for every brand, also those to come" },
		[SCOPES] = { "scopes", "WORDS", "of read,write,send; otherwise read" },
		[NAME] = { "name", "NAME", "shown in the list of keys" },
	},
	.run = run,
};
