#include "tap.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/seats.h"

int main(void)
{
	void *mem = mem_scope(NULL, "test");
	struct seats *s = seats_new(mem, 6);

	ok(s != NULL, "there are seats");
	ok(!seat_idle(s, 0), "an empty one is not idle");
	for (int i = 0; i < 3; i++)
		seat_wait(s, i);
	ok(seat_idle(s, 0) && seat_idle(s, 2) && !seat_idle(s, 3), "three wait");
	ok(!seat_work(s, 0, 0, 3), "one works: others are idle, nobody rings");
	ok(!seat_work(s, 1, 0, 3), "nor with two");
	ok(seat_work(s, 2, 0, 3), "the third finds nobody idle, and rings");
	ok(!seat_work(s, 2, 0, 3), "only once");
	seats_set_bell(s, true);
	ok(seat_work(s, 2, 0, 3), "until the bell is set again");
	seats_set_bell(s, false);
	ok(!seat_work(s, 2, 0, 3), "and not while it is not set");
	seats_set_bell(s, true);
	is_int(seats_peak(s), 3, "three were busy at once");
	is_int(seats_peak(s), 0, "which is told once");
	seat_wait(s, 0);
	ok(!seat_work(s, 1, 0, 3), "one is idle: nobody rings");
	is_int(seats_peak(s), 2, "two are busy");
	seat_clear(s, 0);
	ok(seat_work(s, 1, 0, 3), "one that died is not idle");
	seat_wait(s, 4);
	seats_set_bell(s, true);
	ok(seat_work(s, 1, 0, 3), "those of another set do not help");
	if (fork() == 0) {
		seat_wait(s, 5);
		_exit(0);
	}
	wait(NULL);
	ok(seat_idle(s, 5), "what a worker says its supervisor sees");
	mem_free(mem);
	return done_testing();
}
