#include "send/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/id.h"
#include "base/mem.h"

struct spool {
	const char *dir;
	const struct log *lg;
	int fd; /* -1 until the first append */
	off_t size;
	int unsynced;    /* records */
	enum err failed; /* a sync since the last spool_sync */
};

static int close_file(struct spool *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	return 0;
}

enum err spool_open(void *mem, const char *state_dir, const struct log *lg,
    struct spool **out)
{
	struct spool *s = mem_new(mem, struct spool);

	s->dir = mem_printf(s, "%s/spool", state_dir);
	s->lg = lg;
	s->fd = -1;
	if (mkdir(s->dir, 0700) != 0 && errno != EEXIST) {
		log_error(lg, "spool.mkdir", LOG_STR("dir", s->dir),
		    LOG_STR("error", strerror(errno)));
		return ERR_IO;
	}
	mem_on_free(s, close_file);
	*out = s;
	return OK;
}

/* CRC-32 (ISO-HDLC), bit by bit: 36 bytes a record, far below the cost of the sync. */
static uint32_t crc32_of(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint32_t c = 0xffffffffu;

	for (size_t i = 0; i < n; i++) {
		c ^= b[i];
		for (int k = 0; k < 8; k++)
			c = (c >> 1) ^ (0xedb88320u & (0u - (c & 1u)));
	}
	return ~c;
}

int spool_valid(const struct spool_record *r)
{
	return r->magic == SPOOL_MAGIC &&
	    r->check == crc32_of(r, offsetof(struct spool_record, check));
}

/* The directory is synced too, or a power cut could take the whole file with its name.
 */
static enum err sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	return r == 0 ? OK : ERR_IO;
}

static enum err new_file(struct spool *s)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "spool");
	const char *path = mem_printf(tmp, "%s/%s.spool", s->dir, id_random(tmp));

	struct stat st;

	close_file(s);
	s->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	s->size = 0;
	if (s->fd < 0)
		return errno == ENOSPC ? ERR_FULL : ERR_IO;
	/* The reader may have taken the empty file for a finished one and removed it.
	 */
	if (flock(s->fd, LOCK_SH | LOCK_NB) != 0 || fstat(s->fd, &st) != 0 ||
	    st.st_nlink == 0)
		return ERR_CONFLICT;
	return sync_dir(s->dir);
}

static enum err failure(const struct spool *s)
{
	log_error(s->lg, "spool.append", LOG_STR("error", strerror(errno)));
	return errno == ENOSPC ? ERR_FULL : ERR_IO;
}

/*
 * After a sync that failed nobody knows what of the file is on the disk: what comes
 * next goes into another.
 */
static void sync_file(struct spool *s)
{
	FAILPOINT("spool.written");
	if (s->fd < 0 || fdatasync(s->fd) == 0)
		return;
	s->failed = failure(s);
	close_file(s);
}

static enum err write_record(struct spool *s, const struct spool_record *r)
{
	ssize_t n = write(s->fd, r, sizeof(*r));
	enum err e;

	if (n == (ssize_t)sizeof(*r)) {
		s->size += n;
		s->unsynced++;
		return OK;
	}
	if (n >= 0)
		errno = ENOSPC;
	e = failure(s);
	/* A part of a record would shift all that follow it. */
	if (n > 0 && ftruncate(s->fd, s->size) != 0) {
		sync_file(s);
		close_file(s);
	}
	return e;
}

/* A file of ours that has room for one more. */
static enum err have_file(struct spool *s)
{
	enum err e = OK;

	if (s->fd >= 0 && s->size < SPOOL_FILE_MAX)
		return OK;
	if (s->unsynced > 0)
		sync_file(s);
	while ((e = new_file(s)) == ERR_CONFLICT)
		;
	if (e == OK)
		return OK;
	e = failure(s);
	close_file(s);
	return e;
}

enum err spool_append(struct spool *s, struct spool_record *r)
{
	enum err e = have_file(s);

	r->magic = SPOOL_MAGIC;
	r->check = crc32_of(r, offsetof(struct spool_record, check));
	return e == OK ? write_record(s, r) : e;
}

int spool_unsynced(const struct spool *s)
{
	return s->unsynced;
}

enum err spool_sync(struct spool *s)
{
	enum err e;

	if (s->unsynced > 0)
		sync_file(s);
	e = s->failed;
	s->unsynced = 0;
	s->failed = OK;
	return e;
}
