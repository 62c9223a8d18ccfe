#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/wake.h"

int main(void)
{
	void *mem = mem_scope(NULL, "test");
	char dir[] = "/tmp/maillayer-wake-XXXXXX", bytes[10];
	const char *path;
	int fd;

	if (mkdtemp(dir) == NULL)
		return 1;
	path = mem_printf(mem, "%s/wake-send", dir);
	wake(dir, "send");
	ok(access(path, F_OK) != 0, "makes nothing where nobody waits");
	ok(mkfifo(path, 0600) == 0, "there is a pipe");
	wake(dir, "send"); /* would wait for ever, if it waited */
	fd = open(path, O_RDWR | O_NONBLOCK);
	ok(read(fd, bytes, sizeof(bytes)) < 0, "leaves nothing for who comes later");
	wake(dir, "jobs");
	ok(read(fd, bytes, sizeof(bytes)) < 0, "wakes nobody for another work");
	wake(dir, "send");
	wake(dir, "send");
	is_int(read(fd, bytes, sizeof(bytes)), 1,
	    "wakes once, however often it is asked");
	wake(dir, "send");
	is_int(read(fd, bytes, sizeof(bytes)), 1, "and again after that");
	close(fd);
	unlink(path);
	rmdir(dir);
	mem_free(mem);
	return done_testing();
}
