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
	ROUTE_BIG = 8,    /* a file of up to 100 MiB; multipart only, never in memory */
	ROUTE_LARGE = 16, /* body up to 8 MiB: a campaign with its HTML */
	ROUTE_NOTICE = 64, /* body up to 320 KiB, of somebody not known: a hook */
	/* what the handler changes is one transaction: so nothing slow, no network */
	ROUTE_WHOLE = 32,
};

struct site {
	const struct route *routes;
	size_t n;
	/*
	 * Decides from the head of the request who calls and whether they may; sets
	 * rq->caller and rq->known.  The body has not been read.  OK with rs->location
	 * set answers; nothing else is called then.
	 */
	enum err (
	    *enter)(struct request *rq, struct response *rs, const struct route *r);
	/*
	 * Decides, with the body read, whether this request is meant: CSRF.  May answer
	 * by itself: OK with rs->body set (an answer kept for an Idempotency-Key); the
	 * handler is not called then.  May be NULL.
	 */
	enum err (*admit)(struct request *rq, struct response *rs);
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
 * Routes (first match in table order), enters, reads the body, admits, refuses fields
 * that the route does not take, handles, maps errors, renders; always leaves a complete
 * response.
 *
 * - A form of a page says PATCH, PUT or DELETE in the query: POST /lists/1?_method=PUT.
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
