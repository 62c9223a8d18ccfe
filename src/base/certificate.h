#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * A PEM file whose first certificate is the signer's and whose others, if any, lead to
 * a root the system trusts.
 */
struct certificate {
	const char *pem;
	size_t len;
	/* host names it may be made out to, NULL-terminated */
	const char *const *names;
	const char *ca_file; /* more roots; NULL or "": the system's only */
	int64_t now;         /* UTC ms, for its dates */
	/*
	 * It came over a verified TLS connection from its owner: a file that holds the
	 * signer alone, without the one that issued it, is then good enough.
	 */
	bool from_owner;
};

/*
 * ERR_FORBIDDEN with *why (static or owned by mem): unreadable, not signed by a root we
 * know, not valid now, made out to another name.
 */
enum err certificate_check(void *mem, const struct certificate *c,
    const char **why) MUST_CHECK;

/* A signature over `text`: RSA, PKCS #1 v1.5, SHA-256 or, if sha1, SHA-1. */
struct signature {
	const char *text;
	size_t text_len;
	const uint8_t *data;
	size_t len;
	bool sha1;
};
/* By the key of the first certificate of the file. */
bool certificate_signed(const struct certificate *c, const struct signature *s);
