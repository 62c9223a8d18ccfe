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
	{ 429, NULL, "{\"message\":\"Daily message quota exceeded\"}", OUTCOME_QUOTA,
	    "daily quota" },
	{ 400, "AccountSuspendedException", "{}", OUTCOME_STOP, "suspended" },
	{ 400, "SendingPausedException", "{}", OUTCOME_STOP, "paused" },
	{ 400, "LimitExceededException", "{}", OUTCOME_STOP, "limit" },
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
	{ 409, "ConflictException", "{}", OUTCOME_RETRY, "busy" },
};

static const struct {
	const char *status;
	enum outcome outcome;
} entries[] = {
	{ "SUCCESS", OUTCOME_ACCEPTED },
	{ "MESSAGE_REJECTED", OUTCOME_REJECTED },
	{ "MAIL_FROM_DOMAIN_NOT_VERIFIED", OUTCOME_STOP },
	{ "CONFIGURATION_SET_NOT_FOUND", OUTCOME_STOP },
	{ "CONFIGURATION_SET_DOES_NOT_EXIST", OUTCOME_STOP },
	{ "TEMPLATE_NOT_FOUND", OUTCOME_STOP },
	{ "TEMPLATE_DOES_NOT_EXIST", OUTCOME_STOP },
	{ "ACCOUNT_SUSPENDED", OUTCOME_STOP },
	{ "ACCOUNT_THROTTLED", OUTCOME_SLOW },
	{ "ACCOUNT_DAILY_QUOTA_EXCEEDED", OUTCOME_QUOTA },
	{ "INVALID_SENDING_POOL_NAME", OUTCOME_STOP },
	{ "ACCOUNT_SENDING_PAUSED", OUTCOME_STOP },
	{ "CONFIGURATION_SET_SENDING_PAUSED", OUTCOME_STOP },
	{ "INVALID_PARAMETER", OUTCOME_REJECTED },
	{ "INVALID_PARAMETER_VALUE", OUTCOME_REJECTED },
	{ "TRANSIENT_FAILURE", OUTCOME_RETRY },
	{ "FAILED", OUTCOME_REJECTED },
	{ "SOMETHING_NEW", OUTCOME_REJECTED },
	{ "", OUTCOME_REJECTED },
};

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
		v = ses_entry(mem, entries[i].status, NULL);
		is_int(v.outcome, entries[i].outcome, "ses_entry judges %s",
		    entries[i].status);
	}
	v = ses_entry(mem, "MESSAGE_REJECTED", "Email address is not verified");
	is_int(v.outcome, OUTCOME_STOP,
	    "ses_entry stops when the sender is not verified");
	return done_testing();
}
