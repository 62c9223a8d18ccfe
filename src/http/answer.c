#include "http/answer.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/*
 * No script, style or frame but ours; nginx adds the headers that are the same
 * everywhere.
 */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'";

/* What to tell when nobody said more. */
static const char *const sentences[ERR_COUNT] = {
	[ERR_INVALID] = "Some fields need another look.",
	[ERR_MALFORMED] = "The request cannot be read.",
	[ERR_UNAUTHENTICATED] = "Sign in, or send a valid API key.",
	[ERR_FORBIDDEN] = "You are not allowed to do this.",
	[ERR_NOTFOUND] = "There is nothing at this address.",
	[ERR_METHOD] = "This address does not know this method.",
	[ERR_CONFLICT] = "This does not fit what is there already.",
	[ERR_TOO_LARGE] = "What was sent is larger than allowed here.",
	[ERR_TYPE] = "This kind of content cannot be read here.",
	[ERR_LIMITED] = "Too many tries. Wait a little, then try again.",
	[ERR_HEAD_TOO_LARGE] =
	    "The address or a header of this request is longer than is taken here.",
	[ERR_BUSY] =
	    "The database is busy right now. Nothing was changed; try again shortly.",
	[ERR_FULL] = "The server's disk is full. Nothing was changed.",
};

enum { BUSY_RETRY_S = 5 };

static bool wants_page(const struct request *rq)
{
	const struct route *r = rq->route;

	if (rq->api)
		return false;
	if (r != NULL && r->page != NULL)
		return true;
	if (r != NULL && (r->flags & ROUTE_RAW))
		return strstr(rq->accept, "text/html") != NULL;
	return true;
}

/*
 * What is not the caller's doing: the request's id finds the line in the log that says
 * why.
 */
static const char *own_fault(struct request *rq)
{
	return mem_printf(rq,
	    "An error inside Maillayer stopped this. Its log has the reason "
	    "under %s.",
	    rq->id);
}

static void set_json(struct response *rs, const char *type, struct json_object *o)
{
	char *text = json_write(rs, o);

	respond_body(rs, type, text, strlen(text));
}

/* The first sentence at any field: for a page that has no form to show. */
static const char *first_sentence(const struct form *f)
{
	struct json_object *errors = form_errors(f);

	if (errors == NULL)
		return NULL;
	json_object_object_foreach (errors, field, sentence) {
		(void)field;
		return json_object_get_string(sentence);
	}
	return NULL;
}

static void problem(struct request *rq, struct response *rs, enum err e)
{
	struct json_object *o = json_obj(rs);
	struct json_object *errors = form_errors(rq->form);

	json_set_text(o, "type", err_name(e));
	json_set_text(o, "title", status_title(rs->status));
	json_set_int(o, "status", rs->status);
	json_set_text(o, "detail", rs->detail);
	if ((e == ERR_INVALID || e == ERR_CONFLICT) && !form_ok(rq->form))
		json_set(o, "errors", errors);
	set_json(rs, "application/problem+json", o);
}

static void render(const struct site *site, struct request *rq, struct response *rs,
    enum err e)
{
	rs->body = NULL;
	rs->type = "text/html; charset=utf-8";
	if (site->page != NULL)
		site->page(rq, rs, e);
	if (rs->body != NULL)
		return;
	if (rs->status < 400)
		rs->status = 500;
	rs->detail = rs->detail ? rs->detail : own_fault(rq);
	respond_body(rs, "text/plain; charset=utf-8", rs->detail, strlen(rs->detail));
	buf_char(rs->body, '\n');
}

/* Shows the form again with what was typed; false if this error is not for the form. */
static bool ask_again(const struct site *site, struct request *rq, struct response *rs,
    enum err e)
{
	const struct route *r = rq->route;
	bool form = e == ERR_INVALID ||
	    (rs->detail != NULL && (e == ERR_CONFLICT || e == ERR_LIMITED));

	if (!form || rq->api || r == NULL || r->again == NULL || r->page == NULL)
		return false;
	if (text_equal(rs->page, "error"))
		return false;
	if (r->again(rq, rs) != OK)
		return false;
	rs->status = err_status(e);
	rs->page = r->page;
	render(site, rq, rs, e);
	return true;
}

static void redirect(struct request *rq, struct response *rs, enum err e)
{
	if (e != OK && rq->htmx) {
		/*
		 * a swapped-in sign-in form would look lost: the whole page goes there
		 */
		response_header(rs, "HX-Redirect", "%s", rs->location);
		rs->status = err_status(e);
	} else {
		response_header(rs, "Location", "%s", rs->location);
		rs->status = 303;
	}
	if (rs->body == NULL)
		respond_body(rs, NULL, "", 0);
}

static void answer_error(const struct site *site, struct request *rq,
    struct response *rs, enum err e)
{
	if (e == ERR_BUSY && rs->retry_after == 0)
		rs->retry_after = BUSY_RETRY_S;
	rs->body = NULL;
	if (rs->location != NULL && !rq->api) {
		redirect(rq, rs, e);
		return;
	}
	if (ask_again(site, rq, rs, e))
		return;
	rs->status = err_status(e);
	if (rs->detail == NULL && (e == ERR_INVALID || e == ERR_CONFLICT))
		rs->detail = first_sentence(rq->form);
	if (rs->detail == NULL)
		rs->detail = sentences[e] ? sentences[e] : own_fault(rq);
	if (!wants_page(rq)) {
		problem(rq, rs, e);
		return;
	}
	/* without a session only a page made for it is shown */
	if (e != ERR_UNAUTHENTICATED || rs->page == NULL)
		rs->page = "error";
	render(site, rq, rs, e);
}

static void answer_ok(const struct site *site, struct request *rq, struct response *rs)
{
	const char *page = rs->page ? rs->page : rq->route->page;

	if (rs->body != NULL)
		return;
	if (rs->location != NULL && !rq->api) {
		redirect(rq, rs, OK);
		return;
	}
	if (page != NULL && !rq->api) {
		rs->page = page;
		rs->status = rs->status ? rs->status : 200;
		render(site, rq, rs, OK);
		return;
	}
	if (rs->model != NULL) {
		set_json(rs, "application/json", rs->model);
		return;
	}
	rs->status = rs->status ? rs->status : 204;
	respond_body(rs, NULL, "", 0);
}

static void set_default(struct response *rs, const char *name, const char *value)
{
	if (response_get(rs, name) == NULL)
		response_header(rs, name, "%s", value);
}

void answer(const struct site *site, struct request *rq, struct response *rs,
    enum err e)
{
	if (e == OK)
		answer_ok(site, rq, rs);
	else
		answer_error(site, rq, rs, e);
	if (rs->status == 0)
		rs->status = 200;
	if (rs->retry_after > 0)
		response_header(rs, "Retry-After", "%d", rs->retry_after);
	if (e == ERR_UNAUTHENTICATED && rq->api)
		set_default(rs, "WWW-Authenticate", "Bearer");
	set_default(rs, "Content-Security-Policy", policy);
	set_default(rs, "Cache-Control", "no-store");
}
