#include "view/liquid_parts.h"

#include "base/mem.h"

#define CHUNK 8000

struct chunk {
	struct chunk *prev;
	size_t size, fill;
	_Alignas(16) char data[];
};

void *arena_take(struct arena *a, size_t n)
{
	struct chunk *k = a->top;
	size_t size;

	n = (n + 15) & ~(size_t)15;
	if (a->used + n > a->limit)
		a->full = true; /* still given; the run stops at once */
	if (!k || k->size - k->fill < n) {
		size = n > CHUNK ? n : CHUNK;
		k = mem_resize(a->mem, NULL, sizeof *k + size);
		*k = (struct chunk){ .prev = a->top, .size = size };
		a->top = k;
	}
	k->fill += n;
	a->used += n;
	return k->data + k->fill - n;
}

struct mark arena_mark(const struct arena *a)
{
	return (struct mark){ a->top, a->used, a->top ? a->top->fill : 0 };
}

void arena_back(struct arena *a, struct mark m)
{
	struct chunk *k;

	/* the oldest chunk is kept, so that short statements allocate once */
	while (a->top != m.top && (m.top || a->top->prev)) {
		k = a->top;
		a->top = k->prev;
		mem_free(k);
	}
	if (a->top)
		a->top->fill = m.fill;
	a->used = m.used;
}
