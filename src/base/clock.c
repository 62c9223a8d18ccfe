#include "base/clock.h"

#include <time.h>

static int64_t micros(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t now_system(const struct clock *c)
{
	(void)c;
	return micros(CLOCK_REALTIME) / 1000;
}

static int64_t now_fixed(const struct clock *c)
{
	return c->fixed;
}

const struct clock clock_system = { .now = now_system };

struct clock clock_fixed(int64_t ms)
{
	return (struct clock){ .now = now_fixed, .fixed = ms };
}

int64_t clock_now(const struct clock *c)
{
	return c->now(c);
}

int64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

int64_t clock_mono_us(void)
{
	return micros(CLOCK_MONOTONIC);
}
