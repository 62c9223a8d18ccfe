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

static void nothing(void *ctx, struct request *rq)
{
	(void)ctx;
	(void)rq;
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

/* The length of a name or value at *at, which moves on. */
static size_t length(const unsigned char *s, size_t n, size_t *at)
{
	size_t v = *at < n ? s[(*at)++] : 0;

	if (v < 0x80)
		return v;
	v &= 0x7f;
	for (int i = 0; i < 3; i++)
		v = v << 8 | (*at < n ? s[(*at)++] : 0);
	return v;
}

/*
 * libfcgi 2.4.2 asks for as many bytes as two lengths announce together, and aborts
 * when the sum does not fit.  Only nginx reaches the socket; here it would hide the
 * rest.
 */
static bool breaks_libfcgi(void *mem, const unsigned char *s, size_t n)
{
	unsigned char *params = mem_array(mem, unsigned char, n + 1);
	size_t len = 0, at = 0;

	while (at + 8 <= n) {
		size_t size = (size_t)(s[at + 4] << 8 | s[at + 5]);
		size_t here = at + 8 + size <= n ? size : n - at - 8;

		if (s[at + 1] == 4) {
			memcpy(params + len, s + at + 8, here);
			len += here;
		}
		at += 8 + size + s[at + 6];
	}
	for (at = 0; at < len;) {
		size_t name = length(params, len, &at);
		size_t value = length(params, len, &at);

		if (name > n || value > n)
			return true;
		at += name + value;
	}
	return false;
}

void fuzz_one(void *mem, const char *s, size_t n)
{
	struct fcgi f = { .site = &site,
		.log = &quiet,
		.clock = &clock_system,
		.begin = nothing,
		.end = nothing };
	int fd[2];

	if (breaks_libfcgi(mem, (const unsigned char *)s, n))
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0)
		abort();
	if (write(fd[0], s, n) < 0)
		abort();
	shutdown(fd[0], SHUT_WR);
	fcgi_one(&f, fd[1]);
	check_answer(fd[0]);
	close(fd[0]);
}
