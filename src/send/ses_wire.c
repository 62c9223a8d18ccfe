#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "send/ses_call.h"

/*
 * curl's multi interface over epoll: with hundreds of calls under way it touches only
 * those that have something to read, where curl_multi_perform would ask for each.
 */
enum { READY = 128 };

static int watch(CURL *h, curl_socket_t fd, int what, void *ctx, void *known)
{
	struct ses *x = ctx;
	struct epoll_event ev = { .data.fd = fd };

	(void)h;
	if (what & CURL_POLL_IN)
		ev.events |= EPOLLIN | EPOLLRDHUP;
	if (what & CURL_POLL_OUT)
		ev.events |= EPOLLOUT;
	if (what == CURL_POLL_REMOVE)
		return epoll_ctl(x->epoll, EPOLL_CTL_DEL, fd, NULL) == 0 ? 0 : -1;
	if (!known)
		curl_multi_assign(x->multi, fd, x);
	return epoll_ctl(x->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev);
}

static int wake_in(CURLM *m, long ms, void *ctx)
{
	struct ses *x = ctx;

	(void)m;
	x->wake_at = ms < 0 ? -1 : clock_mono_us() + ms * 1000;
	return 0;
}

enum err wire_open(struct ses *x)
{
	x->wake_at = -1;
	x->epoll = epoll_create1(EPOLL_CLOEXEC);
	x->multi = curl_multi_init();
	if (x->epoll < 0 || !x->multi)
		return ERR_IO;
	curl_multi_setopt(x->multi, CURLMOPT_SOCKETFUNCTION, watch);
	curl_multi_setopt(x->multi, CURLMOPT_SOCKETDATA, x);
	curl_multi_setopt(x->multi, CURLMOPT_TIMERFUNCTION, wake_in);
	curl_multi_setopt(x->multi, CURLMOPT_TIMERDATA, x);
	return OK;
}

void wire_close(struct ses *x)
{
	curl_multi_cleanup(x->multi);
	if (x->epoll >= 0)
		close(x->epoll);
}

void wire_kick(struct ses *x)
{
	int running;

	curl_multi_socket_action(x->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static int patience(const struct ses *x, int timeout_ms)
{
	int64_t ms;

	if (x->wake_at < 0)
		return timeout_ms;
	ms = (x->wake_at - clock_mono_us() + 999) / 1000;
	return ms < 0 ? 0 : ms < timeout_ms ? (int)ms : timeout_ms;
}

void wire_step(struct ses *x, int timeout_ms)
{
	struct epoll_event ready[READY];
	int running, n = epoll_wait(x->epoll, ready, READY, patience(x, timeout_ms));

	for (int i = 0; i < n; i++) {
		uint32_t is = ready[i].events;
		int what = (is & EPOLLIN ? CURL_CSELECT_IN : 0) |
		    (is & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		    (is & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

		if (is & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			ses_socket_look(&x->sockets, ready[i].data.fd);
		curl_multi_socket_action(x->multi, ready[i].data.fd, what, &running);
	}
	if (x->wake_at >= 0 && x->wake_at <= clock_mono_us())
		wire_kick(x);
}
