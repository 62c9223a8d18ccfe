/*
 * A sink for bench/send: reads HTTP requests as fast as epoll gives them, answers as
 * Amazon SES would (a message id each), keeps nothing.  usage: sink [LATENCY_MS];
 * prints "port N".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 1024, REQUEST_MAX = 4 * 1024 * 1024, WAITING = 4096 };

struct connection {
	char *data;
	size_t len, cap;
	size_t need; /* bytes of the request in hand; 0: its head is not complete */
	size_t scanned, entries; /* of the body: looked at, and found in it */
	int bulk;
};
struct waiting {
	int fd;
	size_t entries;
	int bulk;
	int64_t due;
};
struct sink {
	struct connection c[CONNECTIONS];
	struct waiting queue[WAITING];
	size_t first, n;
	int64_t latency; /* us */
};

static const char mark[] = "\"ReplacementEmailContent\"";

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void answer(int fd, int bulk, size_t entries)
{
	static char body[64 * 1024], head[256];
	size_t n = 0;
	int h;

	if (bulk) {
		n = (size_t)sprintf(body, "{\"BulkEmailEntryResults\":[");
		for (size_t i = 0; i < entries; i++)
			n += (size_t)sprintf(body + n,
			    "%s{\"Status\":\"SUCCESS\",\"MessageId\":"
			    "\"0102018f-sink-%06zu-000000\"}",
			    i ? "," : "", i);
		n += (size_t)sprintf(body + n, "]}");
	} else {
		n = (size_t)sprintf(body,
		    "{\"MessageId\":\"0102018f-sink-000000-000000\"}");
	}
	h = sprintf(head,
	    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    n);
	memmove(body + h, body, n);
	memcpy(body, head, (size_t)h);
	if (write(fd, body, n + (size_t)h) < 0 && errno != EPIPE && errno != ECONNRESET)
		perror("sink: write");
}

/* The head is in hand: how long is the request, and what does it ask? */
static int read_head(struct connection *c)
{
	char *end = memmem(c->data, c->len, "\r\n\r\n", 4), *length;

	if (!end)
		return 0;
	*end = '\0';
	length = strcasestr(c->data, "content-length:");
	c->bulk = strstr(c->data, "outbound-bulk-emails") != NULL;
	*end = '\r';
	c->scanned = (size_t)(end - c->data) + 4;
	c->need = c->scanned + (length ? strtoul(length + 15, NULL, 10) : 0);
	return 1;
}

static void count_entries(struct connection *c)
{
	char *s = c->data + c->scanned, *hit;

	while (c->bulk &&
	    (hit = memmem(s, (size_t)(c->data + c->len - s), mark, sizeof(mark) - 1))) {
		c->entries++;
		s = hit + sizeof(mark) - 1;
	}
	c->scanned = (size_t)(s - c->data);
}

static void finish(struct sink *k, int fd)
{
	struct connection *c = &k->c[fd];

	count_entries(c);
	if (k->latency) {
		k->queue[(k->first + k->n++) % WAITING] =
		    (struct waiting){ fd, c->entries, c->bulk, now_us() + k->latency };
	} else {
		answer(fd, c->bulk, c->entries);
	}
	memmove(c->data, c->data + c->need, c->len - c->need);
	c->len -= c->need;
	c->need = c->entries = c->scanned = 0;
}

static void readable(struct sink *k, int fd)
{
	struct connection *c = &k->c[fd];
	ssize_t n;

	if (c->cap - c->len < 65536) {
		c->cap = c->cap ? c->cap * 2 : 262144;
		c->data = realloc(c->data, c->cap + 1);
		if (!c->data || c->cap > REQUEST_MAX * 2)
			exit(1);
	}
	n = read(fd, c->data + c->len, c->cap - c->len);
	if (n <= 0) {
		c->len = c->need = c->entries = 0;
		close(fd);
		return;
	}
	c->len += (size_t)n;
	c->data[c->len] = '\0';
	while (c->len && (c->need || read_head(c)) && c->len >= c->need)
		finish(k, fd);
}

static int release_due(struct sink *k)
{
	while (k->n && k->queue[k->first].due <= now_us()) {
		struct waiting *w = &k->queue[k->first];

		answer(w->fd, w->bulk, w->entries);
		k->first = (k->first + 1) % WAITING;
		k->n--;
	}
	return k->n ? (int)((k->queue[k->first].due - now_us()) / 1000) + 1 : -1;
}

static int open_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 512) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0) {
		perror("sink");
		exit(1);
	}
	printf("port %d\n", ntohs(a.sin_port));
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	struct sink *k = calloc(1, sizeof(*k));
	struct epoll_event ev = { .events = EPOLLIN }, got[64];
	int ep = epoll_create1(EPOLL_CLOEXEC), listener = open_port(), one = 1;

	if (!k)
		return 1;
	k->latency = argc > 1 ? atoi(argv[1]) * 1000 : 0;
	ev.data.fd = listener;
	epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev);
	for (;;) {
		int n = epoll_wait(ep, got, 64, release_due(k));

		for (int i = 0; i < n; i++) {
			int fd = got[i].data.fd;

			if (fd != listener) {
				readable(k, fd);
				continue;
			}
			fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			if (fd < 0 || fd >= CONNECTIONS)
				continue;
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
			ev.data.fd = fd;
			epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
		}
	}
}
