#include "app.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "db/migrate.h"
#include "repo/repo.h"

enum { SMALL_CACHE_KB = 1024 };

/*
 * For a person at a terminal a plain sentence; a service's log gets a line like the
 * others.
 */
static enum err fail(const struct app *app, enum err e, const char *what,
    const char *why)
{
	if (app->log.json)
		log_error(&app->log, "start.failed", LOG_STR("what", what),
		    LOG_STR("why", why));
	else
		fprintf(stderr, "maillayer: %s: %s\n", what, why);
	return e;
}

static void set_log(struct app *app, const char *process)
{
	const struct config *c = app->config;

	app->log.fd = STDERR_FILENO;
	app->log.process = process;
	app->log.least = log_level_from(c->log.level);
	app->log.json = text_equal(c->log.format, "json") ||
	    (text_equal(c->log.format, "auto") && !isatty(STDERR_FILENO));
}

static enum err open_state(struct app *app, unsigned what)
{
	const struct config *c = app->config;
	enum err e;

	if (mkdir(c->server.state_dir, 0700) != 0 && errno != EEXIST)
		return fail(app, ERR_IO, c->server.state_dir, strerror(errno));
	e = keyring_load(app, c->security.key_file, what & APP_MAKE_KEY, &app->keys);
	if (e == ERR_FORBIDDEN)
		return fail(app, e, c->security.key_file,
		    "The key file can be read by others: chmod 600 it.");
	if (e != OK)
		return fail(app, e, c->security.key_file,
		    "The key file is missing or not "
		    "readable. `maillayer migrate` makes one for a new installation; "
		    "for an "
		    "old one bring back its key.");
	app->metrics = metrics_open(app, c->server.state_dir);
	if (app->metrics == NULL)
		log_warn(&app->log, "metrics.off", LOG_STR("why", strerror(errno)));
	return OK;
}

static enum err open_db(struct app *app, unsigned what)
{
	const struct config *c = app->config;
	struct migration_state st = { 0 };
	enum err e = db_open(app, c->database.url, &app->log, &app->db);

	if (e != OK)
		return fail(app, e, "database",
		    "It cannot be opened; the line above says why.");
	if (what & APP_SMALL)
		db_set_cache(app->db, SMALL_CACHE_KB);
	if (what & APP_MAKE_KEY)
		return OK; /* `migrate` opens what is not there yet */
	e = migrate_check(app->db, app, c->server.share_dir, &st);
	if (e != OK)
		return fail(app, e, "database",
		    st.why ? st.why : "Its schema cannot be read.");
	if (what & APP_STATEMENTS)
		e = repo_prepare(app->db);
	if (e != OK)
		return fail(app, e, "database",
		    "A statement does not fit its schema; the line "
		    "above says which.");
	return OK;
}

static enum err open_pages(struct app *app, unsigned what)
{
	const struct config *c = app->config;
	const char *why = NULL;
	enum err e;

	app->pages =
	    pages_new(app, mem_printf(app, "%s/templates", c->server.share_dir),
		c->server.reload_templates, &app->log);
	if (!(what & APP_PAGES))
		return OK;
	e = pages_check(app->pages, app, &why);
	return e == OK ? OK : fail(app, e, "templates", why ? why : err_name(e));
}

/* No core, no debugger of the same user: either would show the keys. */
static void keep_private(void)
{
#ifndef __SANITIZE_ADDRESS__ /* its search for leaks is a debugger */
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

enum err app_open(void *mem, const char *config_file, const char *process,
    unsigned what, struct app **out)
{
	struct app *app = mem_new(mem, struct app);
	const char *why = NULL;
	enum err e = config_load(app, config_file, &app->config, &why);

	*out = app;
	if (e != OK) {
		fprintf(stderr, "maillayer: %s\n", why ? why : err_name(e));
		return e;
	}
	keep_private();
	app->clock = &clock_system;
	set_log(app, process);
	e = open_state(app, what);
	if (e == OK && (what & (APP_DB | APP_STATEMENTS)))
		e = open_db(app, what);
	if (e == OK && (what & APP_KV))
		e = kv_open(app, app->config->memcached.servers, &app->log, &app->kv);
	if (e == OK && (what & APP_KV))
		kv_share_counters(app->kv, app->config->server.state_dir);
	if (e == OK && (what & (APP_PAGES | APP_FEW_PAGES)))
		e = open_pages(app, what);
	return e;
}
