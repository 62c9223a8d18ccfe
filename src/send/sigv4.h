#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * AWS Signature Version 4, our own: libcurl's costs three times as much and signs
 * headers it does not send.  The key of the day is kept, so signing costs two hashes.
 */
struct sigv4 {
	const char *key_id, *secret, *region, *service; /* borrowed */
	char day[9];                                    /* of `key`: "20261124" */
	uint8_t key[32];
};

/* One header to sign; names in lower case, sorted by the caller. */
struct sigv4_header {
	const char *name, *value;
};

struct sigv4_request {
	const char *method;
	const char *path;  /* encoded as it is sent; "" is "/" */
	const char *query; /* canonical already: sorted, encoded; "" for none */
	const struct sigv4_header *headers; /* host and x-amz-date among them */
	size_t nheaders;
	const char *body_hash; /* hex SHA-256 of the body */
	const char *date;      /* "20261124T090000Z", as in x-amz-date */
};

enum { SIGV4_DATE = 17, SIGV4_HASH = 65, SIGV4_AUTH = 512 };

/* UTC milliseconds as x-amz-date. */
void sigv4_date(int64_t now, char out[SIGV4_DATE]);
/* Hex SHA-256 of n bytes. */
void sigv4_hash(const void *p, size_t n, char out[SIGV4_HASH]);
/* The value of the Authorization header. ERR_TOO_LARGE if it does not fit. */
enum err sigv4_sign(struct sigv4 *s, const struct sigv4_request *r,
    char out[SIGV4_AUTH]) MUST_CHECK;
