#pragma once

#include "app.h"
#include "service/sns.h"

/* A message and the region of its topic, which must be on the brand's list already. */
struct sns_claim {
	const struct sns_message *message;
	const char *region;
	int64_t now;
};

/*
 * Is the message Amazon's own?  The certificate is fetched from the host of the topic's
 * region alone, once in a while, and checked as base/certificate.h says.  ERR_FORBIDDEN
 * with *why: no; ERR_BUSY: cannot be told now.
 */
enum err sns_trust(struct app *app, void *mem, const struct sns_claim *c,
    const char **why) MUST_CHECK;

/* Tells Amazon that the subscription of a trusted message is wanted.  ERR_BUSY. */
enum err sns_confirm(struct app *app, void *mem, const struct sns_claim *c) MUST_CHECK;
