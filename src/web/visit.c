#include "web/visit.h"

#include "app.h"
#include "service/supabase.h"

struct visit visit_of(const struct request *rq)
{
	struct app *app = rq->app;

	if (app->supabase == NULL)
		app->supabase = supabase_new(app, app->config);
	return (struct visit){
		.db = rq->db,
		.kv = rq->kv,
		.keys = app->keys,
		.ip = rq->ip,
		.agent = rq->agent,
		.known = request_cookie(rq, KNOWN_COOKIE),
		.state_dir = app->config->server.state_dir,
		.log = &rq->log,
		.supabase = app->supabase,
		.now = rq->now,
	};
}
