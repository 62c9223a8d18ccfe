#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "db/migrate.h"
#include "http/client.h"
#include "repo/health.h"
#include "repo/host.h"
#include "repo/repo.h"
#include "service/sealed.h"
#include "service/host.h"
#include "service/supabase_look.h"
#include "service/system_sender.h"
#include "web/health.h"

struct visit { /* of the doctor: what is examined, and how it went */
	struct app *app;
	void *mem;
	int failed;
};

static void __attribute__((format(printf, 4, 5)))
say(struct visit *v, const char *mark, const char *what, const char *fmt, ...)
{
	va_list ap;

	printf("%-5s %-10s ", mark, what);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	v->failed += strcmp(mark, "FAIL") == 0;
}

static bool same_folder(const char *a, const char *b)
{
	const char *end_a = strrchr(a, '/'), *end_b = strrchr(b, '/');

	return end_a && end_b && end_a - a == end_b - b &&
	    memcmp(a, b, (size_t)(end_a - a)) == 0;
}

static void look_key(struct visit *v)
{
	const struct config *c = v->app->config;
	const char *file = c->security.key_file;
	struct stat st, home;

	if (stat(file, &st) != 0)
		say(v, "FAIL", "key", "%s cannot be read.", file);
	else if (stat(c->server.state_dir, &home) == 0 && home.st_uid != st.st_uid)
		say(v, "FAIL", "key", "%s belongs to another user than %s does.", file,
		    c->server.state_dir);
	else
		say(v, "ok", "key", "%s", file);
	if (text_starts(c->database.url, "sqlite:") &&
	    same_folder(file, c->database.url + strlen("sqlite:")))
		say(v, "note", "key",
		    "It lies beside the database: whoever has a copy of the folder "
		    "has both. Leave it out of copies, or move it with [security] "
		    "key_file.");
}

/* Is everything that is sealed still to be opened? */
static void look_sealed(struct visit *v)
{
	struct sealed_count n;
	enum err e = sealed_look(v->app->db, v->app->keys, &n);
	long long good = n.newest + n.older, bad = n.unreadable;

	if (e != OK)
		say(v, "FAIL", "sealed", "The stored credentials cannot be read.");
	else if (bad > 0)
		say(v, "FAIL", "sealed",
		    "%lld of %lld stored credentials cannot be opened: bring back the "
		    "key file they belong to, or enter them again.",
		    bad, good + bad);
	else
		say(v, "ok", "sealed", "%lld stored credentials open", good);
	if (v->app->keys->nbox > 1)
		say(v, "note", "sealed",
		    "The key file holds the key before too: `maillayer secret "
		    "forget` removes it.");
}

/*
 * SQLite before 3.51.3 (3.50.7, 3.44.6) can lose a commit made while another resets the
 * WAL.
 */
static bool has_wal_race(const char *version)
{
	int a = 0, b = 0, c = 0;

	if (sscanf(version, "SQLite %d.%d.%d", &a, &b, &c) != 3)
		return false;
	if (a != 3 || b > 51)
		return a < 3;
	return !((b == 51 && c >= 3) || (b == 50 && c >= 7) || (b == 44 && c >= 6));
}

static void look_version(struct visit *v)
{
	char *version;

	if (health_version(v->app->db, v->mem, &version) != OK) {
		say(v, "FAIL", "database", "It does not tell its version.");
		return;
	}
	say(v, "ok", "database", "%s", version);
	if (has_wal_race(version))
		say(v, "note", "database",
		    "This version has the WAL-reset race. Maillayer locks it "
		    "out (commits and checkpoints hold one lock); let no other program "
		    "write "
		    "to the file.");
}

static bool look_database(struct visit *v)
{
	struct app *app = v->app;
	struct migration_state st = { 0 };

	if (db_open(app, app->config->database.url, &app->log, &app->db) != OK) {
		say(v, "FAIL", "database",
		    "It cannot be opened; the line above says why.");
		return false;
	}
	look_version(v);
	if (migrate_check(app->db, v->mem, app->config->server.share_dir, &st) != OK) {
		say(v, "FAIL", "schema", "%s", st.why ? st.why : "It cannot be read.");
		return false;
	}
	say(v, "ok", "schema", "%d", st.applied);
	if (repo_prepare(app->db) != OK) {
		say(v, "FAIL", "schema",
		    "A statement does not fit; the line above says which.");
		return false;
	}
	return true;
}

static void look_held(struct visit *v)
{
	struct host *h;

	switch (host_held(v->app->db, v->mem, &h)) {
	case OK:
		say(v, "FAIL", "sending",
		    "Held at %s. %s Look at %s/hosts, or run `maillayer confirm`.",
		    h->name, host_held_sentence(h->held),
		    v->app->config->server.public_url);
		break;
	case ERR_NOTFOUND: say(v, "ok", "sending", "nothing is held"); break;
	default: say(v, "FAIL", "sending", "It cannot be read whether it is held.");
	}
}

static void look_templates(struct visit *v)
{
	struct app *app = v->app;
	const char *why = NULL;

	app->pages = pages_new(app,
	    mem_printf(app, "%s/templates", app->config->server.share_dir), false,
	    &app->log);
	if (pages_check(app->pages, v->mem, &why) == OK)
		say(v, "ok", "templates", "all compile");
	else
		say(v, "FAIL", "templates", "%s", why ? why : "They cannot be read.");
}

static void look_nginx(struct visit *v)
{
	const char *url =
	    mem_printf(v->mem, "%s/healthz", v->app->config->server.public_url);
	struct http_fetch f = { .url = url, .allow_loopback = true };
	struct http_answer a;

	if (http_fetch(v->mem, &v->app->log, &f, &a) != OK)
		say(v, "FAIL", "nginx", "%s: %s", url, a.why);
	else if (a.status != 200)
		say(v, "FAIL", "nginx", "%s answers %d.", url, a.status);
	else
		say(v, "ok", "nginx", "%s answers", url);
}

static void look_rest(struct visit *v, bool database)
{
	struct health_check checks[HEALTH_CHECKS];
	struct app *app = v->app;

	if (kv_open(app, app->config->memcached.servers, &app->log, &app->kv) != OK) {
		say(v, "FAIL", "memcached", "%s is no list of servers.",
		    app->config->memcached.servers);
		return;
	}
	if (!database)
		return;
	look_held(v);
	health_look(app, v->mem, checks);
	for (int i = 1; i < HEALTH_CHECKS; i++)
		say(v, checks[i].why ? "FAIL" : "ok", checks[i].name, "%s",
		    checks[i].why ? checks[i].why : "");
	if (!kv_is_shared(app->kv))
		say(v, "note", "memcached",
		    "None is configured: limits and locks are kept by "
		    "each process alone.");
}

static void look_mail(struct visit *v)
{
	struct system_sender s;
	enum err e = system_sender_find(v->app->db, v->mem, &s);

	if (e == ERR_NOTFOUND)
		say(v, "note", "system mail",
		    "No brand can send: no invitation and no link for a new password "
		    "leaves by mail.");
	else if (e != OK)
		say(v, "FAIL", "system mail", "It cannot be read who sends it.");
	else if (s.outbox)
		say(v, "note", "system mail", "%s keeps it in its outbox; none leaves.",
		    s.brand->name);
	else
		say(v, "ok", "system mail", "sent by %s, from %s", s.brand->name,
		    s.brand->from_email);
}

static void look_supabase(struct visit *v)
{
	static const char *const marks[] = { "ok", "note", "FAIL" };
	struct supabase_finding all[SUPABASE_FINDINGS];
	size_t n = supabase_look(v->app, v->mem, all);

	for (size_t i = 0; i < n; i++)
		say(v, marks[all[i].how], "supabase", "%s", all[i].text);
}

static int run(struct arguments *a)
{
	struct visit v = { .mem = a->mem };
	bool database;

	if (app_open(a->mem, a->config, "doctor", 0, &v.app) != OK)
		return 1;
	printf("Configuration %s\n%s\n\n",
	    a->config ? a->config : "(defaults and environment)",
	    json_object_to_json_string_ext(config_json(a->mem, v.app->config),
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	look_key(&v);
	database = look_database(&v);
	if (database)
		look_sealed(&v);
	look_templates(&v);
	look_rest(&v, database);
	if (database && v.app->kv) {
		look_supabase(&v);
		look_mail(&v);
	}
	look_nginx(&v);
	if (v.failed > 0)
		printf("\n%d of these need a look.\n", v.failed);
	return v.failed > 0;
}

const struct command command_doctor = {
	.name = "doctor",
	.usage = "",
	.summary = "Looks whether everything is as it must be.",
	.more = "Prints the effective configuration without secrets, then one\n"
		"line for each thing looked at. The exit status is 1 if one of\n"
		"them fails.\n",
	.run = run,
};
