#include "http/router.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/text_body.h"
#include "tap.h"

static enum err show(struct request *rq, struct response *rs)
{
	struct json_object *o = json_obj(rq);

	json_set_int(o, "a", rq->args[0]);
	json_set_text(o, "w", rq->words[1]);
	return respond(rs, o);
}

static enum err change(struct request *rq, struct response *rs)
{
	form_text(rq->form, "name", 1, 10);
	if (!form_ok(rq->form))
		return ERR_INVALID;
	return respond_seen(rs, json_set_text(json_obj(rq), "name", "n"), "/things/%d",
	    7);
}

static enum err make(struct request *rq, struct response *rs)
{
	return respond_made(rs, json_set_int(json_obj(rq), "id", 8), "/things/%d", 8);
}

static enum err again(struct request *rq, struct response *rs)
{
	return respond(rs, json_set_text(json_obj(rq), "again", "yes"));
}

static enum err taken(struct request *rq, struct response *rs)
{
	(void)rq;
	return respond_error(rs, ERR_CONFLICT, "That name is\ntaken.");
}

static enum err full(struct request *rq, struct response *rs)
{
	(void)rq;
	(void)rs;
	return ERR_BUSY;
}

static enum err act_strict(struct request *rq, struct response *rs)
{
	response_header(rs, "X-Acted", "yes"); /* stays, whatever is answered */
	return respond(rs, json_obj(rq));
}

/* clang-format off */
static const struct route routes[] = {
	{ GET,    "/", again, "home", 1, NULL, 0 },
	{ GET,    "/things/{}", show, "thing/show", 1, NULL, 0 },
	{ POST,   "/things", make, "thing/new", 1, again, 0 },
	{ PATCH,  "/things/{}", change, "thing/edit", 1, again, 0 },
	{ GET,    "/things/{}/files/{*}", show, NULL, 1, NULL, 0 },
	{ POST,   "/things/{}/files", make, NULL, 1, NULL, ROUTE_BIG },
	{ POST,   "/taken", taken, "thing/new", 1, again, 0 },
	{ GET,    "/busy", full, NULL, 1, NULL, 0 },
	{ GET,    "/t/{*}", show, NULL, 1, NULL, ROUTE_RAW },
	{ GET,    "/open", show, NULL, 0, NULL, 0 },
	{ GET,    "/strict", act_strict, NULL, 1, NULL, ROUTE_API_ONLY },
	{ POST,   "/strict", act_strict, "thing/new", 1, again, 0 },
	{ GET,    "/only", show, NULL, 1, NULL, ROUTE_API_ONLY },
};
/* clang-format on */

static enum err enter(struct request *rq, struct response *rs, const struct route *r)
{
	(void)r;
	if (text_equal(rq->authorization, "none")) {
		rs->location = "/sign-in";
		return ERR_UNAUTHENTICATED;
	}
	return OK;
}

static void page(struct request *rq, struct response *rs, enum err e)
{
	char *text = mem_printf(rq, "%s:%s", rs->page, err_name(e));

	respond_body(rs, rs->type, text, strlen(text));
}

/* Routes whose names have "strict" know a and b; all others take what comes. */
static const char *takes(struct request *rq, const char **silent)
{
	*silent = "token";
	return strstr(rq->route->pattern, "strict") ? "a:text b:[int]" : NULL;
}

static const struct site site = {
	.routes = routes,
	.n = sizeof(routes) / sizeof(*routes),
	.enter = enter,
	.page = page,
	.takes = takes,
};

static struct response *ask(void *mem, enum method m, const char *uri, const char *form)
{
	struct request *rq = request_new(mem);
	struct response *rs = response_new(rq);

	rq->method = m;
	if (request_set_target(rq, uri) == OK && form != NULL)
		text_body(rq, "application/x-www-form-urlencoded", form, strlen(form));
	site_serve(&site, rq, rs);
	return rs;
}

static void matching(void *mem)
{
	struct response *rs = ask(mem, GET, "/api/v1/things/12?x=1", NULL);

	is_text(rs->body->data, "{\"a\":12,\"w\":null}", "site_serve answers JSON");
	is_text(rs->type, "application/json", "... of that type");
	rs = ask(mem, GET, "/things/12/files/a%2Fb", NULL);
	is_text(rs->body->data, "{\"a\":12,\"w\":\"a/b\"}",
	    "... decodes a word by segment");
	is_text(ask(mem, GET, "/things/12/", NULL)->body->data, "thing/show:ok",
	    "... renders the page, with a slash at the end too");
	is_text(ask(mem, GET, "/", NULL)->body->data, "home:ok", "... knows the root");
	is_int(ask(mem, GET, "/things/0", NULL)->status, 404, "... takes no zero");
	is_int(ask(mem, GET, "/things/012", NULL)->status, 404, "... no leading zero");
	is_int(ask(mem, GET, "/things/99999999999999999999", NULL)->status, 404,
	    "... no number too large");
	is_int(ask(mem, GET, "/things//12", NULL)->status, 404, "... no empty segment");
	is_int(ask(mem, GET, "/open", NULL)->status, 404,
	    "... no route without access");
	is_int(ask(mem, GET, "/only", NULL)->status, 404, "... no API route as page");
	is_int(ask(mem, GET, "/api/v1/only", NULL)->status, 200, "... but as API");
	is_int(ask(mem, GET, "/api/v1/t/x", NULL)->status, 404,
	    "... no raw route as API");
	is_int(ask(mem, GET, "/%zz", NULL)->status, 400, "... 400 on a bad escape");
	is_int(ask(mem, GET, "/?a=%zz", NULL)->status, 400, "... in the query too");
}

static void methods(void *mem)
{
	struct response *rs = ask(mem, DELETE, "/api/v1/things/12", NULL);

	is_int(rs->status, 405, "site_serve refuses a method");
	is_text(response_get(rs, "Allow"), "GET, HEAD, PATCH",
	    "... and says which it knows");
	rs = ask(mem, HEAD, "/things/12", NULL);
	is_int(rs->status, 200, "site_serve serves HEAD as GET");
	ok(rs->rq->head, "... remembering it");
	rs = ask(mem, POST, "/things/12?_method=PATCH", "name=x");
	is_int(rs->status, 303, "... PATCH from a form");
	is_text(response_get(rs, "Location"), "/things/7", "... and moves on");
	is_int(ask(mem, POST, "/api/v1/things/12?_method=PATCH", "name=x")->status, 405,
	    "... not for the API");
	is_int(ask(mem, POST, "/things/12", "_method=PATCH&name=x")->status, 405,
	    "... not from the body, which is read later");
	rs = ask(mem, POST, "/api/v1/things", "name=x");
	is_int(rs->status, 201, "... 201 after a creation");
	is_text(response_get(rs, "Location"), "/api/v1/things/8", "... with its place");
	is_text(rs->body->data, "{\"id\":8}", "... and the model");
}

static void errors(void *mem)
{
	struct response *rs = ask(mem, POST, "/things/12?_method=PATCH", "");
	struct json_object *o;
	const char *why;

	is_text(rs->body->data, "thing/edit:invalid",
	    "site_serve shows the form again");
	is_int(rs->status, 422, "... with 422");
	rs = ask(mem, PATCH, "/api/v1/things/12", NULL);
	is_text(rs->type, "application/problem+json", "... a problem for the API");
	ok(json_read(rs, rs->body->data, rs->body->len, &o, &why) == OK,
	    "... that is JSON");
	is_text(json_text(o, "type", NULL), "invalid", "... of a type");
	is_int(json_int(o, "status", 0), 422, "... with the status");
	ok(json_text(json_get(o, "errors"), "name", NULL) != NULL,
	    "... the field's sentence");
	rs = ask(mem, POST, "/taken", NULL);
	is_text(rs->body->data, "thing/new:conflict",
	    "... the form again on a conflict");
	is_int(rs->status, 409, "... with 409");
	rs = ask(mem, GET, "/nowhere", NULL);
	is_text(rs->body->data, "error:not_found", "... an error page");
	rs = ask(mem, GET, "/busy", NULL);
	is_int(rs->status, 503, "... 503 when busy");
	is_text(response_get(rs, "Retry-After"), "5", "... and when to come again");
	rs = ask(mem, GET, "/t/x/y", NULL);
	ok(strstr(response_get(rs, "Content-Security-Policy"), "default-src 'none'") !=
		NULL,
	    "... always with a policy");
}

static void unknown(void *mem)
{
	struct response *rs = ask(mem, POST, "/api/v1/strict", "a=1&token=x&c=3");
	static const struct {
		enum method method;
		const char *uri, *form;
		int status;
	} cases[] = {
		{ POST, "/api/v1/strict", "a=1&b=2&token=x", 200 },
		{ POST, "/api/v1/strict", NULL, 200 },
		{ POST, "/api/v1/strict?a=1", NULL, 400 },
		{ GET, "/api/v1/strict?a=1&b=2", NULL, 200 },
		{ GET, "/api/v1/strict?c=1", NULL, 400 },
		{ GET, "/api/v1/strict?token=1", NULL, 400 },
		{ POST, "/strict", "c=1", 422 },
		{ POST, "/strict?c=1", "b=1", 200 },
		{ POST, "/api/v1/things", "c=1", 201 },
	};

	is_int(rs->status, 422, "site_serve refuses a field that is not known");
	ok(strstr(rs->body->data, "\"errors\":{\"c\":") != NULL, "... at the field");
	ok(response_get(rs, "X-Acted") == NULL, "... before the handler does anything");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		rs = ask(mem, cases[i].method, cases[i].uri, cases[i].form);
		is_int(rs->status, cases[i].status, "%s %s", cases[i].uri,
		    cases[i].form ? cases[i].form : "");
		ok((response_get(rs, "X-Acted") != NULL) == (cases[i].status == 200),
		    "... and the handler is called or not");
	}
}

static void types(void *mem)
{
	static const struct {
		const char *body;
		int status;
	} cases[] = {
		{ "{\"a\":\"x\",\"b\":[1]}", 200 },
		{ "{\"a\":null,\"b\":\"1,2\"}", 200 },
		{ "{\"b\":7}", 200 },
		{ "{\"b\":[\"1\"]}", 200 },
		{ "{\"a\":1}", 422 },
		{ "{\"a\":[\"x\"]}", 422 },
		{ "{\"a\":{}}", 422 },
		{ "{\"a\":true}", 422 },
		{ "{\"b\":true}", 422 },
		{ "{\"b\":{}}", 422 },
		{ "{\"b\":[[1]]}", 422 },
		{ "{\"b\":[{}]}", 422 },
		{ "{\"b\":[null]}", 422 },
		{ "{\"b\":[true]}", 422 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct request *rq = request_new(mem);
		struct response *rs = response_new(rq);

		rq->method = POST;
		ok(request_set_target(rq, "/api/v1/strict") == OK, "%s", cases[i].body);
		text_body(rq, "application/json", cases[i].body, strlen(cases[i].body));
		site_serve(&site, rq, rs);
		is_int(rs->status, cases[i].status, "... is taken or refused");
		ok((strstr(rs->body->data, "\"errors\"") != NULL) ==
			(cases[i].status == 422),
		    "... at the field");
	}
}

static void leaving(void *mem)
{
	struct request *rq = request_new(mem);
	struct response *rs = response_new(rq);

	rq->authorization = "none";
	ok(request_set_target(rq, "/things/1") == OK,
	    "request_set_target reads a path");
	site_serve(&site, rq, rs);
	is_int(rs->status, 303, "site_serve sends a stranger to sign in");
	is_text(response_get(rs, "Location"), "/sign-in", "... there");
	rq = request_new(mem);
	rs = response_new(rq);
	rq->authorization = "none";
	rq->htmx = true;
	ok(request_set_target(rq, "/things/1") == OK,
	    "request_set_target reads a path");
	site_serve(&site, rq, rs);
	is_int(rs->status, 401, "... with 401 for htmx");
	is_text(response_get(rs, "HX-Redirect"), "/sign-in", "... and the way");
}

/* Nothing is read of a body before it is known that it may be sent. */
static void order(void *mem)
{
	static const char bad[] = "{\"a\":";
	static const struct {
		enum method method;
		const char *uri, *who, *type;
		int status;
		bool read;
	} cases[] = {
		{ POST, "/api/v1/things", "none", "application/json", 401, false },
		{ POST, "/api/v1/things", "none", "text/plain", 401, false },
		{ POST, "/api/v1/things/5/files", "none", "application/json", 401,
		    false },
		{ POST, "/api/v1/nothing", NULL, "application/json", 404, false },
		{ PUT, "/api/v1/things", NULL, "application/json", 405, false },
		{ GET, "/api/v1/things/5", NULL, "application/json", 200, false },
		{ POST, "/things", NULL, "application/json", 415, false },
		{ POST, "/api/v1/things", NULL, "text/plain", 415, false },
		{ POST, "/api/v1/things", NULL, NULL, 415, false },
		{ POST, "/api/v1/things/5/files", NULL, "application/json", 415,
		    false },
		{ POST, "/api/v1/things/5/files", NULL,
		    "application/x-www-form-urlencoded", 415, false },
		{ POST, "/api/v1/things", NULL, "application/json", 400, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct request *rq = request_new(mem);
		struct response *rs = response_new(rq);
		struct body_source *b;

		rq->method = cases[i].method;
		rq->authorization = cases[i].who;
		ok(request_set_target(rq, cases[i].uri) == OK, "%s", cases[i].uri);
		b = text_body(rq, cases[i].type, bad, strlen(bad));
		site_serve(&site, rq, rs);
		is_int(rs->status, cases[i].status, "... is answered");
		ok((b->taken > 0) == cases[i].read, "... and its body is read or not");
	}
}

static void too_long(void *mem)
{
	static const char *const paths[] = { "/", "/nowhere", "/api/v1/things/1" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct request *rq = request_new(mem);
		struct response *rs = response_new(rq);

		request_refuse(rq, ERR_HEAD_TOO_LARGE, "Too long.");
		request_refuse(rq, ERR_MALFORMED, "Wrong.");
		ok(request_set_target(rq, paths[i]) == OK, "%s is read", paths[i]);
		site_serve(&site, rq, rs);
		is_int(rs->status, 431, "... and 431 with a header that is too long");
		is_text(rs->detail, "Too long.", "... and says so");
	}
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");

	matching(mem);
	methods(mem);
	errors(mem);
	unknown(mem);
	types(mem);
	leaving(mem);
	order(mem);
	too_long(mem);
	return done_testing();
}
