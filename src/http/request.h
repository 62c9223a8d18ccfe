#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/form.h"
#include "base/log.h"

enum method { GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS, METHOD_OTHER };

enum { REQUEST_ARGS = 4 };

struct app;
struct body_source;
struct caller;
struct db;
struct kv;
struct route;

/* The talloc owner of everything made while it is served. */
struct request {
	const char *id;     /* nginx's $request_id */
	enum method method; /* after ?_method=; HEAD is served as GET */
	bool head;
	bool api;           /* under /api/v1: answered as JSON */
	const char *path;   /* decoded, without /api/v1, "/" at least */
	const char *target; /* REQUEST_URI as sent, bounded */
	const char *ip, *agent, *referer, *origin, *host, *accept;
	const char *authorization;   /* these four: NULL when not sent */
	const char *csrf_token;      /* X-CSRF-Token */
	const char *fetch_site;      /* Sec-Fetch-Site: "same-origin" ... */
	const char *idempotency_key; /* Idempotency-Key */
	const char *content_type;
	/*
	 * Where the body waits until route, caller and access are known; NULL: there is
	 * none, or it has been read.
	 */
	struct body_source *source;
	bool known;       /* site.enter knows who calls: it may send more */
	const char *body; /* raw; NULL without one, and until it is read */
	size_t body_len;
	bool htmx;                       /* HX-Request: true */
	bool limited;                    /* over nginx's limit: served, not counted */
	struct form *query;              /* of the URL */
	struct form *form;               /* of the body; empty without one */
	struct json_object *cookies;     /* {name: value} */
	int64_t args[REQUEST_ARGS];      /* {} in the pattern, as numbers */
	const char *words[REQUEST_ARGS]; /* {} or {*} in the pattern, as text */
	int64_t now;                     /* one time for the whole request */
	const struct route *route;       /* NULL until found, and where there is none */
	const char *const *segments;     /* of the path, each decoded */
	size_t nsegments;
	bool secure;     /* the public URL is https */
	enum err broken; /* why it cannot be read; router answers */
	const char *broken_why;
	int64_t started_us; /* monotonic */

	struct app *app;
	struct db *db;
	struct kv *kv;
	struct log log;
	const struct caller *caller; /* who calls; set by web/access */
	bool audited;                /* the change stands in the audit log */
};

/*
 * A GET of "/" without query, form, cookies and time: filled by http/fcgi, or by a
 * test.
 */
struct request *request_new(void *mem);
/*
 * Reads the request line's target: path (percent-decoded by segment, one trailing slash
 * dropped), /api/v1 prefix, query.  ERR_MALFORMED on a bad %XX or a NUL,
 * ERR_HEAD_TOO_LARGE past TARGET_MAX; both also set broken and broken_why.
 */
enum { TARGET_MAX = 8192 };
enum err request_set_target(struct request *rq, const char *uri) MUST_CHECK;
/* A header may have so many bytes: a token of 8 KiB, or cookies. */
enum { HEADER_MAX = 12 * 1024 };
/* What the head of this request is refused with, whatever it asks for: the first stays.
 */
void request_refuse(struct request *rq, enum err e, const char *why);
/*
 * Value of a cookie set by response_cookie (which knows the __Host- prefix); NULL if
 * absent.
 */
const char *request_cookie(const struct request *rq, const char *name);
const char *method_name(enum method m);
enum method method_from(const char *name); /* METHOD_OTHER if unknown; exact case */
