#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "fuzz/fuzz.h"
#include "http/url.h"
#include "service/ses_event.h"
#include "service/sns.h"

/* What is posted to a hook: an address that is good for SNS is one that may be called.
 */
const size_t fuzz_max = 8000;

static void check_url(const char *url, const char *region)
{
	const char *why;
	struct url u;

	/* what the client refuses is not called at all */
	if ((sns_cert_url_good(url, region) || sns_subscribe_url_good(url, region)) &&
	    url_check(url, false, &u, &why) == OK)
		FUZZ_CHECK(
		    text_starts(u.host, "sns.") && strstr(u.host, ".amazonaws.com"));
}

void fuzz_one(void *mem, const char *s, size_t n)
{
	struct sns_message *m;
	char *region;

	check_url(fuzz_text(mem, s, n), "eu-west-1");
	if (sns_read(mem, s, n, &m) != OK)
		return;
	FUZZ_CHECK(m->type && m->id && m->topic_arn && m->message && m->timestamp);
	FUZZ_CHECK(m->signature && m->cert_url && m->token && m->subscribe_url);
	FUZZ_CHECK(strstr(sns_signed_text(mem, m), m->message) != NULL);
	region = sns_region(mem, m->topic_arn);
	if (region == NULL)
		return;
	FUZZ_CHECK(!strpbrk(region, "/:@?#. "));
	check_url(m->cert_url, region);
	check_url(m->subscribe_url, region);
}
