#include "send/turn.h"

#include "base/clock.h"
#include "base/mem.h"
#include "kv/limit.h"

/* ms between two looks into the bucket: not a row at a time */
enum { TAKE_EVERY = 50 };

int turn_allowed(struct turn *t, int want)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "rate");
	struct provider *p = t->provider;
	struct shared_rate r = { NULL, p->rate, t->app->config->server.cron_workers };
	int granted = 0, wait = 0;
	int64_t now = clock_mono_ms();

	if (now < t->take_at)
		return 0;
	if (p->rate <= 0)
		return want;
	if (want > p->rate + 1)
		want = (int)p->rate + 1;
	r.key = mem_printf(tmp, "rate:%s", p->account_key);
	if (bucket_take(t->app->kv, &r, want, &granted, &wait) != OK)
		granted = 0;
	if (granted < want)	/* wait tells only when nothing was granted */
		t->take_at =
		    now + (granted == 0 && wait > TAKE_EVERY ? wait : TAKE_EVERY);
	return granted;
}
