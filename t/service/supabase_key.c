#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "dbtest.h"
#include "forged.h"
#include "repo/setting.h"
#include "service/supabase.h"
#include "tap.h"

/*
 * Keys of a project that is silent: what the database has of them, for how long it
 * does, and whose they must be.  Nobody listens at the address of the project.
 */
#define MINUTE_MS (INT64_C(60) * 1000)
#define HOUR_MS (60 * MINUTE_MS)

struct world {
	struct dbtest *t;
	struct json_object *project;
	struct config config;
	struct keyring keys;
	struct visit v;
	int64_t now; /* when the tokens were made */
};

static void begin(struct world *w, struct dbtest *t)
{
	memset(w, 0, sizeof(*w));
	w->t = t;
	w->project = json_object_array_get_idx(forged_tokens(t->mem), 1);
	w->now = json_int(w->project, "now", 0) * 1000;
	w->config.supabase.url = "https://abcdefghijkl.supabase.co";
	w->config.supabase.anon_key = "k";
	w->config.supabase.algorithm = json_text(w->project, "alg", "");
	w->config.server.public_url = "https://mail.example";
	is_text(w->config.supabase.algorithm, "ES256", "a project of ES256");
}

/* A process that has just begun. */
static void start(struct world *w, int64_t now)
{
	w->v = (struct visit){ .db = w->t->db,
		.keys = &w->keys,
		.log = w->t->log,
		.now = now,
		.supabase = supabase_new(w->t->mem, &w->config) };
	ok(kv_open(w->t->mem, "", w->t->log, &w->v.kv) == OK, "a process");
	/* no call leaves: another process asks at this minute, it is believed */
	ok(kv_add(w->v.kv, "supabase:jwks:asked", "1", 1, 60) == OK, "asks nobody");
}

static void keep(struct world *w, const char *url, int64_t at)
{
	struct json_object *o = json_obj(w->t->mem);

	json_set_text(o, "url", url);
	json_set_int(o, "at", at);
	json_set_text(o, "jwks", json_text(w->project, "jwks", ""));
	ok(setting_put(w->t->db, "supabase_jwks", json_write(w->t->mem, o), at) == OK,
	    "keys in the database");
}

static enum err try_first(struct world *w)
{
	struct json_object *first =
	    json_object_array_get_idx(json_get(w->project, "tokens"), 0);
	const char *why = "";
	struct jwt j;

	return supabase_verify(&w->v, w->t->mem, json_text(first, "token", ""), &j,
	    &why);
}

static void ages(struct world *w)
{
	const char *url = json_text(w->project, "issuer", "");

	start(w, w->now);
	is_int(try_first(w), ERR_BUSY, "without keys supabase_verify cannot tell");
	keep(w, "https://other.supabase.co/auth/v1", w->now);
	start(w, w->now);
	is_int(try_first(w), ERR_BUSY, "keys of another project are none");
	keep(w, url, w->now + 1);
	start(w, w->now);
	is_int(try_first(w), ERR_BUSY, "nor those of the future");
	keep(w, url, w->now - MINUTE_MS);
	start(w, w->now);
	is_int(try_first(w), OK, "those of a minute ago are");
	keep(w, url, w->now - 23 * HOUR_MS);
	start(w, w->now);
	is_int(try_first(w), OK, "while it is silent, those of the last day, too");
	keep(w, url, w->now - 25 * HOUR_MS);
	start(w, w->now);
	is_int(try_first(w), ERR_BUSY, "and none that are older");
}

/* What was good is remembered only as long as its key is one of the project's. */
static void turned(struct world *w)
{
	const char *url = json_text(w->project, "issuer", ""), *why = "";
	struct json_object *first =
	    json_object_array_get_idx(json_get(w->project, "tokens"), 0);
	const char *token = json_text(first, "token", "");
	struct caller c = { 0 };
	struct json_object *o = json_obj(w->t->mem);

	keep(w, url, w->now);
	start(w, w->now);
	is_int(supabase_bearer(&w->v, w->t->mem, token, &c, &why), ERR_FORBIDDEN,
	    "supabase_bearer takes a token of nobody we know");
	is_int(supabase_bearer(&w->v, w->t->mem, token, &c, &why), ERR_FORBIDDEN,
	    "and again");
	json_set_text(o, "url", url);
	json_set_int(o, "at", w->now + 11 * MINUTE_MS);
	json_set_text(o, "jwks", "{\"keys\":[]}");
	ok(setting_put(w->t->db, "supabase_jwks", json_write(w->t->mem, o), w->now) ==
		OK,
	    "the keys of the project are others now");
	w->v.now = w->now + 12 * MINUTE_MS;
	is_int(supabase_bearer(&w->v, w->t->mem, token, &c, &why), ERR_UNAUTHENTICATED,
	    "which ends what an old key had signed");
}

static void all(struct dbtest *t)
{
	struct world w;

	begin(&w, t);
	ages(&w);
	turned(&w);
}

int main(void)
{
	dbtest_run(all);
	return done_testing();
}
