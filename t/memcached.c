#include "memcached.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

static bool answers(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool fine;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	fine = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
	close(fd);
	return fine;
}

void memcached_begin(struct memcached *m)
{
	snprintf(m->dir, sizeof(m->dir), "/tmp/maillayer-kv-XXXXXX");
	if (mkdtemp(m->dir) == NULL)
		skip_all("no temporary folder");
	snprintf(m->servers, sizeof(m->servers), "unix:%s/sock", m->dir);
	memcached_start(m);
}

void memcached_start(struct memcached *m)
{
	memcached_start_with(m, 16);
}

void memcached_start_with(struct memcached *m, int megabytes)
{
	char size[16];
	const char *path = m->servers + strlen("unix:");
	pid_t parent = getpid();

	snprintf(size, sizeof(size), "%d", megabytes);
	unlink(path);
	m->pid = fork();
	if (m->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		execlp("memcached", "memcached", "-s", path, "-a", "0700", "-U", "0",
		    "-m", size, "-I", megabytes < 2 ? "512k" : "1m", "-u", "root", "-t",
		    "1", (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 500; i++) {
		if (answers(path))
			return;
		if (waitpid(m->pid, NULL, WNOHANG) == m->pid)
			skip_all("memcached does not start");
		usleep(10000);
	}
	skip_all("memcached does not answer");
}

void memcached_stop(struct memcached *m)
{
	kill(m->pid, SIGKILL);
	waitpid(m->pid, NULL, 0);
}

void memcached_end(struct memcached *m)
{
	memcached_stop(m);
	unlink(m->servers + strlen("unix:"));
	rmdir(m->dir);
}
