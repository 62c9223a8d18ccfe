#pragma once

#include <json-c/json.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "http/request.h"

struct response_header {
	const char *name, *value;
	struct response_header *next;
};

struct response {
	struct request *rq;
	int status;                /* 0: as the error says, else 200 */
	struct json_object *model; /* the answer: JSON, `it` of the page */
	struct json_object *extra; /* more names for the page only */
	const char *page;          /* template; NULL: as the route says */
	const char *location;      /* 303 for pages after a change */
	const char *flash;         /* sentence shown on the next page */
	const char *type;          /* content type when body is given */
	const char *detail;        /* sentence for an error page or problem+json */
	int retry_after;           /* seconds; 0: none */
	struct buf *body;          /* raw answer instead of model */
	struct response_header *headers;
	/*
	 * Called when the answer has left and no error is in it, for what must not show
	 * in how long it took. If the process dies before, it does not happen.
	 */
	void (*later)(struct request *rq, struct response *rs);
	const void *for_later; /* what it needs, owned by the request */
	/* streaming: set by respond_stream; writes go straight to nginx */
	bool streaming;
	size_t sent;    /* bytes of body, for the log */
	enum err error; /* what came of it, set by the router */
	void *sink;     /* FCGX_Stream *, private to http/fcgi */
};

/* An empty response of the request. */
struct response *response_new(struct request *rq);
/*
 * Replaces a header of that name (Set-Cookie is added). Controls in the value become
 * spaces.
 */
void response_header(struct response *rs, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The model to answer with; returns OK so that handlers can `return respond(rs, o);` */
enum err respond(struct response *rs, struct json_object *model);
/*
 * After a change: API 200 with the model (204 if NULL), page 303 to the formatted path.
 */
enum err respond_seen(struct response *rs, struct json_object *model, const char *path,
    ...) __attribute__((format(printf, 3, 4)));
/* After a creation: API 201 with the model and Location, page 303. */
enum err respond_made(struct response *rs, struct json_object *model, const char *path,
    ...) __attribute__((format(printf, 3, 4)));
/* A sentence for the next page (pages only). */
void respond_flash(struct response *rs, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Fails with a sentence for the whole page / problem detail. Returns e. */
enum err respond_error(struct response *rs, enum err e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A body of our own making. */
enum err respond_body(struct response *rs, const char *type, const char *data,
    size_t len);
/* Starts a streamed download; then response_write any number of times. */
enum err respond_stream(struct response *rs, const char *type, const char *filename);
void response_write(struct response *rs, const void *data, size_t len);
/* Value of a header set so far, NULL if none. */
const char *response_get(const struct response *rs, const char *name);
/*
 * name=value with HttpOnly, SameSite=Lax, Path=/; when the public URL is https also
 * Secure, and the name gets the prefix __Host- (request_cookie looks for it by the
 * plain name). max_age in seconds: 0 = until the browser closes, <0 = delete.
 */
void response_cookie(struct response *rs, const char *name, const char *value,
    int max_age);
/* "Not Found" ...: the phrase of a status. */
const char *status_title(int status);
