#include "base/slot.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

/* Takes a place, says so with two letters around its work. */
static void worker(const char *dir, int n, int out, const char *letters, int ms)
{
	SLOT_SCOPE slot = slot_take(dir, "work", n);

	if (write(out, &letters[0], 1) != 1)
		_exit(1);
	usleep((useconds_t)ms * 1000);
	if (write(out, &letters[1], 1) != 1)
		_exit(1);
}

/* What two workers said, the second one beginning while the first is at work. */
static const char *two(const char *dir, int n, char said[8])
{
	int ends[2];
	ssize_t got, len = 0;

	if (pipe(ends) != 0)
		return "";
	for (int i = 0; i < 2; i++) {
		if (fork() == 0) {
			close(ends[0]);
			worker(dir, n, ends[1], i ? "bB" : "aA", 400);
			_exit(0);
		}
		usleep(100000);
	}
	close(ends[1]);
	while ((got = read(ends[0], said + len, (size_t)(7 - len))) > 0)
		len += got;
	close(ends[0]);
	said[len] = '\0';
	while (wait(NULL) > 0)
		;
	return said;
}

int main(void)
{
	char dir[] = "/tmp/maillayer-slot-XXXXXX", said[8];

	ok(mkdtemp(dir) != NULL, "a directory");
	is_text(two(dir, 2, said), "abAB", "slot_take lets two in at once");
	is_text(two(dir, 1, said), "aAbB", "slot_take lets one in after the other");
	ok(slot_take("/no/such/dir", "work", 1).fd < 0,
	    "slot_take lets through where it can make no file");
	if (chdir(dir) == 0) {
		unlink("work.0.lock");
		unlink("work.1.lock");
	}
	ok(rmdir(dir) == 0, "nothing else is left");
	return done_testing();
}
