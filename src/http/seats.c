#include "http/seats.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/pool.h"

enum { EMPTY, IDLE, BUSY };

struct shared {
	_Atomic int peak;
	_Atomic bool bell;
	_Atomic unsigned char seats[];
};

struct seats {
	struct shared *shared;
	size_t bytes;
};

static int unmap(struct seats *s)
{
	munmap(s->shared, s->bytes);
	return 0;
}

struct seats *seats_new(void *mem, int n)
{
	struct seats *s = mem_new(mem, struct seats);

	s->bytes = sizeof(struct shared) + (size_t)n;
	s->shared = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->shared == MAP_FAILED) {
		mem_free(s);
		return NULL;
	}
	s->shared->bell = true;
	mem_on_free(s, unmap);
	return s;
}

void seat_clear(struct seats *s, int seat)
{
	s->shared->seats[seat] = EMPTY;
}

bool seat_idle(const struct seats *s, int seat)
{
	return s->shared->seats[seat] == IDLE;
}

void seat_wait(struct seats *s, int seat)
{
	s->shared->seats[seat] = IDLE;
}

bool seat_work(struct seats *s, int seat, int first, int end)
{
	int busy = 0, idle = 0, peak = s->shared->peak;

	s->shared->seats[seat] = BUSY;
	for (int i = first; i < end; i++) {
		busy += s->shared->seats[i] == BUSY;
		idle += s->shared->seats[i] == IDLE;
	}
	while (
	    busy > peak && !atomic_compare_exchange_weak(&s->shared->peak, &peak, busy))
		;
	return idle == 0 && s->shared->bell && atomic_exchange(&s->shared->bell, false);
}

void seats_set_bell(struct seats *s, bool set)
{
	s->shared->bell = set;
}

int seats_peak(struct seats *s)
{
	return atomic_exchange(&s->shared->peak, 0);
}

/* ---- the worker's side ---- */

static void tell_supervisor(const struct worker *w, pid_t what)
{
	ssize_t n = write(w->ready, &what, sizeof(what));

	(void)n; /* a supervisor that is gone ends us by its own signal */
}

void worker_ready(const struct worker *w)
{
	seat_wait(w->seats, w->seat);
	tell_supervisor(w, getpid());
}

void worker_busy(const struct worker *w, bool busy)
{
	if (!busy)
		seat_wait(w->seats, w->seat);
	else if (seat_work(w->seats, w->seat, w->first, w->end))
		tell_supervisor(w, SEATS_RING);
}
