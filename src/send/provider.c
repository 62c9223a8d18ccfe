#include "send/provider.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "repo/provider.h"

enum { ACCOUNT_AGE = 10 * 60 * 1000 }; /* ms after which the account is asked again */

/*
 * What an account whose limits are not known may do: Amazon's first grant after the
 * sandbox.
 */
static const double careful_rate = 14;

/* The lower of what is wished and what the account allows. */
double provider_rate(const struct provider_settings *ps)
{
	if (ps->kind == PROVIDER_OUTBOX)
		return ps->rate;
	if (ps->rate > 0 && ps->max_rate > 0)
		return ps->rate < ps->max_rate ? ps->rate : ps->max_rate;
	if (ps->rate > 0)
		return ps->rate;
	return ps->max_rate > 0 ? ps->max_rate : careful_rate;
}

char *provider_account_key(void *mem, const struct provider_settings *ps)
{
	if (text_empty(ps->account_key))
		return mem_printf(mem, "brand:%lld", (long long)ps->brand_id);
	return mem_str(mem, ps->account_key);
}

char *provider_slow_key(void *mem, const char *account_key)
{
	return mem_printf(mem, "rate-slow:%s", account_key);
}

static void ask_account(struct provider *p, struct provider_settings *ps)
{
	struct app *app = p->app;
	const char *why = NULL;
	int64_t now = clock_now(app->clock);

	if (!p->ops->account || now - ps->checked_at < ACCOUNT_AGE)
		return;
	if (p->ops->account(p, p, ps, &why) != OK)
		log_warn(&app->log, "provider.account", LOG_INT("brand", p->brand_id),
		    LOG_STR("why", why));
	ps->checked_at = now; /* also after a failure: not at every slice */
	if (provider_settings_account(app->db, ps) != OK)
		log_warn(&app->log, "provider.account", LOG_STR("why", "not stored"));
}

enum err provider_open(void *mem, struct app *app, const struct brand *b,
    const char *kind, struct provider **out, const char **why)
{
	struct provider_settings *ps;
	enum err e = provider_settings_get(app->db, mem, b->id, &ps);

	*why = "The provider's settings cannot be read.";
	if (e == OK && ps->kind == PROVIDER_SES)
		e = provider_ses_open(mem, app, ps, out, why);
	else if (e == OK)
		e = provider_outbox_open(mem, app, ps, out, why);
	if (e != OK)
		return e;
	(*out)->kind = kind;
	(*out)->settings_at = ps->updated_at;
	ask_account(*out, ps);
	(*out)->rate = provider_rate(ps);
	(*out)->account_key = provider_account_key(mem, ps);
	return OK;
}

struct outgoing *provider_take(struct provider *p)
{
	struct outgoing *o = p->done;

	if (!o)
		return NULL;
	p->done = o->next;
	if (!p->done)
		p->done_end = NULL;
	o->next = NULL;
	return o;
}

void provider_done(struct provider *p, struct outgoing *o, enum outcome outcome,
    const char *reason)
{
	o->outcome = outcome;
	o->reason = mem_str(o, reason);
	o->next = NULL;
	if (p->done_end)
		p->done_end->next = o;
	else
		p->done = o;
	p->done_end = o;
	p->in_flight--;
}
