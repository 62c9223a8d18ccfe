#include "service/ses_event.h"

#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/event.h"
#include "repo/event.h"
#include "repo/ledger_event.h"
#include "repo/subscriber.h"
#include "repo/suppression.h"
#include "service/address.h"
#include "service/subscriber.h"

enum {
	DETAIL_MAX = 400,
	PEOPLE_MAX = 50,
	MESSAGE_ID_MAX = 200,
	WORD_MAX = 40,
	TRIES_MOST = 10000
};

/* How each type of event is read: where its own part is and what it lists. */
struct shape {
	const char *word; /* eventType */
	const char *part;
	const char *people; /* array of {emailAddress}, or of text; NULL: none */
	enum event_type type;
};

static const struct shape shapes[] = {
	{ "Send", "send", NULL, EVENT_SEND },
	{ "Delivery", "delivery", "recipients", EVENT_DELIVERY },
	{ "Bounce", "bounce", "bouncedRecipients", EVENT_BOUNCE },
	{ "Complaint", "complaint", "complainedRecipients", EVENT_COMPLAINT },
	{ "Reject", "reject", NULL, EVENT_REJECT },
	{ "DeliveryDelay", "deliveryDelay", "delayedRecipients", EVENT_DELAY },
	{ "Rendering Failure", "failure", NULL, EVENT_RENDER_FAILURE },
};

/* One event, of one person. */
struct happening {
	struct db *db;
	void *mem;
	const struct ses_notice *notice;
	const struct shape *shape;
	struct json_object *mail, *part;
	const char *message_id;
	int64_t at;
	struct told_mail *told; /* NULL: no row of ours */
	bool tagged;            /* its tag names the row, if there is one */
	const char *key;        /* whom it is about; "" if it does not say */
	const char *other;      /* the address it names instead; NULL: it names key */
	const char *detail;
};

/* ---- words ---- */

/* At most DETAIL_MAX bytes of one line; never half a character. */
static const char *cut(void *mem, const char *text)
{
	char *s = mem_strn(mem, text, strnlen(text, DETAIL_MAX));
	size_t n = strlen(s);

	while (n > 0 && !text_is_utf8(s, n))
		n--;
	s[n] = '\0';
	for (char *p = s; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	return s;
}

/* A word of Amazon's that we keep: letters only, never long. */
static const char *word(void *mem, struct json_object *o, const char *name)
{
	const char *s = json_text(o, name, "");

	return mem_strn(mem, s, strnlen(s, WORD_MAX));
}

static bool echo(const char *subtype)
{
	static const char *const lists[] = { "Suppressed", "OnAccountSuppressionList",
		"OnTenantSuppressionList", "EmailValidationSuppressed",
		"UnsubscribedRecipient" };

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		if (text_equal(subtype, lists[i]))
			return true;
	return false;
}

static bool permanent(const struct happening *h)
{
	return text_equal(json_text(h->part, "bounceType", ""), "Permanent");
}

/* "permanent General 5.1.1": the class of the ledger, then what Amazon says. */
static const char *bounce_text(const struct happening *h, struct json_object *person)
{
	const char *sub = word(h->mem, h->part, "bounceSubType");
	const char *status = person ? word(h->mem, person, "status") : "";
	const char *class = "transient";

	if (permanent(h))
		class = echo(sub) ? "suppressed" : "permanent";
	else if (text_equal(json_text(h->part, "bounceType", ""), "Undetermined"))
		class = "undetermined";
	return cut(h->mem,
	    mem_printf(h->mem, "%s %s%s%s%s%s", class, sub, status[0] ? " " : "",
		status, h->other ? " at " : "", h->other ? h->other : ""));
}

/* A complaint of long ago that Amazon repeats: none of this mail. */
static bool of_list(const struct happening *h)
{
	return text_equal(json_text(h->part, "complaintSubType", ""),
	    "OnAccountSuppressionList");
}

static const char *detail(const struct happening *h, struct json_object *person)
{
	const char *more = person ? json_text(person, "diagnosticCode", "") : "";

	switch (h->shape->type) {
	case EVENT_BOUNCE:
		return cut(h->mem,
		    mem_printf(h->mem, "%s%s%s", bounce_text(h, person),
			more[0] ? ": " : "", more));
	case EVENT_COMPLAINT:
		more = json_text(h->part, "complaintFeedbackType", "");
		return cut(h->mem,
		    more[0] && !of_list(h)
			? more
			: json_text(h->part, "complaintSubType", ""));
	case EVENT_REJECT: return cut(h->mem, json_text(h->part, "reason", ""));
	case EVENT_RENDER_FAILURE:
		return cut(h->mem, json_text(h->part, "errorMessage", ""));
	case EVENT_DELAY: return cut(h->mem, json_text(h->part, "delayType", ""));
	case EVENT_DELIVERY: return cut(h->mem, json_text(h->part, "smtpResponse", ""));
	default: return "";
	}
}

/* ---- the event itself ---- */

static const char *effect(const struct happening *h)
{
	uint8_t hash[32];
	const char *id = json_text(h->part, "feedbackId", "");
	const char *text = mem_printf(h->mem, "%s\n%s\n%s%s%s\n%s%lld", h->message_id,
	    h->shape->word, h->key, h->other ? " " : "", h->other ? h->other : "", id,
	    id[0] ? 0LL : (long long)h->at);

	sha256(text, strlen(text), hash);
	return hex_encode(h->mem, hash, 16);
}

static enum event_type type_of(const struct happening *h)
{
	if (h->shape->type == EVENT_BOUNCE && !permanent(h))
		return EVENT_SOFT_BOUNCE;
	return h->shape->type;
}

static enum err record(const struct happening *h, int64_t subscriber, bool *first)
{
	const struct event ev = {
		.brand_id = h->notice->brand_id,
		.campaign_id = h->told ? h->told->campaign_id : 0,
		.subscriber_id = subscriber,
		.type = type_of(h),
		.detail = h->detail,
		.at = h->at,
	};

	return event_add_once(h->db, &ev, effect(h), first);
}

/* ---- the person ---- */

static bool not_spam(const struct happening *h)
{
	return text_equal(json_text(h->part, "complaintFeedbackType", ""), "not-spam");
}

/* No more mail to an address; its person may be gone since. */
static enum err stop(const struct happening *h, int64_t subscriber)
{
	bool complaint = h->shape->type == EVENT_COMPLAINT;
	const struct origin o = { .source = "event",
		.detail = h->detail,
		.ip = "",
		.campaign = h->told ? h->told->campaign_id : 0,
		.now = h->notice->now };
	const struct suppression x = { .brand_id = h->notice->brand_id,
		.email_key = h->key,
		.detail = h->detail,
		.created_at = h->notice->now,
		.reason = complaint ? "complained" : "bounced" };
	enum err e = suppression_add(h->db, &x);

	if (e != OK)
		return e;
	e = subscriber_stop(h->db, h->notice->brand_id, subscriber,
	    complaint ? SUBSCRIBER_COMPLAINED : SUBSCRIBER_BOUNCED, &o, NULL);
	return e == ERR_NOTFOUND ? OK : e;
}

static bool stops(const struct happening *h)
{
	return h->shape->type == EVENT_COMPLAINT ||
	    (h->shape->type == EVENT_BOUNCE && permanent(h));
}

/* ---- the ledger ---- */

/* Amazon took the mail, whatever else it says of it, or threw it away. */
static enum err settle(const struct happening *h, struct json_object *person)
{
	enum event_type type = h->shape->type;
	bool thrown = type == EVENT_REJECT || type == EVENT_RENDER_FAILURE;
	enum err e = thrown
	    ? ledger_event_rejected(h->db, h->told, h->message_id,
		  h->detail[0] ? h->detail : h->shape->word, h->notice->now)
	    : ledger_event_accepted(h->db, h->told, h->message_id, h->notice->now);

	if (e != OK)
		return e;
	switch (type) {
	case EVENT_DELIVERY: return ledger_event_delivered(h->db, h->told, h->at);
	case EVENT_BOUNCE:
		return ledger_event_bounced(h->db, h->told, bounce_text(h, person),
		    h->at);
	case EVENT_COMPLAINT:
		return of_list(h) ? OK : ledger_event_complained(h->db, h->told, h->at);
	default: return OK;
	}
}

/* Whom an event without a row of ours is about; 0: nobody of this brand. */
static enum err find_person(const struct happening *h, int64_t *subscriber)
{
	struct subscriber *s;
	enum err e;

	*subscriber = 0;
	if (h->told != NULL) {
		*subscriber = h->told->subscriber_id;
		return OK;
	}
	e = subscriber_get_by_key(h->db, h->mem, h->notice->brand_id, h->key, &s);
	if (e == OK)
		*subscriber = s->id;
	return e == ERR_NOTFOUND ? OK : e;
}

static enum err apply(struct happening *h, struct json_object *person)
{
	int64_t subscriber = 0;
	bool first = false;
	enum err e;

	h->detail = detail(h, person);
	if (h->other && h->shape->type != EVENT_BOUNCE)
		h->detail = cut(h->mem,
		    mem_printf(h->mem, "at %s%s%s", h->other, h->detail[0] ? ": " : "",
			h->detail));
	if (h->told == NULL && !stops(h))
		return OK;
	e = find_person(h, &subscriber);
	if (e != OK || subscriber == 0)
		return e;
	e = record(h, subscriber, &first);
	if (e != OK || !first)
		return e;
	if (h->told != NULL)
		e = settle(h, person);
	return e == OK && stops(h) ? stop(h, subscriber) : e;
}

/* ---- whose mail it is ---- */

/* The value of a tag of ours: {"maillayer_delivery": ["21474836481-1"]}; else NULL. */
static const char *tagged(struct json_object *mail, const char *name)
{
	struct json_object *tag = json_get(json_get(mail, "tags"), name);

	if (tag == NULL || !json_object_is_type(tag, json_type_array) ||
	    json_object_array_length(tag) != 1)
		return NULL;
	tag = json_object_array_get_idx(tag, 0);
	return json_object_is_type(tag, json_type_string) ? json_object_get_string(tag)
							  : NULL;
}

static enum err find_delivery(struct happening *h, const char *tag)
{
	const char *dash = strchr(tag, '-');
	int64_t id = 0, tries = 0;

	if (dash == NULL ||
	    !text_to_int(mem_strn(h->mem, tag, (size_t)(dash - tag)), 1, INT64_MAX,
		&id) ||
	    !text_to_int(dash + 1, 1, TRIES_MOST, &tries))
		return ERR_NOTFOUND;
	return ledger_event_find(h->db, h->mem, h->notice->brand_id, id, (int)tries,
	    &h->told);
}

/* Without our tags it is known by its id and by whom it went to. */
static enum err find_message(struct happening *h, const char *email)
{
	struct address a;
	const char *why;
	enum err e;

	if (address_parse(h->mem, email, &a, &why) != OK)
		return OK;
	e = ledger_event_find_message(h->db, h->mem, h->notice->brand_id, h->message_id,
	    a.key, &h->told);
	if (e == ERR_NOTFOUND)
		h->told = NULL;
	return e == ERR_NOTFOUND ? OK : e;
}

static enum err find_mail(struct happening *h)
{
	const char *delivery = tagged(h->mail, "maillayer_delivery"),
		   *attempt = tagged(h->mail, "maillayer_attempt");
	int64_t id = 0;
	enum err e = ERR_NOTFOUND;

	if (delivery)
		e = find_delivery(h, delivery);
	else if (attempt && text_to_int(attempt, 1, INT64_MAX, &id))
		e = ledger_event_find_attempt(h->db, h->mem, h->notice->brand_id, id,
		    &h->told);
	h->tagged = delivery || id > 0;
	if (e == ERR_NOTFOUND)
		h->told = NULL;
	return e == ERR_NOTFOUND ? OK : e;
}

/* What the event is about when it names nobody: the one the mail went to. */
static enum err apply_to_mail(struct happening *h)
{
	struct json_object *to = json_get(h->mail, "destination"),
			   *first = json_object_is_type(to, json_type_array)
	    ? json_object_array_get_idx(to, 0)
	    : NULL;
	enum err e = OK;

	if (!h->tagged && json_object_is_type(first, json_type_string))
		e = find_message(h, json_object_get_string(first));
	h->key = h->told ? h->told->email_key : "";
	return e == OK ? apply(h, NULL) : e;
}

/* "Mia <mia@example.com>" and "<mia@example.com>" as well. */
static const char *bare(void *mem, const char *email)
{
	const char *open = strrchr(email, '<'), *end = open ? strchr(open, '>') : NULL;

	return end ? mem_strn(mem, open + 1, (size_t)(end - open - 1)) : email;
}

/* The address that an event names; "" when it is none. */
static const char *named(void *mem, const char *email)
{
	struct address a;
	const char *why;

	return address_parse(mem, email, &a, &why) == OK ? a.key : "";
}

/*
 * A mail of ours has one recipient.  Its event may name another address, when the mail
 * was passed on or the address is written in some other way: it is the row's all the
 * same, with the address it named, and the row's address gets no more mail.  Of whoever
 * has the named address here it is an event, too.
 */
static enum err apply_to(const struct happening *all, struct json_object *person)
{
	bool whole = json_object_is_type(person, json_type_object);
	struct happening h = *all;
	const char *email = whole ? json_text(person, "emailAddress", "")
				  : json_object_get_string(person);
	enum err e = OK;

	if (!whole && !json_object_is_type(person, json_type_string))
		return OK;
	email = bare(h.mem, email);
	if (email[0] == '\0')
		return OK;
	h.key = named(h.mem, email);
	if (!h.tagged && h.key[0])
		e = find_message(&h, email);
	if (e == OK && h.told != NULL && !text_equal(h.told->email_key, h.key)) {
		struct happening row = h;

		row.key = h.told->email_key;
		row.other = cut(h.mem, email);
		e = apply(&row, whole ? person : NULL);
		h.told = NULL;
	}
	return e == OK && h.key[0] ? apply(&h, whole ? person : NULL) : e;
}

static enum err apply_all(struct happening *h)
{
	struct json_object *people =
	    h->shape->people ? json_get(h->part, h->shape->people) : NULL;
	enum err e = OK;

	if (h->shape->people == NULL)
		return apply_to_mail(h);
	if (!json_object_is_type(people, json_type_array))
		return OK;
	for (size_t i = 0;
	     e == OK && i < PEOPLE_MAX && i < json_object_array_length(people); i++)
		e = apply_to(h, json_object_array_get_idx(people, i));
	return e;
}

/* ---- reading ---- */

static const struct shape *shape_of(const char *type)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		if (text_equal(shapes[i].word, type))
			return &shapes[i];
	return NULL;
}

static bool read_when(struct happening *h)
{
	static const char *const names[] = { "timestamp", "arrivalDate" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (time_parse_rfc3339(json_text(h->part, names[i], ""), &h->at))
			return true;
	return time_parse_rfc3339(json_text(h->mail, "timestamp", ""), &h->at);
}

/* False: nothing that we know or need. */
static bool read_event(struct happening *h, struct json_object *o, const char **kind)
{
	const char *type = json_text(o, "eventType", "");

	if (type[0] == '\0')
		type = json_text(o, "notificationType", "");
	*kind = mem_strn(h->mem, type, strnlen(type, WORD_MAX));
	h->shape = shape_of(type);
	h->mail = json_get(o, "mail");
	if (h->shape == NULL || !json_object_is_type(h->mail, json_type_object))
		return false;
	h->part = json_get(o, h->shape->part);
	h->message_id = json_text(h->mail, "messageId", "");
	if (h->message_id[0] == '\0' || strlen(h->message_id) > MESSAGE_ID_MAX)
		return false;
	return json_object_is_type(h->part, json_type_object) && read_when(h) &&
	    !(h->shape->type == EVENT_COMPLAINT && not_spam(h));
}

enum err ses_event_apply(struct db *db, void *mem, const struct ses_notice *n,
    const char **kind)
{
	struct happening h = { .db = db, .mem = mem, .notice = n };
	struct json_object *o = NULL;
	enum err e;

	*kind = "";
	if (json_read(mem, n->text, strlen(n->text), &o, NULL) != OK ||
	    !json_object_is_type(o, json_type_object) || !read_event(&h, o, kind))
		return OK;
	e = find_mail(&h);
	return e == OK ? apply_all(&h) : e;
}
