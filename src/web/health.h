#pragma once

#include "app.h"
#include "http/router.h"

handler health_live;    /* GET /healthz: the process answers */
handler health_ready;   /* GET /readyz: 503 names what does not work */
handler health_metrics; /* GET /metrics: Prometheus text, for this host only */

/* One thing that must work, and a sentence when it does not. */
struct health_check {
	const char *name; /* "database", "memcached", "cron", "spool" */
	const char *why;  /* NULL: it works */
};
enum { HEALTH_CHECKS = 4 };
/* Looks at each now; true if all work. */
bool health_look(struct app *app, void *mem, struct health_check out[HEALTH_CHECKS]);
