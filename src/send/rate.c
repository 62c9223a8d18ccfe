#include "send/turn.h"

#include "base/clock.h"
#include "base/mem.h"
#include "kv/limit.h"

/* ms between two looks into the bucket: not a row at a time */
enum { TAKE_EVERY = 50 };

int turn_allowed(struct turn *t, int want)
{
	struct provider *p = t->provider;
	int granted = 0, wait = 0, workers = t->app->config->server.cron_workers;
	int64_t now = clock_mono_ms();
	char *key;

	if (now < t->take_at)
		return 0;
	if (p->rate <= 0)
		return want;
	if (want > p->rate + 1)
		want = (int)p->rate + 1;
	key = mem_printf(t->content, "rate:%s", p->account_key);
	if (bucket_take(t->app->kv, key, p->rate, workers > 0 ? workers : 1, want,
		&granted, &wait) != OK)
		granted = 0;
	mem_free(key);
	if (granted < want)	/* wait tells only when nothing was granted */
		t->take_at =
		    now + (granted == 0 && wait > TAKE_EVERY ? wait : TAKE_EVERY);
	return granted;
}
