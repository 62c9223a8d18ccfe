#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"

/*
 * The one outgoing HTTP client (send/provider_* have their own because they must never
 * let libcurl repeat a POST).  https only, no redirects, no proxy, no netrc; the
 * connected address is checked: private, loopback, link-local and unique-local are
 * refused, unless allow_loopback is set and the host is loopback.
 */
struct http_fetch {
	const char *method, *url, *body, *content_type;
	const char *const *headers; /* "Name: value", NULL-terminated, or NULL */
	size_t max;                 /* bytes of answer; 0 = 1 MiB */
	int timeout_ms;             /* 0 = 5 s */
	bool allow_loopback;
	/* of the configuration only: hosts that may be anywhere, and their roots */
	const char *own_hosts, *ca_file; /* NULL: none */
};
struct http_answer {
	int status;
	struct buf *body;
	const char *content_type;
	const char *why; /* sentence when the call failed */
};
enum err http_fetch(void *mem, const struct log *lg, const struct http_fetch *f,
    struct http_answer *out) MUST_CHECK;
