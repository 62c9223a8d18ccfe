#include "http/router.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/answer.h"
#include "http/body.h"
#include "http/receive.h"

/*
 * Is the route there for this kind of caller? Without an access it is there for nobody.
 */
static bool offered(const struct route *r, const struct request *rq)
{
	if (r->access == 0)
		return false;
	if (rq->api)
		return (r->flags & (ROUTE_PAGE_ONLY | ROUTE_RAW)) == 0;
	return (r->flags & ROUTE_API_ONLY) == 0;
}

/* Does one segment fit the pattern's n bytes? Takes {} and {*} into rq at *arg. */
static bool fits(struct request *rq, const char *pattern, size_t n, const char *segment,
    int *arg)
{
	bool number = n == 2 && memcmp(pattern, "{}", 2) == 0;
	bool word = n == 3 && memcmp(pattern, "{*}", 3) == 0;

	if (!number && !word)
		return strlen(segment) == n && memcmp(segment, pattern, n) == 0;
	if (*arg == REQUEST_ARGS || segment[0] == '\0')
		return false;
	rq->args[*arg] = 0;
	if (number &&
	    (segment[0] < '1' || segment[0] > '9' ||
		!text_to_int(segment, 1, INT64_MAX, &rq->args[*arg])))
		return false;
	rq->words[*arg] = segment;
	(*arg)++;
	return true;
}

static bool matches(struct request *rq, const char *pattern)
{
	int arg = 0;

	for (size_t i = 0; i < rq->nsegments; i++) {
		size_t n;

		if (pattern[0] != '/' || pattern[1] == '\0')
			return false;
		n = strcspn(pattern + 1, "/");
		if (!fits(rq, pattern + 1, n, rq->segments[i], &arg))
			return false;
		pattern += 1 + n;
	}
	return pattern[0] == '\0' || (pattern[1] == '\0' && rq->nsegments == 0);
}

/*
 * A form says PUT, PATCH or DELETE in the query of its address: what it asks for is
 * known before its body is read.
 */
static void override(struct request *rq)
{
	enum method m;

	if (rq->method != POST || rq->api)
		return;
	m = method_from(form_get(rq->query, "_method"));
	if (m == PUT || m == PATCH || m == DELETE)
		rq->method = m;
}

/* Methods the path knows, for Allow. */
static enum err refuse_method(const struct site *site, struct request *rq,
    struct response *rs)
{
	struct buf *b = buf_new(rs);

	for (int m = GET; m < METHOD_OTHER; m++) {
		bool known = false;

		for (size_t i = 0; !known && i < site->n; i++)
			known = (int)site->routes[i].method == m &&
			    offered(&site->routes[i], rq) &&
			    matches(rq, site->routes[i].pattern);
		if (known)
			buf_printf(b, "%s%s%s", b->len ? ", " : "", method_name(m),
			    m == GET ? ", HEAD" : "");
	}
	response_header(rs, "Allow", "%s", b->data);
	return ERR_METHOD;
}

static enum err find(const struct site *site, struct request *rq, struct response *rs)
{
	bool path = false;

	for (size_t i = 0; i < site->n; i++) {
		const struct route *r = &site->routes[i];

		if (!offered(r, rq) || !matches(rq, r->pattern))
			continue;
		if (r->method == rq->method) {
			rq->route = r;
			return OK;
		}
		path = true;
	}
	return path ? refuse_method(site, rq, rs) : ERR_NOTFOUND;
}

/* What the API did not understand of its query; pages show what they can. */
static enum err refuse_query(const struct request *rq, struct response *rs)
{
	if (!rq->api || rs->streaming || form_ok(rq->query))
		return OK;
	json_object_object_foreach (form_errors(rq->query), name, sentence) {
		return respond_error(rs, ERR_MALFORMED, "%s: %s", name,
		    json_object_get_string(sentence));
	}
	return OK;
}

/* Before the handler, so that nothing is changed by a request that means more. */
static enum err refuse_unknown(const struct site *site, struct request *rq,
    struct response *rs)
{
	const char *silent = "";
	const char *names = site->takes ? site->takes(rq, &silent) : NULL;
	bool get = rq->method == GET;

	if (names == NULL)
		return OK;
	if (!get &&
	    (!form_only(rq->form, names, silent) ||
		(body_is(rq->content_type, "application/json") &&
		    !form_types(rq->form, names)))) {
		json_object_object_foreach (form_errors(rq->form), field, sentence) {
			(void)field;
			rs->page = "error"; /* the form has no place for it */
			return respond_error(rs, ERR_INVALID, "%s",
			    json_object_get_string(sentence));
		}
	}
	if (rq->api)
		form_only(rq->query, get ? names : "", "");
	return refuse_query(rq, rs);
}

static enum err receive(struct request *rq, struct response *rs)
{
	const char *why = NULL;
	enum err e = receive_body(rq, &why);

	return e != OK && why != NULL ? respond_error(rs, e, "%s", why) : e;
}

static enum err serve(const struct site *site, struct request *rq, struct response *rs)
{
	enum err e = rq->segments ? find(site, rq, rs) : ERR_MALFORMED;

	if (rq->broken == ERR_HEAD_TOO_LARGE)
		return respond_error(rs, rq->broken, "%s", rq->broken_why);
	if (rq->broken != OK && (e == OK || rq->segments == NULL))
		return rq->broken_why
		    ? respond_error(rs, rq->broken, "%s", rq->broken_why)
		    : rq->broken;
	if (e != OK)
		return e;
	e = site->enter(rq, rs, rq->route);
	if (e != OK || rs->location != NULL)
		return e;
	e = receive(rq, rs);
	if (e == OK && site->admit != NULL)
		e = site->admit(rq, rs);
	if (e != OK || rs->body != NULL)
		return e;
	e = refuse_unknown(site, rq, rs);
	if (e != OK)
		return e;
	e = site->act ? site->act(rq, rs) : rq->route->handle(rq, rs);
	return e == OK ? refuse_query(rq, rs) : e;
}

void site_serve(const struct site *site, struct request *rq, struct response *rs)
{
	enum err e;

	if (rq->method == HEAD) {
		rq->head = true;
		rq->method = GET;
	}
	override(rq);
	e = serve(site, rq, rs);
	rs->error = e;
	if (rs->streaming)
		return;
	answer(site, rq, rs, e);
	if (site->leave != NULL)
		site->leave(rq, rs, e);
}
