#pragma once

#include "base/err.h"
#include "http/request.h"

/* The most bytes of a body: from a stranger, to a hook, and from a known caller. */
enum {
	BODY_STRANGER_MAX = 64 * 1024,
	BODY_NOTICE_MAX = 320 * 1024,
	BODY_MAX = 1024 * 1024,
	BODY_LARGE_MAX = 8 * 1024 * 1024,
	BODY_BIG_MAX = 100 * 1024 * 1024
};

/* A body that waits to be read. */
struct body_source {
	/* Up to n bytes into `to`; fewer at its end. */
	size_t (*read)(void *ctx, char *to, size_t n);
	void *ctx;
	const char *length; /* Content-Length; "" without one */
	bool refused;       /* nginx found it too large, and has not passed it on */
	const char *dir;    /* where an upload is kept while it is served */
	size_t taken;       /* bytes that were read */
};

/* Bytes that a request with this route may have, by whom it is from. */
size_t receive_most(const struct request *rq);
/*
 * Reads the body of a request whose route is found and whose caller is known, in a form
 * that the route takes, into rq->body and rq->form; nothing of a GET, and nothing if it
 * may not be sent.  An upload (ROUTE_BIG) goes piece by piece into a file without a
 * name, which is mapped.  A raw route may be sent anything, only forms are parsed.
 * ERR_TYPE, ERR_TOO_LARGE, ERR_MALFORMED with *why, owned by rq; ERR_FULL, ERR_IO.
 */
enum err receive_body(struct request *rq, const char **why) MUST_CHECK;
