#include "service/suppression.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/consent.h"
#include "repo/subscriber.h"
#include "service/address.h"

enum { NOTE_MAX = 500, EMAILS_BYTES = 4 * 1024 * 1024 };

static const char *const reasons[] = { "unsubscribed", "bounced", "complained",
	"manual", NULL };
static const enum subscriber_status states[] = { SUBSCRIBER_UNSUBSCRIBED,
	SUBSCRIBER_BOUNCED, SUBSCRIBER_COMPLAINED, SUBSCRIBER_UNSUBSCRIBED };

/* ---- suppressing ---- */

static void add_email(void *mem, struct form *f, const char *text,
    struct json_object *out)
{
	const char *why, *s = text_trim(mem, text ? text : "");
	struct address a;

	if (!*s)
		return;
	if (json_object_array_length(out) >= SUPPRESS_AT_ONCE)
		form_fail(f, "emails", "At most %d addresses at once.",
		    SUPPRESS_AT_ONCE);
	else if (address_parse(mem, s, &a, &why) != OK)
		form_fail(f, "emails", "%s", why);
	else
		json_push_text(out, a.key);
}

/* The keys of the addresses. */
static struct json_object *read_emails(void *mem, struct form *f)
{
	struct json_object *in = form_json(f, "emails"), *out = json_arr(mem);
	char *text, *line;

	if (json_object_is_type(in, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(in); i++)
			add_email(mem, f,
			    json_object_get_string(json_object_array_get_idx(in, i)),
			    out);
	} else {
		text = mem_str(mem, form_body(f, "emails", EMAILS_BYTES));
		while ((line = strsep(&text, "\n,;")))
			add_email(mem, f, line, out);
	}
	if (form_ok(f) && json_object_array_length(out) == 0)
		form_fail(f, "emails", "Give at least one address.");
	return out;
}

/* The suppression first: for the subscriber who leaves then, the graver reason stays.
 */
static enum err suppress(struct db *db, int64_t brand, const char *key, int reason,
    const struct origin *o, bool *added)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "suppress");
	const struct suppression x = { .brand_id = brand,
		.email_key = key,
		.reason = reasons[reason],
		.detail = o->detail,
		.created_at = o->now };
	struct suppression *was;
	struct subscriber *s;
	enum err e = suppression_get(db, tmp, brand, key, &was);

	*added = e == ERR_NOTFOUND;
	if (e == OK || e == ERR_NOTFOUND)
		e = suppression_add(db, &x);
	if (e == OK)
		e = subscriber_get_by_key(db, tmp, brand, key, &s);
	if (e != OK)
		return e == ERR_NOTFOUND ? OK : e;
	if (states[reason] == SUBSCRIBER_UNSUBSCRIBED)
		return subscriber_unsubscribe(db, brand, s->id, o, NULL);
	return subscriber_stop(db, brand, s->id, states[reason], o, NULL);
}

enum err suppression_make(struct db *db, void *mem, int64_t brand, struct form *f,
    const struct origin *o, struct suppressed *out)
{
	struct json_object *keys = read_emails(mem, f);
	int reason = form_choice(f, "reason", reasons, 3);
	TX_SCOPE tx = { 0 };
	enum err e;

	*out = (struct suppressed){ 0 };
	if (!form_ok(f))
		return ERR_INVALID;
	e = tx_begin(db, &tx);
	for (size_t i = 0; e == OK && i < json_object_array_length(keys); i++) {
		bool fresh = false;

		e = suppress(db, brand,
		    json_object_get_string(json_object_array_get_idx(keys, i)), reason,
		    o, &fresh);
		out->added += fresh;
		out->known += !fresh;
	}
	return e == OK ? tx_commit(&tx) : e;
}

/* ---- taking back ---- */

static enum err come_back(struct db *db, const struct subscriber *s,
    const struct origin *o)
{
	const struct consent c = { .brand_id = s->brand_id,
		.subscriber_id = s->id,
		.action = "resubscribed",
		.source = o->source,
		.ip = o->ip,
		.detail = o->detail,
		.created_at = o->now };
	unsigned from = 1u << SUBSCRIBER_UNSUBSCRIBED | 1u << SUBSCRIBER_BOUNCED;
	bool changed;
	enum err e;

	e = subscriber_row_status(db, s, from, SUBSCRIBER_ACTIVE, o->now, &changed);
	return e == OK && changed ? consent_add(db, &c) : e;
}

static enum err lift(struct db *db, const struct suppression *x, const struct origin *o,
    int64_t *n)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "lift");
	struct subscriber *s;
	bool lifted = false;
	enum err e =
	    suppression_lift(db, x->brand_id, x->email_key, x->reason, &lifted);

	*n += lifted;
	if (e == OK && lifted)
		e = subscriber_get_by_key(db, tmp, x->brand_id, x->email_key, &s);
	if (e != OK || !lifted)
		return e == ERR_NOTFOUND ? OK : e;
	return come_back(db, s, o);
}

static enum err lift_one(struct db *db, void *mem, int64_t brand, struct form *f,
    const struct origin *o, int64_t *n)
{
	struct suppression *x;
	struct address a;
	const char *why;
	enum err e;

	if (address_parse(mem, form_get(f, "email"), &a, &why) != OK)
		return form_fail(f, "email", "%s", why);
	e = suppression_get(db, mem, brand, a.key, &x);
	if (e == OK && text_equal(x->reason, "complained"))
		return form_fail(f, "email",
		    "%s reported a mail as spam. That cannot be taken back.", a.email);
	return e == OK ? lift(db, x, o, n) : e;
}

static enum err lift_since(struct db *db, void *mem, int64_t brand, struct form *f,
    const struct origin *o, struct lifted *out)
{
	static const char *const bounced[] = { "bounced", NULL };
	struct suppression_filter q = { .brand = brand,
		.reason = "bounced",
		.limit = LIFT_AT_ONCE + 1 };
	struct suppression *all;
	size_t found = 0;
	enum err e;

	(void)form_choice(f, "reason", bounced, 0);
	q.since = form_time(f, "since", "UTC");
	if (form_ok(f) && !q.since)
		form_fail(f, "since", "Say since when, or give one address.");
	if (!form_ok(f))
		return ERR_INVALID;
	e = suppression_page(db, mem, &q, &all, &found);
	out->more = found > LIFT_AT_ONCE;
	for (size_t i = 0; e == OK && i < found && i < LIFT_AT_ONCE; i++)
		e = lift(db, &all[i], o, &out->n);
	return e;
}

enum err suppression_take_back(struct db *db, void *mem, int64_t brand, struct form *f,
    const struct origin *o, struct lifted *out)
{
	struct origin with_note = *o;
	TX_SCOPE tx = { 0 };
	enum err e;

	*out = (struct lifted){ 0 };
	with_note.detail = mem_str(mem, form_line(f, "note", 1, NOTE_MAX));
	if (!form_ok(f))
		return ERR_INVALID;
	e = tx_begin(db, &tx);
	if (e == OK)
		e = text_empty(form_get(f, "email"))
		    ? lift_since(db, mem, brand, f, &with_note, out)
		    : lift_one(db, mem, brand, f, &with_note, &out->n);
	return e == OK ? tx_commit(&tx) : e;
}

struct json_object *suppression_json(void *mem, const struct suppression *x)
{
	struct json_object *o = json_obj(mem);

	json_set_text(o, "email", x->email_key);
	json_set_text(o, "reason", x->reason);
	json_set_text(o, "detail", x->detail);
	json_set_time(o, "created_at", x->created_at);
	json_set(o, "subscriber_id", NULL);
	if (x->subscriber)
		json_set_int(o, "subscriber_id", x->subscriber);
	return o;
}
