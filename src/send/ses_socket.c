#include "send/ses_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

_Static_assert(offsetof(struct sockaddr_in6, sin6_port) ==
	offsetof(struct sockaddr_in, sin_port),
    "the port stands at one place");

/* States of the kernel: netinet/tcp.h has them, but not all of struct tcp_info. */
enum { STATE_CLOSED = 7, STATE_CLOSE_WAIT = 8 };
enum { WAIT_MS = 250, MARGIN_MS = 5, WATCH_US = 20000, SOON_US = 1000000 };

static struct ses_socket *find(struct ses_sockets *s, int fd)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->all[i].fd == fd)
			return &s->all[i];
	return NULL;
}

void ses_socket_add(struct ses_sockets *s, int fd)
{
	struct ses_socket *x = find(s, -1);

	if (!x && s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->all = mem_resize(s->mem, s->all, s->cap * sizeof(*s->all));
	}
	if (!x)
		x = &s->all[s->n++];
	*x = (struct ses_socket){ .fd = fd };
}

static bool info_of(const struct ses_socket *x, struct tcp_info *info)
{
	socklen_t len = sizeof(*info);

	*info = (struct tcp_info){ 0 };
	return getsockopt(x->fd, IPPROTO_TCP, TCP_INFO, info, &len) == 0 &&
	    len > offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(uint64_t);
}

/* After a reset the kernel tells, once, whether the other side had ended before it. */
static bool ended_before_reset(const struct ses_socket *x)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(x->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 &&
	    error == EPIPE;
}

static bool look(struct ses_socket *x, struct tcp_info *info)
{
	if (!info_of(x, info))
		return false;
	if (!x->ended)
		x->ended = info->tcpi_state == STATE_CLOSE_WAIT ||
		    (info->tcpi_state == STATE_CLOSED && ended_before_reset(x));
	return true;
}

void ses_socket_look(struct ses_sockets *s, int fd)
{
	struct ses_socket *x = find(s, fd);
	struct tcp_info info;

	if (x)
		look(x, &info);
}

static int local_port(int fd)
{
	struct sockaddr_in6 a = { 0 }; /* the port of IPv4 stands at the same place */
	socklen_t len = sizeof(a);
	int e = getsockname(fd, (struct sockaddr *)&a, &len);

	return e == 0 ? ntohs(a.sin6_port) : 0;
}

int ses_socket_begin(struct ses_sockets *s, int port, const void *user)
{
	struct ses_socket *x;
	struct tcp_info info;
	int number = -1;

	for (size_t i = 0; i < s->n; i++) {
		x = &s->all[i];
		if (x->fd < 0 || x->dropped)
			continue;
		if (!x->port)
			x->port = local_port(x->fd);
		if (x->port != port)
			continue;
		if (number >= 0) /* the same port at two addresses */
			return -1;
		number = (int)i;
	}
	if (number < 0 || !look(&s->all[number], &info))
		return -1;
	x = &s->all[number];
	x->acked = info.tcpi_bytes_acked;
	x->user = user;
	return number;
}

void ses_socket_drop(struct ses_sockets *s, int fd)
{
	struct ses_socket *x = find(s, fd);
	struct tcp_info info;

	if (!x) {
		close(fd);
		return;
	}
	look(x, &info);
	if (x->ended && x->idle_at && clock_mono_us() - x->idle_at < SOON_US)
		s->closes = CLOSES_ALWAYS;
	if (x->user) {
		x->dropped = true;
		return;
	}
	close(fd);
	x->fd = -1;
}

static int patience(const struct tcp_info *info)
{
	int ms = (int)(info->tcpi_rtt / 1000) * 2 + MARGIN_MS;

	return ms < WAIT_MS ? ms : WAIT_MS;
}

/*
 * Its end came with a number that covers all it had received by then; if that is not a
 * byte of ours, it had stopped before.  The reset says that what came after was thrown
 * away.
 */
bool ses_socket_untaken(struct ses_sockets *s, int number, const void *user)
{
	struct ses_socket *x = number >= 0 ? &s->all[number] : NULL;
	struct tcp_info info;

	if (!x || x->fd < 0 || x->user != user || !look(x, &info))
		return false;
	if (info.tcpi_state == STATE_CLOSE_WAIT) {
		struct pollfd p = { .fd = x->fd };

		if (poll(&p, 1, patience(&info)) < 0 || !look(x, &info))
			return false;
	}
	return x->ended && info.tcpi_state == STATE_CLOSED &&
	    info.tcpi_bytes_acked == x->acked;
}

void ses_socket_end(struct ses_sockets *s, int number, const void *user)
{
	struct ses_socket *x = number >= 0 ? &s->all[number] : NULL;

	if (!x || x->fd < 0 || x->user != user)
		return;
	x->user = NULL;
	x->idle_at = clock_mono_us();
	if (!x->dropped)
		return;
	close(x->fd);
	x->fd = -1;
}

enum ses_closes ses_sockets_watch(struct ses_sockets *s, bool *wait)
{
	int64_t now = clock_mono_us();
	struct tcp_info info;

	*wait = false;
	for (size_t i = 0; s->closes == CLOSES_UNKNOWN && i < s->n; i++) {
		struct ses_socket *x = &s->all[i];

		if (x->fd < 0 || x->user || !x->idle_at)
			continue;
		*wait = true;
		if (look(x, &info) && (x->ended || info.tcpi_state == STATE_CLOSED))
			s->closes = CLOSES_ALWAYS;
		else if (now - x->idle_at >= WATCH_US)
			s->closes = CLOSES_NOT;
	}
	*wait = *wait && s->closes == CLOSES_UNKNOWN;
	return (enum ses_closes)s->closes;
}

void ses_sockets_close(struct ses_sockets *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->all[i].fd >= 0)
			close(s->all[i].fd);
	s->n = 0;
}
