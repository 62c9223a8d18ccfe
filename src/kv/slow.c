#include "kv/slow.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "kv/kv_driver.h"

enum {
	FULL = 1000,
	LEAST = FULL / 32,
	RECOVER_MS = 240000,
	GAP_MS = 1000,
	KEEP_S = 600
};

/* Thousandths of the rate, and since when. */
struct slow {
	int64_t part, at;
};

static int64_t part_now(const struct slow *s, int64_t now)
{
	int64_t since = now - s->at, part;

	if (since < 0) /* another host's clock is ahead */
		since = 0;
	if (since >= RECOVER_MS)
		return FULL;
	part = s->part + since * FULL / RECOVER_MS;
	return part > FULL ? FULL : part < LEAST ? LEAST : part;
}

/* ERR_NOTFOUND: at full rate. */
static enum err read_slow(struct kv *kv, void *mem, const char *key, struct slow *s,
    char **old)
{
	size_t n;
	enum err e = kv_get(kv, mem, key, old, &n);

	if (e == OK && sscanf(*old, "%" SCNd64 " %" SCNd64, &s->part, &s->at) != 2)
		*s = (struct slow){ FULL, 0 };
	return e;
}

static enum err part_in(struct kv *kv, const char *key, int64_t now, double *out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "slow");
	struct slow s;
	char *old;
	enum err e = read_slow(kv, tmp, key, &s, &old);

	*out = e == OK ? (double)part_now(&s, now) / FULL : 1;
	return e == ERR_NOTFOUND ? OK : e;
}

double slow_part(struct kv *kv, const char *key, int64_t now_ms)
{
	double part = 1;

	if (part_in(kv, key, now_ms, &part) != OK &&
	    part_in(kv_here(kv), key, now_ms, &part) != OK)
		return 1;
	return part;
}

/* ERR_CONFLICT: another process was quicker, and that is enough. */
static enum err halve(struct kv *kv, const char *key, int64_t now)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "slow");
	struct slow s = { FULL, 0 };
	char *old, text[64];
	enum err e = read_slow(kv, tmp, key, &s, &old);
	int64_t part;

	if (e != OK && e != ERR_NOTFOUND)
		return e;
	if (e == OK && now - s.at >= 0 && now - s.at < GAP_MS)
		return OK;
	part = part_now(&s, now) / 2;
	snprintf(text, sizeof(text), "%" PRId64 " %" PRId64,
	    part < LEAST ? LEAST : part, now);
	if (e == ERR_NOTFOUND)
		return kv_add(kv, key, text, strlen(text), KEEP_S);
	return kv_swap(kv, key, old, text, KEEP_S);
}

void slow_down(struct kv *kv, const char *key, int64_t now_ms)
{
	enum err e = halve(kv, key, now_ms);

	if (e == ERR_BUSY)
		e = halve(kv_here(kv), key, now_ms);
	(void)e; /* a hint: what is left out now is asked for again */
}
