#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/form.h"

/* Values of a multipart body: bytes of all that are no files. */
enum {
	BODY_FIELDS_MAX = 256,
	BODY_PARTS_MAX = 64,
	BODY_VALUES_MAX = 8 * 1024 * 1024,
};

/*
 * Reads a request body of any of the three kinds into f: urlencoded,
 * multipart/form-data, JSON (an object).  Files of a multipart body point into `body`,
 * which must outlive f. ERR_TYPE for another content type, ERR_MALFORMED for what
 * cannot be read, ERR_TOO_LARGE past the limits above; *why is then a sentence owned by
 * mem (JSON: with the position). An empty body is OK whatever its type.
 */
enum err body_read(void *mem, struct form *f, const char *type, const char *body,
    size_t len, const char **why) MUST_CHECK;

/* One kind each. *why is static. */
enum err body_urlencoded(struct form *f, const char *s, size_t n,
    const char **why) MUST_CHECK;
enum err body_multipart(struct form *f, const char *type, const char *s, size_t n,
    const char **why) MUST_CHECK;
/* True if the content type (parameters aside) is `want`. */
bool body_is(const char *type, const char *want);
