#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "http/fcgi.h"

/* Bytes of a FastCGI connection: an answer in whole records, or none. */
const size_t fuzz_max = 8000;

static enum err hello(struct request *rq, struct response *rs)
{
	(void)rq;
	return respond_body(rs, "text/plain", "hello", 5);
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

static const struct route routes[] = {
	{ GET, "/", hello, NULL, 1, NULL, 0 },
	{ GET, "/brands/{}", hello, NULL, 1, NULL, 0 },
	{ POST, "/brands", hello, NULL, 1, NULL, 0 },
	{ POST, "/u/{*}", hello, NULL, 1, NULL, ROUTE_RAW },
};
static const struct site site = { .routes = routes, .n = 4, .enter = enter };
static const struct log quiet = { .least = LOG_ERROR + 1, .fd = 2, .process = "fuzz" };

static void check_answer(int fd)
{
	unsigned char b[65536];
	size_t have = 0, at = 0;
	ssize_t n;

	while ((n = read(fd, b + have, sizeof(b) - have)) > 0)
		have += (size_t)n;
	while (at + 8 <= have && have < sizeof(b)) {
		FUZZ_CHECK(b[at] == 1);
		at += 8u + (size_t)(b[at + 4] << 8 | b[at + 5]) + b[at + 6];
	}
	FUZZ_CHECK(at == have || have == sizeof(b));
}

void fuzz_one(void *mem, const char *s, size_t n)
{
	struct fcgi f = { .site = &site,
		.log = &quiet,
		.clock = &clock_system,
		.begin = begin,
		.end = end };
	int fd[2];

	(void)mem;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0)
		abort();
	if (write(fd[0], s, n) < 0)
		abort();
	shutdown(fd[0], SHUT_WR);
	fcgi_one(&f, fd[1]);
	check_answer(fd[0]);
	close(fd[0]);
}
