#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "http/url.h"
#include "repo/provider.h"
#include "service/brand.h"

static const struct region regions[] = {
	{ "af-south-1", "Cape Town" },
	{ "ap-south-2", "Hyderabad" },
	{ "ap-southeast-3", "Jakarta" },
	{ "ap-southeast-5", "Malaysia" },
	{ "ap-south-1", "Mumbai" },
	{ "ap-northeast-3", "Osaka" },
	{ "ap-northeast-2", "Seoul" },
	{ "ap-southeast-1", "Singapore" },
	{ "ap-southeast-2", "Sydney" },
	{ "ap-northeast-1", "Tokyo" },
	{ "ca-west-1", "Calgary" },
	{ "ca-central-1", "Canada Central" },
	{ "us-west-1", "Northern California" },
	{ "us-east-1", "Northern Virginia" },
	{ "us-east-2", "Ohio" },
	{ "us-west-2", "Oregon" },
	{ "us-gov-east-1", "US Government East" },
	{ "us-gov-west-1", "US Government West" },
	{ "eu-central-1", "Frankfurt" },
	{ "eu-west-1", "Ireland" },
	{ "eu-west-2", "London" },
	{ "eu-south-1", "Milan" },
	{ "eu-west-3", "Paris" },
	{ "eu-north-1", "Stockholm" },
	{ "eu-central-2", "Zurich" },
	{ "me-south-1", "Bahrain" },
	{ "me-central-1", "United Arab Emirates" },
	{ "il-central-1", "Tel Aviv" },
	{ "sa-east-1", "São Paulo" },
};

static const char *const kinds[] = { "outbox", "ses", NULL };
static const char *const modes[] = { "auto", "bulk", "single", NULL };

enum { CREDENTIAL_MAX = 128, ENDPOINT_MAX = 200, SET_MAX = 64, RATE_MAX = 10000 };

const struct region *ses_regions(size_t *n)
{
	*n = sizeof(regions) / sizeof(*regions);
	return regions;
}

static const struct region *find_region(const char *code)
{
	for (size_t i = 0; i < sizeof(regions) / sizeof(*regions); i++) {
		if (text_equal(code, regions[i].code))
			return &regions[i];
	}
	return NULL;
}

const char *ses_region_name(const char *code)
{
	const struct region *r = find_region(code);

	return r ? r->name : code;
}

static const char *endpoint_of(struct form *f, const struct provider_wish *w,
    const char *now)
{
	const char *text = form_line(f, "endpoint", 0, ENDPOINT_MAX);
	const char *why;
	struct url u;

	if (!form_has(f, "endpoint"))
		return now;
	if (text_empty(text))
		return "";
	if (url_check(text, w->allow_loopback, &u, &why) != OK)
		form_fail(f, "endpoint", "%s", why);
	else if (!url_is_bare(&u))
		form_fail(f, "endpoint",
		    "Write it like https://email.eu-central-1.amazonaws.com, without "
		    "anything behind the host, or leave it empty.");
	return text;
}

/* Letters, digits and what Amazon's names have; no spaces. */
static const char *word_of(struct form *f, const char *name, size_t max,
    const char *now)
{
	const char *text = form_line(f, name, 0, max);

	if (!form_has(f, name))
		return now;
	if (strchr(text, ' '))
		form_fail(f, name,
		    "There is a space in it. Copy it again from Amazon, without "
		    "spaces.");
	return text;
}

static double rate_of(struct form *f, double now)
{
	const char *text = form_get(f, "rate");
	double rate = now;

	if (!form_has(f, "rate"))
		return now;
	if (text_empty(text))
		return 0;
	if (!text_to_double(text, &rate) || rate < 0 || rate > RATE_MAX)
		form_fail(f, "rate",
		    "Write a number of mails a second from 0 to 10,000. 0 takes what "
		    "Amazon allows.");
	return rate;
}

/* A secret that is sent replaces the stored one; a new key id needs one. */
static void take_secret(const struct provider_wish *w, struct form *f,
    const char *old_id, struct provider_settings *p)
{
	const char *secret = form_line(f, "secret_access_key", 0, CREDENTIAL_MAX);
	size_t len;

	if (!text_empty(secret)) {
		p->secret = secret_seal(p, w->keys,
		    mem_printf(p, "provider:%lld", (long long)w->brand_id), secret,
		    &len);
		p->secret_len = len;
		return;
	}
	if (p->kind != PROVIDER_SES)
		return;
	if (!p->secret)
		form_fail(f, "secret_access_key",
		    "Enter the secret access key that belongs to the access key id.");
	else if (!text_equal(old_id, p->access_key_id))
		form_fail(f, "secret_access_key",
		    "A new access key id needs its own secret access key.");
}

static void check_ses(struct form *f, const struct provider_settings *p)
{
	if (!find_region(p->region))
		form_fail(f, "region",
		    "Choose the region in which you use Amazon SES.");
	if (text_empty(p->access_key_id))
		form_fail(f, "access_key_id",
		    "Enter the access key id of an Amazon user that may send.");
}

/* What shares one rate: the same account in the same region at the same place. */
static char *account_of(void *mem, const struct provider_settings *p)
{
	char *text =
	    mem_printf(mem, "%s|%s|%s", p->region, p->access_key_id, p->endpoint);
	uint8_t hash[32];

	sha256(text, strlen(text), hash);
	return hex_encode(mem, hash, 16);
}

enum err provider_change(struct db *db, void *mem, const struct provider_wish *w,
    struct form *f, struct provider_settings **out)
{
	struct provider_settings *p;
	const char *old_id;
	enum err e = provider_settings_get(db, mem, w->brand_id, &p);

	if (e != OK)
		return e;
	old_id = p->access_key_id;
	p->kind = (enum provider_kind)form_choice(f, "kind", kinds, (int)p->kind);
	p->mode = (enum send_mode)form_choice(f, "mode", modes, (int)p->mode);
	p->region = word_of(f, "region", SET_MAX, p->region);
	p->access_key_id =
	    word_of(f, "access_key_id", CREDENTIAL_MAX, p->access_key_id);
	p->configuration_set =
	    word_of(f, "configuration_set", SET_MAX, p->configuration_set);
	p->endpoint = endpoint_of(f, w, p->endpoint);
	p->rate = rate_of(f, p->rate);
	take_secret(w, f, old_id, p);
	if (p->kind == PROVIDER_SES)
		check_ses(f, p);
	if (!form_ok(f))
		return ERR_INVALID;
	p->account_key = account_of(p, p);
	*out = p;
	return provider_settings_put(db, p, w->now);
}
