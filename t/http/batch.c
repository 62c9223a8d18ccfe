/*
 * A worker that answers together what waits together: no answer leaves before the flush
 * that came after its request, one flush serves many, and who has not yet asked holds
 * nobody up.
 */
#include "tap.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/fcgi.h"
#include "http/seats.h"
#include "http/socket.h"

enum { REQUESTS = 200, FLUSH_US = 20000 };

/* What the worker and the test both see. */
struct shared {
	_Atomic int handled, flushed, flushes;
};

static struct shared *shared;
static const struct log quiet = { .least = LOG_ERROR + 1, .fd = 2, .process = "test" };

/* Answers with the number of the request. */
static enum err number(struct request *rq, struct response *rs)
{
	char text[20];

	(void)rq;
	snprintf(text, sizeof(text), "<%d>", ++shared->handled);
	return respond_body(rs, "text/plain", text, strlen(text));
}

static enum err enter(struct request *rq, struct response *rs, const struct route *r)
{
	(void)rq;
	(void)rs;
	(void)r;
	return OK;
}

static void begin(void *ctx, struct request *rq)
{
	(void)ctx;
	(void)rq;
}

static void end(void *ctx, struct request *rq, const struct response *rs)
{
	(void)ctx;
	(void)rq;
	(void)rs;
}

/* As slow as a disk. */
static void flush(void *ctx)
{
	int n = shared->handled;

	(void)ctx;
	usleep(FLUSH_US);
	shared->flushed = n;
	shared->flushes++;
}

static const struct route routes[] = { { GET, "/", number, NULL, 1, NULL, 0 } };

static void serve(void *mem, int listener)
{
	struct site site = { .routes = routes, .n = 1, .enter = enter };
	struct fcgi f = { .site = &site,
		.log = &quiet,
		.clock = &clock_system,
		.begin = begin,
		.end = end,
		.batch = FCGI_BATCH_MAX,
		.flush = flush };
	struct worker w = { .listener = listener,
		.seats = seats_new(mem, 1),
		.end = 1 };

	exit(fcgi_run(&f, &w) == OK ? 0 : 1);
}

static int connect_to(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(a.sun_path, path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		abort();
	return fd;
}

static void ask(int fd)
{
	static const char request[] = "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0"
				      "\1\4\0\1\0\50\0\0"
				      "\16\3REQUEST_METHODGET"
				      "\13\1REQUEST_URI/"
				      "\5\0QUERY"
				      "\1\4\0\1\0\0\0\0"
				      "\1\5\0\1\0\0\0\0";

	if (write(fd, request, sizeof(request) - 1) != sizeof(request) - 1)
		abort();
}

/* The number in the answer; 0: none came. */
static int answer(int fd)
{
	char text[2000];
	size_t n = 0;
	ssize_t got;
	const char *at;

	while ((got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	close(fd);
	at = memchr(text, '<', n);
	return at == NULL ? 0 : atoi(at + 1);
}

static void test_many(const char *path)
{
	int fd[REQUESTS], answered = 0, early = 0;

	for (int i = 0; i < REQUESTS; i++)
		ask(fd[i] = connect_to(path));
	for (int i = 0; i < REQUESTS; i++) {
		int n = answer(fd[i]);

		answered += n > 0;
		early += n > shared->flushed;
	}
	is_int(answered, REQUESTS, "all are answered");
	is_int(early, 0, "none before the flush that came after it");
	ok(shared->flushes <= REQUESTS / 4, "one flush serves many (%d)",
	    shared->flushes);
}

static void test_silent(const char *path)
{
	int first = connect_to(path), silent, last;

	ask(first);
	silent = connect_to(path);
	last = connect_to(path);
	ask(last);
	ok(answer(first) > 0, "who asked does not wait for one that is silent");
	ask(silent);
	ok(answer(silent) > 0, "which is served when it asks");
	ok(answer(last) > 0, "and so is who came after it");
}

int main(void)
{
	void *mem = mem_scope(NULL, "test");
	char dir[] = "/tmp/maillayer-batch-XXXXXX";
	const char *path;
	int listener, status;
	pid_t pid;

	if (mkdtemp(dir) == NULL)
		return 1;
	path = mem_printf(mem, "%s/sock", dir);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ok(socket_open(path, &quiet, &listener) == OK, "listens");
	pid = fork();
	if (pid == 0)
		serve(mem, listener);
	test_many(path);
	test_silent(path);
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "ends when told to");
	unlink(path);
	rmdir(dir);
	mem_free(mem);
	return done_testing();
}
