#include "http/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 511 }; /* nginx's own: a short queue is an instant 502 */

static enum err fail(const struct log *lg, const char *path, const char *why,
    enum err e)
{
	log_error(lg, "socket.failed", LOG_STR("path", path), LOG_STR("why", why));
	return e;
}

static bool answers(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = fd >= 0 && connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0;

	if (fd >= 0)
		close(fd);
	return yes;
}

/* Binds with a mode that lets only our user and group in, from the first moment. */
static bool bind_and_listen(int fd, const struct sockaddr_un *a)
{
	mode_t old = umask(0117);
	bool good = bind(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 &&
	    listen(fd, BACKLOG) == 0;
	int saved = errno;

	umask(old);
	errno = saved;
	return good;
}

/*
 * The folder the socket goes into, if it is not there: others may pass only by its
 * group.
 */
static void make_folder(const char *path)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return;
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	mkdir(dir, 0750);
}

enum err socket_open(const char *path, const struct log *lg, int *fd)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	*fd = -1;
	if (strlen(path) >= sizeof(a.sun_path))
		return fail(lg, path,
		    "The path of a socket has at most 107 bytes: choose a "
		    "shorter state directory.",
		    ERR_IO);
	memcpy(a.sun_path, path, strlen(path) + 1);
	make_folder(path);
	if (answers(&a))
		return fail(lg, path,
		    "Another process answers there: stop it first, or give "
		    "this one another socket.",
		    ERR_CONFLICT);
	if (unlink(path) != 0 && errno != ENOENT)
		return fail(lg, path, strerror(errno), ERR_IO);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0 || !bind_and_listen(*fd, &a))
		return fail(lg, path, strerror(errno), ERR_IO);
	return OK;
}

bool socket_inherit(int *fd)
{
	int yes = 0;
	socklen_t n = sizeof(yes);

	if (getsockopt(0, SOL_SOCKET, SO_ACCEPTCONN, &yes, &n) != 0 || yes == 0)
		return false;
	fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
	*fd = 0;
	return true;
}
