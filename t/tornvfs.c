#include "tornvfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512, FILES = 16 };

/* What was done to a file since its last sync. */
struct change {
	sqlite3_int64 at;
	int n; /* -1: cut to `at` bytes */
	unsigned char *data;
	struct change *next;
};

struct disk {
	char path[512];
	unsigned char *data; /* as synced */
	sqlite3_int64 len, room;
	struct change *first, **last;
};

struct torn_file {
	sqlite3_file base;
	struct disk *disk; /* NULL: not a file of a database */
	sqlite3_file *real;
};

static struct {
	sqlite3_vfs vfs, *real;
	struct disk disks[FILES];
	void (*watch)(void *ctx);
	void *ctx;
	int64_t left;
} torn = { .left = -1 };

/* ---- the disk ---- */
static struct disk *disk_of(const char *path)
{
	for (int i = 0; i < FILES; i++) {
		struct disk *d = &torn.disks[i];

		if (!d->path[0]) {
			snprintf(d->path, sizeof(d->path), "%s", path);
			d->last = &d->first;
		}
		if (strcmp(d->path, path) == 0)
			return d;
	}
	abort();
}

static void store(unsigned char **data, sqlite3_int64 *len, sqlite3_int64 *room,
    const struct change *c)
{
	sqlite3_int64 end = c->n < 0 ? c->at : c->at + c->n;

	if (c->n < 0 && end < *len) {
		*len = end;
		return;
	}
	if (end > *room) {
		*room = end * 2;
		*data = realloc(*data, (size_t)*room);
	}
	if (end > *len) {
		memset(*data + *len, 0, (size_t)(end - *len));
		*len = end;
	}
	if (c->n > 0)
		memcpy(*data + c->at, c->data, (size_t)c->n);
}

static void note(struct disk *d, const void *data, int n, sqlite3_int64 at)
{
	struct change *c = calloc(1, sizeof(*c));

	*c = (struct change){ .at = at, .n = n };
	if (n > 0) {
		c->data = malloc((size_t)n);
		memcpy(c->data, data, (size_t)n);
	}
	*d->last = c;
	d->last = &c->next;
}

static void settle(struct disk *d)
{
	struct change *c = d->first, *next;

	for (; c; c = next) {
		next = c->next;
		store(&d->data, &d->len, &d->room, c);
		free(c->data);
		free(c);
	}
	d->first = NULL;
	d->last = &d->first;
}

/* Any of the sectors of an unsynced write. */
static void tear(struct disk *copy, const struct change *c, int mode)
{
	sqlite3_int64 at = c->at, end = c->at + c->n;

	if (c->n < 0) {
		if (random() % 2)
			store(&copy->data, &copy->len, &copy->room, c);
		return;
	}
	while (at < end) {
		sqlite3_int64 to = (at / SECTOR + 1) * SECTOR;
		struct change part = { .at = at, .data = c->data + (at - c->at) };

		part.n = (int)((to < end ? to : end) - at);
		if (mode == 0 ? random() % 2 : mode == 1 ? random() % 16 != 0 : 0)
			store(&copy->data, &copy->len, &copy->room, &part);
		at += part.n;
	}
}

static bool write_file(const char *to, const struct disk *d)
{
	FILE *f = fopen(to, "we");
	bool good =
	    f != NULL && (d->len == 0 || fwrite(d->data, (size_t)d->len, 1, f) == 1);

	return f != NULL && fclose(f) == 0 && good;
}

static bool cut_one(const char *path, const char *to)
{
	struct disk *d = disk_of(path);
	struct disk copy = { .len = d->len, .room = d->len + 1 };
	int mode = (int)(random() % 3);
	bool good;

	copy.data = malloc((size_t)copy.room);
	if (d->len)
		memcpy(copy.data, d->data, (size_t)d->len);
	for (const struct change *c = d->first; c; c = c->next)
		tear(&copy, c, mode);
	good = write_file(to, &copy);
	free(copy.data);
	return good;
}

bool tornvfs_cut(const char *path, const char *to)
{
	char log[600], to_log[600];

	snprintf(log, sizeof(log), "%s-wal", path);
	snprintf(to_log, sizeof(to_log), "%s-wal", to);
	return cut_one(path, to) && cut_one(log, to_log);
}

void tornvfs_watch(void (*fn)(void *ctx), void *ctx)
{
	torn.watch = fn;
	torn.ctx = ctx;
}

void tornvfs_room(int64_t bytes)
{
	torn.left = bytes;
}

/* ---- the methods ---- */
static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct torn_file *)f)->real;
}

static void look(const struct torn_file *t)
{
	if (t->disk && torn.watch)
		torn.watch(torn.ctx);
}

static int torn_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}

static int torn_read(sqlite3_file *f, void *data, int n, sqlite3_int64 at)
{
	return real_of(f)->pMethods->xRead(real_of(f), data, n, at);
}

static int torn_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 at)
{
	struct torn_file *t = (struct torn_file *)f;

	if (t->disk && torn.left >= 0) {
		if (torn.left < n)
			return SQLITE_FULL;
		torn.left -= n;
	}
	look(t);
	if (t->disk)
		note(t->disk, data, n, at);
	return t->real->pMethods->xWrite(t->real, data, n, at);
}

static int torn_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct torn_file *t = (struct torn_file *)f;

	look(t);
	if (t->disk)
		note(t->disk, NULL, -1, size);
	return t->real->pMethods->xTruncate(t->real, size);
}

/* The system need not sync for us: the disk is in our memory. */
static int torn_sync(sqlite3_file *f, int flags)
{
	struct torn_file *t = (struct torn_file *)f;

	if (!t->disk)
		return t->real->pMethods->xSync(t->real, flags);
	look(t);
	settle(t->disk);
	return SQLITE_OK;
}

static int torn_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int torn_lock(sqlite3_file *f, int how)
{
	return real_of(f)->pMethods->xLock(real_of(f), how);
}

static int torn_unlock(sqlite3_file *f, int how)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), how);
}

static int torn_reserved(sqlite3_file *f, int *out)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int torn_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int torn_sector(sqlite3_file *f)
{
	(void)f;
	return SECTOR;
}

static int torn_device(sqlite3_file *f)
{
	(void)f;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int torn_shm_map(sqlite3_file *f, int page, int size, int extend,
    void volatile **out)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int torn_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void torn_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int torn_shm_unmap(sqlite3_file *f, int gone)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), gone);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = torn_close,
	.xRead = torn_read,
	.xWrite = torn_write,
	.xTruncate = torn_truncate,
	.xSync = torn_sync,
	.xFileSize = torn_size,
	.xLock = torn_lock,
	.xUnlock = torn_unlock,
	.xCheckReservedLock = torn_reserved,
	.xFileControl = torn_control,
	.xSectorSize = torn_sector,
	.xDeviceCharacteristics = torn_device,
	.xShmMap = torn_shm_map,
	.xShmLock = torn_shm_lock,
	.xShmBarrier = torn_shm_barrier,
	.xShmUnmap = torn_shm_unmap,
};

static int torn_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags,
    int *out)
{
	struct torn_file *t = (struct torn_file *)f;
	int rc;

	(void)v;
	memset(t, 0, sizeof(*t));
	t->real = (sqlite3_file *)(t + 1);
	rc = torn.real->xOpen(torn.real, name, t->real, flags, out);
	if (rc != SQLITE_OK)
		return rc;
	t->base.pMethods = &methods;
	if (name && flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL))
		t->disk = disk_of(name);
	return SQLITE_OK;
}

static int torn_delete(sqlite3_vfs *v, const char *name, int sync)
{
	(void)v;
	for (int i = 0; i < FILES && torn.disks[i].path[0]; i++) {
		struct disk *d = &torn.disks[i];

		if (strcmp(d->path, name) == 0) {
			settle(d);
			d->len = 0;
		}
	}
	return torn.real->xDelete(torn.real, name, sync);
}

void tornvfs_begin(void)
{
	torn.real = sqlite3_vfs_find(NULL);
	torn.vfs = *torn.real;
	torn.vfs.pNext = NULL;
	torn.vfs.zName = "torn";
	torn.vfs.szOsFile = (int)sizeof(struct torn_file) + torn.real->szOsFile;
	torn.vfs.xOpen = torn_open;
	torn.vfs.xDelete = torn_delete;
	sqlite3_vfs_register(&torn.vfs, 1);
}
