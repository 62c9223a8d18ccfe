#include "base/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"

static int open_place(const char *dir, const char *name, int i)
{
	char *path = mem_printf(NULL, "%s/%s.%d.lock", dir, name, i);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	mem_free(path);
	return fd;
}

bool slot_try(const char *dir, const char *name, int n, struct slot *out)
{
	for (int i = 0; i < n; i++) {
		out->fd = open_place(dir, name, i);
		if (out->fd < 0 || flock(out->fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		close(out->fd);
	}
	out->fd = -1;
	return false;
}

struct slot slot_take(const char *dir, const char *name, int n)
{
	struct slot s = { .fd = -1 };

	if (slot_try(dir, name, n, &s))
		return s;
	s.fd = open_place(dir, name, (int)getpid() % n);
	while (s.fd >= 0 && flock(s.fd, LOCK_EX) < 0 && errno == EINTR)
		;
	return s;
}

void slot_done(struct slot *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
