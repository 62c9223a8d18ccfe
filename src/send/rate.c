#include "send/turn.h"

#include "base/clock.h"
#include "base/mem.h"
#include "kv/limit.h"

/* ms between two looks into the bucket: not a row at a time */
enum { TAKE_EVERY = 50, PART_EVERY = 250, CREDIT_MS = 500 };
/* ms between two reports of answers; sooner when some were throttled */
enum { REPORT_EVERY = 500, REPORT_SOON = 100 };

/* The rate of the account, turned down while it is throttled. */
static double rate_now(struct turn *t, void *mem)
{
	int64_t now = clock_mono_ms();

	if (!t->part_at || now - t->part_at >= PART_EVERY) {
		t->part = slow_part(t->app->kv,
		    provider_slow_key(mem, t->provider->account_key),
		    clock_now(t->app->clock));
		t->part_at = now;
	}
	return t->provider->rate * t->part;
}

void turn_heard(struct turn *t, enum outcome outcome)
{
	bool slow = outcome == OUTCOME_SLOW;

	t->heard.answers += slow || outcome == OUTCOME_ACCEPTED ||
	    outcome == OUTCOME_REJECTED || outcome == OUTCOME_RETRY;
	t->heard.throttled += slow;
}

void turn_report(struct turn *t)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "report");
	int64_t now = clock_mono_ms();

	if (t->provider->rate <= 0 || !t->heard.answers ||
	    now - t->heard_at < (t->heard.throttled ? REPORT_SOON : REPORT_EVERY))
		return;
	t->heard.now_ms = clock_now(t->app->clock);
	t->heard.trip_ms = t->provider->trip_us / 1000;
	slow_report(t->app->kv, provider_slow_key(tmp, t->provider->account_key),
	    &t->heard);
	if (t->heard.throttled)
		t->part_at = 0;
	t->heard = (struct slow_answers){ 0 };
	t->heard_at = now;
}

/*
 * Where several turns share an account, none takes more than its part of the rate; what
 * it left lasts for CREDIT_MS.  More would let the one that comes first take what the
 * others have been waiting for.  What it took is subtracted by its caller.
 */
static int of_share(struct turn *t, double rate, int want, int64_t now)
{
	double part = rate / t->share, most = part * CREDIT_MS / 1000;

	if (most < 1)
		most = 1;
	if (t->share <= 1) {
		t->credit = 0;
	} else {
		t->credit += part * (double)(now - t->credit_at) / 1000;
		if (t->credit > most)
			t->credit = most;
		if (want > t->credit)
			want = t->credit >= 1 ? (int)t->credit : 0;
	}
	t->credit_at = now;
	return want;
}

int turn_allowed(struct turn *t, int want)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "rate");
	struct provider *p = t->provider;
	struct shared_rate r = { .rate = p->rate };
	int granted = 0, wait = 0;
	int64_t now = clock_mono_ms();

	if (now < t->take_at)
		return 0;
	if (t->hold)
		want = 1;
	if (p->rate <= 0)
		return want;
	r.rate = rate_now(t, tmp);
	if (want > r.rate + 1)
		want = (int)r.rate + 1;
	want = of_share(t, r.rate, want, now);
	if (want <= 0) {
		t->take_at = now + TAKE_EVERY;
		return 0;
	}
	r.processes = t->app->config->server.cron_workers * t->slice->hosts;
	r.key = mem_printf(tmp, "rate:%s", p->account_key);
	if (bucket_take(t->app->kv, &r, want, &granted, &wait) != OK)
		granted = 0;
	if (granted < want) /* wait tells only when nothing was granted */
		t->take_at =
		    now + (granted == 0 && wait > TAKE_EVERY ? wait : TAKE_EVERY);
	t->credit -= granted;
	return granted;
}
