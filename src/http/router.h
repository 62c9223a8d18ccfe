#pragma once

#include <stddef.h>

#include "base/err.h"
#include "http/request.h"
#include "http/response.h"

typedef enum err handler(struct request *rq, struct response *rs);

/*
 * One table for pages and API.  Pattern: "/brands/{}/campaigns/{}" with {} a positive number
 * (rq->args) and {*} one path segment as text (rq->words).  The same handler serves
 * /brands/1 (page) and /api/v1/brands/1 (JSON).
 */
struct route {
	enum method method;
	const char *pattern;
	handler *handle;
	const char *page;	/* template of the answer, or of the form to show again; NULL: none (API only, or a redirect) */
	int access;		/* enum permission of web/access.h; 0 is not allowed, so nothing is open by omission */
	handler *again;		/* page forms: fills the model of `page` when handle says ERR_INVALID */
	unsigned flags;
};

enum {
	ROUTE_PAGE_ONLY = 1,	/* not under /api/v1 */
	ROUTE_API_ONLY = 2,
	ROUTE_RAW = 4,		/* outside both: no CSRF, no session: /healthz, /t/, /u/, /hooks/, /cron/ */
	ROUTE_BIG = 8,		/* body up to the import limit instead of 1 MiB */
};

struct site {
	const struct route *routes;
	size_t n;
	/* Decides who calls and whether they may; sets rq->caller.  May answer by itself: OK with
	 * rs->body set (an answer kept for an Idempotency-Key) or rs->location; the handler is
	 * not called then. */
	enum err (*enter)(struct request *rq, struct response *rs, const struct route *r);
	/* Renders rs->page with rs->model into rs->body; also error pages. */
	void (*page)(struct request *rq, struct response *rs, enum err e);
	/* Called last, with status and body complete and no byte sent: adds the flash cookie,
	 * keeps the answer for an Idempotency-Key.  e: what the handler said. */
	void (*leave)(struct request *rq, struct response *rs, enum err e);
};

/* Routes, enters, handles, maps errors, renders; always leaves a complete response. */
void site_serve(const struct site *site, struct request *rq, struct response *rs);
