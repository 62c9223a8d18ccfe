#pragma once

#include "base/clock.h"
#include "base/config.h"
#include "base/crypto.h"
#include "base/log.h"
#include "db/db.h"
#include "http/metrics.h"
#include "kv/kv.h"
#include "view/page.h"

struct spool;
struct supabase;

/*
 * The composition root: what a process has.  app_open is the only place that names
 * implementations.  Made after fork, one per worker process; freed at its end.  Only
 * the pages are made before: the workers of a pool share the supervisor's.
 */
struct app {
	struct config *config;
	struct log log;
	const struct clock *clock;
	struct keyring *keys;
	struct db *db;
	struct kv *kv;
	struct pages *pages; /* NULL where no page is served */
	struct metrics *metrics;
	struct json_object *assets; /* name -> address; read by web/page */
	struct spool *spool;        /* opens and clicks; made when first needed */
	struct supabase *supabase;  /* the same; NULL where it is not configured */
};

enum {
	APP_DB = 1,
	APP_KV = 2,
	APP_MAKE_KEY = 8,
	APP_PAGES = 4,      /* all compiled, a bad one is an error */
	APP_FEW_PAGES = 16, /* each compiled when it is first shown */
	/* the database, and each statement prepared once: a bad one is an error */
	APP_STATEMENTS = 32,
	/* one of many processes, with a small cache of its own */
	APP_SMALL = 64,
};

/*
 * Says on stderr what is wrong and what to do when it fails. process: "web", "cron" ...
 */
enum err app_open(void *mem, const char *config_file, const char *process,
    unsigned what, struct app **out) MUST_CHECK;
