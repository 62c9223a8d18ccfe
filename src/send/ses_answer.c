#include "send/ses.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* Errors that tell about the account or the settings, not about a recipient: pause. */
static const struct {
	const char *type, *reason;
} stops[] = {
	{ "AccountSuspendedException", "Amazon SES has suspended the account." },
	{ "SendingPausedException",
	    "Sending is paused in the Amazon SES account or configuration set." },
	{ "LimitExceededException", "A limit of the Amazon SES account is reached." },
	{ "MailFromDomainNotVerifiedException",
	    "The MAIL FROM domain is not verified in Amazon SES." },
	{ "NotFoundException", "Amazon SES does not know the configuration set." },
	{ "UnrecognizedClientException", "Amazon does not know the access key." },
	{ "InvalidClientTokenId", "Amazon does not know the access key." },
	{ "InvalidSignatureException",
	    "Amazon refused the signature: check the secret access key and this "
	    "server's clock." },
	{ "SignatureDoesNotMatch",
	    "Amazon refused the signature: check the secret access key and this "
	    "server's clock." },
	{ "IncompleteSignature",
	    "Amazon refused the signature: check the access key." },
	{ "MissingAuthenticationToken",
	    "Amazon refused the signature: check the access key." },
	{ "MissingAuthenticationTokenException",
	    "Amazon refused the signature: check the access key." },
	{ "RequestExpired",
	    "This server's clock is wrong: Amazon refused the signature as too old." },
	{ "ExpiredToken", "The access key has expired." },
	{ "ExpiredTokenException", "The access key has expired." },
	{ "AccessDenied",
	    "The access key may not send mail (ses:SendEmail, "
	    "ses:SendBulkTemplatedEmail)." },
	{ "AccessDeniedException",
	    "The access key may not send mail (ses:SendEmail, "
	    "ses:SendBulkTemplatedEmail)." },
	{ "OptInRequired", "Amazon SES is not activated for this account." },
};

static const struct {
	const char *status;
	enum outcome outcome;
	const char *reason;
} entries[] = {
	{ "MAIL_FROM_DOMAIN_NOT_VERIFIED", OUTCOME_STOP,
	    "The MAIL FROM domain is not verified in Amazon SES." },
	{ "CONFIGURATION_SET_NOT_FOUND", OUTCOME_STOP,
	    "Amazon SES does not know the configuration set." },
	{ "CONFIGURATION_SET_DOES_NOT_EXIST", OUTCOME_STOP,
	    "Amazon SES does not know the configuration set." },
	{ "TEMPLATE_NOT_FOUND", OUTCOME_STOP,
	    "Amazon SES does not know the template." },
	{ "TEMPLATE_DOES_NOT_EXIST", OUTCOME_STOP,
	    "Amazon SES does not know the template." },
	{ "ACCOUNT_SUSPENDED", OUTCOME_STOP, "Amazon SES has suspended the account." },
	{ "ACCOUNT_DAILY_QUOTA_EXCEEDED", OUTCOME_QUOTA,
	    "The daily quota of the Amazon SES account is used up." },
	{ "INVALID_SENDING_POOL_NAME", OUTCOME_STOP,
	    "The sending pool of the configuration set is not valid." },
	{ "ACCOUNT_SENDING_PAUSED", OUTCOME_STOP,
	    "Sending is paused in the Amazon SES account." },
	{ "CONFIGURATION_SET_SENDING_PAUSED", OUTCOME_STOP,
	    "Sending is paused in the configuration set." },
	{ "ACCOUNT_THROTTLED", OUTCOME_SLOW, "Amazon SES asked to send more slowly." },
	{ "TRANSIENT_FAILURE", OUTCOME_RETRY, "Amazon SES had a passing failure." },
	{ "INVALID_PARAMETER", OUTCOME_REJECTED,
	    "Amazon SES refused this message's values." },
	{ "INVALID_PARAMETER_VALUE", OUTCOME_REJECTED,
	    "Amazon SES refused this message's values." },
	{ "FAILED", OUTCOME_REJECTED, "Amazon SES could not send this message." },
};

static struct ses_verdict verdict(void *mem, enum outcome o, const char *reason,
    const char *said)
{
	struct ses_verdict v = { .outcome = o };

	v.reason = !said || !*said
	    ? mem_str(mem, reason)
	    : mem_printf(mem, "%s It said: %.300s", reason, said);
	return v;
}

/* "com.amazonaws.ses#MessageRejected:http://..." -> "MessageRejected" */
static char *short_type(void *mem, const char *type)
{
	const char *hash = strchr(type, '#');
	const char *start = hash ? hash + 1 : type;

	return mem_strn(mem, start, strcspn(start, ":"));
}

static struct ses_verdict rejected(void *mem, const char *said)
{
	if (said && strstr(said, "not verified"))
		return verdict(mem, OUTCOME_STOP,
		    "The sender is not verified in Amazon SES, or the "
		    "account is in the sandbox and the recipient is not.",
		    said);
	return verdict(mem, OUTCOME_REJECTED, "Amazon SES refused this message.", said);
}

static struct ses_verdict refused(void *mem, long status, const char *type,
    const char *said)
{
	if (status == 429 || strcasecmp(type, "TooManyRequestsException") == 0 ||
	    strncasecmp(type, "Throttling", 10) == 0) {
		if (said && strcasestr(said, "daily"))
			return verdict(mem, OUTCOME_QUOTA,
			    "The daily quota of the Amazon SES account is used up.",
			    said);
		return verdict(mem, OUTCOME_SLOW,
		    "Amazon SES asked to send more slowly.", NULL);
	}
	for (size_t i = 0; i < sizeof(stops) / sizeof(*stops); i++)
		if (strcmp(type, stops[i].type) == 0)
			return verdict(mem, OUTCOME_STOP, stops[i].reason, said);
	if (strcmp(type, "MessageRejected") == 0)
		return rejected(mem, said);
	if (status == 401 || status == 403)
		return verdict(mem, OUTCOME_STOP, "Amazon refused the access key.",
		    said);
	if (status == 404 || status < 400)
		return verdict(mem, OUTCOME_STOP,
		    "The endpoint does not answer as Amazon SES does.", said);
	if (status == 409)
		return verdict(mem, OUTCOME_RETRY, "Amazon SES was busy with a change.",
		    said);
	return verdict(mem, OUTCOME_REJECTED, "Amazon SES refused this message.", said);
}

struct ses_verdict ses_answer(void *mem, long status, const char *type,
    const char *body, size_t len)
{
	struct json_object *o = NULL;
	const char *said = NULL, *id;

	if (json_read(mem, body, len, &o, NULL) != OK ||
	    !json_object_is_type(o, json_type_object))
		o = NULL;
	if (o)
		said = json_text(o, "message", json_text(o, "Message", NULL));
	if (status >= 200 && status < 300) {
		id = o ? json_text(o, "MessageId", NULL) : NULL;
		if (text_empty(id))
			return verdict(mem, OUTCOME_DOUBT,
			    "Amazon SES answered without a message id.", NULL);
		return (struct ses_verdict){ .outcome = OUTCOME_ACCEPTED,
			.message_id = mem_str(mem, id) };
	}
	if (status >= 500 || status < 200)
		return verdict(mem, OUTCOME_DOUBT,
		    "Amazon SES had an error: whether it took the message is not "
		    "known.",
		    said);
	if (!type && o)
		type = json_text(o, "__type", json_text(o, "code", ""));
	return refused(mem, status, short_type(mem, type ? type : ""), said);
}

struct ses_verdict ses_entry(void *mem, const char *status, const char *error)
{
	if (strcmp(status, "SUCCESS") == 0)
		return (struct ses_verdict){ .outcome = OUTCOME_ACCEPTED };
	if (strcmp(status, "MESSAGE_REJECTED") == 0)
		return rejected(mem, error);
	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++)
		if (strcmp(status, entries[i].status) == 0)
			return verdict(mem, entries[i].outcome, entries[i].reason,
			    error);
	return verdict(mem, OUTCOME_REJECTED, "Amazon SES could not send this message.",
	    error);
}
