#include "service/sns.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tap.h"

static const char body[] =
    "{\"Type\":\"Notification\",\"MessageId\":\"m-1\","
    "\"TopicArn\":\"arn:aws:sns:eu-west-1:123456789012:mail\",\"Subject\":\"S\","
    "\"Message\":\"{\\\"a\\\": \\\"\\u00fc\\\"}\\nend\\n\","
    "\"Timestamp\":\"2026-11-24T10:00:00.123Z\",\"SignatureVersion\":\"2\","
    "\"Signature\":\"AAAA\",\"SigningCertURL\":\"https://x/\",\"Extra\":7}";

static struct sns_message *message(void *mem)
{
	struct sns_message *m;

	if (sns_read(mem, body, strlen(body), &m) != OK)
		ok(false, "the sample can be read");
	return m;
}

static void signed_text(void *mem)
{
	struct sns_message *m = message(mem);

	is_int(m->at, 1795514400123, "sns_read reads the time to the millisecond");
	is_text(sns_signed_text(mem, m),
	    "Message\n{\"a\": \"\u00fc\"}\nend\n\nMessageId\nm-1\nSubject\nS\n"
	    "Timestamp\n2026-11-24T10:00:00.123Z\n"
	    "TopicArn\narn:aws:sns:eu-west-1:123456789012:mail\nType\nNotification\n",
	    "sns_signed_text unescapes, keeps line ends, sorts");
	m->subject = NULL;
	ok(strstr(sns_signed_text(mem, m), "Subject") == NULL,
	    "leaves out a subject that is not there");
	m->kind = SNS_SUBSCRIBE;
	m->type = "SubscriptionConfirmation";
	m->message = "hello";
	m->subject = "not signed";
	m->token = "tok";
	m->subscribe_url = "https://s/";
	is_text(sns_signed_text(mem, m),
	    "Message\nhello\nMessageId\nm-1\nSubscribeURL\nhttps://s/\n"
	    "Timestamp\n2026-11-24T10:00:00.123Z\nToken\ntok\n"
	    "TopicArn\narn:aws:sns:eu-west-1:123456789012:mail\n"
	    "Type\nSubscriptionConfirmation\n",
	    "and signs address and token of a confirmation");
}

/* The sample with one piece of text replaced. */
static enum err with(void *mem, const char *old, const char *new)
{
	const char *at = strstr(body, old);
	const char *text =
	    mem_printf(mem, "%.*s%s%s", (int)(at - body), body, new, at + strlen(old));
	struct sns_message *m;

	return sns_read(mem, text, strlen(text), &m);
}

static void reading(void *mem)
{
	struct sns_message *m;
	static const char *const must[] = { "MessageId", "TopicArn", "Message\"",
		"Timestamp", "SignatureVersion", "Signature\"", "SigningCertURL",
		"Type" };

	for (size_t i = 0; i < sizeof(must) / sizeof(*must); i++)
		is_int(with(mem, must[i], strchr(must[i], '"') ? "No\"" : "No"),
		    ERR_MALFORMED, "sns_read refuses a message without %s", must[i]);
	is_int(with(mem, "\"Notification\"", "\"Else\""), ERR_MALFORMED,
	    "and of another type");
	is_int(with(mem, "\"Notification\"", "\"SubscriptionConfirmation\""),
	    ERR_MALFORMED, "and a confirmation without token");
	is_int(with(mem, "\"S\"", "7"), ERR_MALFORMED,
	    "and a subject that is a number");
	is_int(with(mem, "\"S\"", "null"), OK, "but takes null for none");
	is_int(with(mem, "\"m-1\"", "\"\""), ERR_MALFORMED, "refuses an empty id");
	is_int(with(mem, "2026-11-24T", "yesterday"), ERR_MALFORMED, "and a bad time");
	is_int(sns_read(mem, "{\"eventType\":\"Bounce\"}", 22, &m), ERR_MALFORMED,
	    "and raw delivery");
	is_int(sns_read(mem, "[1]", 3, &m), ERR_MALFORMED, "and an array");
	is_int(sns_read(mem, NULL, 0, &m), ERR_MALFORMED, "and nothing");
}

static void topics(void *mem)
{
	static const char *const bad[] = { "", "arn:aws:sqs:eu-west-1:123456789012:m",
		"arn:aws:sns:eu-west-1:12345678901:m",
		"arn:aws:sns:eu-west-1:123456789012:",
		"arn:aws:sns:s3-us-west-2:123456789012:m",
		"arn:aws:sns:eu-west-1.evil:123456789012:m",
		"arn:aws:sns:eu-west-1:123456789012:m/x",
		"arn:aws:sns:eu:123456789012:m",
		"arn:aws:sns:eu-west-1@x:123456789012:m", "arn:aws:sns::123456789012:m",
		"arn:aws:sns:eu-west-1:123456789012:m\n",
		"arn:aws:sns:eu-west-1:123456789012:m.fifo",
		"xarn:aws:sns:eu-west-1:123456789012:m" };

	is_text(sns_region(mem, "arn:aws:sns:eu-west-1:123456789012:My_Topic-1"),
	    "eu-west-1", "sns_region reads a region");
	is_text(sns_region(mem, "arn:aws-us-gov:sns:us-gov-east-1:123456789012:m"),
	    "us-gov-east-1", "also a long one");
	is_text(sns_host(mem, "cn-north-1"), "sns.cn-north-1.amazonaws.com.cn",
	    "sns_host knows China's domain");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(sns_region(mem, bad[i]) == NULL, "sns_region refuses \"%s\"",
		    bad[i]);
}

#define PEM "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"

static void addresses(void)
{
	static const char *const bad[] = {
		"http://sns.eu-west-1.amazonaws.com" PEM,
		"https://sns.eu-west-2.amazonaws.com" PEM,
		"https://sns.s3-us-west-2.amazonaws.com" PEM,
		"https://sns.s3.amazonaws.com" PEM,
		"https://sns.eu-west-1.amazonaws.com.evil.example" PEM,
		"https://sns.eu-west-1.amazonaws.com.cn" PEM,
		"https://evil.example" PEM,
		"https://sns.eu-west-1.amazonaws.com:443" PEM,
		"https://u@sns.eu-west-1.amazonaws.com" PEM,
		"https://sns.eu-west-1.amazonaws.com@evil.example" PEM,
		"https://xsns.eu-west-1.amazonaws.com" PEM,
		"https://sns.eu-west-1xamazonaws.com" PEM,
		"https://SNS.eu-west-1.amazonaws.com" PEM,
		"https://sns.eu-west-1.amazonaws.com" PEM "?x",
		"https://sns.eu-west-1.amazonaws.com" PEM "#x",
		"https://sns.eu-west-1.amazonaws.com/a/.." PEM,
		"https://sns.eu-west-1.amazonaws.com/"
		"SimpleNotificationService-0123456789abcdef0123456789abcde.pem",
		"https://sns.eu-west-1.amazonaws.com/"
		"SimpleNotificationService-0123456789abcdef0123456789abcde%2e.pem",
		"https://sns.eu-west-1.amazonaws.com",
		"",
	};

	ok(sns_cert_url_good("https://sns.eu-west-1.amazonaws.com" PEM, "eu-west-1"),
	    "sns_cert_url_good takes the form Amazon uses");
	ok(sns_cert_url_good("https://sns.cn-north-1.amazonaws.com.cn" PEM,
	       "cn-north-1"),
	    "in China too");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(!sns_cert_url_good(bad[i], "eu-west-1"), "and not \"%s\"", bad[i]);
	ok(sns_subscribe_url_good("https://sns.eu-west-1.amazonaws.com/"
				  "?Action=ConfirmSubscription&TopicArn=a&Token=b",
	       "eu-west-1"),
	    "sns_subscribe_url_good takes Amazon's");
	ok(!sns_subscribe_url_good("https://169.254.169.254/"
				   "?Action=ConfirmSubscription&TopicArn=a",
	       "eu-west-1"),
	    "and no other host");
	ok(!sns_subscribe_url_good(
	       "https://sns.eu-west-1.amazonaws.com/?Action=Publish&", "eu-west-1"),
	    "nor another action");
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");

	signed_text(mem);
	reading(mem);
	topics(mem);
	addresses();
	return done_testing();
}
