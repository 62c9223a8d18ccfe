#include "web/visit.h"

#include "app.h"

struct visit visit_of(const struct request *rq)
{
	return (struct visit){
		.db = rq->db,
		.kv = rq->kv,
		.keys = rq->app->keys,
		.ip = rq->ip,
		.agent = rq->agent,
		.state_dir = rq->app->config->server.state_dir,
		.now = rq->now,
	};
}
