#pragma once

#include <stddef.h>

#include "base/err.h"
#include "http/request.h"
#include "http/response.h"

typedef enum err handler(struct request *rq, struct response *rs);

/*
 * One table for pages and API.  Pattern: "/brands/{}/campaigns/{}" with {} a positive
 * number (rq->args) and {*} one path segment as text (rq->words).  The same handler
 * serves /brands/1 (page) and /api/v1/brands/1 (JSON).
 */
struct route {
	enum method method;
	const char *pattern;
	handler *handle;
	const char *page; /* template of the answer or of the form */
	int access;       /* enum permission of web/access.h; 0: for nobody */
	handler *again;   /* forms: fills the model of `page` on ERR_INVALID */
	unsigned flags;
};

enum {
	ROUTE_PAGE_ONLY = 1, /* not under /api/v1 */
	ROUTE_API_ONLY = 2,
	ROUTE_RAW = 4,    /* outside both; no session, no CSRF: /t/, /cron/ */
	ROUTE_BIG = 8,    /* body up to the import limit instead of 1 MiB */
	ROUTE_LARGE = 16, /* body up to 8 MiB: a campaign with its HTML */
	/* what the handler changes is one transaction: so nothing slow, no network */
	ROUTE_WHOLE = 32,
};

struct site {
	const struct route *routes;
	size_t n;
	/*
	 * Decides who calls and whether they may; sets rq->caller.  May answer by
	 * itself: OK with rs->body set (an answer kept for an Idempotency-Key) or
	 * rs->location; the handler is not called then.
	 */
	enum err (
	    *enter)(struct request *rq, struct response *rs, const struct route *r);
	/*
	 * The names of the fields rq->route takes, of a GET in its query, else in its
	 * body; with types, as in web/openapi.h.  NULL: whatever is sent.  *silent gets
	 * names that go with any of them and are not told.
	 */
	const char *(*takes)(struct request *rq, const char **silent);
	/* Renders rs->page with rs->model into rs->body; also error pages. */
	void (*page)(struct request *rq, struct response *rs, enum err e);
	/*
	 * Called last, with status and body complete and no byte sent: adds the flash
	 * cookie, keeps the answer for an Idempotency-Key.  e: what the handler said.
	 */
	void (*leave)(struct request *rq, struct response *rs, enum err e);
	/* Calls rq->route->handle, in a transaction if ROUTE_WHOLE. NULL: plainly. */
	enum err (*act)(struct request *rq, struct response *rs);
};

/*
 * Bytes of body allowed: known by the path alone, since the body is read before
 * routing.
 */
enum {
	BODY_MAX = 1024 * 1024,
	BODY_LARGE_MAX = 8 * 1024 * 1024,
	BODY_BIG_MAX = 100 * 1024 * 1024
};
size_t site_body_max(const struct site *site, const struct request *rq);
/* Does the path belong to raw routes only? Their bodies need not be forms. */
bool site_is_raw(const struct site *site, const struct request *rq);

/*
 * Routes (first match in table order), enters, refuses fields that the route does not
 * take, handles, maps errors, renders; always leaves a complete response.
 *
 * - An unknown field of a body: ERR_INVALID (an error page), and the handler is not
 *   called.  One of the query: ERR_MALFORMED in the API; pages show what they can.
 * - OK: rs->body as it is; or a page's rs->location: 303; or the page (rs->page, else
 *   the route's) by site.page; or rs->model as JSON; or 204.
 * - An error of a page with `again` (ERR_INVALID, and ERR_CONFLICT or ERR_LIMITED with
 *   a rs->detail): the form again, unless rs->page is "error".  With rs->location set:
 *   303 there (ERR_UNAUTHENTICATED). Otherwise site.page with rs->page = "error",
 *   rs->status and rs->detail set; rq->route and rq->caller may be NULL then.  Without
 *   site.page: one line of text.
 * - An error of the API: application/problem+json {type,title,status,detail,errors}.
 * - A ROUTE_RAW without a page answers errors as the Accept header prefers.
 */
void site_serve(const struct site *site, struct request *rq, struct response *rs);
