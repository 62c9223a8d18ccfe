#include "send/turn.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

enum { REFUSALS_MAX = 12, BACKOFF_FIRST = 2000, BACKOFF_MAX = 600000 };
enum { HOLD_FIRST = 1000, HOLD_MAX = 60000 };

/*
 * Amazon counts the last 24 hours, so a part is free again whenever some have passed.
 */
enum { ACCOUNT_WAIT = 3600000 };

/* Doubles with every time, up to ten minutes; a jitter keeps them apart. */
static int64_t backoff(int times)
{
	int64_t ms = BACKOFF_FIRST;
	uint32_t r;

	for (int i = 1; i < times && ms < BACKOFF_MAX; i++)
		ms *= 2;
	if (ms > BACKOFF_MAX)
		ms = BACKOFF_MAX;
	random_bytes(&r, sizeof(r));
	return ms * 3 / 4 + (int64_t)(r % (uint32_t)(ms / 2 + 1));
}

static enum attempt_cause cause_of(enum outcome o)
{
	switch (o) {
	case OUTCOME_ACCEPTED:
	case OUTCOME_REJECTED:
	case OUTCOME_RETRY: return CAUSE_RECIPIENT;
	case OUTCOME_SLOW:
	case OUTCOME_WAIT:
	case OUTCOME_STOP: return CAUSE_ACCOUNT;
	case OUTCOME_LATER:
	case OUTCOME_DOUBT: return CAUSE_PROVIDER;
	case OUTCOME_NONE: break;
	}
	return CAUSE_OURSELVES;
}

/* A message that was refused for itself waits longer each time, and not for ever. */
static void settle_refusal(struct settle *r, struct outgoing *o, int64_t now)
{
	int refusals = o->refusals + 1;

	r->state = DELIVERY_RETRY;
	r->next_try_at = now + backoff(refusals);
	if (refusals < REFUSALS_MAX)
		return;
	r->state = DELIVERY_GIVEN_UP;
	r->reason = mem_printf(o, "Given up after %d tries. %s", refusals,
	    o->reason ? o->reason : "");
}

static struct settle settle_of(struct turn *t, struct outgoing *o, int64_t now)
{
	struct settle r = {
		.delivery_id = o->delivery_id,
		.batch_id = o->batch_id,
		.tries = o->tries,
		.cause = cause_of(o->outcome),
		.message_id = o->message_id,
		.reason = o->reason,
		.next_try_at = now,
	};

	switch (o->outcome) {
	case OUTCOME_ACCEPTED: r.state = DELIVERY_ACCEPTED; break;
	case OUTCOME_REJECTED: r.state = DELIVERY_REJECTED; break;
	case OUTCOME_WAIT:
	case OUTCOME_STOP: r.state = DELIVERY_RETRY; break;
	case OUTCOME_SLOW:
	case OUTCOME_LATER:
		r.state = DELIVERY_RETRY;
		r.next_try_at = now + backoff(1) + t->hold;
		break;
	case OUTCOME_RETRY: settle_refusal(&r, o, now); break;
	case OUTCOME_NONE:
	case OUTCOME_DOUBT: r.state = DELIVERY_DOUBT; break;
	}
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
						 : DELIVERY_RETRY,
	    cause_of(o->outcome));
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

/*
 * Nobody answers: the next message, a single one, is tried after a pause that doubles
 * each time.  Any answer ends that.
 */
static void watch_silence(struct turn *t, const struct outgoing *o)
{
	int64_t now = clock_mono_ms();

	if (o->outcome != OUTCOME_LATER) {
		if (o->outcome != OUTCOME_DOUBT)
			t->hold = 0;
		return;
	}
	if (now >= t->take_at)
		t->hold = t->hold ? t->hold * 2 : HOLD_FIRST;
	if (t->hold > HOLD_MAX)
		t->hold = HOLD_MAX;
	t->take_at = now + t->hold;
}

/* What a result says about going on at all. */
static void watch(struct turn *t, const struct outgoing *o)
{
	int64_t now = clock_now(t->app->clock);

	watch_silence(t, o);
	turn_heard(t, o->outcome);
	if (o->outcome == OUTCOME_WAIT && !t->pause) {
		t->pause = mem_str(t->content, said(o));
		t->resume_at = now + ACCOUNT_WAIT;
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
	turn_report(t);
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

struct settle *turn_results(struct turn *t)
{
	int64_t at = clock_now(t->app->clock);
	struct settle *r = mem_array(t->provider, struct settle, t->nback);

	for (size_t i = 0; i < t->nback; i++)
		r[i] = settle_of(t, t->back[i], at);
	return r;
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
	struct results back = { .n = t->nback };
	struct settle *r;
	enum err e;

	if (!t->nback ||
	    (!now && clock_mono_ms() - t->back_since < SETTLE_AGE &&
		t->nback < turn_worth(t, t->provider->ops->room(t->provider))))
		return OK;
	back.rows = r = turn_results(t);
	back.now = clock_now(t->app->clock);
	e = ledger_settle(t->app->db, t->campaign->id, &back);
	turn_written(t, r, e == OK);
	return e;
}
