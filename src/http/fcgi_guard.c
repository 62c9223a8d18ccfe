#include "http/fcgi_guard.h"

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { HEAD_MAX = 64 * 1024, WAIT_US = 10 * 1000 * 1000, PAUSE_US = 1000 };
enum { RECORD = 8, BEGIN = 1, PARAMS = 4, RESPONDER = 1 };
enum seen { SEEN_MORE, SEEN_GOOD, SEEN_BAD };

/* The head of a connection, as far as it has come. */
struct head {
	uint8_t *data, *params;
	size_t n, nparams;
};

static size_t content_of(const uint8_t *r)
{
	return (size_t)(r[4] << 8 | r[5]);
}

/* The length of a name or a value at *at, which moves on. */
static bool read_length(const struct head *h, size_t *at, size_t *out)
{
	const uint8_t *b = h->params + *at;
	size_t left = h->nparams - *at;

	if (left == 0 || (b[0] >= 0x80 && left < 4))
		return false;
	*out = b[0];
	*at += b[0] < 0x80 ? 1 : 4;
	if (b[0] >= 0x80)
		*out = (size_t)(b[0] & 0x7f) << 24 | (size_t)b[1] << 16 |
		    (size_t)b[2] << 8 | b[3];
	return true;
}

/* Names and values fill the parameters to the last byte. */
static enum seen check_params(const struct head *h)
{
	size_t at = 0, name, value;

	while (at < h->nparams) {
		if (!read_length(h, &at, &name) || !read_length(h, &at, &value) ||
		    name > h->nparams - at || value > h->nparams - at - name)
			return SEEN_BAD;
		at += name + value;
	}
	return SEEN_GOOD;
}

static enum seen look(struct head *h)
{
	const uint8_t *r = h->data;
	size_t at = RECORD + RECORD;

	if (h->n < at)
		return SEEN_MORE;
	if (r[0] != 1 || r[1] != BEGIN || content_of(r) != RECORD || r[6] != 0 ||
	    r[8] != 0 || r[9] != RESPONDER)
		return SEEN_BAD;
	for (h->nparams = 0; at + RECORD <= h->n;) {
		const uint8_t *p = h->data + at;
		size_t size = content_of(p);

		if (p[0] != 1 || p[1] != PARAMS || memcmp(p + 2, r + 2, 2) != 0)
			return SEEN_BAD;
		if (size == 0)
			return check_params(h);
		at += RECORD + size + p[6];
		if (at > h->n)
			break;
		memcpy(h->params + h->nparams, p + RECORD, size);
		h->nparams += size;
	}
	return h->n == HEAD_MAX ? SEEN_BAD : SEEN_MORE;
}

/* Nothing more will come. */
static bool has_ended(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) == 1 &&
	    (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

bool fcgi_guard(int fd)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "guard");
	struct head h = { .data = mem_resize(mem, NULL, HEAD_MAX),
		.params = mem_resize(mem, NULL, HEAD_MAX) };
	int64_t end = clock_mono_us() + WAIT_US;

	for (;;) {
		bool ended = has_ended(fd);
		ssize_t n = recv(fd, h.data, HEAD_MAX, MSG_PEEK);
		enum seen seen;

		if (n <= 0)
			return false;
		h.n = (size_t)n;
		seen = look(&h);
		if (seen != SEEN_MORE)
			return seen == SEEN_GOOD;
		if (ended || clock_mono_us() > end)
			return false;
		usleep(PAUSE_US);
	}
}
