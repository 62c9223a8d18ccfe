#include "send/ses.h"

#include <string.h>

#include "base/mem.h"
#include "tap.h"

/* Every class of answer that SES API v2 names. */
static const struct {
	long status;
	const char *type, *body;
	enum outcome outcome;
	const char *says; /* part of the reason */
} cases[] = {
	{ 200, NULL, "{\"MessageId\":\"m1\"}", OUTCOME_ACCEPTED, NULL },
	{ 200, NULL, "{\"MessageId\":\"\"}", OUTCOME_DOUBT, "message id" },
	{ 200, NULL, "{\"MessageId\":\"m", OUTCOME_DOUBT, "message id" },
	{ 200, NULL, "", OUTCOME_DOUBT, "message id" },
	{ 429, "TooManyRequestsException",
	    "{\"message\":\"Maximum sending rate exceeded.\"}", OUTCOME_SLOW,
	    "slowly" },
	{ 400, "ThrottlingException",
	    "{\"message\":\"Maximum sending rate exceeded.\"}", OUTCOME_SLOW,
	    "slowly" },
	{ 429, NULL, "{\"message\":\"Daily message quota exceeded\"}", OUTCOME_WAIT,
	    "daily quota" },
	{ 400, "AccountSuspendedException", "{}", OUTCOME_WAIT, "suspended" },
	{ 400, "SendingPausedException", "{}", OUTCOME_WAIT, "paused" },
	{ 400, "LimitExceededException", "{}", OUTCOME_WAIT, "limit" },
	{ 400, "MailFromDomainNotVerifiedException", "{}", OUTCOME_STOP, "MAIL FROM" },
	{ 400, "MessageRejected",
	    "{\"message\":\"Email address is not verified. x@y.test\"}", OUTCOME_STOP,
	    "x@y.test" },
	{ 400, "MessageRejected", "{\"Message\":\"Spam\"}", OUTCOME_REJECTED, "Spam" },
	{ 400, NULL, "{\"__type\":\"com.amazonaws.ses#MessageRejected\"}",
	    OUTCOME_REJECTED, "refused this message" },
	{ 400, "BadRequestException:http://internal.amazon.com/",
	    "{\"message\":\"Bad\"}", OUTCOME_REJECTED, "Bad" },
	{ 404, "NotFoundException", "{}", OUTCOME_STOP, "configuration set" },
	{ 404, NULL, "<UnknownOperationException/>", OUTCOME_STOP, "endpoint" },
	{ 403, "SignatureDoesNotMatch", "{}", OUTCOME_STOP, "clock" },
	{ 403, "InvalidSignatureException", "{}", OUTCOME_STOP, "secret access key" },
	{ 400, "UnrecognizedClientException", "{}", OUTCOME_STOP, "access key" },
	{ 403, NULL, "", OUTCOME_STOP, "access key" },
	{ 400, "ExpiredTokenException", "{}", OUTCOME_STOP, "expired" },
	{ 403, "AccessDeniedException", "{}", OUTCOME_STOP, "ses:SendEmail" },
	{ 500, "InternalServiceErrorException", "{}", OUTCOME_DOUBT, "not known" },
	{ 500, "ConcurrentModificationException", "{}", OUTCOME_DOUBT, "not known" },
	{ 502, NULL, "<html>", OUTCOME_DOUBT, "not known" },
	{ 301, NULL, "", OUTCOME_STOP, "endpoint" },
	{ 409, "ConflictException", "{}", OUTCOME_LATER, "busy" },
};

static const struct {
	const char *status;
	enum outcome outcome;
} entries[] = {
	{ "MESSAGE_REJECTED", OUTCOME_REJECTED },
	{ "MAIL_FROM_DOMAIN_NOT_VERIFIED", OUTCOME_STOP },
	{ "CONFIGURATION_SET_NOT_FOUND", OUTCOME_STOP },
	{ "CONFIGURATION_SET_DOES_NOT_EXIST", OUTCOME_STOP },
	{ "TEMPLATE_NOT_FOUND", OUTCOME_STOP },
	{ "TEMPLATE_DOES_NOT_EXIST", OUTCOME_STOP },
	{ "ACCOUNT_SUSPENDED", OUTCOME_WAIT },
	{ "ACCOUNT_THROTTLED", OUTCOME_SLOW },
	{ "ACCOUNT_DAILY_QUOTA_EXCEEDED", OUTCOME_WAIT },
	{ "INVALID_SENDING_POOL_NAME", OUTCOME_STOP },
	{ "ACCOUNT_SENDING_PAUSED", OUTCOME_WAIT },
	{ "CONFIGURATION_SET_SENDING_PAUSED", OUTCOME_WAIT },
	{ "INVALID_PARAMETER", OUTCOME_REJECTED },
	{ "INVALID_PARAMETER_VALUE", OUTCOME_REJECTED },
	{ "TRANSIENT_FAILURE", OUTCOME_RETRY },
	{ "FAILED", OUTCOME_REJECTED },
	{ "SOMETHING_NEW", OUTCOME_REJECTED },
	{ "", OUTCOME_DOUBT },
};

/*
 * Every error name that Amazon's SDKs and the SES API v2 know, by what must come of it:
 * with a refusal (400), with its own status, and with an error of the server (503).
 */
static const struct {
	enum outcome refused, failed; /* with 4xx, with 5xx */
	const char *const names[32];
} classes[] = {
	{ OUTCOME_SLOW, OUTCOME_SLOW,
	    { "Throttling", "ThrottlingException", "ThrottledException",
		"RequestThrottledException", "RequestThrottled",
		"TooManyRequestsException", "ProvisionedThroughputExceededException",
		"TransactionInProgressException", "RequestLimitExceeded",
		"BandwidthLimitExceeded", "SlowDown", "EC2ThrottledException",
		"PriorRequestNotComplete" } },
	{ OUTCOME_WAIT, OUTCOME_WAIT, { "LimitExceededException" } },
	{ OUTCOME_WAIT, OUTCOME_DOUBT,
	    { "AccountSuspendedException", "SendingPausedException" } },
	{ OUTCOME_DOUBT, OUTCOME_DOUBT,
	    { "RequestTimeout", "RequestTimeoutException", "ConnectionError",
		"HTTPClientError", "InternalFailure", "InternalError",
		"InternalServerError", "InternalServerErrorException",
		"InternalServiceError", "InternalServiceErrorException",
		"ConcurrentModificationException", "ServiceUnavailable",
		"ServiceUnavailableException", "ServiceUnavailableError",
		"RequestAbortedException" } },
	{ OUTCOME_STOP, OUTCOME_DOUBT,
	    { "MailFromDomainNotVerifiedException", "NotFoundException",
		"UnrecognizedClientException", "InvalidClientTokenId",
		"InvalidAccessKeyId", "AuthFailure", "InvalidSignatureException",
		"SignatureDoesNotMatch", "IncompleteSignature",
		"MissingAuthenticationToken", "RequestExpired", "RequestInTheFuture",
		"RequestTimeTooSkewed", "ExpiredToken", "ExpiredTokenException",
		"AccessDenied", "AccessDeniedException", "NotAuthorized",
		"UnauthorizedException", "OptInRequired", "AlreadyExistsException",
		"InvalidNextTokenException", "InvalidAction", "MissingAction",
		"MalformedQueryString", "MalformedHttpRequestException",
		"UnknownOperationException" } },
	{ OUTCOME_LATER, OUTCOME_DOUBT, { "ConflictException" } },
	{ OUTCOME_REJECTED, OUTCOME_DOUBT,
	    { "MessageRejected", "BadRequestException", "ValidationError",
		"ValidationException", "SerializationException",
		"InvalidParameterValue", "InvalidParameterCombination",
		"MissingParameter", "RequestEntityTooLargeException" } },
};

static enum outcome of_status(long status)
{
	switch (status) {
	case 400:
	case 413:
	case 422: return OUTCOME_REJECTED;
	case 408:
	case 460:
	case 499: return OUTCOME_DOUBT;
	case 409:
	case 421:
	case 423:
	case 425: return OUTCOME_LATER;
	case 429: return OUTCOME_SLOW;
	default: return status < 500 ? OUTCOME_STOP : OUTCOME_DOUBT;
	}
}

static enum outcome judged(void *mem, long status, const char *type)
{
	struct ses_verdict v = ses_answer(mem, status, type, "{}", 2);

	return v.reason && *v.reason ? v.outcome : OUTCOME_NONE;
}

static void test_statuses(void *mem)
{
	for (long status = 400; status <= 599; status++) {
		is_int(judged(mem, status, NULL), of_status(status),
		    "ses_answer judges %ld without a name", status);
		is_int(judged(mem, status, "NobodyKnowsException"), of_status(status),
		    "ses_answer judges %ld with an unknown name", status);
	}
}

static void test_names(void *mem)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		for (const char *const *name = classes[i].names; *name; name++) {
			int wrong = 0;

			for (long s = 400; s <= 599; s++)
				wrong += judged(mem, s, *name) !=
				    (s < 500 ? classes[i].refused : classes[i].failed);
			is_int(wrong, 0, "ses_answer judges %s with any status", *name);
		}
	}
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");
	struct ses_verdict v;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		v = ses_answer(mem, cases[i].status, cases[i].type, cases[i].body,
		    strlen(cases[i].body));
		is_int(v.outcome, cases[i].outcome, "ses_answer judges %ld %s %s",
		    cases[i].status, cases[i].type ? cases[i].type : "-",
		    cases[i].body);
		if (cases[i].says)
			ok(v.reason && strstr(v.reason, cases[i].says),
			    "and says why: %s", v.reason);
		else
			is_text(v.message_id, "m1", "and gives the message id");
	}
	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		v = ses_entry(mem, entries[i].status, NULL, NULL);
		is_int(v.outcome, entries[i].outcome, "ses_entry judges %s",
		    entries[i].status);
	}
	v = ses_entry(mem, "SUCCESS", "m1", NULL);
	is_int(v.outcome, OUTCOME_ACCEPTED, "ses_entry takes a success");
	is_text(v.message_id, "m1", "with its message id");
	is_int(ses_entry(mem, "SUCCESS", NULL, NULL).outcome, OUTCOME_DOUBT,
	    "ses_entry doubts a success without a message id");
	is_int(ses_entry(mem, "SUCCESS", "", NULL).outcome, OUTCOME_DOUBT,
	    "ses_entry doubts a success with an empty one");
	test_statuses(mem);
	test_names(mem);
	v = ses_entry(mem, "MESSAGE_REJECTED", NULL, "Email address is not verified");
	is_int(v.outcome, OUTCOME_STOP,
	    "ses_entry stops when the sender is not verified");
	return done_testing();
}
