#pragma once

/*
 * The one error type.  Whoever finds an error logs it once; callers pass it up,
 * and http/router maps it to a status.  Text for a person goes to the form.
 */
enum err {
	OK,
	/* 422: a field is wrong; the form holds the sentences */
	ERR_INVALID,
	ERR_MALFORMED,       /* 400: cannot be read at all */
	ERR_UNAUTHENTICATED, /* 401 */
	ERR_FORBIDDEN,       /* 403 */
	ERR_NOTFOUND,        /* 404; also an object of another brand */
	ERR_METHOD,          /* 405 */
	ERR_CONFLICT,        /* 409: unique constraint, or the state forbids it */
	ERR_TOO_LARGE,       /* 413 */
	ERR_TYPE,            /* 415 */
	ERR_LIMITED,         /* 429: rate limit */
	ERR_HEAD_TOO_LARGE,  /* 431: a header, or the address */
	ERR_BUSY,            /* 503: database locked or not reachable, overload */
	ERR_FULL,            /* 507: disk full */
	ERR_IO,              /* 500: file or network */
	ERR_DB,              /* 500: the database refused a statement of ours */
	ERR_INTERNAL,        /* 500 */
	ERR_COUNT
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* "invalid", "not_found" ...: for logs and problem+json "type". */
const char *err_name(enum err e);
/* HTTP status code of `e`; 200 for OK. */
int err_status(enum err e);
