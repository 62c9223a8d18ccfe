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

struct slot slot_take(const char *dir, const char *name, int n)
{
	struct slot s = { .fd = -1 };

	for (int i = 0; i < n; i++) {
		s.fd = open_place(dir, name, i);
		if (s.fd < 0 || flock(s.fd, LOCK_EX | LOCK_NB) == 0)
			return s;
		close(s.fd);
	}
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
