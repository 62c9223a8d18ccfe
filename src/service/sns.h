#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * What Amazon SNS posts to an endpoint.  No word of it is to be believed until
 * sns_trust.
 */
enum sns_kind { SNS_NOTIFICATION, SNS_SUBSCRIBE, SNS_UNSUBSCRIBE };

enum { SNS_BODY_MAX = 320 * 1024, SNS_ARN_MAX = 400 };

struct sns_message {
	enum sns_kind kind;
	/* never NULL but for subject; token and subscribe_url "" in a notification */
	const char *type, *id, *topic_arn, *subject, *message, *timestamp;
	const char *version, *signature, *cert_url, *token, *subscribe_url;
	int64_t at; /* timestamp, UTC ms */
};

/*
 * ERR_MALFORMED: no JSON, a part missing or of another type, an unknown Type; so also
 * raw delivery.  Owned by mem.
 */
enum err sns_read(void *mem, const char *body, size_t n,
    struct sns_message **out) MUST_CHECK;

/* The region of "arn:aws:sns:eu-west-1:123456789012:name"; NULL if it is not such. */
char *sns_region(void *mem, const char *topic_arn);
/* "sns.eu-west-1.amazonaws.com" */
char *sns_host(void *mem, const char *region);
/* Host names the signer of a region may be made out to; NULL-terminated. */
const char *const *sns_names(void *mem, const char *region);
/* https, the very host of the region, and the one form of path that Amazon uses. */
bool sns_cert_url_good(const char *url, const char *region);
/* https and the very host of the region. */
bool sns_subscribe_url_good(const char *url, const char *region);
/* The exact text that is signed. */
char *sns_signed_text(void *mem, const struct sns_message *m);
