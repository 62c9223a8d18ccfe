#include "send/turn.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"
#include "kv/slow.h"

enum { TRIES_MAX = 12, BACKOFF_FIRST = 2000, BACKOFF_MAX = 600000, HOLD = 1000 };

/*
 * Amazon counts the last 24 hours, so a part is free again whenever some have passed.
 */
enum { QUOTA_WAIT = 3600000 };

/* Doubles with every try, up to ten minutes; a jitter keeps them apart. */
static int64_t backoff(int tries)
{
	int64_t ms = BACKOFF_FIRST;
	uint32_t r;

	for (int i = 1; i < tries && ms < BACKOFF_MAX; i++)
		ms *= 2;
	if (ms > BACKOFF_MAX)
		ms = BACKOFF_MAX;
	random_bytes(&r, sizeof(r));
	return ms * 3 / 4 + (int64_t)(r % (uint32_t)(ms / 2 + 1));
}

static struct settle settle_of(struct turn *t, struct outgoing *o, int64_t now)
{
	struct settle r = {
		.delivery_id = o->delivery_id,
		.attempt_id = o->attempt_id,
		.message_id = o->message_id,
		.reason = o->reason,
		.next_try_at = now,
	};

	switch (o->outcome) {
	case OUTCOME_ACCEPTED: r.state = DELIVERY_ACCEPTED; break;
	case OUTCOME_REJECTED: r.state = DELIVERY_REJECTED; break;
	case OUTCOME_QUOTA:
	case OUTCOME_STOP: r.state = DELIVERY_RETRY; break;
	case OUTCOME_SLOW:
	case OUTCOME_RETRY:
		r.state = DELIVERY_RETRY;
		r.next_try_at = now + backoff(o->tries);
		if (o->tries >= TRIES_MAX) {
			r.state = DELIVERY_REJECTED;
			r.reason = mem_printf(o, "Given up after %d tries. %s",
			    o->tries, o->reason ? o->reason : "");
		}
		break;
	case OUTCOME_NONE:
	case OUTCOME_DOUBT: r.state = DELIVERY_DOUBT; break;
	}
	(void)t;
	return r;
}

static const char *said(const struct outgoing *o)
{
	return o->reason ? o->reason : "The provider refused.";
}

/* The circuit breaker: too many failures are worth a person's look. */
static void watch_failures(struct turn *t, const struct outgoing *o)
{
	struct recent *r = &t->recent;

	recent_add(r,
	    o->outcome == OUTCOME_ACCEPTED       ? DELIVERY_ACCEPTED
		: o->outcome == OUTCOME_REJECTED ? DELIVERY_REJECTED
		: o->outcome == OUTCOME_DOUBT    ? DELIVERY_DOUBT
						 : DELIVERY_RETRY);
	if (t->pause)
		return;
	if (r->failures >= FAILURES_MAX)
		t->pause = mem_printf(t->content,
		    "%d messages in a row were refused. The last: %s", r->failures,
		    said(o));
	else if (r->doubts > DOUBTS_MAX)
		t->pause = mem_printf(t->content,
		    "Of the last %d messages %d are in doubt. Something is wrong "
		    "between this server and the provider.%s%s",
		    r->n, r->doubts, o->outcome == OUTCOME_DOUBT ? " The last: " : "",
		    o->outcome == OUTCOME_DOUBT ? said(o) : "");
}

/* What a result says about going on at all. */
static void watch(struct turn *t, const struct outgoing *o)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "watch");
	int64_t now = clock_now(t->app->clock);

	if (o->outcome == OUTCOME_RETRY || o->outcome == OUTCOME_SLOW)
		t->take_at = clock_mono_ms() + HOLD;
	if (o->outcome == OUTCOME_SLOW) {
		slow_down(t->app->kv, provider_slow_key(tmp, t->provider->account_key),
		    now);
		t->part_at = 0;
	}
	if (o->outcome == OUTCOME_QUOTA && !t->pause) {
		t->pause = mem_str(t->content, said(o));
		t->resume_at = now + QUOTA_WAIT;
	}
	if (o->outcome == OUTCOME_STOP && !t->pause)
		t->pause = mem_str(t->content, said(o));
	watch_failures(t, o);
	if (t->pause)
		t->stop = true;
}

void turn_collect(struct turn *t)
{
	struct outgoing *o;

	while (t->nback < BACK_MAX && (o = provider_take(t->provider))) {
		if (!t->nback)
			t->back_since = clock_mono_ms();
		t->back[t->nback++] = o;
		watch(t, o);
	}
}

static void count(struct turn *t, const struct settle *r, size_t n)
{
	int64_t by[DELIVERY_STATES] = { 0 };

	for (size_t i = 0; i < n; i++)
		by[r[i].state]++;
	t->slice->report.done += (int64_t)n - by[DELIVERY_RETRY];
	for (int i = 0; t->app->metrics && i < DELIVERY_STATES; i++) {
		char name[80];

		if (!by[i])
			continue;
		snprintf(name, sizeof(name), "maillayer_messages_total{outcome=\"%s\"}",
		    delivery_state_name((enum delivery_state)i));
		metrics_add(t->app->metrics, name, by[i]);
	}
}

enum err turn_write(struct turn *t, struct settle **out)
{
	int64_t at = clock_now(t->app->clock);
	struct settle *r = mem_array(t->provider, struct settle, t->nback);

	*out = r;
	for (size_t i = 0; i < t->nback; i++)
		r[i] = settle_of(t, t->back[i], at);
	return ledger_settle(t->app->db, t->campaign->id, r, t->nback, at);
}

void turn_written(struct turn *t, struct settle *r, bool well)
{
	if (well) {
		count(t, r, t->nback);
		for (size_t i = 0; i < t->nback; i++)
			mem_free(t->back[i]);
		t->nback = 0;
	}
	mem_free(r);
}

enum err turn_settle(struct turn *t, bool now)
{
	struct settle *r;
	enum err e;

	if (!t->nback ||
	    (!now && clock_mono_ms() - t->back_since < SETTLE_AGE &&
		t->nback < turn_worth(t, t->provider->ops->room(t->provider))))
		return OK;
	e = turn_write(t, &r);
	turn_written(t, r, e == OK);
	return e;
}
