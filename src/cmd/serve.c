#include "cmd/serve.h"

#include <string.h>

#include "app.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/wake.h"
#include "http/fcgi.h"
#include "http/pool.h"
#include "web/access.h"
#include "web/routes.h"
#include "web/takes.h"

enum { SLICE_GRACE_S = 10, REST_MS = 10000 };
enum { ANY_PAGES = APP_PAGES | APP_FEW_PAGES };

/* What the requests of a worker are served with. */
struct serving {
	struct app *app;
	const struct service *service;
};

struct run {
	const struct service *service;
	const char *config;
	void *mem;
	struct app *shared; /* made before the workers; they use its pages */
};

static void begin(void *ctx, struct request *rq)
{
	struct app *app = ((struct serving *)ctx)->app;

	rq->app = app;
	rq->db = app->db;
	rq->kv = app->kv;
	if (app->db != NULL)
		db_set_log(app->db, &rq->log);
}

/* Anything that was changed may be work: who looks in vain costs a millisecond. */
static void end(void *ctx, struct request *rq, const struct response *rs)
{
	const struct serving *s = ctx;
	const char *dir = s->app->config->server.state_dir;

	if (s->app->db != NULL)
		db_set_log(s->app->db, &s->app->log);
	if (!s->service->wakes || rq->method == GET || rs->status >= 400)
		return;
	wake(dir, "send");
	wake(dir, "jobs");
}

static void flush(void *ctx)
{
	const struct serving *s = ctx;

	s->service->flush(s->app);
}

static void rest(void *ctx)
{
	const struct serving *s = ctx;

	if (s->app->db != NULL)
		db_rest(s->app->db);
	mem_trim();
}

/* Bad SQL must stop the start and not a request; a worker prepares what it needs. */
static bool check_statements(const struct run *r)
{
	MEM_SCOPE void *mem = mem_scope(r->mem, "check");
	struct app *app;

	return app_open(mem, r->config, r->service->process, APP_STATEMENTS, &app) ==
	    OK;
}

/*
 * Compiled templates are large and never change: the workers share one copy.  What the
 * check leaves behind is given back before the workers inherit it.
 */
static bool prepare(void *ctx)
{
	struct run *r = ctx;
	struct app *fresh;

	if (!check_statements(r))
		return false;
	if (app_open(r->mem, r->config, r->service->process,
		r->service->what & ANY_PAGES, &fresh) != OK) {
		mem_free(fresh);
		return false;
	}
	mem_trim();
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
		.admit = access_admit,
		.takes = web_takes,
		.page = r->service->what & ANY_PAGES ? page_render : NULL,
		.leave = access_leave,
		.act = access_act,
	};
	struct serving s = { .service = r->service };
	struct fcgi f;

	if (app_open(mem, r->config, r->service->process,
		r->service->what & ~(unsigned)ANY_PAGES, &s.app) != OK)
		return 1;
	s.app->pages = r->shared->pages;
	f = (struct fcgi){
		.site = &site,
		.log = &s.app->log,
		.clock = s.app->clock,
		.metrics = s.app->metrics,
		.secure = text_starts(s.app->config->server.public_url, "https://"),
		.upload_dir = s.app->config->server.state_dir,
		.begin = begin,
		.end = end,
		.batch = r->service->batch,
		.flush = r->service->flush ? flush : NULL,
		.rest = rest,
		.ctx = &s,
	};
	worker_ready(w);
	return fcgi_run(&f, w) == OK ? 0 : 1;
}

static void choose(const struct service *s, const struct config *c, struct pool *p)
{
	p->workers_min = s->workers_min;
	p->rest_ms = REST_MS;
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

/* The supervisor has no database of its own before. */
static void end_service(const struct service *s, struct arguments *a)
{
	struct app *app;

	if (s->end && app_open(a->mem, a->config, s->process, s->what, &app) == OK)
		s->end(app);
}

int serve(const struct service *s, struct arguments *a)
{
	struct run r = { .service = s, .config = a->config, .mem = a->mem };
	struct pool p = { .name = s->process,
		.prepare = prepare,
		.work = work,
		.ctx = &r };
	struct app *app;
	int status;

	if (app_open(a->mem, a->config, s->process, 0, &app) != OK)
		return 1;
	choose(s, app->config, &p);
	p.log = &app->log;
	p.metrics = app->metrics;
	status = pool_run(&p);
	end_service(s, a);
	return status;
}
