#include "service/host_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/mem.h"
#include "base/text.h"
#include "kv/cache.h"

enum { SLOTS_MAX = 1000, LINE_MAX = 64, CACHE_SECONDS = 30 * 86400 };

struct host_marker {
	const struct host_place *place;
	struct host_mark mark;
	int fd;
	bool told;
};

static char *path_of(void *mem, const struct host_place *p, int slot)
{
	return mem_printf(mem, "%s/marks/%d", p->state_dir, slot);
}

static char *key_of(void *mem, const char *host, int slot)
{
	return mem_printf(mem, "host:mark:%s:%d", host, slot);
}

static enum err failed(void)
{
	return errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;
}

/* ---- the number outside ---- */

/* 0 where there is none, or one of another host. */
static int64_t read_file(int fd, const char *host)
{
	char line[LINE_MAX] = "", of[33];
	int64_t n;

	if (pread(fd, line, sizeof(line) - 1, 0) <= 0 ||
	    sscanf(line, "%32s %" SCNd64, of, &n) != 2 || !text_equal(of, host))
		return 0;
	return n;
}

/*
 * Not synced (host_mark.h says why), and always as long, so that it takes no more of
 * the disk than at its beginning.
 */
static enum err write_file(int fd, const struct host_mark *m)
{
	char line[LINE_MAX];
	int n = snprintf(line, sizeof(line), "%s %019" PRId64 "\n", m->host, m->n);

	return pwrite(fd, line, (size_t)n, 0) == n ? OK : failed();
}

static void set_cached(const struct host_place *p, const struct host_mark *m,
    void (*how)(struct kv *, const struct keyring *, const char *, const char *, int))
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "mark");

	if (p->kv)
		how(p->kv, p->keys, key_of(tmp, m->host, m->slot),
		    mem_printf(tmp, "%" PRId64, m->n), CACHE_SECONDS);
}

static bool get_cached(const struct host_place *p, const char *host, int slot,
    int64_t *n)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "mark");
	char *text;

	return p->kv &&
	    cache_get(p->kv, p->keys, tmp, key_of(tmp, host, slot), &text) == OK &&
	    text_to_int(text, 0, INT64_MAX, n);
}

/* ---- a slice ---- */
static int close_marker(struct host_marker *m)
{
	if (m->fd >= 0)
		close(m->fd);
	return 0;
}

static enum err take_slot(struct host_marker *m, const struct host_place *p)
{
	for (int i = 0; i < SLOTS_MAX; i++) {
		m->fd = open(path_of(m, p, i), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (m->fd < 0)
			return failed();
		m->mark.slot = i;
		if (flock(m->fd, LOCK_EX | LOCK_NB) == 0)
			return OK;
		close(m->fd);
		m->fd = -1;
	}
	return ERR_BUSY;
}

/* The slot is ours now, so its number stands still. */
static enum err read_number(struct host_marker *m, struct db *db)
{
	struct host_mark *known;
	size_t n;
	enum err e = host_marks(db, m, m->mark.host, &known, &n);

	m->mark.n = read_file(m->fd, m->mark.host);
	for (size_t i = 0; i < n; i++)
		if (known[i].slot == m->mark.slot && known[i].n > m->mark.n)
			m->mark.n = known[i].n;
	m->mark.before = m->mark.n;
	return e;
}

enum err host_marker_open(void *mem, struct db *db, const struct host_place *p,
    const char *host, struct host_marker **out)
{
	struct host_marker *m = mem_new(mem, struct host_marker);
	enum err e = OK;

	*out = m;
	m->place = p;
	m->fd = -1;
	m->mark.host = mem_str(m, host);
	mem_on_free(m, close_marker);
	if (mkdir(mem_printf(m, "%s/marks", p->state_dir), 0700) != 0 &&
	    errno != EEXIST)
		return failed();
	e = take_slot(m, p);
	if (e == OK)
		e = read_number(m, db);
	if (e == OK)
		e = write_file(m->fd, &m->mark);
	/* Memcached knows every slot there is, so that whoever reads it finds them. */
	if (e == OK)
		set_cached(p, &m->mark, cache_add);
	return e;
}

const struct host_mark *host_marker_next(struct host_marker *m)
{
	m->mark.n++;
	return &m->mark;
}

enum err host_marker_tell(struct host_marker *m)
{
	enum err e = FAILPOINT_ERR("mark.tell", ERR_FULL);

	m->mark.before = m->mark.n;
	if (e == OK)
		e = write_file(m->fd, &m->mark);
	if (e != OK)
		return e;
	set_cached(m->place, &m->mark, cache_set);
	m->told = true;
	FAILPOINT("mark.told");
	return OK;
}

bool host_marker_told(const struct host_marker *m)
{
	return m->told;
}

/* ---- a visit ---- */
static bool read_slot(void *mem, const struct host_place *p, const char *host, int slot,
    struct told *t)
{
	int fd = open(path_of(mem, p, slot), O_RDONLY | O_CLOEXEC);
	int64_t n = 0;

	*t = (struct told){ .n = fd < 0 ? 0 : read_file(fd, host) };
	if (fd >= 0)
		close(fd);
	t->cached = get_cached(p, host, slot, &n) ? n : -1;
	if (t->cached > t->n)
		t->n = t->cached;
	return fd >= 0 || t->cached >= 0;
}

void host_told_read(void *mem, const struct host_place *p, const char *host,
    struct host_told *out)
{
	struct told t;

	*out = (struct host_told){ 0 };
	/* The slots that were ever used have no gap. */
	while (out->n < SLOTS_MAX && read_slot(mem, p, host, (int)out->n, &t)) {
		out->slot = mem_resize(mem, out->slot, (out->n + 1) * sizeof(t));
		out->slot[out->n++] = t;
	}
}

static int64_t number_of(const struct host_mark *known, size_t n, int slot)
{
	for (size_t i = 0; i < n; i++)
		if (known[i].slot == slot)
			return known[i].n;
	return 0;
}

enum err host_told_compare(struct db *db, const char *host, struct host_told *told,
    bool *behind)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "marks");
	struct host_mark *known;
	size_t n;
	enum err e = host_marks(db, tmp, host, &known, &n);

	*behind = false;
	for (size_t i = 0; e == OK && i < told->n; i++) {
		const struct host_mark m = { .host = host,
			.slot = (int)i,
			.n = told->slot[i].n };
		int64_t here = number_of(known, n, m.slot);

		if (here >= m.n) {
			told->slot[i].n = here;
			continue;
		}
		*behind = true;
		e = host_mark_put(db, &m);
	}
	return e;
}

void host_told_cache(const struct host_place *p, const char *host,
    const struct host_told *told)
{
	for (size_t i = 0; i < told->n; i++) {
		const struct host_mark m = { .host = host,
			.slot = (int)i,
			.n = told->slot[i].n };

		if (told->slot[i].cached < m.n)
			set_cached(p, &m, cache_set);
	}
}
