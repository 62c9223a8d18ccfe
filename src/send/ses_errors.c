#include "send/ses_errors.h"

#include <strings.h>

/*
 * Whatever is not about one message is not booked on its recipient.  The names are
 * those of the SES API v2, of Amazon's common errors, and of the retry tables of its
 * SDKs.
 */
const char ses_quota[] = "The daily quota of the Amazon SES account is used up.";
static const char slower[] = "Amazon SES asked to send more slowly.";
static const char unclear[] =
    "Amazon SES had an error: whether it took the message is not known.";
static const char refused[] = "Amazon SES refused this message.";
static const char no_key[] = "Amazon does not know the access key.";
static const char bad_key[] = "Amazon refused the signature: check the access key.";
static const char bad_secret[] =
    "Amazon refused the signature: check the secret access key and this server's "
    "clock.";
static const char bad_clock[] =
    "This server's clock is wrong: Amazon refused the time of the signature.";
static const char expired[] = "The access key has expired.";
static const char forbidden[] =
    "The access key may not send mail (ses:SendEmail, ses:SendBulkTemplatedEmail).";
static const char other[] = "The endpoint does not answer as Amazon SES does.";
static const char busy[] = "Amazon SES was busy with a change.";
static const char suspended[] = "Amazon SES has suspended the account.";
static const char mail_from[] = "The MAIL FROM domain is not verified in Amazon SES.";
static const char no_set[] = "Amazon SES does not know the configuration set.";

static const struct ses_error errors[] = {
	/* Throttled before it was looked at, with whatever status. */
	{ "Throttling", OUTCOME_SLOW, slower },
	{ "ThrottlingException", OUTCOME_SLOW, slower },
	{ "ThrottledException", OUTCOME_SLOW, slower },
	{ "RequestThrottled", OUTCOME_SLOW, slower },
	{ "RequestThrottledException", OUTCOME_SLOW, slower },
	{ "TooManyRequestsException", OUTCOME_SLOW, slower },
	{ "ProvisionedThroughputExceededException", OUTCOME_SLOW, slower },
	{ "TransactionInProgressException", OUTCOME_SLOW, slower },
	{ "RequestLimitExceeded", OUTCOME_SLOW, slower },
	{ "BandwidthLimitExceeded", OUTCOME_SLOW, slower },
	{ "SlowDown", OUTCOME_SLOW, slower },
	{ "EC2ThrottledException", OUTCOME_SLOW, slower },
	{ "PriorRequestNotComplete", OUTCOME_SLOW, slower },
	{ "LimitExceededException", OUTCOME_WAIT,
	    "A limit of the Amazon SES account is reached." },
	/* The account, for a time. */
	{ "AccountSuspendedException", OUTCOME_WAIT, suspended },
	{ "SendingPausedException", OUTCOME_WAIT,
	    "Sending is paused in the Amazon SES account or configuration set." },
	/* The settings, until a person has mended them. */
	{ "MailFromDomainNotVerifiedException", OUTCOME_STOP, mail_from },
	{ "NotFoundException", OUTCOME_STOP, no_set },
	{ "UnrecognizedClientException", OUTCOME_STOP, no_key },
	{ "InvalidClientTokenId", OUTCOME_STOP, no_key },
	{ "InvalidAccessKeyId", OUTCOME_STOP, no_key },
	{ "AuthFailure", OUTCOME_STOP, no_key },
	{ "InvalidSignatureException", OUTCOME_STOP, bad_secret },
	{ "SignatureDoesNotMatch", OUTCOME_STOP, bad_secret },
	{ "IncompleteSignature", OUTCOME_STOP, bad_key },
	{ "IncompleteSignatureException", OUTCOME_STOP, bad_key },
	{ "MissingAuthenticationToken", OUTCOME_STOP, bad_key },
	{ "MissingAuthenticationTokenException", OUTCOME_STOP, bad_key },
	{ "RequestExpired", OUTCOME_STOP, bad_clock },
	{ "RequestInTheFuture", OUTCOME_STOP, bad_clock },
	{ "RequestTimeTooSkewed", OUTCOME_STOP, bad_clock },
	{ "ExpiredToken", OUTCOME_STOP, expired },
	{ "ExpiredTokenException", OUTCOME_STOP, expired },
	{ "AccessDenied", OUTCOME_STOP, forbidden },
	{ "AccessDeniedException", OUTCOME_STOP, forbidden },
	{ "NotAuthorized", OUTCOME_STOP, forbidden },
	{ "NotAuthorizedException", OUTCOME_STOP, forbidden },
	{ "UnauthorizedException", OUTCOME_STOP, forbidden },
	{ "OptInRequired", OUTCOME_STOP,
	    "Amazon SES is not activated for this account." },
	/* What we never ask for: something else answers, or we are too old for it. */
	{ "AlreadyExistsException", OUTCOME_STOP, other },
	{ "InvalidNextTokenException", OUTCOME_STOP, other },
	{ "InvalidAction", OUTCOME_STOP, other },
	{ "MissingAction", OUTCOME_STOP, other },
	{ "InvalidQueryParameter", OUTCOME_STOP, other },
	{ "MalformedQueryString", OUTCOME_STOP, other },
	{ "MalformedHttpRequestException", OUTCOME_STOP, other },
	{ "UnknownOperationException", OUTCOME_STOP, other },
	{ "ConflictException", OUTCOME_LATER, busy },
	/* This message. */
	{ "MessageRejected", OUTCOME_REJECTED, refused },
	{ "BadRequestException", OUTCOME_REJECTED, refused },
	{ "ValidationError", OUTCOME_REJECTED, refused },
	{ "ValidationException", OUTCOME_REJECTED, refused },
	{ "SerializationException", OUTCOME_REJECTED, refused },
	{ "InvalidParameterValue", OUTCOME_REJECTED, refused },
	{ "InvalidParameterCombination", OUTCOME_REJECTED, refused },
	{ "MissingParameter", OUTCOME_REJECTED, refused },
	{ "RequestEntityTooLargeException", OUTCOME_REJECTED, refused },
	/* It had the request, or a part of it, and failed somewhere. */
	{ "ConcurrentModificationException", OUTCOME_DOUBT, unclear },
	{ "InternalFailure", OUTCOME_DOUBT, unclear },
	{ "InternalError", OUTCOME_DOUBT, unclear },
	{ "InternalServerError", OUTCOME_DOUBT, unclear },
	{ "InternalServerErrorException", OUTCOME_DOUBT, unclear },
	{ "InternalServiceError", OUTCOME_DOUBT, unclear },
	{ "InternalServiceErrorException", OUTCOME_DOUBT, unclear },
	{ "ServiceUnavailable", OUTCOME_DOUBT, unclear },
	{ "ServiceUnavailableError", OUTCOME_DOUBT, unclear },
	{ "ServiceUnavailableException", OUTCOME_DOUBT, unclear },
	{ "RequestTimeout", OUTCOME_DOUBT, unclear },
	{ "RequestTimeoutException", OUTCOME_DOUBT, unclear },
	{ "RequestAbortedException", OUTCOME_DOUBT, unclear },
	{ "ConnectionError", OUTCOME_DOUBT, unclear },
	{ "HTTPClientError", OUTCOME_DOUBT, unclear },
};

/* Answers without such a name, the first that fits. */
static const struct {
	long from, to;
	enum outcome outcome;
	const char *reason;
} statuses[] = {
	{ 0, 199, OUTCOME_DOUBT, unclear },
	{ 200, 299, OUTCOME_DOUBT, unclear },
	{ 300, 399, OUTCOME_STOP, other },
	{ 400, 400, OUTCOME_REJECTED, refused },
	{ 401, 401, OUTCOME_STOP, "Amazon refused the access key." },
	{ 403, 403, OUTCOME_STOP, "Amazon refused the access key." },
	/* A request that was half read, or given up by something on the way. */
	{ 408, 408, OUTCOME_DOUBT, unclear },
	{ 460, 460, OUTCOME_DOUBT, unclear },
	{ 499, 499, OUTCOME_DOUBT, unclear },
	{ 409, 409, OUTCOME_LATER, busy },
	/* Not taken on this connection, or not at this moment. */
	{ 421, 421, OUTCOME_LATER, busy },
	{ 423, 423, OUTCOME_LATER, busy },
	{ 425, 425, OUTCOME_LATER, busy },
	{ 413, 413, OUTCOME_REJECTED, refused },
	{ 422, 422, OUTCOME_REJECTED, refused },
	{ 429, 429, OUTCOME_SLOW, slower },
	{ 400, 499, OUTCOME_STOP, other },
	{ 500, 999, OUTCOME_DOUBT, unclear },
};

static const struct ses_error entries[] = {
	{ "MESSAGE_REJECTED", OUTCOME_REJECTED, refused },
	{ "MAIL_FROM_DOMAIN_NOT_VERIFIED", OUTCOME_STOP, mail_from },
	{ "CONFIGURATION_SET_NOT_FOUND", OUTCOME_STOP, no_set },
	{ "CONFIGURATION_SET_DOES_NOT_EXIST", OUTCOME_STOP, no_set },
	{ "TEMPLATE_NOT_FOUND", OUTCOME_STOP,
	    "Amazon SES does not know the template." },
	{ "TEMPLATE_DOES_NOT_EXIST", OUTCOME_STOP,
	    "Amazon SES does not know the template." },
	{ "ACCOUNT_SUSPENDED", OUTCOME_WAIT, suspended },
	{ "ACCOUNT_DAILY_QUOTA_EXCEEDED", OUTCOME_WAIT, ses_quota },
	{ "INVALID_SENDING_POOL_NAME", OUTCOME_STOP,
	    "The sending pool of the configuration set is not valid." },
	{ "ACCOUNT_SENDING_PAUSED", OUTCOME_WAIT,
	    "Sending is paused in the Amazon SES account." },
	{ "CONFIGURATION_SET_SENDING_PAUSED", OUTCOME_WAIT,
	    "Sending is paused in the configuration set." },
	{ "ACCOUNT_THROTTLED", OUTCOME_SLOW, slower },
	{ "TRANSIENT_FAILURE", OUTCOME_RETRY, "Amazon SES had a passing failure." },
	{ "INVALID_PARAMETER", OUTCOME_REJECTED,
	    "Amazon SES refused this message's values." },
	{ "INVALID_PARAMETER_VALUE", OUTCOME_REJECTED,
	    "Amazon SES refused this message's values." },
	{ "FAILED", OUTCOME_REJECTED, "Amazon SES could not send this message." },
	/* No answer about this entry, though the others have theirs. */
	{ "", OUTCOME_DOUBT, unclear },
};

static const struct ses_error *find(const struct ses_error *in, size_t n,
    const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(name, in[i].name) == 0)
			return &in[i];
	return NULL;
}

static struct ses_error by_status(long status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
		if (status >= statuses[i].from && status <= statuses[i].to)
			return (struct ses_error){ "", statuses[i].outcome,
				statuses[i].reason };
	return (struct ses_error){ "", OUTCOME_DOUBT, unclear };
}

/* With an error of the server only what was refused at its door is surely not sent. */
static bool believed(const struct ses_error *e, long status)
{
	return status < 500 || e->outcome == OUTCOME_SLOW ||
	    strcasecmp(e->name, "LimitExceededException") == 0;
}

struct ses_error ses_error_of(long status, const char *name)
{
	const struct ses_error *e =
	    find(errors, sizeof(errors) / sizeof(*errors), name);

	return e && believed(e, status) ? *e : by_status(status);
}

struct ses_error ses_error_of_entry(const char *status)
{
	const struct ses_error *e =
	    find(entries, sizeof(entries) / sizeof(*entries), status);

	return e ? *e
		 : (struct ses_error){ "", OUTCOME_REJECTED,
			   "Amazon SES could not send this message." };
}
