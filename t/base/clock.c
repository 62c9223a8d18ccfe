#include "base/clock.h"

#include <time.h>

#include "tap.h"

int main(void)
{
	struct clock fixed = clock_fixed(1234);
	int64_t now = clock_now(&clock_system), real = (int64_t)time(NULL) * 1000;
	int64_t us = clock_mono_us(), ms = clock_mono_ms();

	is_int(clock_now(&fixed), 1234, "clock_now of a fixed clock stands still");
	ok(now >= real - 2000 && now <= real + 2000,
	    "clock_now of the system is UTC in ms");
	ok(ms - us / 1000 <= 1000 && ms >= us / 1000, "clock_mono_ms and _us agree");
	nanosleep(&(struct timespec){ .tv_nsec = 3000000 }, NULL);
	ok(clock_mono_us() - us >= 3000, "clock_mono_us moves on with time");
	return done_testing();
}
