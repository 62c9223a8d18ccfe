#include <stdio.h>
#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "repo/api_key.h"
#include "repo/brand.h"
#include "repo/user.h"
#include "service/address.h"
#include "service/api_key.h"
#include "service/audit.h"

enum { BRAND, ALL, SCOPES, NAME, EXPIRES, ID, USER };

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

static int no_brand(int64_t id)
{
	fprintf(stderr, "maillayer key: there is no brand %lld.\n", (long long)id);
	return 1;
}

/* ---- create ---- */

static enum err make(struct arguments *a, struct app *app, struct key_grant *g,
    struct form *f, char **secret)
{
	TX_SCOPE tx = { 0 };
	struct api_key *key;
	enum err e = tx_begin(app->db, &tx);

	if (e == OK)
		e = key_create(app->db, a->mem, g, f, &key, secret);
	if (e == OK)
		e = audit_command(app->db, "api_key.create", g->brand_id, key->id,
		    key->name, g->now);
	return e == OK ? tx_commit(&tx) : e;
}

/* Whose rights the key has: --user, otherwise the first administrator. */
static enum err find_user(struct arguments *a, struct app *app, struct form *f,
    struct key_grant *g)
{
	const char *text = a->values[USER], *why = NULL;
	struct address who;
	struct user *u;
	enum err e;

	if (text && address_parse(a->mem, text, &who, &why) != OK)
		return form_fail(f, "user", "%s", why);
	e = text ? user_find(app->db, a->mem, who.key, &u)
		 : user_first_admin(app->db, a->mem, &u);
	if (e == ERR_NOTFOUND)
		return form_fail(f, "user", "%s",
		    text ? "Nobody has an account with this address."
			 : "A key has the rights of a user, and there is no "
			   "administrator yet: maillayer user create --admin.");
	if (e == OK)
		g->user_id = u->id;
	return e;
}

static int create(struct arguments *a, struct app *app, int64_t brand)
{
	struct form *f = form_new(a->mem);
	struct key_grant g = {
		.brand_id = brand,
		.scopes = SCOPE_ALL,
		.now = clock_now(app->clock),
	};
	struct brand *b;
	char *secret;
	enum err e = OK;

	if (brand != 0)
		e = brand_get(app->db, a->mem, brand, &b);
	if (e == ERR_NOTFOUND)
		return no_brand(brand);
	if (e == OK && brand != 0)
		g.zone = b->time_zone;
	form_add(f, "name", a->values[NAME] ? a->values[NAME] : "Made by command");
	form_add(f, "scopes", a->values[SCOPES] ? a->values[SCOPES] : "read");
	form_add(f, "expires", a->values[EXPIRES] ? a->values[EXPIRES] : "never");
	if (e == OK)
		e = find_user(a, app, f, &g);
	if (e == OK)
		e = make(a, app, &g, f, &secret);
	if (e != OK)
		return fail(f, e);
	puts(secret);
	return 0;
}

/* ---- list and revoke ---- */

static const char *day(void *mem, int64_t ms, const char *otherwise)
{
	return ms ? time_local(mem, ms, "UTC", "%Y-%m-%d") : otherwise;
}

static void print(void *mem, const struct api_key *k, int64_t now)
{
	const char *state = k->user_there ? "active" : "suspended";

	if (k->expires_at && k->expires_at <= now)
		state = "expired";
	if (k->revoked_at)
		state = "revoked";
	printf("%lld\t%s\t%s\t%s\t%s\tmade %s\tused %s\tends %s\t%s\t%s\n",
	    (long long)k->id,
	    k->brand_id ? mem_printf(mem, "brand %lld", (long long)k->brand_id) : "all",
	    k->prefix, scopes_text(mem, k->scopes), state, day(mem, k->created_at, "-"),
	    day(mem, k->last_used_at, "never"), day(mem, k->expires_at, "never"),
	    k->user_email, k->name);
}

/* Those of one brand, those for all brands (brand 0), or every key (-1). */
static int list(struct arguments *a, struct app *app, int64_t brand)
{
	struct api_key *k;
	int64_t after = 0;
	size_t n = 1;
	enum err e = OK;

	while (e == OK && n > 0) {
		e = api_key_list_all(app->db, a->mem, after, &k, &n);
		for (size_t i = 0; e == OK && i < n; i++) {
			after = k[i].id;
			if (brand < 0 || k[i].brand_id == brand)
				print(a->mem, &k[i], clock_now(app->clock));
		}
	}
	return e == OK ? 0 : fail(form_new(a->mem), e);
}

static enum err find(struct arguments *a, struct app *app, int64_t id,
    struct api_key **out)
{
	struct api_key *k;
	size_t n;
	enum err e = api_key_list_all(app->db, a->mem, id - 1, &k, &n);

	if (e == OK && (n == 0 || k[0].id != id))
		return ERR_NOTFOUND;
	*out = k;
	return e;
}

static int revoke(struct arguments *a, struct app *app, int64_t id)
{
	TX_SCOPE tx = { 0 };
	int64_t now = clock_now(app->clock);
	struct api_key *k;
	enum err e = tx_begin(app->db, &tx);

	if (e == OK)
		e = find(a, app, id, &k);
	if (e == ERR_NOTFOUND) {
		fprintf(stderr, "maillayer key: there is no key %lld.\n",
		    (long long)id);
		return 1;
	}
	if (e == OK)
		e = api_key_revoke(app->db, k->brand_id, id, now);
	if (e == OK)
		e = audit_command(app->db, "api_key.revoke", k->brand_id, id, k->name,
		    now);
	if (e == OK)
		e = tx_commit(&tx);
	return e == OK ? 0 : fail(form_new(a->mem), e);
}

static int run(struct arguments *a)
{
	const char *what = a->nrest == 1 ? a->rest[0] : "";
	bool creates = strcmp(what, "create") == 0, lists = strcmp(what, "list") == 0;
	bool both = a->values[BRAND] && a->values[ALL];
	bool none = !a->values[BRAND] && !a->values[ALL];
	int64_t brand = 0, id = 0;
	struct app *app;

	if (!creates && !lists && strcmp(what, "revoke") != 0)
		return command_usage(&command_key,
		    "say what to do: create, list or revoke.");
	if (both || (creates && none))
		return command_usage(&command_key, "say either --brand ID or --all.");
	if (a->values[BRAND] && !text_to_int(a->values[BRAND], 1, INT64_MAX, &brand))
		return command_usage(&command_key, "--brand wants a brand's number.");
	if (!creates && !lists &&
	    (!a->values[ID] || !text_to_int(a->values[ID], 1, INT64_MAX, &id)))
		return command_usage(&command_key, "revoke needs --id NUMBER.");
	if (app_open(a->mem, a->config, "key", APP_DB, &app) != OK)
		return 1;
	if (lists)
		return list(a, app, none ? -1 : brand);
	return creates ? create(a, app, brand) : revoke(a, app, id);
}

const struct command command_key = {
	.name = "key",
	.usage = "create|list|revoke",
	.summary = "Makes API keys, lists and revokes them.",
	.more = "create prints the key, once: only a hash of it is kept.\n",
	.options = {
		[BRAND] = { "brand", "ID", "for one brand" },
		[ALL] = { "all", NULL, "for every brand, also those to come" },
		[SCOPES] = { "scopes", "WORDS",
		    "of read,write,send,transactional,manage; otherwise read" },
		[NAME] = { "name", "NAME", "shown in the list of keys" },
		[EXPIRES] = { "expires", "WHEN",
		    "never, a number of days, or the last day" },
		[USER] = { "user", "ADDRESS",
		    "whose rights it has at most; otherwise the first administrator" },
		[ID] = { "id", "NUMBER", "the key to revoke, as list shows it" },
	},
	.run = run,
};
