#include "http/metrics.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

/*
 * The file is an open hash of slots.  A slot is claimed by moving its state from FREE
 * to TAKEN, named, then READY; it is never given back.  A process that dies in between
 * leaves one slot nobody uses.  Numbers are added with relaxed atomics: no lock, no
 * order needed.
 */
enum { SLOTS = 4096, NAME_SIZE = 184, BUCKETS = 12 };
enum { FREE, TAKEN, READY };
enum { KIND_NUMBER = 1, KIND_TIME };

/* upper bounds in microseconds; the last bucket has none */
static const int64_t bounds[BUCKETS] = {
	1000,
	2500,
	5000,
	10000,
	25000,
	50000,
	100000,
	250000,
	500000,
	1000000,
	2500000,
	10000000,
};

struct slot {
	_Atomic uint32_t state;
	uint32_t kind;
	char name[NAME_SIZE];
	_Atomic int64_t value;               /* of a number; microseconds of times */
	_Atomic int64_t bucket[BUCKETS + 1]; /* not cumulative */
};

struct file {
	char magic[16];
	struct slot slots[SLOTS];
};

struct metrics {
	struct file *file;
};

static const char magic[16] = "maillayer-m1\n";

static int unmap(struct metrics *m)
{
	munmap(m->file, sizeof(*m->file));
	return 0;
}

/*
 * Makes the file whole: room for every slot on disk, so that a write cannot fault
 * later.
 */
static bool prepare(int fd)
{
	char found[sizeof(magic)] = "";
	bool good;

	if (flock(fd, LOCK_EX) != 0)
		return false;
	good = pread(fd, found, sizeof(found), 0) == (ssize_t)sizeof(found) &&
	    memcmp(found, magic, sizeof(magic)) == 0 &&
	    lseek(fd, 0, SEEK_END) == (off_t)sizeof(struct file);
	if (!good)
		good = ftruncate(fd, 0) == 0 &&
		    posix_fallocate(fd, 0, (off_t)sizeof(struct file)) == 0 &&
		    pwrite(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic);
	flock(fd, LOCK_UN);
	return good;
}

struct metrics *metrics_open(void *mem, const char *state_dir)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "metrics");
	struct metrics *m;
	int fd = open(mem_printf(tmp, "%s/metrics", state_dir),
	    O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *p = MAP_FAILED;

	if (fd >= 0 && prepare(fd))
		p = mmap(NULL, sizeof(struct file), PROT_READ | PROT_WRITE, MAP_SHARED,
		    fd, 0);
	if (fd >= 0)
		close(fd);
	if (p == MAP_FAILED)
		return NULL;
	m = mem_new(mem, struct metrics);
	m->file = p;
	mem_on_free(m, unmap);
	return m;
}

static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

/* Tries to make a free slot ours; false if another process was quicker. */
static bool claim(struct slot *s, const char *name, uint32_t kind)
{
	uint32_t state = FREE;

	if (!atomic_compare_exchange_strong(&s->state, &state, TAKEN))
		return false;
	s->kind = kind;
	memcpy(s->name, name, strlen(name) + 1);
	atomic_store_explicit(&s->state, READY, memory_order_release);
	return true;
}

/* NULL when the table is full or the name too long: counting never fails a request. */
static struct slot *find(struct metrics *m, const char *name, uint32_t kind)
{
	uint32_t at = hash(name);

	if (m == NULL || strlen(name) >= NAME_SIZE)
		return NULL;
	for (uint32_t i = 0; i < SLOTS; i++) {
		struct slot *s = &m->file->slots[(at + i) % SLOTS];
		uint32_t state = atomic_load_explicit(&s->state, memory_order_acquire);

		if (state == FREE && claim(s, name, kind))
			return s;
		for (int spin = 0; spin < 1000 && state != READY; spin++)
			state = atomic_load_explicit(&s->state, memory_order_acquire);
		if (state == READY && s->kind == kind && strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

void metrics_add(struct metrics *m, const char *name, int64_t by)
{
	struct slot *s = find(m, name, KIND_NUMBER);

	if (s != NULL)
		atomic_fetch_add_explicit(&s->value, by, memory_order_relaxed);
}

void metrics_set(struct metrics *m, const char *name, int64_t value)
{
	struct slot *s = find(m, name, KIND_NUMBER);

	if (s != NULL)
		atomic_store_explicit(&s->value, value, memory_order_relaxed);
}

int64_t metrics_get(struct metrics *m, const char *name)
{
	struct slot *s = find(m, name, KIND_NUMBER);

	return s ? atomic_load_explicit(&s->value, memory_order_relaxed) : 0;
}

void metrics_time(struct metrics *m, const char *name, const char *labels,
    int64_t microseconds)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "metrics");
	struct slot *s = find(m, mem_printf(tmp, "%s{%s}", name, labels), KIND_TIME);
	int i = 0;

	if (s == NULL)
		return;
	while (i < BUCKETS && microseconds > bounds[i])
		i++;
	atomic_fetch_add_explicit(&s->bucket[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->value, microseconds, memory_order_relaxed);
}

/* ---- the text Prometheus reads ---- */

static int by_name(const void *a, const void *b)
{
	const struct slot *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static void print_time(const struct slot *s, size_t base, struct buf *out)
{
	const char *labels = s->name + base; /* "{...}" */
	int n = (int)strlen(labels) - 1;     /* without the last brace */
	int64_t sum = 0;

	for (int i = 0; i <= BUCKETS; i++) {
		sum += s->bucket[i];
		buf_printf(out, "%.*s_bucket%.*s%sle=\"", (int)base, s->name, n, labels,
		    n > 1 ? "," : "");
		if (i < BUCKETS)
			buf_printf(out, "%g\"} %" PRId64 "\n", (double)bounds[i] / 1e6,
			    sum);
		else
			buf_printf(out, "+Inf\"} %" PRId64 "\n", sum);
	}
	buf_printf(out, "%.*s_sum%s %.6f\n", (int)base, s->name, labels,
	    (double)s->value / 1e6);
	buf_printf(out, "%.*s_count%s %" PRId64 "\n", (int)base, s->name, labels, sum);
}

static const char *type_of(const struct slot *s, size_t base)
{
	if (s->kind == KIND_TIME)
		return "histogram";
	return base > 6 && memcmp(s->name + base - 6, "_total", 6) == 0 ? "counter"
									: "gauge";
}

void metrics_print(struct metrics *m, struct buf *out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "metrics");
	struct slot **all = mem_array(tmp, struct slot *, SLOTS);
	size_t n = 0, last = 0;

	for (size_t i = 0; m != NULL && i < SLOTS; i++)
		if (atomic_load(&m->file->slots[i].state) == READY)
			all[n++] = &m->file->slots[i];
	qsort(all, n, sizeof(*all), by_name);
	for (size_t i = 0; i < n; i++) {
		size_t base = strcspn(all[i]->name, "{");

		if (i == 0 || base != last ||
		    memcmp(all[i]->name, all[i - 1]->name, base) != 0)
			buf_printf(out, "# TYPE %.*s %s\n", (int)base, all[i]->name,
			    type_of(all[i], base));
		last = base;
		if (all[i]->kind == KIND_TIME)
			print_time(all[i], base, out);
		else
			buf_printf(out, "%s %" PRId64 "\n", all[i]->name,
			    all[i]->value);
	}
}
