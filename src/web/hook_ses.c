#include "web/hook_ses.h"

#include <string.h>

#include "app.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/brand.h"
#include "repo/brand.h"
#include "repo/ses_topic.h"
#include "service/ses_event.h"
#include "service/sns_trust.h"

enum {
	FORGET_AFTER_MS = 48 * 3600 * 1000,
	FORGET_EACH = 64, /* one message of so many looks for old ones */
};

/* One message on its way. */
struct delivery_of {
	struct brand *brand;
	struct ses_topic *topic;
	struct sns_message *message;
	struct sns_claim claim;
};

/* Whoever sent it gets a sentence; we, a line. */
static enum err refuse(struct request *rq, struct response *rs,
    const struct delivery_of *d, enum err e, const char *why)
{
	log_warn(&rq->log, "hook.refused",
	    LOG_INT("brand", d->brand ? d->brand->id : 0),
	    LOG_STR("error", err_name(e)), LOG_STR("why", why));
	return respond_error(rs, e, "%s", why);
}

/* What can be told without asking anybody but the database. */
static enum err known(struct request *rq, struct response *rs, struct delivery_of *d)
{
	enum err e = sns_read(rq, rq->body, rq->body_len, &d->message);

	if (rq->body_len > SNS_BODY_MAX)
		return respond_error(rs, ERR_TOO_LARGE,
		    "A message is at most 320 KiB.");
	if (e != OK)
		return refuse(rq, rs, d, e,
		    "This is no message of Amazon SNS. Raw message delivery must be "
		    "off.");
	e = brand_by_hook(rq->db, rq, rq->words[0], &d->brand);
	if (e != OK)
		return e;
	d->claim = (struct sns_claim){ .message = d->message,
		.now = rq->now,
		.region = sns_region(rq, d->message->topic_arn) };
	e = d->claim.region
	    ? ses_topic_get(rq->db, rq, d->brand->id, d->message->topic_arn, &d->topic)
	    : ERR_NOTFOUND;
	if (e == ERR_NOTFOUND)
		return refuse(rq, rs, d, ERR_FORBIDDEN,
		    "This topic is not on the brand's list: add it on the page "
		    "Delivery.");
	return e;
}

static enum err trusted(struct request *rq, struct response *rs,
    const struct delivery_of *d)
{
	const char *why = "The certificate could not be fetched.";
	enum err e = sns_trust(rq->app, rq, &d->claim, &why);

	return e == OK ? OK : refuse(rq, rs, d, e, why);
}

/* A subscription that a person began; any other is left to end by itself. */
static enum err confirm(struct request *rq, struct response *rs,
    const struct delivery_of *d)
{
	enum err e = OK;

	if (!text_equal(d->topic->state, "wanted"))
		return refuse(rq, rs, d, ERR_FORBIDDEN,
		    "Nobody has begun this subscription: add the topic on the page "
		    "Delivery.");
	e = sns_confirm(rq->app, rq, &d->claim);
	if (e == OK)
		e = ses_topic_confirmed(rq->db, d->topic->id, rq->now);
	if (e == OK)
		log_info(&rq->log, "hook.confirmed", LOG_INT("brand", d->brand->id),
		    LOG_STR("topic", d->topic->arn));
	return e;
}

static enum err ended(struct request *rq, const struct delivery_of *d)
{
	enum err e = ses_topic_ended(rq->db, d->topic->id);

	if (e == OK)
		log_warn(&rq->log, "hook.ended", LOG_INT("brand", d->brand->id),
		    LOG_STR("topic", d->topic->arn));
	return e;
}

static enum err forget_old(struct request *rq, const struct delivery_of *d)
{
	unsigned sum = 0;

	for (const char *p = d->message->id; *p != '\0'; p++)
		sum = sum * 31 + (unsigned char)*p;
	return sum % FORGET_EACH == 0
	    ? hook_message_forget(rq->db, rq->now - FORGET_AFTER_MS)
	    : OK;
}

/* All that a message does, and that it was here, or nothing of it. */
static enum err take(struct request *rq, const struct delivery_of *d)
{
	const struct ses_notice n = { .brand_id = d->brand->id,
		.text = d->message->message,
		.now = rq->now };
	TX_SCOPE tx = { 0 };
	const char *kind = "";
	bool first = false;
	enum err e = tx_begin_keyed(rq->db, &tx);

	if (e == OK)
		e = hook_message_take(rq->db, d->brand->id, d->message->id, rq->now,
		    &first);
	if (e == OK && first && d->message->kind == SNS_NOTIFICATION)
		e = ses_event_apply(rq->db, rq, &n, &kind);
	if (e == OK && first && d->message->kind == SNS_NOTIFICATION)
		e = ses_topic_heard(rq->db, d->topic->id, rq->now);
	if (e == OK && first && d->message->kind == SNS_UNSUBSCRIBE)
		e = ended(rq, d);
	if (e == OK && first)
		e = forget_old(rq, d);
	if (e == OK)
		e = tx_commit(&tx);
	if (e == OK)
		log_debug(&rq->log, "hook.event", LOG_INT("brand", d->brand->id),
		    LOG_STR("kind", kind), LOG_INT("first", first));
	return e;
}

enum err hook_ses(struct request *rq, struct response *rs)
{
	struct delivery_of d = { 0 };
	enum err e = known(rq, rs, &d);

	if (e == OK)
		e = trusted(rq, rs, &d);
	if (e == OK && d.message->kind == SNS_SUBSCRIBE)
		e = confirm(rq, rs, &d);
	else if (e == OK)
		e = take(rq, &d);
	return e == OK ? respond_body(rs, "text/plain; charset=utf-8", "ok\n", 3) : e;
}
