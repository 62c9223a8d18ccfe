#include "base/err.h"

#include <stddef.h>

struct meaning {
	const char *name;
	int status;
};

static const struct meaning meanings[ERR_COUNT] = {
	[OK] = { "ok", 200 },
	[ERR_INVALID] = { "invalid", 422 },
	[ERR_MALFORMED] = { "malformed", 400 },
	[ERR_UNAUTHENTICATED] = { "unauthenticated", 401 },
	[ERR_FORBIDDEN] = { "forbidden", 403 },
	[ERR_NOTFOUND] = { "not_found", 404 },
	[ERR_METHOD] = { "method_not_allowed", 405 },
	[ERR_CONFLICT] = { "conflict", 409 },
	[ERR_TOO_LARGE] = { "too_large", 413 },
	[ERR_TYPE] = { "unsupported_type", 415 },
	[ERR_LIMITED] = { "limited", 429 },
	[ERR_HEAD_TOO_LARGE] = { "head_too_large", 431 },
	[ERR_BUSY] = { "busy", 503 },
	[ERR_FULL] = { "disk_full", 507 },
	[ERR_IO] = { "io", 500 },
	[ERR_DB] = { "database", 500 },
	[ERR_INTERNAL] = { "internal", 500 },
};

static const struct meaning *meaning(enum err e)
{
	return (unsigned)e < ERR_COUNT ? &meanings[e] : &meanings[ERR_INTERNAL];
}

const char *err_name(enum err e)
{
	return meaning(e)->name;
}

int err_status(enum err e)
{
	return meaning(e)->status;
}
