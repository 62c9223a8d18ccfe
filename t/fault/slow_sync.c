/*
 * Loaded into a site (LD_PRELOAD): a disk whose sync takes SLOW_SYNC_MS, for the spool
 * only.  Each sync that was done is a line of the file SLOW_SYNC_LOG: name of the file
 * and the bytes it had when the sync began, which survive a power cut from then on.
 * While <SLOW_SYNC_LOG>.full exists, no sync succeeds, while <SLOW_SYNC_LOG>.fast
 * exists, all is as without it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool exists(const char *log, const char *what)
{
	char path[300];

	snprintf(path, sizeof(path), "%s.%s", log, what);
	return access(path, F_OK) == 0;
}

static void note(const char *log, const char *path, long long bytes)
{
	char line[300];
	int n =
	    snprintf(line, sizeof(line), "%s %lld\n", strrchr(path, '/') + 1, bytes);
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd >= 0 && write(fd, line, (size_t)n) == n)
		close(fd);
}

int fdatasync(int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	const char *log = getenv("SLOW_SYNC_LOG"), *ms = getenv("SLOW_SYNC_MS");
	char link[40], path[300] = "";
	struct stat st;
	ssize_t n;
	int result;

	if (log == NULL || ms == NULL || exists(log, "fast"))
		return real(fd);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 6 || strcmp(path + n - 6, ".spool") != 0)
		return real(fd);
	fstat(fd, &st);
	usleep((useconds_t)atoi(ms) * 1000);
	if (exists(log, "full")) {
		errno = ENOSPC;
		return -1;
	}
	result = real(fd);
	if (result == 0)
		note(log, path, st.st_size);
	return result;
}
