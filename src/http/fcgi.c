#include "http/fcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/cookie.h"
#include "http/fcgi_guard.h"
#include "http/receive.h"

/*
 * We accept by ourselves and hand the connection to libfcgi: its own accept can be
 * neither interrupted without a race nor watched together with a signal.  A connection
 * set with keepConnection = 1 is taken by FCGX_Accept_r as one kept from before
 * (t/http/http.t pins this); nginx opens one for each request (fastcgi_keep_conn off),
 * so that no worker is tied to one nginx process.
 */

enum {
	RECEIVE_TIMEOUT_S = 10,
	SEND_TIMEOUT_S = 30,
	LAST_REQUESTS = 100,
	REST_MS = 1000 /* without a request */
};

static const char *param(FCGX_Request *q, const char *name)
{
	const char *v = FCGX_GetParam(name, q->envp);

	return v ? v : "";
}

/* A header; what is no UTF-8 is left out. One that is too long is told, and not cut. */
static const char *header(struct request *rq, FCGX_Request *q, const char *name)
{
	const char *v = param(q, name);
	size_t n = strnlen(v, HEADER_MAX + 1);

	if (n > HEADER_MAX) {
		request_refuse(rq, ERR_HEAD_TOO_LARGE,
		    "A header of this request is longer than 12 KB, the most that is "
		    "taken. Delete the cookies of this site, or send less.");
		return "";
	}
	return text_is_utf8(v, n) ? mem_strn(rq, v, n) : "";
}

/* As header, but NULL when it was not sent. */
static const char *optional(struct request *rq, FCGX_Request *q, const char *name)
{
	return FCGX_GetParam(name, q->envp) ? header(rq, q, name) : NULL;
}

static const char *read_id(struct request *rq, FCGX_Request *q)
{
	const char *id = param(q, "REQUEST_ID");
	size_t n = strspn(id,
	    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-");

	return n > 0 && n <= 64 && id[n] == '\0' ? mem_str(rq, id) : id_random(rq);
}

static struct request *read_head(const struct fcgi *f, FCGX_Request *q)
{
	struct request *rq = request_new(NULL);

	rq->started_us = clock_mono_us();
	rq->now = clock_now(f->clock);
	rq->secure = f->secure;
	rq->id = read_id(rq, q);
	rq->log = *f->log;
	rq->log.request = rq->id;
	rq->method = method_from(param(q, "REQUEST_METHOD"));
	rq->ip = header(rq, q, "REMOTE_ADDR");
	rq->agent = header(rq, q, "HTTP_USER_AGENT");
	rq->referer = header(rq, q, "HTTP_REFERER");
	rq->origin = header(rq, q, "HTTP_ORIGIN");
	rq->host = header(rq, q, "HTTP_HOST");
	rq->accept = header(rq, q, "HTTP_ACCEPT");
	rq->content_type = header(rq, q, "CONTENT_TYPE");
	rq->authorization = optional(rq, q, "HTTP_AUTHORIZATION");
	rq->csrf_token = optional(rq, q, "HTTP_X_CSRF_TOKEN");
	rq->fetch_site = optional(rq, q, "HTTP_SEC_FETCH_SITE");
	rq->idempotency_key = optional(rq, q, "HTTP_IDEMPOTENCY_KEY");
	rq->htmx = text_equal(param(q, "HTTP_HX_REQUEST"), "true");
	rq->limited = text_starts(param(q, "LIMIT_STATUS"), "REJECTED");
	rq->cookies = cookie_read(rq, header(rq, q, "HTTP_COOKIE"));
	return rq;
}

static size_t read_from(void *in, char *to, size_t n)
{
	int got = n <= INT32_MAX ? FCGX_GetStr(to, (int)n, in) : 0;

	return got > 0 ? (size_t)got : 0;
}

/* Nothing is read of the body before the router asks for it. */
static void set_source(const struct fcgi *f, FCGX_Request *q, struct request *rq)
{
	rq->source = mem_new(rq, struct body_source);
	*rq->source = (struct body_source){ .read = read_from,
		.ctx = q->in,
		.length = mem_str(rq, param(q, "CONTENT_LENGTH")),
		.refused = text_equal(param(q, "BODY_REFUSED"), "1"),
		.dir = f->upload_dir };
}

/* ---- the answer ---- */

static void add_header(struct buf *b, const char *name, const char *value)
{
	buf_str(b, name);
	buf_str(b, ": ");
	buf_str(b, value);
	buf_str(b, "\r\n");
}

static void write_head(struct response *rs, FCGX_Stream *out)
{
	struct buf *b = buf_new(rs);

	buf_printf(b, "Status: %d %s\r\n", rs->status, status_title(rs->status));
	if (rs->type != NULL)
		add_header(b, "Content-Type", rs->type);
	if (rs->body != NULL && rs->status != 204)
		buf_printf(b, "Content-Length: %zu\r\n", rs->body->len);
	for (struct response_header *h = rs->headers; h != NULL; h = h->next)
		add_header(b, h->name, h->value);
	buf_str(b, "\r\n");
	FCGX_PutStr(b->data, (int)b->len, out);
}

enum err respond_stream(struct response *rs, const char *type, const char *filename)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "stream");

	rs->status = rs->status ? rs->status : 200;
	rs->type = type;
	rs->body = NULL;
	rs->streaming = true;
	if (filename != NULL)
		response_header(rs, "Content-Disposition",
		    "attachment; filename*=UTF-8''%s", url_encode(tmp, filename));
	response_header(rs, "Cache-Control", "no-store");
	response_header(rs, "Content-Security-Policy", "default-src 'none'; sandbox");
	if (rs->sink != NULL)
		write_head(rs, rs->sink);
	return OK;
}

void response_write(struct response *rs, const void *data, size_t len)
{
	rs->sent += len;
	if (rs->sink == NULL) { /* no FastCGI: a test reads the body */
		rs->body = rs->body ? rs->body : buf_new(rs);
		buf_add(rs->body, data, len);
	} else if (!rs->rq->head && len <= INT32_MAX) {
		FCGX_PutStr(data, (int)len, rs->sink);
	}
}

static void write_response(struct response *rs, FCGX_Stream *out)
{
	if (rs->streaming)
		return;
	write_head(rs, out);
	rs->sent = rs->body ? rs->body->len : 0;
	if (rs->body != NULL && !rs->rq->head && rs->status != 204)
		FCGX_PutStr(rs->body->data, (int)rs->body->len, out);
}

static void account(const struct fcgi *f, const struct request *rq,
    const struct response *rs)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "account");
	const char *pattern = rq->route ? rq->route->pattern : "none";
	const char *route =
	    mem_printf(tmp, "%s%s", rq->api && rq->route ? "/api/v1" : "", pattern);
	const char *method = method_name(rq->head ? HEAD : rq->method);
	int64_t us = clock_mono_us() - rq->started_us;

	log_info(&rq->log, "request", LOG_STR("method", method),
	    LOG_STR("route", route), LOG_INT("status", rs->status), LOG_INT("us", us),
	    LOG_INT("bytes", (int64_t)rs->sent),
	    LOG_INT("received", (int64_t)rq->source->taken));
	metrics_add(f->metrics,
	    mem_printf(tmp,
		"maillayer_requests_total{route=\"%s\",method=\"%s\",status=\"%d\"}",
		route, method, rs->status),
	    1);
	metrics_time(f->metrics, "maillayer_request_seconds",
	    mem_printf(tmp, "process=\"%s\",route=\"%s\"", f->log->process, route), us);
	if (rs->error != OK && rs->status >= 500)
		metrics_add(f->metrics,
		    mem_printf(tmp, "maillayer_errors_total{error=\"%s\"}",
			err_name(rs->error)),
		    1);
}

/* A request from its connection to its answer. */
struct exchange {
	FCGX_Request q;
	struct request *rq;
	struct response *rs;
};

static void handle(const struct fcgi *f, struct exchange *x)
{
	x->rq = read_head(f, &x->q);
	x->rs = response_new(x->rq);
	x->rs->sink = x->q.out;
	set_source(f, &x->q, x->rq);
	if (request_set_target(x->rq, param(&x->q, "REQUEST_URI")) != OK)
		log_debug(f->log, "fcgi.target");
	f->begin(f->ctx, x->rq);
	site_serve(f->site, x->rq, x->rs);
}

static void answer(const struct fcgi *f, struct exchange *x)
{
	write_response(x->rs, x->q.out);
	x->q.keepConnection = 0;
	FCGX_Finish_r(&x->q);
	account(f, x->rq, x->rs);
	if (x->rs->later && x->rs->error == OK)
		x->rs->later(x->rq, x->rs);
	f->end(f->ctx, x->rq, x->rs);
	mem_free(x->rq);
}

static void answer_all(const struct fcgi *f, struct exchange *x, int n)
{
	if (n > 0 && f->flush != NULL)
		f->flush(f->ctx);
	for (int i = 0; i < n; i++)
		answer(f, &x[i]);
}

/* A peer that stops in the middle must not hold a worker. */
static void set_timeouts(int fd)
{
	struct timeval in = { .tv_sec = RECEIVE_TIMEOUT_S },
		       out = { .tv_sec = SEND_TIMEOUT_S };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &in, sizeof(in));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &out, sizeof(out));
}

/* False: no request came, and the connection is closed. */
static bool receive(const struct fcgi *f, int fd, struct exchange *x)
{
	set_timeouts(fd);
	if (!fcgi_guard(fd) || FCGX_Init() != 0 ||
	    FCGX_InitRequest(&x->q, -1, 0) != 0) {
		log_debug(f->log, "fcgi.incomplete");
		close(fd);
		return false;
	}
	x->q.ipcFd = fd;
	x->q.keepConnection = 1;
	if (FCGX_Accept_r(&x->q) < 0) {
		log_debug(f->log, "fcgi.incomplete");
		return false;
	}
	handle(f, x);
	return true;
}

void fcgi_one(const struct fcgi *f, int fd)
{
	struct exchange x;

	if (receive(f, fd, &x))
		answer_all(f, &x, 1);
}

/* The next waiting connection; -1 if there is none. */
static int next(const struct fcgi *f, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		log_error(f->log, "fcgi.accept", LOG_STR("why", strerror(errno)));
		usleep(100 * 1000);
	}
	return fd;
}

static bool has_come(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/*
 * Serves what waits, up to a batch; false if nothing does.  Who has connected and not
 * yet asked is waited for, but those before it do not wait with it.
 */
static bool take(const struct fcgi *f, const struct worker *w)
{
	struct exchange x[FCGI_BATCH_MAX];
	int n = 0, fd = next(f, w->listener);

	if (fd < 0)
		return false;
	worker_busy(w, true);
	for (int i = 1; fd >= 0; i++) {
		if (n > 0 && !has_come(fd)) {
			answer_all(f, x, n);
			n = 0;
		}
		n += receive(f, fd, &x[n]);
		fd = i < f->batch ? next(f, w->listener) : -1;
	}
	answer_all(f, x, n);
	worker_busy(w, false);
	return true;
}

/*
 * A connection wakes one worker only.  One that woke us while we were told to stop
 * would wait for ever: after taking our hand off the listener we serve what is queued
 * there.
 */
static void finish(const struct fcgi *f, const struct worker *w, int events)
{
	epoll_ctl(events, EPOLL_CTL_DEL, w->listener, NULL);
	for (int i = 0; i < LAST_REQUESTS && take(f, w); i++)
		;
}

static int watch(int listener, int signals)
{
	struct epoll_event l = { .events = EPOLLIN | EPOLLEXCLUSIVE,
		.data.fd = listener };
	struct epoll_event s = { .events = EPOLLIN, .data.fd = signals };
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, listener, &l) != 0 ||
	    epoll_ctl(fd, EPOLL_CTL_ADD, signals, &s) != 0)
		return -1;
	return fd;
}

/* Rests once, then sleeps without an end: an idle worker costs nothing. */
static int wait_or_rest(const struct fcgi *f, int events, struct epoll_event *ev)
{
	int n = epoll_wait(events, ev, 2, f->rest ? REST_MS : -1);

	if (n != 0 || f->rest == NULL)
		return n;
	f->rest(f->ctx);
	return epoll_wait(events, ev, 2, -1);
}

/*
 * False once SIGTERM has come; it stays pending, so that long work can ask for it too.
 */
static bool wait_for_work(const struct fcgi *f, int events, int signals)
{
	struct epoll_event ev[2];
	int n;

	do {
		n = wait_or_rest(f, events, ev);
	} while (n < 0 && errno == EINTR);
	for (int i = 0; i < n; i++)
		if (ev[i].data.fd == signals)
			return false;
	return n > 0;
}

/* libfcgi's handlers would exit in the middle of things. */
static void set_signals(sigset_t *stop)
{
	signal(SIGTERM, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(stop);
	sigaddset(stop, SIGTERM);
	sigprocmask(SIG_BLOCK, stop, NULL);
}

enum err fcgi_run(const struct fcgi *f, const struct worker *w)
{
	sigset_t stop;
	int signals, events;

	if (FCGX_Init() != 0) /* before the signals: it sets its own */
		return ERR_IO;
	set_signals(&stop);
	signals = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	events = watch(w->listener, signals);
	if (events < 0) {
		log_error(f->log, "fcgi.watch", LOG_STR("why", strerror(errno)));
		return ERR_IO;
	}
	while (wait_for_work(f, events, signals))
		take(f, w);
	finish(f, w, events);
	close(events);
	close(signals);
	return OK;
}
