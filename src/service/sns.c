#include "service/sns.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

enum {
	REGION_MAX = 32,
	TOPIC_MAX = 256,
	ACCOUNT_DIGITS = 12,
	CERT_NAME = 32,
	ID_MAX = 100,
	MEMORY_MAX = 1536 * 1024, /* whoever sent it is not known yet */
};

static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
static const char lower_digit[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char digits[] = "0123456789";
static const char letter_digit[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
static const char topic_chars[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static const char *const types[] = {
	[SNS_NOTIFICATION] = "Notification",
	[SNS_SUBSCRIBE] = "SubscriptionConfirmation",
	[SNS_UNSUBSCRIBE] = "UnsubscribeConfirmation",
};

/* ---- reading ---- */

/* Text of a part; false if it is of another type, or absent though it must be there. */
static bool part(struct json_object *o, const char *name, bool must, const char **out)
{
	struct json_object *v = json_get(o, name);

	if (v == NULL)
		return !must;
	*out = json_text(o, name, NULL);
	return *out != NULL;
}

static bool read_kind(struct sns_message *m)
{
	for (int i = 0; i < (int)(sizeof(types) / sizeof(*types)); i++)
		if (text_equal(m->type, types[i])) {
			m->kind = (enum sns_kind)i;
			return true;
		}
	return false;
}

enum err sns_read(void *mem, const char *body, size_t n, struct sns_message **out)
{
	struct sns_message *m = mem_new(mem, struct sns_message);
	struct json_object *o = NULL;
	bool more;

	*m = (struct sns_message){ .token = "", .subscribe_url = "" };
	*out = m;
	if (body == NULL || n > SNS_BODY_MAX ||
	    json_read_within(mem, body, n, MEMORY_MAX, &o, NULL) != OK)
		return ERR_MALFORMED;
	if (!part(o, "Type", true, &m->type) || !read_kind(m))
		return ERR_MALFORMED;
	more = m->kind != SNS_NOTIFICATION;
	if (!part(o, "MessageId", true, &m->id) ||
	    !part(o, "TopicArn", true, &m->topic_arn) ||
	    !part(o, "Subject", false, &m->subject) ||
	    !part(o, "Message", true, &m->message) ||
	    !part(o, "Timestamp", true, &m->timestamp) ||
	    !part(o, "SignatureVersion", true, &m->version) ||
	    !part(o, "Signature", true, &m->signature) ||
	    !part(o, "SigningCertURL", true, &m->cert_url) ||
	    !part(o, "Token", more, &m->token) ||
	    !part(o, "SubscribeURL", more, &m->subscribe_url))
		return ERR_MALFORMED;
	if (m->id[0] == '\0' || strlen(m->id) > ID_MAX ||
	    !time_parse_rfc3339(m->timestamp, &m->at))
		return ERR_MALFORMED;
	return OK;
}

/* ---- topics and addresses ---- */

/* "eu-west-1", "us-gov-east-1": two letters, words of letters, a number. */
static size_t region_length(const char *s)
{
	size_t n = strspn(s, lower), words = 0, step;

	if (n != 2)
		return 0;
	while (s[n] == '-' && (step = strspn(s + n + 1, lower)) > 1) {
		n += step + 1;
		words++;
	}
	if (words == 0 || s[n] != '-' || strspn(s + n + 1, digits) != 1)
		return 0;
	n += 2;
	return n < REGION_MAX && strspn(s + n, lower_digit) == 0 ? n : 0;
}

static const char *skip_partition(const char *arn)
{
	static const char *const starts[] = { "arn:aws:sns:", "arn:aws-cn:sns:",
		"arn:aws-us-gov:sns:" };

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++)
		if (text_starts(arn, starts[i]))
			return arn + strlen(starts[i]);
	return NULL;
}

char *sns_region(void *mem, const char *topic_arn)
{
	const char *at = skip_partition(topic_arn), *rest;
	size_t n = at ? region_length(at) : 0, name;

	if (n == 0)
		return NULL;
	rest = at + n;
	if (rest[0] != ':' || strspn(rest + 1, digits) != ACCOUNT_DIGITS ||
	    rest[1 + ACCOUNT_DIGITS] != ':')
		return NULL;
	rest += 2 + ACCOUNT_DIGITS;
	name = strspn(rest, topic_chars);
	if (name == 0 || name > TOPIC_MAX || rest[name] != '\0')
		return NULL;
	return mem_strn(mem, at, n);
}

/* Amazon's domain for the region. */
static const char *domain(const char *region)
{
	return text_starts(region, "cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

char *sns_host(void *mem, const char *region)
{
	return mem_printf(mem, "sns.%s.%s", region, domain(region));
}

const char *const *sns_names(void *mem, const char *region)
{
	const char **names = mem_array(mem, const char *, 5);
	const char *d = domain(region);

	names[0] = mem_printf(mem, "sns.%s", d);
	names[1] = mem_printf(mem, "sns.%s.%s", region, d);
	names[2] = mem_printf(mem, "sns-%s.%s", region, d);
	names[3] = mem_printf(mem, "sns-signing.%s.%s", region, d);
	names[4] = NULL;
	return names;
}

/* What follows "https://<host of the region>"; NULL if the URL begins otherwise. */
static const char *after_host(const char *url, const char *region)
{
	static const char before[] = "https://sns.";
	size_t n = sizeof(before) - 1, r = strlen(region), d = strlen(domain(region));

	if (strncmp(url, before, n) != 0 || strncmp(url + n, region, r) != 0 ||
	    url[n + r] != '.' || strncmp(url + n + r + 1, domain(region), d) != 0)
		return NULL;
	return url + n + r + 1 + d;
}

bool sns_cert_url_good(const char *url, const char *region)
{
	static const char path[] = "/SimpleNotificationService-";
	const char *rest = after_host(url, region);

	if (rest == NULL || !text_starts(rest, path))
		return false;
	rest += sizeof(path) - 1;
	return strspn(rest, letter_digit) == CERT_NAME &&
	    text_equal(rest + CERT_NAME, ".pem");
}

bool sns_subscribe_url_good(const char *url, const char *region)
{
	const char *rest = after_host(url, region);

	return rest != NULL && text_starts(rest, "/?Action=ConfirmSubscription&");
}

/* ---- what is signed ---- */

static void line(struct buf *b, const char *key, const char *value)
{
	buf_str(b, key);
	buf_char(b, '\n');
	buf_str(b, value);
	buf_char(b, '\n');
}

char *sns_signed_text(void *mem, const struct sns_message *m)
{
	struct buf *b = buf_new(mem);

	line(b, "Message", m->message);
	line(b, "MessageId", m->id);
	if (m->kind != SNS_NOTIFICATION)
		line(b, "SubscribeURL", m->subscribe_url);
	else if (m->subject != NULL)
		line(b, "Subject", m->subject);
	line(b, "Timestamp", m->timestamp);
	if (m->kind != SNS_NOTIFICATION)
		line(b, "Token", m->token);
	line(b, "TopicArn", m->topic_arn);
	line(b, "Type", m->type);
	return b->data;
}
