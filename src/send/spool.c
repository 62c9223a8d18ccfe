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

/* CRC-32 (ISO-HDLC), half a byte at a time. */
static uint32_t crc32_of(const void *p, size_t n)
{
	static const uint32_t half[16] = { 0x00000000, 0x1db71064, 0x3b6e20c8,
		0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c, 0xedb88320,
		0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278,
		0xbdbdf21c };
	const uint8_t *b = p;
	uint32_t c = 0xffffffffu;

	for (size_t i = 0; i < n; i++) {
		c = half[(c ^ b[i]) & 15] ^ (c >> 4);
		c = half[(c ^ (uint32_t)(b[i] >> 4)) & 15] ^ (c >> 4);
	}
	return ~c;
}

size_t spool_record_size(uint32_t magic)
{
	return magic == SPOOL_OLD_MAGIC ? sizeof(struct spool_old_record)
					: sizeof(struct spool_record);
}

/* The check is the last of either. */
bool spool_valid(const void *p, size_t size)
{
	uint32_t magic, check;

	memcpy(&magic, p, sizeof(magic));
	memcpy(&check, (const char *)p + size - sizeof(check), sizeof(check));
	return (magic == SPOOL_MAGIC || magic == SPOOL_OLD_MAGIC) &&
	    size == spool_record_size(magic) &&
	    check == crc32_of(p, size - sizeof(check));
}

void spool_set_agent(struct spool_record *r, const char *agent)
{
	size_t n = agent ? strnlen(agent, sizeof(r->agent) - 1) : 0;

	memset(r->agent, 0, sizeof(r->agent));
	for (size_t i = 0; i < n; i++)
		r->agent[i] = agent[i] >= ' ' && agent[i] <= '~' ? agent[i] : '?';
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
