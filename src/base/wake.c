#include "base/wake.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"

void wake(const char *dir, const char *name)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "wake");
	int unread = 0,
	    fd = open(mem_printf(tmp, "%s/wake-%s", dir, name),
		O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0)
		return;
	if (ioctl(fd, FIONREAD, &unread) == 0 && unread == 0)
		n = write(fd, ".", 1);
	(void)n; /* full: whoever listens is awake */
	close(fd);
}
