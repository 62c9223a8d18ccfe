#include "cmd/serve.h"

#include <string.h>

#include "app.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/fcgi.h"
#include "http/pool.h"
#include "web/access.h"
#include "web/routes.h"
#include "web/takes.h"

enum { SLICE_GRACE_S = 10, ANY_PAGES = APP_PAGES | APP_FEW_PAGES };

struct run {
	const struct service *service;
	const char *config;
	void *mem;
	struct app *shared; /* made before the workers; they use its pages */
};

static void begin(void *ctx, struct request *rq)
{
	struct app *app = ctx;

	rq->app = app;
	rq->db = app->db;
	rq->kv = app->kv;
	if (app->db != NULL)
		db_set_log(app->db, &rq->log);
}

static void end(void *ctx, struct request *rq)
{
	struct app *app = ctx;

	(void)rq;
	if (app->db != NULL)
		db_set_log(app->db, &app->log);
}

/* Compiled templates are large and never change: the workers share one copy. */
static bool prepare(void *ctx)
{
	struct run *r = ctx;
	struct app *fresh;

	if (app_open(r->mem, r->config, r->service->process,
		r->service->what & ANY_PAGES, &fresh) != OK) {
		mem_free(fresh);
		return false;
	}
	mem_free(r->shared);
	r->shared = fresh;
	return true;
}

static int work(void *ctx, struct worker *w)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "worker");
	const struct run *r = ctx;
	struct site site = {
		.routes = routes,
		.n = route_count,
		.enter = access_enter,
		.takes = web_takes,
		.page = r->service->what & ANY_PAGES ? page_render : NULL,
		.leave = access_leave,
		.act = access_act,
	};
	struct app *app;
	struct fcgi f;

	if (app_open(mem, r->config, r->service->process,
		r->service->what & ~(unsigned)ANY_PAGES, &app) != OK)
		return 1;
	app->pages = r->shared->pages;
	f = (struct fcgi){
		.site = &site,
		.log = &app->log,
		.clock = app->clock,
		.metrics = app->metrics,
		.secure = text_starts(app->config->server.public_url, "https://"),
		.begin = begin,
		.end = end,
		.ctx = app,
	};
	worker_ready(w);
	return fcgi_run(&f, w->listener) == OK ? 0 : 1;
}

static void choose(const struct service *s, const struct config *c, struct pool *p)
{
	p->drain_s = s->drain_s ? s->drain_s : c->server.slice_seconds + SLICE_GRACE_S;
	if (strcmp(s->process, "web") == 0) {
		p->socket = c->server.web_socket;
		p->workers = c->server.web_workers;
	} else if (strcmp(s->process, "track") == 0) {
		p->socket = c->server.track_socket;
		p->workers = c->server.track_workers;
	} else {
		p->socket = c->server.cron_socket;
		p->workers = c->server.cron_workers;
	}
}

int serve(const struct service *s, struct arguments *a)
{
	struct run r = { .service = s, .config = a->config, .mem = a->mem };
	struct pool p = { .name = s->process,
		.prepare = prepare,
		.work = work,
		.ctx = &r };
	struct app *app;

	if (app_open(a->mem, a->config, s->process, 0, &app) != OK)
		return 1;
	choose(s, app->config, &p);
	p.log = &app->log;
	p.metrics = app->metrics;
	return pool_run(&p);
}
