#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Counts what is allocated between cost_begin and cost_end, by whomever: bytes at the
 * same time, bytes in all, and calls.  In builds with AddressSanitizer only, which has
 * hooks for it; cost_counts() tells.
 */
struct cost {
	size_t live, peak, sum, calls;
};

extern int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void *,
							 size_t),
    void (*)(const volatile void *)) __attribute__((weak));
extern size_t __sanitizer_get_allocated_size(const volatile void *)
    __attribute__((weak));

static struct cost cost_now;
static bool cost_on;

static void cost_add(const volatile void *p, size_t n)
{
	(void)p;
	if (!cost_on)
		return;
	cost_now.calls++;
	cost_now.sum += n;
	cost_now.live += n;
	if (cost_now.live > cost_now.peak)
		cost_now.peak = cost_now.live;
}

/* What was there before may be freed: that gives no credit. */
static void cost_take(const volatile void *p)
{
	size_t n = cost_on && p ? __sanitizer_get_allocated_size(p) : 0;

	cost_now.live -= n < cost_now.live ? n : cost_now.live;
}

static inline bool cost_counts(void)
{
	return __sanitizer_install_malloc_and_free_hooks != NULL;
}

static inline void cost_begin(void)
{
	static bool there;

	if (!there && cost_counts())
		there =
		    __sanitizer_install_malloc_and_free_hooks(cost_add, cost_take) > 0;
	cost_now = (struct cost){ 0 };
	cost_on = true;
}

static inline struct cost cost_end(void)
{
	cost_on = false;
	return cost_now;
}
