#include "http/receive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "http/body.h"
#include "http/router.h"

enum { PIECE = 64 * 1024 };

static const char form[] = "application/x-www-form-urlencoded";
static const char parts[] = "multipart/form-data";
static const char json[] = "application/json";

size_t receive_most(const struct request *rq)
{
	unsigned flags = rq->route->flags;

	if (flags & ROUTE_NOTICE)
		return BODY_NOTICE_MAX;
	if (!rq->known)
		return BODY_STRANGER_MAX;
	if (flags & ROUTE_BIG)
		return BODY_BIG_MAX;
	return flags & ROUTE_LARGE ? BODY_LARGE_MAX : BODY_MAX;
}

/* ---- before a byte is read ---- */

static enum err fail(const char **why, enum err e, const char *sentence)
{
	*why = sentence;
	return e;
}

/* Pages send forms, the API is sent JSON as well, and a file comes in parts. */
static enum err check_type(const struct request *rq, const char **why)
{
	const char *type = rq->content_type;
	unsigned flags = rq->route->flags;

	if (flags & ROUTE_RAW || body_is(type, parts))
		return OK;
	if (flags & ROUTE_BIG)
		return fail(why, ERR_TYPE, "Send the file as multipart/form-data.");
	if (body_is(type, form) || (rq->api && body_is(type, json)))
		return OK;
	return fail(why, ERR_TYPE,
	    rq->api ? "Send application/json, application/x-www-form-urlencoded "
		      "or multipart/form-data."
		    : "Send application/x-www-form-urlencoded or multipart/form-data.");
}

static enum err too_large(struct request *rq, const char **why)
{
	size_t most = receive_most(rq);

	*why = mem_printf(rq,
	    "What was sent is larger than %zu %s, the most that is taken here.",
	    most >= BODY_MAX ? most >> 20 : most >> 10, most >= BODY_MAX ? "MB" : "KB");
	return ERR_TOO_LARGE;
}

/* *n gets the length; 0: there is nothing to read. */
static enum err check(struct request *rq, size_t *n, const char **why)
{
	const struct body_source *b = rq->source;
	int64_t length = 0;
	enum err e;

	*n = 0;
	if (b->refused)
		return too_large(rq, why);
	if (!text_empty(b->length) && !text_to_int(b->length, 0, INT64_MAX, &length))
		return fail(why, ERR_MALFORMED,
		    "The length of the body cannot be read.");
	if (length == 0)
		return OK;
	e = check_type(rq, why);
	if (e != OK)
		return e;
	if ((uint64_t)length > receive_most(rq))
		return too_large(rq, why);
	*n = (size_t)length;
	return OK;
}

/* ---- reading ---- */

static enum err take(struct body_source *b, char *to, size_t n, const char **why)
{
	size_t got = b->read(b->ctx, to, n);

	b->taken += got;
	return got == n ? OK : fail(why, ERR_MALFORMED, "The body ended too early.");
}

static enum err into_memory(struct request *rq, size_t n, const char **why)
{
	char *text = mem_resize(rq, NULL, n + 1);

	text[n] = '\0';
	rq->body = text;
	return take(rq->source, text, n, why);
}

struct mapped {
	void *p;
	size_t n;
};

static int unmap(struct mapped *m)
{
	munmap(m->p, m->n);
	return 0;
}

static enum err map(struct request *rq, int fd, size_t n)
{
	void *p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
	struct mapped *m;

	if (p == MAP_FAILED)
		return ERR_IO;
	m = mem_new(rq, struct mapped);
	*m = (struct mapped){ .p = p, .n = n };
	mem_on_free(m, unmap);
	rq->body = p;
	return OK;
}

static enum err write_all(int fd, const char *s, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, s, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;
		s += done;
		n -= (size_t)done;
	}
	return OK;
}

static enum err copy(struct request *rq, int fd, size_t n, const char **why)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "piece");
	char *piece = mem_resize(tmp, NULL, PIECE);
	enum err e = OK;

	for (size_t k; e == OK && n > 0; n -= k) {
		k = n < PIECE ? n : PIECE;
		e = take(rq->source, piece, k, why);
		if (e == OK)
			e = write_all(fd, piece, k);
	}
	return e;
}

static enum err into_file(struct request *rq, size_t n, const char **why)
{
	char *name = mem_printf(rq, "%s/upload-XXXXXX", rq->source->dir);
	int fd = mkstemp(name);
	enum err e;

	if (fd < 0)
		return errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;
	unlink(name);
	e = copy(rq, fd, n, why);
	if (e == OK)
		e = map(rq, fd, n);
	close(fd);
	return e;
}

enum err receive_body(struct request *rq, const char **why)
{
	bool file = (rq->route->flags & ROUTE_BIG) != 0;
	size_t n = 0;
	enum err e;

	*why = NULL;
	if (rq->source == NULL || rq->method == GET)
		return OK;
	e = check(rq, &n, why);
	if (e != OK || n == 0)
		return e;
	e = file ? into_file(rq, n, why) : into_memory(rq, n, why);
	if (e == ERR_IO || e == ERR_FULL)
		log_error(&rq->log, "upload.failed", LOG_STR("why", strerror(errno)));
	if (e != OK)
		return e;
	rq->body_len = n;
	if (rq->route->flags & ROUTE_RAW && !body_is(rq->content_type, form) &&
	    !body_is(rq->content_type, parts))
		return OK;
	return body_read(rq, rq->form, rq->content_type, rq->body, n, why);
}
