#pragma once

#include <stdint.h>

/*
 * Time as an argument: UTC milliseconds since 1970.  System clock, or a fixed one for
 * tests.
 */
struct clock {
	int64_t (*now)(const struct clock *c);
	int64_t fixed;
};

extern const struct clock clock_system;
struct clock clock_fixed(int64_t ms);
int64_t clock_now(const struct clock *c);
/* Monotonic milliseconds, for intervals only. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
