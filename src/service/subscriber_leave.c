#include "service/subscriber_leave.h"

#include "base/failpoint.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/consent.h"
#include "repo/event.h"
#include "repo/suppression.h"

enum err subscriber_note(struct db *db, const struct subscriber *s, const char *action,
    const struct origin *o)
{
	const struct consent c = { .brand_id = s->brand_id,
		.subscriber_id = s->id,
		.campaign_id = o->campaign,
		.action = action,
		.source = o->source,
		.ip = o->ip,
		.detail = o->detail,
		.created_at = o->now };

	return consent_add(db, &c);
}

enum err subscriber_leave(struct db *db, struct subscriber *s,
    enum subscriber_status to, const struct origin *o, bool *changed)
{
	const char *action = subscriber_status_name(to);
	const struct suppression x = { .brand_id = s->brand_id,
		.email_key = s->email_key,
		.reason = action,
		.detail = o->detail,
		.created_at = o->now };
	enum err e = subscriber_row_status(db, s, subscriber_may_become(to), to, o->now,
	    changed);

	if (e == OK)
		e = suppression_add(db, &x);
	if (e == OK && *changed) {
		s->status = to;
		e = subscriber_note(db, s, action, o);
	}
	return e;
}

enum err subscriber_unsubscribe(struct db *db, int64_t brand, int64_t id,
    const struct origin *o, bool *changed)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "unsubscribe");
	TX_SCOPE tx = { 0 };
	struct subscriber *s;
	bool left = false, marked = false;
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = subscriber_get(db, tmp, brand, id, &s);
	if (e == OK)
		e = subscriber_leave(db, s, SUBSCRIBER_UNSUBSCRIBED, o, &left);
	if (e == OK && o->campaign)
		e = subscriber_mark_left(db, o->campaign, id, o->now, &marked);
	if (e == OK && marked)
		e = event_count_left(db, o->campaign, o->now);
	FAILPOINT("unsubscribe.rows");
	if (e == OK)
		e = tx_commit(&tx);
	if (changed)
		*changed = e == OK && (left || marked);
	return e;
}

enum err subscriber_stop(struct db *db, int64_t brand, int64_t id,
    enum subscriber_status status, const struct origin *o, bool *changed)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "stop");
	TX_SCOPE tx = { 0 };
	struct subscriber *s;
	bool left = false;
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = subscriber_get(db, tmp, brand, id, &s);
	if (e == OK)
		e = subscriber_leave(db, s, status, o, &left);
	if (e == OK)
		e = tx_commit(&tx);
	if (changed)
		*changed = e == OK && left;
	return e;
}

/* The subscriber of that address, or of that number when it is not the same one. */
static enum err leave_those(struct db *db, const struct mailed *m,
    const struct origin *o)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "leave_those");
	struct subscriber *has = NULL, *was = NULL;
	bool left;
	enum err e = subscriber_get_by_key(db, tmp, m->brand_id, m->email_key, &has);

	if (e == OK)
		e = subscriber_leave(db, has, SUBSCRIBER_UNSUBSCRIBED, o, &left);
	if (e == OK || e == ERR_NOTFOUND)
		e = subscriber_get(db, tmp, m->brand_id, m->subscriber_id, &was);
	if (e == OK && (!has || has->id != was->id))
		e = subscriber_leave(db, was, SUBSCRIBER_UNSUBSCRIBED, o, &left);
	return e == ERR_NOTFOUND ? OK : e;
}

enum err subscriber_leave_by_mail(struct db *db, const struct mailed *m,
    const struct origin *o)
{
	const struct suppression x = { .brand_id = m->brand_id,
		.email_key = m->email_key,
		.reason = "unsubscribed",
		.detail = o->detail,
		.created_at = o->now };
	TX_SCOPE tx = { 0 };
	bool marked = false;
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = suppression_add(db, &x);
	if (e == OK)
		e = leave_those(db, m, o);
	if (e == OK)
		e = subscriber_mark_left(db, m->campaign_id, m->subscriber_id, o->now,
		    &marked);
	if (e == OK && marked)
		e = event_count_left(db, m->campaign_id, o->now);
	FAILPOINT("unsubscribe.rows");
	return e == OK ? tx_commit(&tx) : e;
}

/* Who may come back by the link of this mail; ERR_NOTFOUND: nobody. */
static enum err find_returning(struct db *db, void *mem, const struct mailed *m,
    int64_t now, struct subscriber **out)
{
	struct suppression *x;
	enum err e = suppression_get(db, mem, m->brand_id, m->email_key, &x);

	if (e == OK &&
	    (!m->left_at || !text_equal(x->reason, "unsubscribed") ||
		now - x->created_at > RETURN_MS))
		return ERR_NOTFOUND;
	if (e == OK)
		e = subscriber_get_by_key(db, mem, m->brand_id, m->email_key, out);
	if (e == OK &&
	    ((*out)->id != m->subscriber_id ||
		(*out)->status != SUBSCRIBER_UNSUBSCRIBED))
		return ERR_NOTFOUND;
	return e;
}

enum err subscriber_may_return(struct db *db, const struct mailed *m, int64_t now,
    bool *may)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "may_return");
	struct subscriber *s;
	enum err e = find_returning(db, tmp, m, now, &s);

	*may = e == OK;
	return e == ERR_NOTFOUND ? OK : e;
}

enum err subscriber_return(struct db *db, const struct mailed *m,
    const struct origin *o)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "return");
	TX_SCOPE tx = { 0 };
	struct subscriber *s;
	bool changed = false;
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = find_returning(db, tmp, m, o->now, &s);
	if (e == ERR_NOTFOUND)
		return ERR_CONFLICT;
	if (e == OK)
		e = suppression_lift(db, m->brand_id, m->email_key, "unsubscribed",
		    &changed);
	if (e == OK && changed)
		e = subscriber_row_status(db, s, 1u << SUBSCRIBER_UNSUBSCRIBED,
		    SUBSCRIBER_ACTIVE, o->now, &changed);
	if (e == OK && changed)
		e = subscriber_note(db, s, "resubscribed", o);
	return e == OK ? tx_commit(&tx) : e;
}
