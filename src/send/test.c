#include "send/test.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "kv/limit.h"
#include "repo/field.h"
#include "send/compose.h"
#include "send/provider.h"

enum { TEST_MS = 30000, STEP_MS = 50 };

static enum err compile(void *mem, struct app *app, const struct campaign *c,
    const struct brand *b, struct content **out, const char **why)
{
	struct compose_source src = {
		.campaign = c,
		.brand = b,
		.keys = app->keys,
		.mode = COMPOSE_TEST,
		.public_url = app->config->server.public_url,
		.now = clock_now(app->clock),
	};
	struct field *fields;
	const struct compose_problem *p;
	enum err e = field_all(app->db, mem, b->id, &fields, &src.nfields);

	if (e != OK)
		return e;
	src.fields = fields;
	e = content_compile(mem, &src, out);
	if (e != ERR_INVALID)
		return e;
	for (size_t n = content_problems(*out, &p); n; n--, p++)
		if (p->level == PROBLEM_ERROR) {
			*why = p->text;
			break;
		}
	return e;
}

static struct outgoing *outgoing_to(void *mem, const struct content *content,
    const struct campaign *c, const struct subscriber *as, const char *address)
{
	struct outgoing *o = mem_new(mem, struct outgoing);

	o->campaign_id = c->id;
	o->content = content;
	o->to = address;
	if (as)
		o->who = *as;
	else
		o->who = (struct subscriber){
			.email = address,
			.email_key = address,
			.first_name = "Alex",
			.last_name = "Example",
		};
	return o;
}

/* A test counts against the account's rate like any other message. */
static void wait_for_rate(struct app *app, const struct provider *p, int64_t end)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "rate");
	char *key = mem_printf(tmp, "rate:%s", p->account_key);
	struct shared_rate r = { .key = key,
		.rate = p->rate,
		.processes = app->config->server.cron_workers };
	int granted = 0, wait = 0;

	while (p->rate > 0 && !granted && clock_mono_ms() < end) {
		struct timespec ts = { .tv_nsec = STEP_MS * 1000000L };

		if (bucket_take(app->kv, &r, 1, &granted, &wait) == OK && granted)
			return;
		nanosleep(&ts, NULL);
	}
}

static const char *in_words(const struct outgoing *o)
{
	if (o->reason)
		return o->reason;
	return o->outcome == OUTCOME_ACCEPTED ? "" : "It was not sent.";
}

static void collect(void *mem, struct provider *p, struct test_result *results,
    size_t n)
{
	struct outgoing *o;

	while ((o = provider_take(p)))
		for (size_t i = 0; i < n; i++)
			if (results[i].address == o->to) {
				results[i].sent = o->outcome == OUTCOME_ACCEPTED;
				results[i].text = mem_str(mem, in_words(o));
			}
}

enum err send_test(void *mem, struct app *app, const struct campaign *c,
    const struct brand *b, struct test_people *who, const char **why)
{
	int64_t end = clock_mono_ms() + TEST_MS;
	struct content *content;
	struct provider *p;
	enum err e = compile(mem, app, c, b, &content, why);

	if (e == OK)
		e = provider_open(mem, app, b, "test", &p, why);
	if (e != OK)
		return e;
	for (size_t i = 0; i < who->n; i++) {
		struct outgoing *o =
		    outgoing_to(mem, content, c, who->as, who->addresses[i]);

		who->results[i] = (struct test_result){ .address = who->addresses[i] };
		wait_for_rate(app, p, end);
		p->ops->send(p, &o, 1);
		p->ops->step(p, 0);
	}
	while (p->in_flight && clock_mono_ms() < end)
		p->ops->step(p, STEP_MS);
	p->ops->quit(p);
	collect(mem, p, who->results, who->n);
	return OK;
}
