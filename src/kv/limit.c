#include "kv/limit.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "kv/kv_driver.h"

enum err limit_count(struct kv *kv, const char *key, int64_t by, int ttl_s, int64_t *n)
{
	enum err e = kv_count(kv, key, by, ttl_s, n);

	if (e == ERR_BUSY && kv_is_shared(kv))
		e = kv_count(kv_here(kv), key, by, ttl_s, n);
	return e;
}

static enum err step(struct kv *kv, const char *key, int64_t now_ms, struct limit *l,
    int by)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "limit_step");
	int64_t window_ms = (int64_t)l->window_s * 1000, number = now_ms / window_ms, n;
	char *counter = mem_printf(tmp, "%s:%d:%" PRId64, key, l->window_s, number);
	enum err e = limit_count(kv, counter, by, l->window_s + 1, &n);

	l->left = l->retry_after = 0;
	if (e != OK)
		return e;
	if (n <= l->max) {
		l->left = (int)(l->max - n);
		return OK;
	}
	l->retry_after = (int)((window_ms - now_ms % window_ms + 999) / 1000);
	return ERR_LIMITED;
}

enum err limit_spend(struct kv *kv, const char *key, int64_t now_ms, struct limit *l)
{
	return step(kv, key, now_ms, l, 1);
}

void limit_return(struct kv *kv, const char *key, int64_t now_ms, struct limit *l)
{
	if (step(kv, key, now_ms, l, -1) == ERR_LIMITED)
		l->left = 0;
}

enum err limit_hit(struct kv *kv, const char *key, int64_t now_ms, int window_s,
    int max, int *retry_after)
{
	struct limit l = { .window_s = window_s, .max = max };
	enum err e = limit_spend(kv, key, now_ms, &l);

	*retry_after = l.retry_after;
	return e;
}

char *limit_address(void *mem, const char *ip)
{
	uint8_t a[16];

	if (inet_pton(AF_INET6, ip, a) != 1)
		return mem_str(mem, ip);
	if (memcmp(a, (const uint8_t[12]){ [10] = 0xff, [11] = 0xff }, 12) == 0)
		return mem_printf(mem, "%d.%d.%d.%d", a[12], a[13], a[14], a[15]);
	return mem_printf(mem, "%s::/64", hex_encode(mem, a, 8));
}

/* ---- bucket ---- */

/*
 * State of a bucket: millionths of a token, and the moment (UTC microseconds) up to
 * which it was filled.  A bucket nobody knows starts empty, so a server that loses it,
 * even again and again, never lets more through.  Hosts whose clocks differ fill by the
 * fastest clock.
 */
struct bucket {
	int64_t micro, filled_us;
};

enum {
	MILLION = 1000000,
	TRIES = 16,
	CLOCK_STEP_US = 2 * MILLION,
	GRACE_US = 2 * MILLION, /* until a server that is back is seen by all: kv */
	KEEP_S = 3600
};

static int64_t system_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * MILLION + t.tv_nsec / 1000;
}

/*
 * Half a second's worth: what was granted arrives a little later, so with a whole one
 * the account, which counts arrivals, could see more than it allows.
 */
static int64_t capacity(double rate)
{
	return (int64_t)(fmax(rate / 2, 1) * MILLION);
}

static void fill(struct bucket *b, double rate, int64_t now)
{
	int64_t elapsed = now - b->filled_us, room = capacity(rate) - b->micro;

	if (elapsed <= 0) /* another host's clock is ahead */
		return;
	if ((double)elapsed * rate >= (double)room)
		b->micro += room;
	else
		b->micro += (int64_t)((double)elapsed * rate);
	b->filled_us = now;
}

/* Until a fiftieth of a second's worth is there: fast senders come back in batches. */
static int wait_for(const struct bucket *b, double rate, int want)
{
	double tokens = fmax(1, fmin(want, rate / 50));
	double missing = tokens * MILLION - (double)b->micro;
	double ms = ceil(missing / rate / 1000);

	return (int)fmin(fmax(ms, 1), 60000);
}

static int text_of(const struct bucket *b, char text[64])
{
	return snprintf(text, 64, "%" PRId64 " %" PRId64, b->micro, b->filled_us);
}

/* ERR_NOTFOUND: there is no such bucket. */
static enum err read_bucket(struct kv *kv, void *mem, const struct shared_rate *r,
    struct bucket *b, char **old)
{
	size_t n;
	enum err e = kv_get(kv, mem, r->key, old, &n);

	if (e == OK &&
	    sscanf(*old, "%" SCNd64 " %" SCNd64, &b->micro, &b->filled_us) != 2)
		*b = (struct bucket){ .micro = 0, .filled_us = r->now_us };
	return e;
}

/* Whether this process has been doing without the server. */
static bool was_alone(struct kv *kv, void *mem, const char *key)
{
	char *value;
	size_t n;

	return kv_is_shared(kv) && kv_get(kv_here(kv), mem, key, &value, &n) == OK;
}

static enum err make_bucket(struct kv *kv, void *mem, const struct shared_rate *r)
{
	struct bucket b = { .micro = 0, .filled_us = r->now_us };
	char text[64];
	int n;

	if (was_alone(kv, mem, r->key))
		b.filled_us += GRACE_US;
	n = text_of(&b, text);
	return kv_add(kv, r->key, text, (size_t)n, KEEP_S);
}

/*
 * The bucket was filled at a time that is yet to come.  Another host whose clock is
 * ahead goes on filling it; if nobody does for a while, a clock was set back, and it
 * begins again, empty.
 */
static enum err begin_again(struct kv *kv, void *mem, const struct shared_rate *r,
    const char *old, int64_t filled_us)
{
	char *seen_key = mem_printf(mem, "%s:seen", r->key), *text, now[64];
	struct bucket b = { .micro = 0, .filled_us = r->now_us };
	int64_t seen_us = 0, since = 0;
	size_t n;

	if (kv_get(kv_here(kv), mem, seen_key, &text, &n) != OK ||
	    sscanf(text, "%" SCNd64 " %" SCNd64, &seen_us, &since) != 2 ||
	    seen_us != filled_us) {
		snprintf(now, sizeof(now), "%" PRId64 " %" PRId64, filled_us,
		    clock_mono_ms());
		return kv_set(kv_here(kv), seen_key, now, strlen(now), KEEP_S);
	}
	if (clock_mono_ms() - since < CLOCK_STEP_US / 1000)
		return OK;
	text_of(&b, now);
	return kv_swap(kv, r->key, old, now, KEEP_S);
}

/* One try: ERR_CONFLICT when another process was quicker. */
static enum err take_once(struct kv *kv, const struct shared_rate *r, int want,
    int *granted, int *wait_ms)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "bucket_take");
	struct bucket b;
	char *old, text[64];
	enum err e = read_bucket(kv, tmp, r, &b, &old);
	int64_t got;

	if (e == ERR_NOTFOUND) {
		e = make_bucket(kv, tmp, r);
		return e == OK ? ERR_CONFLICT : e;
	}
	if (e != OK)
		return e;
	fill(&b, r->rate, r->now_us);
	got = b.micro / MILLION < want ? b.micro / MILLION : want;
	if (got <= 0) {
		*wait_ms = wait_for(&b, r->rate, want);
		return b.filled_us - r->now_us > CLOCK_STEP_US
		    ? begin_again(kv, tmp, r, old, b.filled_us)
		    : OK;
	}
	b.micro -= got * MILLION;
	text_of(&b, text);
	e = kv_swap(kv, r->key, old, text, KEEP_S);
	if (e == OK)
		*granted = (int)got;
	return e;
}

static enum err take(struct kv *kv, const struct shared_rate *r, int want, int *granted,
    int *wait_ms)
{
	enum err e = ERR_CONFLICT;

	for (int i = 0; i < TRIES && e == ERR_CONFLICT; i++)
		e = take_once(kv, r, want, granted, wait_ms);
	if (e != ERR_CONFLICT)
		return e;
	*wait_ms = 1; /* a crowd: nothing was taken */
	return OK;
}

enum err bucket_take(struct kv *kv, const struct shared_rate *shared, int want,
    int *granted, int *wait_ms)
{
	struct shared_rate r = *shared;
	enum err e = ERR_BUSY;

	*granted = 0;
	*wait_ms = 0;
	if (want <= 0)
		return OK;
	*wait_ms = 1000;
	if (!(r.rate > 0))
		return OK;
	if (!r.now_us)
		r.now_us = system_us();
	if (kv_is_shared(kv))
		e = take(kv, &r, want, granted, wait_ms);
	if (e != ERR_BUSY) {
		/* so that the bucket of this process starts empty if the server goes */
		return e == OK ? kv_delete(kv_here(kv), r.key) : e;
	}
	if (r.processes > 1)
		r.rate /= r.processes;
	return take(kv_here(kv), &r, want, granted, wait_ms);
}
