#include "service/sns_trust.h"

#include <string.h>

#include "base/certificate.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/client.h"
#include "kv/cache.h"
#include "kv/limit.h"

enum {
	PEM_MAX = 16 * 1024,
	KEEP_S = 600,
	FETCHES_A_MINUTE = 30, /* of certificates: more can only be for forgeries */
	SIGNATURE_MIN = 256,
	SIGNATURE_MAX = 512,
	AGE_MAX_MS = 75 * 60 * 1000,
};

/* A test's stand-in for Amazon; config allows it beside allow_loopback_http only. */
static bool stand_in(const struct app *app)
{
	return !text_empty(app->config->security.sns_endpoint);
}

/* Where a good URL of the host of the region is really asked for. */
static char *address(const struct app *app, void *mem, const struct sns_claim *c,
    const char *url)
{
	size_t skip = strlen("https://") + strlen(sns_host(mem, c->region));

	return stand_in(app)
	    ? mem_printf(mem, "%s%s", app->config->security.sns_endpoint, url + skip)
	    : mem_str(mem, url);
}

static enum err call(struct app *app, void *mem, const char *url, struct http_answer *a)
{
	const struct http_fetch f = { .method = "GET",
		.url = url,
		.max = PEM_MAX,
		.allow_loopback = stand_in(app) };
	enum err e = http_fetch(mem, &app->log, &f, a);

	if (e != OK || a->status >= 500)
		return ERR_BUSY;
	return a->status == 200 ? OK : ERR_FORBIDDEN;
}

static enum err fetch(struct app *app, void *mem, const struct sns_claim *c,
    struct certificate *cert, const char **why)
{
	const struct limit as_configured = { .window_s = 60, .max = FETCHES_A_MINUTE };
	struct limit l = as_configured;
	struct http_answer a = { 0 };
	enum err e = limit_spend(app->kv, "sns-fetch", c->now, &l);

	if (e != OK)
		return ERR_BUSY;
	e = call(app, mem, address(app, mem, c, c->message->cert_url), &a);
	*why = "There is no such certificate.";
	cert->pem = a.body ? a.body->data : "";
	cert->len = a.body ? a.body->len : 0;
	return e;
}

/* One that was found good is believed for ten minutes: reading all roots takes long. */
static enum err certificate(struct app *app, void *mem, const struct sns_claim *c,
    struct certificate *cert, const char **why)
{
	const char *key = kv_key(mem, "sns-certificate", c->message->cert_url);
	char *kept = NULL;
	enum err e;

	*cert = (struct certificate){ .names = sns_names(mem, c->region),
		.ca_file = app->config->security.sns_ca_file,
		.now = c->now,
		.from_owner = !stand_in(app) };
	if (cache_get(app->kv, app->keys, mem, key, &kept) == OK) {
		cert->pem = kept;
		cert->len = strlen(kept);
		return OK;
	}
	e = fetch(app, mem, c, cert, why);
	if (e == OK)
		e = certificate_check(mem, cert, why);
	if (e == OK)
		cache_set(app->kv, app->keys, key, cert->pem, KEEP_S);
	return e;
}

/* What can be told without asking anybody. */
static enum err plausible(const struct app *app, void *mem, const struct sns_claim *c,
    struct signature *s, const char **why)
{
	const struct sns_message *m = c->message;
	uint8_t *data = NULL;

	*why = "The message is too old, or of the future.";
	if (m->at < c->now - AGE_MAX_MS || m->at > c->now + AGE_MAX_MS)
		return ERR_FORBIDDEN;
	s->sha1 = text_equal(m->version, "1");
	*why = "Only messages with SignatureVersion 2 are taken: set it at the topic.";
	if (!text_equal(m->version, "2") &&
	    !(s->sha1 && app->config->security.sns_signature_v1))
		return ERR_FORBIDDEN;
	*why = "The certificate is not at Amazon SNS in the topic's region.";
	if (!sns_cert_url_good(m->cert_url, c->region))
		return ERR_FORBIDDEN;
	*why = "The signature cannot be read.";
	if (!base64_decode(mem, m->signature, &data, &s->len) ||
	    s->len < SIGNATURE_MIN || s->len > SIGNATURE_MAX)
		return ERR_FORBIDDEN;
	s->data = data;
	s->text = sns_signed_text(mem, m);
	s->text_len = strlen(s->text);
	return OK;
}

enum err sns_trust(struct app *app, void *mem, const struct sns_claim *c,
    const char **why)
{
	struct signature s = { 0 };
	struct certificate cert;
	enum err e = plausible(app, mem, c, &s, why);

	if (e == OK)
		e = certificate(app, mem, c, &cert, why);
	if (e != OK)
		return e;
	*why = "The signature is not of this message.";
	return certificate_signed(&cert, &s) ? OK : ERR_FORBIDDEN;
}

enum err sns_confirm(struct app *app, void *mem, const struct sns_claim *c)
{
	const struct sns_message *m = c->message;
	struct http_answer a = { 0 };
	const char *url;

	if (!sns_subscribe_url_good(m->subscribe_url, c->region))
		return ERR_FORBIDDEN;
	/* Of our own making: nothing of theirs but the token. */
	url = mem_printf(mem,
	    "https://%s/?Action=ConfirmSubscription&TopicArn=%s&Token=%s",
	    sns_host(mem, c->region), url_encode(mem, m->topic_arn),
	    url_encode(mem, m->token));
	return call(app, mem, address(app, mem, c, url), &a) == OK ? OK : ERR_BUSY;
}
