/*
 * A sink for bench/send: reads HTTP requests as fast as epoll gives them, answers as
 * Amazon SES would (a message id each), keeps nothing.  usage: sink [LATENCY_MS
 * [PEM]]: key and certificate make it speak TLS; prints "port N".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
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
	SSL *ssl; /* NULL: plain */
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
	unsigned long long ids;
	SSL_CTX *tls;
};

/* As long as Amazon's, rising as they do, and never the same: it has an index. */
#define ID "010701a%010llx-7c4d2e1f-55aa-4b3c-9d8e-0123456789ab-000000"

static const char mark[] = "\"ReplacementEmailContent\"";

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void put(struct connection *c, int fd, const char *p, size_t n)
{
	ssize_t sent = c->ssl ? SSL_write(c->ssl, p, (int)n) : write(fd, p, n);

	if (sent != (ssize_t)n && errno != EPIPE && errno != ECONNRESET)
		perror("sink: write");
}

static void answer(struct sink *k, int fd, int bulk, size_t entries)
{
	static char body[64 * 1024], head[256];
	size_t n = 0;
	int h;

	if (bulk) {
		n = (size_t)sprintf(body, "{\"BulkEmailEntryResults\":[");
		for (size_t i = 0; i < entries; i++)
			n += (size_t)sprintf(body + n,
			    "%s{\"Status\":\"SUCCESS\",\"MessageId\":\"" ID "\"}",
			    i ? "," : "", k->ids++);
		n += (size_t)sprintf(body + n, "]}");
	} else {
		n = (size_t)sprintf(body, "{\"MessageId\":\"" ID "\"}", k->ids++);
	}
	h = sprintf(head,
	    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    n);
	memmove(body + h, body, n);
	memcpy(body, head, (size_t)h);
	put(&k->c[fd], fd, body, n + (size_t)h);
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
		answer(k, fd, c->bulk, c->entries);
	}
	memmove(c->data, c->data + c->need, c->len - c->need);
	c->len -= c->need;
	c->need = c->entries = c->scanned = 0;
}

/* 0: the other side has closed; -1: nothing more now. */
static ssize_t take(struct connection *c, int fd)
{
	ssize_t n;

	if (!c->ssl) {
		n = read(fd, c->data + c->len, c->cap - c->len);
		return n < 0 && errno == EAGAIN ? -1 : n < 0 ? 0 : n;
	}
	n = SSL_read(c->ssl, c->data + c->len, (int)(c->cap - c->len));
	return n > 0                                               ? n
	    : SSL_get_error(c->ssl, (int)n) == SSL_ERROR_WANT_READ ? -1
								   : 0;
}

static void hang_up(struct connection *c, int fd)
{
	c->len = c->need = c->entries = 0;
	SSL_free(c->ssl);
	c->ssl = NULL;
	close(fd);
}

static void make_room(struct connection *c)
{
	if (c->cap - c->len >= 65536)
		return;
	c->cap = c->cap ? c->cap * 2 : 262144;
	c->data = realloc(c->data, c->cap + 1);
	if (!c->data || c->cap > REQUEST_MAX * 2)
		exit(1);
}

/* TLS gives a record at a time and may hold more: read until there is no more. */
static void readable(struct sink *k, int fd)
{
	struct connection *c = &k->c[fd];
	ssize_t n;

	do {
		make_room(c);
		n = take(c, fd);
		if (n == 0)
			hang_up(c, fd);
		if (n <= 0)
			return;
		c->len += (size_t)n;
		c->data[c->len] = '\0';
		while (c->len && (c->need || read_head(c)) && c->len >= c->need)
			finish(k, fd);
	} while (c->ssl);
}

static void welcome(struct sink *k, int ep, int listener)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), one = 1;

	if (fd < 0 || fd >= CONNECTIONS)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (k->tls) {
		k->c[fd].ssl = SSL_new(k->tls);
		SSL_set_fd(k->c[fd].ssl, fd);
		SSL_set_accept_state(k->c[fd].ssl);
	}
	ev.data.fd = fd;
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static void speak_tls(struct sink *k, const char *pem)
{
	k->tls = SSL_CTX_new(TLS_server_method());
	if (!k->tls ||
	    SSL_CTX_use_certificate_file(k->tls, pem, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_use_PrivateKey_file(k->tls, pem, SSL_FILETYPE_PEM) != 1)
		exit(1);
}

static int release_due(struct sink *k)
{
	while (k->n && k->queue[k->first].due <= now_us()) {
		struct waiting *w = &k->queue[k->first];

		answer(k, w->fd, w->bulk, w->entries);
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
	int ep = epoll_create1(EPOLL_CLOEXEC), listener;

	if (!k)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	k->latency = argc > 1 ? atoi(argv[1]) * 1000 : 0;
	if (argc > 2)
		speak_tls(k, argv[2]);
	listener = open_port();
	ev.data.fd = listener;
	epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev);
	for (;;) {
		int n = epoll_wait(ep, got, 64, release_due(k));

		for (int i = 0; i < n; i++)
			if (got[i].data.fd == listener)
				welcome(k, ep, listener);
			else
				readable(k, got[i].data.fd);
	}
}
