#include "service/host_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"

/* What one file of a file system is known by, as long as it is not written anew. */
struct birth {
	uint64_t inode;
	int64_t ns; /* 0 where the file system does not keep it */
};

enum { LINE_MAX = 256, MACHINE_MAX = 128 };

static char *path_of(void *mem, const char *state_dir, const char *name)
{
	return mem_printf(mem, "%s/%s", state_dir, name);
}

static struct birth birth_of(int fd)
{
	struct statx st;
	struct birth b = { 0 };

	if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st) != 0)
		return b;
	b.inode = st.stx_ino;
	if (st.stx_mask & STATX_BTIME)
		b.ns = st.stx_btime.tv_sec * 1000000000LL + st.stx_btime.tv_nsec;
	return b;
}

/* A hash: the number of a machine is to stay on it. "-" where it has none. */
static char *machine(void *mem, const char *file)
{
	char text[MACHINE_MAX];
	uint8_t hash[32];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	if (n <= 1)
		return mem_str(mem, "-");
	sha256(text, (size_t)n, hash);
	return hex_encode(mem, hash, 16);
}

enum err host_file_read(const char *state_dir, const char *machine_file,
    struct host_file *out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "host");
	char line[LINE_MAX] = "", of[33];
	struct birth now, then;
	int fd = open(path_of(tmp, state_dir, "host"), O_RDONLY | O_CLOEXEC);
	ssize_t n;

	*out = (struct host_file){ 0 };
	if (fd < 0)
		return errno == ENOENT ? OK : ERR_IO;
	n = read(fd, line, sizeof(line) - 1);
	now = birth_of(fd);
	close(fd);
	if (n < 0)
		return ERR_IO;
	if (sscanf(line, "%32s %32s %32s %32s %" SCNu64 " %" SCNd64, out->id,
		out->nonce, out->next, of, &then.inode, &then.ns) != 6)
		return OK; /* cannot be understood: as if it were not there */
	out->there = true;
	out->copied = now.inode != then.inode || now.ns != then.ns ||
	    strcmp(of, machine(tmp, machine_file)) != 0;
	return OK;
}

static enum err write_line(int fd, const char *line)
{
	size_t n = strlen(line);

	if (write(fd, line, n) == (ssize_t)n && fsync(fd) == 0)
		return OK;
	return errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;
}

static enum err sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err e = fd >= 0 && fsync(fd) == 0 ? OK : ERR_IO;

	if (fd >= 0)
		close(fd);
	return e;
}

enum err host_file_write(const char *state_dir, const char *machine_file,
    const struct host_file *f)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "host");
	char *path = path_of(tmp, state_dir, "host");
	char *fresh = path_of(tmp, state_dir, "host.new");
	struct birth b;
	enum err e;
	int fd;

	unlink(fresh); /* of one that was killed: this one must be born now */
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == ENOSPC ? ERR_FULL : ERR_IO;
	b = birth_of(fd);
	e = write_line(fd,
	    mem_printf(tmp, "%s %s %s %s %" PRIu64 " %" PRId64 "\n", f->id, f->nonce,
		f->next, machine(tmp, machine_file), b.inode, b.ns));
	close(fd);
	if (e == OK && rename(fresh, path) != 0)
		e = ERR_IO;
	return e == OK ? sync_dir(state_dir) : e;
}
