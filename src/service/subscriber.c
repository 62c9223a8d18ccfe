#include "service/subscriber.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/field.h"
#include "repo/list.h"
#include "repo/subscriber.h"
#include "repo/suppression.h"
#include "service/address.h"
#include "service/field.h"
#include "service/subscriber_form.h"
#include "service/subscriber_leave.h"

static const char *const status_words[] = { "active", "unconfirmed", "unsubscribed",
	"bounced", "complained", NULL };

/* A sentence at `at` when the address is suppressed: since when and why. */
static enum err check_suppressed(struct db *db, void *mem, struct form *f,
    const char *at, const struct subscriber *s)
{
	struct suppression *x;
	enum err e = suppression_get(db, mem, s->brand_id, s->email_key, &x);
	const char *day, *more;

	if (e != OK)
		return e == ERR_NOTFOUND ? OK : e;
	day = text_trim(mem, time_local(mem, x->created_at, "UTC", "%e %b %Y"));
	more = text_empty(x->detail) ? "" : mem_printf(mem, " (%s)", x->detail);
	if (text_equal(x->reason, "bounced"))
		return form_fail(f, at,
		    "%s bounced on %s%s: the address gets no mail any more.", s->email,
		    day, more);
	if (text_equal(x->reason, "complained"))
		return form_fail(f, at,
		    "%s reported a mail as spam on %s%s and gets no more mail.",
		    s->email, day, more);
	if (text_equal(x->reason, "unsubscribed"))
		return form_fail(f, at,
		    "%s unsubscribed on %s%s. Who asks for mail again is let in by "
		    "an administrator, under Suppressions, with a note.",
		    s->email, day, more);
	return form_fail(f, at, "%s was blocked on %s%s and gets no mail.", s->email,
	    day, more);
}

/* ---- create, change, remove ---- */

static enum err taken(struct form *f, const struct subscriber *s)
{
	form_fail(f, "email", "%s is here already.", s->email);
	return ERR_CONFLICT;
}

static enum err check_free(struct db *db, void *mem, struct form *f,
    const struct subscriber *s)
{
	struct subscriber *other;
	enum err e = subscriber_get_by_key(db, mem, s->brand_id, s->email_key, &other);

	if (e == ERR_NOTFOUND || (e == OK && other->id == s->id))
		return OK;
	return e == OK ? taken(f, s) : e;
}

static enum err insert(struct db *db, struct form *f, struct subscriber *s,
    const struct subscriber_lists *in, const struct origin *o)
{
	bool leaves = s->status == SUBSCRIBER_UNSUBSCRIBED, changed;
	enum err e;

	if (leaves)
		s->status = SUBSCRIBER_ACTIVE;
	e = subscriber_row_insert(db, s, o->now);
	if (e == ERR_CONFLICT)
		return taken(f, s);
	if (e == OK)
		e = subscriber_set_tags(db, s);
	if (e == OK)
		e = subscriber_set_lists(db, s, in->ids, in->n, o->now);
	if (e == OK && leaves)
		e = subscriber_leave(db, s, SUBSCRIBER_UNSUBSCRIBED, o, &changed);
	else if (e == OK && s->status < SUBSCRIBER_UNSUBSCRIBED)
		e = subscriber_note(db, s, "subscribed", o);
	return e;
}

enum err subscriber_create(struct db *db, void *mem, int64_t brand, struct form *f,
    const struct origin *o, struct subscriber **out)
{
	struct subscriber *s = mem_new(mem, struct subscriber);
	struct subscriber_lists in = { 0 };
	TX_SCOPE tx = { 0 };
	int status = form_choice(f, "status", status_words, SUBSCRIBER_ACTIVE);
	enum err e = tx_begin(db, &tx);

	s->brand_id = brand;
	s->status = (enum subscriber_status)status;
	subscriber_read_address(s, f, s);
	subscriber_read_names(s, f, s);
	subscriber_read_tags(s, f, s);
	if (e == OK)
		e = subscriber_read_fields(db, s, f, s);
	if (e == OK)
		e = subscriber_read_lists(db, s, brand, f, &in);
	if (status >= SUBSCRIBER_BOUNCED)
		form_fail(f, "status", "Only a bounce or a complaint sets this state.");
	if (e == OK && s->email_key)
		e = check_free(db, s, f, s);
	if (e == OK && s->email_key && status != SUBSCRIBER_UNSUBSCRIBED)
		e = check_suppressed(db, s, f, "email", s);
	if (e == OK && !form_ok(f))
		e = ERR_INVALID;
	if (e == OK)
		e = insert(db, f, s, &in, o);
	if (e == OK)
		e = tx_commit(&tx);
	*out = s;
	return e;
}

/* What a change of status means. */
static enum err move_to(struct db *db, struct subscriber *s, enum subscriber_status to,
    const struct origin *o)
{
	bool changed;
	unsigned from = 1u << s->status;
	enum err e;

	if (to == SUBSCRIBER_UNSUBSCRIBED)
		return subscriber_unsubscribe(db, s->brand_id, s->id, o, &changed);
	e = subscriber_row_status(db, s, from, to, o->now, &changed);
	if (e == OK && to == SUBSCRIBER_ACTIVE)
		e = subscriber_note(db, s,
		    s->status == SUBSCRIBER_UNCONFIRMED ? "confirmed" : "resubscribed",
		    o);
	if (e == OK)
		s->status = to;
	return e;
}

static enum err store(struct db *db, struct form *f, struct subscriber *s,
    const struct subscriber_lists *in, const struct origin *o)
{
	enum err e = subscriber_row_update(db, s, o->now);

	if (e == ERR_CONFLICT)
		return taken(f, s);
	if (e == OK && form_has(f, "tags"))
		e = subscriber_set_tags(db, s);
	if (e == OK && in->given)
		e = subscriber_set_lists(db, s, in->ids, in->n, o->now);
	return e;
}

/* Nobody comes back by another address: the one they left with is asked too. */
static enum err check_back(struct db *db, void *mem, struct form *f, const char *was,
    const struct subscriber *s)
{
	struct subscriber before = *s;
	enum err e = check_suppressed(db, mem, f, "status", s);

	before.email = before.email_key = was;
	if (e == OK && !text_equal(was, s->email_key))
		e = check_suppressed(db, mem, f, "status", &before);
	return e;
}

/* Who left and gets another address is gone at that one too. */
static enum err keep_away(struct db *db, const struct subscriber *s,
    const struct origin *o)
{
	const struct suppression x = { .brand_id = s->brand_id,
		.email_key = s->email_key,
		.reason = subscriber_status_name(s->status),
		.detail = "left with another address",
		.created_at = o->now };

	return s->status < SUBSCRIBER_UNSUBSCRIBED ? OK : suppression_add(db, &x);
}

enum err subscriber_change(struct db *db, void *mem, struct subscriber *s,
    struct form *f, const struct origin *o)
{
	const char *key = s->email_key;
	struct subscriber_lists in = { 0 };
	TX_SCOPE tx = { 0 };
	int to = form_choice(f, "status", status_words, (int)s->status);
	bool moves = to != (int)s->status;
	enum err e = tx_begin(db, &tx);

	if (form_has(f, "email"))
		subscriber_read_address(mem, f, s);
	subscriber_read_names(mem, f, s);
	if (form_has(f, "tags"))
		subscriber_read_tags(mem, f, s);
	if (e == OK)
		e = subscriber_read_fields(db, mem, f, s);
	if (e == OK)
		e = subscriber_read_lists(db, mem, s->brand_id, f, &in);
	if (moves && to >= SUBSCRIBER_BOUNCED)
		form_fail(f, "status", "Only a bounce or a complaint sets this state.");
	if (e == OK && !text_equal(key, s->email_key)) {
		e = check_free(db, mem, f, s);
		if (e == OK)
			e = check_suppressed(db, mem, f, "email", s);
	}
	if (e == OK && moves && to <= SUBSCRIBER_UNCONFIRMED)
		e = check_back(db, mem, f, key, s);
	if (e == OK && !form_ok(f))
		e = ERR_INVALID;
	if (e == OK)
		e = store(db, f, s, &in, o);
	if (e == OK && !text_equal(key, s->email_key))
		e = keep_away(db, s, o);
	if (e == OK && moves)
		e = move_to(db, s, (enum subscriber_status)to, o);
	return e == OK ? tx_commit(&tx) : e;
}

/* What one who is here has already comes on top of what the form has. */
static enum err add_to(struct db *db, void *mem, struct subscriber *s, struct form *f,
    struct json_object *tags, struct subscriber_lists *in)
{
	int64_t *has, *all;
	size_t n;
	enum err e = subscriber_lists(db, mem, s->brand_id, s->id, &has, &n);

	for (size_t i = 0; tags && i < json_object_array_length(tags); i++)
		subscriber_add_tag(mem, f, s->tags,
		    json_object_get_string(json_object_array_get_idx(tags, i)));
	if (e != OK || !in->given)
		return e;
	all = mem_array(mem, int64_t, n + in->n + 1);
	memcpy(all, has, n * sizeof(*all));
	if (in->n)
		memcpy(all + n, in->ids, in->n * sizeof(*all));
	in->ids = all;
	in->n += n;
	return OK;
}

/* One who is here: values are replaced, and the state moves only as a change may. */
static enum err upsert_known(struct db *db, void *mem, struct subscriber *s,
    struct form *f, const struct origin *o)
{
	struct subscriber_lists in = { 0 };
	struct json_object *tags = s->tags;
	int to = form_choice(f, "status", status_words, (int)s->status);
	enum err e = subscriber_read_fields(db, mem, f, s);

	subscriber_read_names(mem, f, s);
	if (form_has(f, "tags"))
		subscriber_read_tags(mem, f, s);
	if (to >= SUBSCRIBER_BOUNCED && to != (int)s->status)
		form_fail(f, "status", "Only a bounce or a complaint sets this state.");
	if (e == OK)
		e = subscriber_read_lists(db, mem, s->brand_id, f, &in);
	if (e == OK)
		e = add_to(db, mem, s, f, form_has(f, "tags") ? tags : NULL, &in);
	if (e == OK && !form_ok(f))
		e = ERR_INVALID;
	if (e == OK)
		e = store(db, f, s, &in, o);
	/* unconfirmed to active, or away; nobody who left comes back */
	if (e == OK && to != (int)s->status && s->status < SUBSCRIBER_UNSUBSCRIBED &&
	    to != SUBSCRIBER_UNCONFIRMED)
		e = move_to(db, s, (enum subscriber_status)to, o);
	return e;
}

/* What one comes in as whose address is suppressed: never as somebody to be mailed. */
static enum err upsert_new(struct db *db, void *mem, struct subscriber *s,
    struct form *f, const struct origin *o)
{
	struct subscriber_lists in = { 0 };
	struct suppression *x;
	int status = form_choice(f, "status", status_words, SUBSCRIBER_ACTIVE), was;
	enum err e;

	subscriber_read_names(mem, f, s);
	subscriber_read_tags(mem, f, s);
	e = subscriber_read_fields(db, mem, f, s);
	if (e == OK)
		e = subscriber_read_lists(db, mem, s->brand_id, f, &in);
	if (status >= SUBSCRIBER_BOUNCED)
		form_fail(f, "status", "Only a bounce or a complaint sets this state.");
	if (e == OK && !form_ok(f))
		e = ERR_INVALID;
	if (e != OK)
		return e;
	s->status = (enum subscriber_status)status;
	e = suppression_get(db, mem, s->brand_id, s->email_key, &x);
	if (e == ERR_NOTFOUND)
		return insert(db, f, s, &in, o);
	was = e == OK ? subscriber_status_from(x->reason) : 0;
	s->status = was > 0 ? (enum subscriber_status)was : SUBSCRIBER_UNSUBSCRIBED;
	return e == OK ? insert(db, f, s, &in, o) : e;
}

enum err subscriber_upsert(struct db *db, void *mem, int64_t brand, struct form *f,
    const struct origin *o, struct upserted *out)
{
	struct subscriber *s = mem_new(mem, struct subscriber);
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	s->brand_id = brand;
	*out = (struct upserted){ .who = s };
	subscriber_read_address(s, f, s);
	if (!form_ok(f))
		return ERR_INVALID;
	if (e == OK)
		e = subscriber_get_by_key(db, mem, brand, s->email_key, &out->who);
	if (e == OK) {
		e = upsert_known(db, out->who, out->who, f, o);
	} else if (e == ERR_NOTFOUND) {
		out->made = true;
		e = upsert_new(db, s, s, f, o);
	}
	return e == OK ? tx_commit(&tx) : e;
}

enum err subscriber_remove(struct db *db, int64_t brand, int64_t id)
{
	return subscriber_row_delete(db, brand, id);
}
