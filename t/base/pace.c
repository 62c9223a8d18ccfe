#include "base/pace.h"

#include <stddef.h>
#include <stdint.h>

#include "tap.h"

enum { ROUNDS = 200 };

/* A machine: what is fixed of a transaction, and a row, in microseconds. */
struct machine {
	int64_t fixed, row;
	const char *name;
};

static int64_t cost(const struct machine *m, int rows)
{
	return m->fixed + m->row * rows;
}

/* Every transaction after the first few is within the bound, and none is idle. */
static void settles(const struct machine *m)
{
	struct pace p = { .rows = 50, .least = 10, .most = 20000 };
	int64_t worst = 0, first = cost(m, p.rows);

	for (int i = 0; i < ROUNDS; i++) {
		int64_t us = cost(m, p.rows);

		if (i > 0 && us > worst)
			worst = us;
		pace_took(&p, p.rows, us);
	}
	if (cost(m, p.least) > PACE_US / 2) {
		is_int(p.rows, p.least, "%s: the least, if nothing fits", m->name);
		return;
	}
	ok(worst <= PACE_US || worst <= first, "%s: at most %d us, not %d", m->name,
	    PACE_US, (int)worst);
	ok(p.rows == p.most || cost(m, p.rows) >= PACE_US / 5,
	    "%s: and not idle, %d rows", m->name, p.rows);
}

/* From one moment to the next all is ten times slower, and then fast again. */
static void changes(void)
{
	struct pace p = { .rows = 50, .least = 10, .most = 20000 };
	int rows;

	for (int i = 0; i < 20; i++)
		pace_took(&p, p.rows, 10 * p.rows);
	is_int(p.rows, 1000, "10 us a row: 10 ms");
	pace_took(&p, p.rows, 100 * p.rows);
	is_int(p.rows, 100, "ten times slower: a tenth, at once");
	rows = p.rows;
	pace_took(&p, p.rows, 10 * p.rows);
	is_int(p.rows, 2 * rows, "faster again: twice, and no more");
	pace_took(&p, 3, 1);
	is_int(p.rows, 2 * rows, "a rest of three rows tells nothing");
	pace_took(&p, 3, 30000);
	is_int(p.rows, 10, "unless it was slow");
	pace_took(&p, 0, 50000);
	is_int(p.rows, 10, "nothing done, nothing learnt");
}

int main(void)
{
	static const struct machine machines[] = {
		{ 100, 5, "fast" },
		{ 5000, 20, "a disk" },
		{ 1000, 300, "slow" },
		{ 200, 1, "very fast" },
		{ 30000, 100, "a disk of 30 ms" },
	};

	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++)
		settles(&machines[i]);
	changes();
	return done_testing();
}
