#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "cost.h"
#include "fuzz/fuzz.h"
#include "http/cookie.h"
#include "http/router.h"
#include "http/text_body.h"
#include "service/sns.h"

/*
 * A request of somebody who has not signed in: its first two lines are the address and
 * the content type, its third the cookies, and the rest is a body, many times over.
 * Whatever it is, it takes less than 2 MiB at once, reads no more of the body than a
 * public route may have, and allocates no more often than that many bytes can cause.
 */
const size_t fuzz_max = 8000;

enum {
	MOST = 2 * 1024 * 1024,
	STEPS = 8 * 1024, /* allocations beside those that a byte of the body causes */
	REPEATED = 400 * 1024,
	OPEN = 1,
	CLOSED = 2
};

static enum err take(struct request *rq, struct response *rs)
{
	int64_t *ids;

	form_text(rq->form, "a", 1, 10);
	form_line(rq->form, "b", 0, 10);
	form_ids(rq->form, rq, "a", 10, &ids);
	return respond_body(rs, "text/plain", "ok", 2);
}

static enum err hook(struct request *rq, struct response *rs)
{
	struct sns_message *m;
	enum err e = sns_read(rq, rq->body, rq->body_len, &m);

	return e == OK ? respond_body(rs, "text/plain", "ok", 2) : e;
}

static enum err enter(struct request *rq, struct response *rs, const struct route *r)
{
	(void)rq;
	(void)rs;
	return r->access == OPEN ? OK : ERR_UNAUTHENTICATED;
}

/* clang-format off */
static const struct route routes[] = {
	{ GET,   "/", take, NULL, OPEN, NULL, 0 },
	{ POST,  "/open", take, NULL, OPEN, NULL, 0 },
	{ POST,  "/lists", take, NULL, CLOSED, NULL, 0 },
	{ PATCH, "/campaigns/{}", take, NULL, CLOSED, NULL, ROUTE_LARGE },
	{ POST,  "/imports", take, NULL, CLOSED, NULL, ROUTE_BIG },
	{ POST,  "/u/{*}", take, NULL, OPEN, NULL, ROUTE_RAW },
	{ POST,  "/hooks/{*}", hook, NULL, OPEN, NULL, ROUTE_RAW | ROUTE_NOTICE },
};
/* clang-format on */
static const struct site site = { .routes = routes,
	.n = sizeof(routes) / sizeof(*routes),
	.enter = enter };

/* The next line of *s; n bytes are left. */
static const char *line(void *mem, const char **s, size_t *n)
{
	const char *end = memchr(*s, '\n', *n);
	size_t k = end ? (size_t)(end - *s) : *n;
	char *out = mem_strn(mem, *s, k);

	*s += end ? k + 1 : k;
	*n -= end ? k + 1 : k;
	return out;
}

static struct buf *repeated(void *mem, const char *s, size_t n)
{
	struct buf *b = buf_new(mem);

	buf_reserve(b, REPEATED + n + 1);
	do
		buf_add(b, s, n);
	while (n > 0 && b->len < REPEATED);
	return b;
}

static void ask(void *mem, const char *s, size_t n, bool many)
{
	const char *uri = line(mem, &s, &n), *type = line(mem, &s, &n),
		   *cookies = line(mem, &s, &n);
	struct buf *body = repeated(mem, s, n);
	struct body_source *b;
	struct response *rs;
	struct request *rq;
	struct cost c;

	cost_begin();
	rq = request_new(NULL);
	rs = response_new(rq);
	rq->method = POST;
	rq->cookies = cookie_read(rq, cookies);
	if (request_set_target(rq, uri) != OK)
		FUZZ_CHECK(rq->broken != OK);
	b = text_body(rq, type, body->data, many ? body->len : n);
	site_serve(&site, rq, rs);
	c = cost_end();
	FUZZ_CHECK(rs->status >= 200 && rs->body != NULL);
	FUZZ_CHECK(c.peak <= MOST);
	FUZZ_CHECK(b->taken <= BODY_NOTICE_MAX);
	FUZZ_CHECK(c.calls <= STEPS + b->taken);
	if (rq->route == NULL || rq->route->access == CLOSED)
		FUZZ_CHECK(b->taken == 0);
	mem_free(rq);
}

void fuzz_one(void *mem, const char *s, size_t n)
{
	ask(mem, s, n, false);
	ask(mem, s, n, true);
}
