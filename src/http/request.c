#include "http/request.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/body.h"

static const char *const names[] = {
	[GET] = "GET",
	[POST] = "POST",
	[PUT] = "PUT",
	[PATCH] = "PATCH",
	[DELETE] = "DELETE",
	[HEAD] = "HEAD",
	[OPTIONS] = "OPTIONS",
	[METHOD_OTHER] = "other",
};

enum { SEGMENTS_MAX = 32 };

const char *method_name(enum method m)
{
	return names[m];
}

enum method method_from(const char *name)
{
	for (int m = GET; m < METHOD_OTHER; m++)
		if (text_equal(name, names[m]))
			return m;
	return METHOD_OTHER;
}

struct request *request_new(void *mem)
{
	struct request *rq = mem_new(mem, struct request);

	rq->id = rq->path = rq->target = "";
	rq->ip = rq->agent = rq->referer = rq->origin = rq->host = rq->accept = "";
	rq->content_type = "";
	rq->query = form_new(rq);
	rq->form = form_new(rq);
	rq->cookies = json_obj(rq);
	return rq;
}

void request_refuse(struct request *rq, enum err e, const char *why)
{
	if (rq->broken != OK)
		return;
	rq->broken = e;
	rq->broken_why = why;
}

static enum err broken(struct request *rq, enum err e, const char *why)
{
	request_refuse(rq, e, why);
	return e;
}

/* Decodes the segments of a path of n bytes; false on a bad escape or too many. */
static bool split(struct request *rq, const char *path, size_t n)
{
	char **out = mem_array(rq, char *, SEGMENTS_MAX);
	const char *end = path + n;
	size_t len;

	while (path < end) {
		const char *stop;

		path++; /* the slash */
		stop = memchr(path, '/', (size_t)(end - path));
		if (stop == NULL)
			stop = end;
		if (stop == path && stop == end)
			break; /* one slash at the end */
		if (rq->nsegments == SEGMENTS_MAX)
			return false;
		if (!url_decode(rq, path, (size_t)(stop - path), false,
			&out[rq->nsegments], &len))
			return false;
		if (!text_is_utf8(out[rq->nsegments], len))
			return false;
		rq->nsegments++;
		path = stop;
	}
	rq->segments = (const char *const *)out;
	return true;
}

static const char *join(struct request *rq)
{
	struct buf *b = buf_new(rq);

	for (size_t i = 0; i < rq->nsegments; i++) {
		buf_char(b, '/');
		buf_str(b, rq->segments[i]);
	}
	if (b->len == 0)
		buf_char(b, '/');
	return b->data;
}

enum err request_set_target(struct request *rq, const char *uri)
{
	const char *query, *why = NULL;
	enum err e;
	size_t n;

	rq->path = "/";
	if (uri == NULL || uri[0] != '/')
		return broken(rq, ERR_MALFORMED, "The address is not a path.");
	n = strnlen(uri, TARGET_MAX + 1);
	rq->api = text_starts(uri, "/api/v1/");
	if (n > TARGET_MAX)
		return broken(rq, ERR_HEAD_TOO_LARGE,
		    "The address of this request is longer than 8 KB, the most that is "
		    "taken.");
	rq->target = mem_str(rq, uri);
	query = strchr(uri, '?');
	if (query != NULL)
		n = (size_t)(query - uri);
	if (!split(rq, uri, n)) {
		rq->nsegments = 0;
		return broken(rq, ERR_MALFORMED, "The address cannot be read.");
	}
	rq->api = rq->nsegments >= 2 && text_equal(rq->segments[0], "api") &&
	    text_equal(rq->segments[1], "v1");
	if (rq->api) {
		rq->segments += 2;
		rq->nsegments -= 2;
	}
	rq->path = join(rq);
	if (query == NULL)
		return OK;
	e = body_urlencoded(rq->query, query + 1, strlen(query + 1), &why);
	return e == OK ? OK : broken(rq, e, why);
}

const char *request_cookie(const struct request *rq, const char *name)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "cookie");

	if (rq->secure)
		name = mem_printf(tmp, "__Host-%s", name);
	return json_text(rq->cookies, name, NULL);
}
