#include "web/health.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/health.h"
#include "repo/host.h"
#include "repo/ledger.h"
#include "web/cron.h"

enum { CRON_STALE_MS = 10 * 60 * 1000 };

enum err health_live(struct request *rq, struct response *rs)
{
	(void)rq;
	return respond_body(rs, "text/plain; charset=utf-8", "ok\n", 3);
}

static const char *look_cron(struct app *app, void *mem)
{
	int64_t at, age;

	if (cron_seen(app, &at) != OK)
		return "The time of the last trigger cannot be read.";
	if (at == 0)
		return "Nothing has triggered /cron/send or /cron/jobs yet.";
	age = clock_now(app->clock) - at;
	if (age <= CRON_STALE_MS)
		return NULL;
	return mem_printf(mem, "The last trigger came %lld minutes ago.",
	    (long long)(age / 60000));
}

/*
 * Before the first open there is no spool folder: then the one it will be made in
 * counts.
 */
static const char *look_spool(struct app *app, void *mem)
{
	const char *dir = mem_printf(mem, "%s/spool", app->config->server.state_dir);

	if (access(dir, F_OK) != 0)
		dir = app->config->server.state_dir;
	if (access(dir, W_OK | X_OK) == 0)
		return NULL;
	return mem_printf(mem, "%s cannot be written: %s.", dir, strerror(errno));
}

bool health_look(struct app *app, void *mem, struct health_check out[HEALTH_CHECKS])
{
	bool database = db_alive(app->db), memory = kv_alive(app->kv), good = true;

	out[0] = (struct health_check){ "database",
		database ? NULL : "It does not answer." };
	out[1] = (struct health_check){ "memcached",
		memory ? NULL : "It does not answer; everything works, but slower." };
	out[2] = (struct health_check){ "cron",
		database ? look_cron(app, mem) : "Not known without the database." };
	out[3] = (struct health_check){ "spool", look_spool(app, mem) };
	for (int i = 0; i < HEALTH_CHECKS; i++)
		good = good && out[i].why == NULL;
	return good;
}

enum err health_ready(struct request *rq, struct response *rs)
{
	struct health_check checks[HEALTH_CHECKS];
	bool good = health_look(rq->app, rq, checks);
	struct json_object *o = json_obj(rq), *each = json_obj(rq);

	for (int i = 0; i < HEALTH_CHECKS; i++)
		json_set_text(each, checks[i].name,
		    checks[i].why ? checks[i].why : "ok");
	json_set_bool(o, "ready", good);
	json_set(o, "checks", each);
	rs->status = good ? 200 : 503;
	return respond(rs, o);
}

/* Numbers that stand in the database are read when asked for. */
static enum err count_ledger(struct request *rq)
{
	struct delivery_counts c;
	enum err e = health_deliveries(rq->db, &c);

	for (int i = 0; e == OK && i < DELIVERY_STATES; i++)
		metrics_set(rq->app->metrics,
		    mem_printf(rq, "maillayer_deliveries{state=\"%s\"}",
			delivery_state_name(i)),
		    c.n[i]);
	return e;
}

static enum err count_held(struct request *rq)
{
	struct host *h;
	enum err e = host_held(rq->db, rq, &h);

	if (e == OK || e == ERR_NOTFOUND)
		metrics_set(rq->app->metrics, "maillayer_held", e == OK);
	return e == ERR_NOTFOUND ? OK : e;
}

static bool is_here(const char *ip)
{
	return text_starts(ip, "127.") || text_equal(ip, "::1") ||
	    text_starts(ip, "unix:");
}

enum err health_metrics(struct request *rq, struct response *rs)
{
	int64_t seen = 0;
	enum err e;

	if (!is_here(rq->ip))
		return ERR_NOTFOUND;
	e = count_ledger(rq);
	if (e == OK)
		e = count_held(rq);
	if (e == OK)
		e = cron_seen(rq->app, &seen);
	if (e == OK)
		metrics_set(rq->app->metrics, "maillayer_cron_seen_seconds",
		    seen / 1000);
	metrics_set(rq->app->metrics, "maillayer_database_up", e == OK);
	rs->body = buf_new(rs);
	rs->type = "text/plain; version=0.0.4; charset=utf-8";
	metrics_print(rq->app->metrics, rs->body);
	return OK;
}
