#include "kv/tally.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"

/*
 * A counter is known by 64 bits of the hash of its key and stands in one of the WAYS
 * places of its set.  A lock of the kernel is held for the few instructions of a step;
 * it ends with its process.  Whoever does not get it soon, because its holder was
 * stopped, steps without it.
 */
enum { SETS = 8192, WAYS = 8, TRIES = 20, PAUSE_NS = 1000000, TTL_MAX = 30 * 86400 };

struct place {
	uint64_t key;
	int64_t expires; /* UTC seconds; 0: never used */
	int64_t number;
};

struct tally {
	int fd;
	struct place (*sets)[WAYS];
};

static int close_tally(struct tally *t)
{
	if (t->sets != NULL)
		munmap(t->sets, sizeof(*t->sets) * SETS);
	if (t->fd >= 0)
		close(t->fd);
	return 0;
}

struct tally *tally_open(void *mem, const char *state_dir)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "tally_open");
	struct tally *t = mem_new(mem, struct tally);
	const size_t size = sizeof(*t->sets) * SETS;
	void *map = MAP_FAILED;

	t->fd = open(mem_printf(tmp, "%s/limits", state_dir),
	    O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	mem_on_free(t, close_tally);
	if (t->fd >= 0 && ftruncate(t->fd, (off_t)size) == 0)
		map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);
	if (map == MAP_FAILED) {
		mem_free(t);
		return NULL;
	}
	t->sets = map;
	return t;
}

static bool lock(struct tally *t)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	for (int i = 0; i < TRIES; i++) {
		if (flock(t->fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static bool over(const struct place *p, int64_t now)
{
	/* after the clock was set back nothing stays for ever */
	return p->expires <= now || p->expires > now + TTL_MAX;
}

/* The place of the key, or the one that is given up for it. */
static struct place *find(struct place *set, uint64_t key, int64_t now, bool *found)
{
	struct place *free = &set[0];

	for (int i = 0; i < WAYS; i++) {
		struct place *p = &set[i];

		*found = p->key == key && !over(p, now);
		if (*found)
			return p;
		if (!over(free, now) && (over(p, now) || p->expires < free->expires))
			free = p;
	}
	return free;
}

void tally_count(struct tally *t, const char *key, int64_t by, int ttl_s, int64_t *now)
{
	int64_t second = clock_now(&clock_system) / 1000;
	bool found = false, locked;
	struct place *p;
	uint8_t hash[32];
	uint64_t name;

	sha256(key, strlen(key), hash);
	memcpy(&name, hash, sizeof(name));
	locked = lock(t);
	p = find(t->sets[name % SETS], name, second, &found);
	if (!found)
		*p = (struct place){ .key = name, .expires = second + ttl_s };
	p->number += by;
	if (p->number < 0)
		p->number = 0; /* as memcached's */
	*now = p->number;
	if (locked)
		flock(t->fd, LOCK_UN);
}
