#include "kv/slow.h"

#include <math.h>

#include "base/mem.h"
#include "memcached.h"
#include "tap.h"

static const struct log quiet = { .least = LOG_ERROR, .json = true, .fd = 2 };

static bool near(double is, double want)
{
	return fabs(is - want) < 0.005;
}

static void halves(struct kv *kv, const char *kind)
{
	int64_t now = 1795510810500;

	diag("%s", kind);
	ok(near(slow_part(kv, "rate-slow:a", now), 1), "a rate is whole at first");
	slow_down(kv, "rate-slow:a", now);
	ok(near(slow_part(kv, "rate-slow:a", now), 0.5), "slow_down halves it");
	slow_down(kv, "rate-slow:a", now + 500);
	ok(near(slow_part(kv, "rate-slow:a", now + 500), 0.502),
	    "slow_down counts a burst once");
	slow_down(kv, "rate-slow:a", now + 1000);
	ok(near(slow_part(kv, "rate-slow:a", now + 1000), 0.252),
	    "slow_down halves it again");
	ok(near(slow_part(kv, "rate-slow:b", now), 1), "another account's is whole");
	ok(near(slow_part(kv, "rate-slow:a", now + 61000), 0.502), "it recovers");
	ok(near(slow_part(kv, "rate-slow:a", now + 300000), 1), "to the whole");
	for (int i = 0; i < 20; i++)
		slow_down(kv, "rate-slow:a", now + 300000 + i * 1000);
	ok(slow_part(kv, "rate-slow:a", now + 319000) >= 0.03, "it never stops quite");
	ok(slow_part(kv, "rate-slow:a", now) >= 0.03 &&
		slow_part(kv, "rate-slow:a", now) <= 1,
	    "a clock that is behind does no harm");
}

static void shared(struct memcached *mc)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "shared");
	int64_t now = 1795510810500;
	struct kv *a, *b;

	if (kv_open(mem, mc->servers, &quiet, &a) != OK ||
	    kv_open(mem, mc->servers, &quiet, &b) != OK)
		ok(false, "kv_open opens");
	halves(a, "memcached");
	slow_down(a, "rate-slow:s", now);
	ok(near(slow_part(b, "rate-slow:s", now), 0.5), "all processes share it");
	memcached_stop(mc);
	slow_down(a, "rate-slow:d", now);
	ok(near(slow_part(a, "rate-slow:d", now), 0.5),
	    "without the server a process has its own");
	ok(near(slow_part(b, "rate-slow:d", now), 1), "and the others theirs");
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "slow");
	struct memcached mc;
	struct kv *kv;

	ok(kv_open(mem, "", &quiet, &kv) == OK, "kv_open opens");
	halves(kv, "in this process");
	memcached_begin(&mc);
	shared(&mc);
	memcached_end(&mc);
	return done_testing();
}
