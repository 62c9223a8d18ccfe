#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "send/spool.h"

static struct log quiet = { .least = LOG_ERROR, .fd = 2, .json = true };

/* The only spool file of the directory; aborts the test when there is another number.
 */
static char *only_file(void *mem, const char *dir, int *count)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	char *path = NULL;

	*count = 0;
	while (d != NULL && (entry = readdir(d)) != NULL)
		if (text_ends(entry->d_name, ".spool")) {
			path = mem_printf(mem, "%s/%s", dir, entry->d_name);
			(*count)++;
		}
	if (d != NULL)
		closedir(d);
	return path;
}

static void read_back(const char *path)
{
	struct spool_record r;
	int fd = open(path, O_RDONLY);

	is_int(read(fd, &r, sizeof(r)), sizeof(r), "writes whole records");
	ok(spool_valid(&r, sizeof(r)), "that prove themselves");
	is_int(r.campaign, 7, "with the campaign");
	r.subscriber++;
	ok(!spool_valid(&r, sizeof(r)), "and a changed one does not");
	ok(flock(fd, LOCK_EX | LOCK_NB) != 0, "holds its file while it lives");
	close(fd);
}

static void whole_life(void *mem, const char *dir)
{
	struct spool *s;
	struct spool_record r = { .type = EVENT_OPEN,
		.campaign = 7,
		.subscriber = 9,
		.at = 1000 };
	const char *path;
	struct stat st;
	int n, fd;

	ok(spool_open(mem, dir, &quiet, &s) == OK, "opens");
	is_int(sizeof(r), 376,
	    "a record has the size that readers of these files expect");
	is_int(sizeof(struct spool_old_record), 40, "and one of older files too");
	path = mem_printf(mem, "%s/spool", dir);
	only_file(mem, path, &n);
	is_int(n, 0, "makes no file before the first event");
	is_int(spool_unsynced(s), 0, "nothing waits for a sync");
	ok(spool_sync(s) == OK, "a sync of nothing is done");
	ok(spool_append(s, &r) == OK && spool_append(s, &r) == OK, "appends");
	is_int(spool_unsynced(s), 2, "two records wait for a sync");
	ok(spool_sync(s) == OK, "one sync is enough for both");
	is_int(spool_unsynced(s), 0, "and nothing waits any more");
	path = only_file(mem, path, &n);
	is_int(n, 1, "to one file");
	ok(stat(path, &st) == 0 && st.st_size == 2 * (off_t)sizeof(r),
	    "of two records");
	is_int(st.st_mode & 0777, 0600, "that only we can read");
	read_back(path);
	mem_free(s);
	fd = open(path, O_RDONLY);
	ok(flock(fd, LOCK_EX | LOCK_NB) == 0, "lets go of it when freed");
	close(fd);
	ok(unlink(path) == 0, "and leaves nothing else behind");
	rmdir(mem_printf(mem, "%s/spool", dir));
	rmdir(dir);
}

/* A file system that takes so many bytes and no more of each file. */
static void limit_files(rlim_t bytes)
{
	struct rlimit l;

	getrlimit(RLIMIT_FSIZE, &l);
	l.rlim_cur = bytes;
	setrlimit(RLIMIT_FSIZE, &l);
}

static void full_disk(void *mem, const char *dir)
{
	struct log silent = { .least = LOG_ERROR + 1, .fd = 2 };
	struct spool_record r = { .type = EVENT_OPEN, .campaign = 7 };
	struct spool *s;
	struct stat st;
	const char *path;
	int n;

	signal(SIGXFSZ, SIG_IGN);
	ok(spool_open(mem, dir, &silent, &s) == OK, "opens for a disk that gets full");
	limit_files(2 * sizeof(r) + 7);
	ok(spool_append(s, &r) == OK && spool_append(s, &r) == OK, "two find room");
	ok(spool_append(s, &r) != OK, "the third does not");
	is_int(spool_unsynced(s), 2, "which leaves the first two as they are");
	limit_files(RLIM_INFINITY);
	ok(spool_append(s, &r) == OK, "there is room again");
	ok(spool_sync(s) == OK, "all that were written are synced");
	path = only_file(mem, mem_printf(mem, "%s/spool", dir), &n);
	is_int(n, 1, "in one file");
	ok(stat(path, &st) == 0 && st.st_size == 3 * sizeof(r),
	    "which has no part of a record");
	mem_free(s);
	unlink(path);
}

static void next_file(void *mem, const char *dir)
{
	struct spool_record r = { .type = EVENT_OPEN, .campaign = 7 };
	bool good = true;
	struct spool *s;
	DIR *d;
	struct dirent *entry;
	int n, most = SPOOL_FILE_MAX / (int)sizeof(r) + 2;

	dir = mem_printf(mem, "%s/spool", dir);
	ok(spool_open(mem, mem_strn(mem, dir, strlen(dir) - 6), &quiet, &s) == OK,
	    "opens for many");
	for (int i = 0; i < most; i++)
		good = good && spool_append(s, &r) == OK;
	ok(good, "more than a file takes are appended");
	is_int(spool_unsynced(s), most, "all wait for a sync");
	ok(spool_sync(s) == OK, "one is enough");
	only_file(mem, dir, &n);
	is_int(n, 2, "they are in two files");
	mem_free(s);
	d = opendir(dir);
	while (d != NULL && (entry = readdir(d)) != NULL)
		if (text_ends(entry->d_name, ".spool"))
			unlink(mem_printf(mem, "%s/%s", dir, entry->d_name));
	closedir(d);
}

static void no_directory(void *mem)
{
	struct log silent = { .least = LOG_ERROR + 1, .fd = 2 };
	struct spool *s;

	ok(spool_open(mem, "/dev/null/nowhere", &silent, &s) == ERR_IO,
	    "says so when the directory cannot be made");
}

int main(void)
{
	void *mem = mem_scope(NULL, "test");
	char dir[] = "/tmp/maillayer-spool-XXXXXX";

	if (mkdtemp(dir) == NULL)
		return 1;
	full_disk(mem, dir);
	next_file(mem, dir);
	whole_life(mem, dir);
	no_directory(mem);
	mem_free(mem);
	return done_testing();
}
