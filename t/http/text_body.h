#pragma once

#include <string.h>

#include "base/mem.h"
#include "http/receive.h"

/* A body in memory, which waits to be read as one behind a connection does. */
struct text_body {
	struct body_source source;
	const char *s;
	size_t n;
};

static inline size_t text_body_read(void *ctx, char *to, size_t n)
{
	struct text_body *t = ctx;
	size_t k = n < t->n ? n : t->n;

	memcpy(to, t->s, k);
	t->s += k;
	t->n -= k;
	return k;
}

/* Gives rq n bytes of a type; dir is for uploads. */
static inline struct body_source *text_body(struct request *rq, const char *type,
    const char *s, size_t n)
{
	struct text_body *t = mem_new(rq, struct text_body);

	*t = (struct text_body){ .s = s, .n = n };
	t->source = (struct body_source){ .read = text_body_read,
		.ctx = t,
		.length = mem_printf(rq, "%zu", n),
		.dir = "/tmp" };
	rq->content_type = type;
	rq->source = &t->source;
	return rq->source;
}
