#pragma once

#include "base/err.h"
#include "model/contact.h"

/*
 * One mail address of a contact.  `email` is what people see: trimmed, the domain in
 * lower case and in its own script.  `key` is what it is compared by: all lower case,
 * the domain in its IDNA (xn--) form; uniqueness and suppression use it.
 */
struct address {
	const char *email, *key;
};

/*
 * Both parts are owned by mem.  ERR_INVALID with *why, a sentence for a person (owned
 * by mem): no @, spaces, a comma in the domain, two @, too long, letters before the @
 * that Amazon SES cannot send to ...
 */
enum err address_parse(void *mem, const char *text, struct address *out,
    const char **why) MUST_CHECK;

/*
 * The form for a mail header or a provider: local part as written, domain in IDNA form.
 * `email` as address_parse made it; anything else comes back as it is.
 */
char *address_wire(void *mem, const char *email);
/* A domain in IDNA form, in lower case; NULL if it has none. */
char *address_domain(void *mem, const char *domain);
