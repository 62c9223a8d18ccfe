#include "send/ses.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "send/ses_errors.h"

static const char sandbox[] = "The sender is not verified in Amazon SES, or the "
			      "account is in the sandbox and the "
			      "recipient is not.";

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

/* Two errors have a second meaning, which stands in their text only. */
static struct ses_verdict judge(void *mem, const struct ses_error *e, const char *said)
{
	if (e->outcome == OUTCOME_SLOW && said && strcasestr(said, "daily"))
		return verdict(mem, OUTCOME_WAIT, ses_quota, said);
	if (e->outcome == OUTCOME_REJECTED && said && strstr(said, "not verified"))
		return verdict(mem, OUTCOME_STOP, sandbox, said);
	return verdict(mem, e->outcome, e->reason,
	    e->outcome == OUTCOME_SLOW ? NULL : said);
}

static struct ses_verdict without_id(void *mem)
{
	return verdict(mem, OUTCOME_DOUBT, "Amazon SES answered without a message id.",
	    NULL);
}

static struct ses_verdict accepted(void *mem, const char *id)
{
	if (text_empty(id))
		return without_id(mem);
	return (struct ses_verdict){ .outcome = OUTCOME_ACCEPTED,
		.message_id = mem_str(mem, id) };
}

struct ses_verdict ses_answer(void *mem, long status, const char *type,
    const char *body, size_t len)
{
	struct json_object *o = NULL;
	struct ses_error error;
	const char *said = NULL;

	if (json_read(mem, body, len, &o, NULL) != OK ||
	    !json_object_is_type(o, json_type_object))
		o = NULL;
	if (status >= 200 && status < 300)
		return accepted(mem, o ? json_text(o, "MessageId", NULL) : NULL);
	if (o)
		said = json_text(o, "message", json_text(o, "Message", NULL));
	if (!type && o)
		type = json_text(o, "__type", json_text(o, "code", ""));
	error = ses_error_of(status, short_type(mem, type ? type : ""));
	return judge(mem, &error, said);
}

struct ses_verdict ses_entry(void *mem, const char *status, const char *id,
    const char *said)
{
	struct ses_error error;

	if (strcmp(status, "SUCCESS") == 0)
		return accepted(mem, id);
	error = ses_error_of_entry(status);
	return judge(mem, &error, said);
}
