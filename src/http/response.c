#include "http/response.h"

#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

struct response *response_new(struct request *rq)
{
	struct response *rs = mem_new(rq, struct response);

	rs->rq = rq;
	return rs;
}

static const struct {
	int status;
	const char *title;
} titles[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 409, "Conflict" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 503, "Service Unavailable" },
	{ 507, "Insufficient Storage" },
};

const char *status_title(int status)
{
	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Error";
}

static struct response_header *find(const struct response *rs, const char *name)
{
	struct response_header *h = rs->headers;

	while (h != NULL && !text_equal_nocase(h->name, name))
		h = h->next;
	return h;
}

const char *response_get(const struct response *rs, const char *name)
{
	struct response_header *h = find(rs, name);

	return h ? h->value : NULL;
}

void response_header(struct response *rs, const char *name, const char *fmt, ...)
{
	struct response_header *h = find(rs, name);
	va_list ap;
	char *value;

	va_start(ap, fmt);
	value = mem_vprintf(rs, fmt, ap);
	va_end(ap);
	for (char *c = value; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	if (h == NULL || text_equal_nocase(name, "Set-Cookie")) {
		h = mem_new(rs, struct response_header);
		h->next = rs->headers;
		rs->headers = h;
	}
	h->name = mem_str(rs, name);
	h->value = value;
}

enum err respond(struct response *rs, struct json_object *model)
{
	rs->model = model;
	return OK;
}

static enum err moved(struct response *rs, struct json_object *model, char *path,
    int api)
{
	rs->model = model;
	rs->location = path;
	if (rs->status == 0)
		rs->status = rs->rq->api ? api : 303;
	return OK;
}

enum err respond_seen(struct response *rs, struct json_object *model, const char *path,
    ...)
{
	va_list ap;
	char *to;

	va_start(ap, path);
	to = mem_vprintf(rs, path, ap);
	va_end(ap);
	return moved(rs, model, to, model ? 200 : 204);
}

enum err respond_made(struct response *rs, struct json_object *model, const char *path,
    ...)
{
	va_list ap;
	char *to;

	va_start(ap, path);
	to = mem_vprintf(rs, path, ap);
	va_end(ap);
	if (rs->rq->api)
		response_header(rs, "Location", "/api/v1%s", to);
	return moved(rs, model, to, 201);
}

void respond_flash(struct response *rs, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	rs->flash = mem_vprintf(rs, fmt, ap);
	va_end(ap);
}

enum err respond_error(struct response *rs, enum err e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	rs->detail = mem_vprintf(rs, fmt, ap);
	va_end(ap);
	return e;
}

enum err respond_body(struct response *rs, const char *type, const char *data,
    size_t len)
{
	rs->type = type;
	rs->body = buf_new(rs);
	buf_add(rs->body, data, len);
	return OK;
}

void response_cookie(struct response *rs, const char *name, const char *value,
    int max_age)
{
	const char *prefix = rs->rq->secure ? "__Host-" : "";
	const char *secure = rs->rq->secure ? "; Secure" : "";
	char *age = "";

	if (max_age != 0)
		age = mem_printf(rs, "; Max-Age=%d", max_age < 0 ? 0 : max_age);
	response_header(rs, "Set-Cookie", "%s%s=%s; Path=/; HttpOnly; SameSite=Lax%s%s",
	    prefix, name, max_age < 0 ? "" : value, secure, age);
}
