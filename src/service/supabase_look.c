#include "service/supabase_look.h"

#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "service/supabase_call.h"

struct looker {
	const struct visit *v;
	void *mem;
	struct supabase_finding *out;
	size_t n;
};

static void find(struct looker *l, int how, const char *text)
{
	if (l->n < SUPABASE_FINDINGS)
		l->out[l->n++] = (struct supabase_finding){ how, text };
}

/* ---- the public key ---- */

/* Claims of a key of the old kind, which is a token itself; NULL: of the new kind. */
static struct json_object *claims_of(void *mem, const char *key)
{
	const char *dot = strchr(key, '.'), *end = dot ? strchr(dot + 1, '.') : NULL;
	struct json_object *o;
	uint8_t *text;
	size_t n;

	if (end == NULL ||
	    !base64url_decode(mem, mem_strn(mem, dot + 1, (size_t)(end - dot - 1)),
		&text, &n) ||
	    json_read(mem, (const char *)text, n, &o, NULL) != OK)
		return NULL;
	return o;
}

static bool is_signed_by(void *mem, const char *key, const char *secret)
{
	struct jwt_keys *k = jwt_keys_secret(mem, secret);
	const char *end = strrchr(key, '.');
	uint8_t *mac;
	size_t n;

	return base64url_decode(mem, end + 1, &mac, &n) &&
	    jwt_keys_check(k, NULL, key, (size_t)(end - key), mac, n) == OK;
}

static void look_key(struct looker *l)
{
	const struct config *c = l->v->supabase->config;
	const char *key = c->supabase.anon_key;
	struct json_object *o = claims_of(l->mem, key);

	if (o == NULL)
		return;
	if (!text_equal(json_text(o, "role", NULL), "anon"))
		find(l, SUPABASE_BAD,
		    "anon_key is not the public key but one of more power: replace it, "
		    "and turn that key at Supabase if others could read it.");
	else if (text_equal(c->supabase.algorithm, "HS256") &&
	    !is_signed_by(l->mem, key, c->supabase.jwt_secret))
		find(l, SUPABASE_BAD,
		    "jwt_secret did not sign anon_key: one of them is of another "
		    "project, or an older one.");
}

/* ---- the project ---- */

static void look_providers(struct looker *l, struct json_object *settings)
{
	struct json_object *external = json_get(settings, "external");
	char **words = config_providers(l->mem, l->v->supabase->config);

	for (size_t i = 0; words[i] != NULL; i++) {
		/* it does not tell of those that are made there */
		if (!text_starts(words[i], "custom:") &&
		    !json_flag(external, words[i], false))
			find(l, SUPABASE_BAD,
			    mem_printf(l->mem,
				"The provider %s is not switched on at Supabase.",
				words[i]));
	}
	if (json_flag(settings, "mailer_autoconfirm", false))
		find(l, SUPABASE_NOTE,
		    "“Confirm email” is off at Supabase: there an address proves "
		    "nothing, and an invitation can be taken by anybody who types it.");
}

static bool look_settings(struct looker *l)
{
	struct supabase_call c = { .path = "/settings" };
	struct supabase_answer a;
	const char *why;

	if (supabase_ask(l->v, l->mem, &c, &a, &why) != OK) {
		find(l, SUPABASE_BAD,
		    mem_printf(l->mem, "%s does not answer; the line above says why.",
			l->v->supabase->auth));
		return false;
	}
	if (a.status != 200) {
		find(l, SUPABASE_BAD,
		    mem_printf(l->mem, "%s answers %d: is anon_key right?",
			l->v->supabase->auth, a.status));
		return false;
	}
	look_providers(l, a.body);
	return true;
}

static void look_keys(struct looker *l)
{
	const char *algorithm = l->v->supabase->config->supabase.algorithm;
	size_t n = 0;

	if (supabase_keys(l->v, l->mem, &n) != OK)
		find(l, SUPABASE_BAD, "The keys of the project cannot be had.");
	else if (n == 0)
		find(l, SUPABASE_BAD,
		    mem_printf(l->mem,
			"The project has no key of %s: which algorithm does it sign "
			"with?",
			algorithm));
}

size_t supabase_look(struct app *app, void *mem,
    struct supabase_finding out[SUPABASE_FINDINGS])
{
	struct visit v = {
		.db = app->db,
		.kv = app->kv,
		.keys = app->keys,
		.log = &app->log,
		.now = clock_now(app->clock),
		.supabase = supabase_new(mem, app->config),
	};
	struct looker l = { &v, mem, out, 0 };

	if (v.supabase == NULL)
		return 0;
	look_key(&l);
	if (look_settings(&l))
		look_keys(&l);
	if (l.n == 0)
		find(&l, SUPABASE_WELL,
		    mem_printf(mem, "%s answers, %s", v.supabase->auth,
			app->config->supabase.algorithm));
	return l.n;
}
