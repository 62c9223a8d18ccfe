#pragma once

#include "base/form.h"
#include "db/db.h"
#include "model/contact.h"
#include "repo/subscriber.h"

/* Where a change comes from: goes into the consent history. */
struct origin {
	const char *source; /* page api import one-click link event */
	const char *ip;
	const char *detail; /* reason a person gave, bounce code ...; may be NULL */
	int64_t campaign;   /* 0: none */
	int64_t now;
};

/*
 * From a form or the API: email, first_name, last_name, fields {key: value}, tags
 * (array, or text split at comma and semicolon), lists (ids), status (active,
 * unconfirmed, unsubscribed).  One transaction.  ERR_INVALID with sentences at the
 * fields; a suppressed address is refused, saying since when and why. ERR_CONFLICT
 * (with a sentence at email): the address is here already.
 */
enum err subscriber_create(struct db *db, void *mem, int64_t brand, struct form *f,
    const struct origin *o, struct subscriber **out) MUST_CHECK;

/*
 * As subscriber_create for an address nobody has; otherwise what the form has is
 * changed, and lists and tags come on top.  Who left stays gone: one who was deleted
 * and is suppressed comes in as gone.
 */
struct upserted {
	struct subscriber *who;
	bool made; /* it was not here before */
};
enum err subscriber_upsert(struct db *db, void *mem, int64_t brand, struct form *f,
    const struct origin *o, struct upserted *out) MUST_CHECK;

/*
 * What the form has of the above, the rest stays; `fields` are merged, null or "" takes
 * a value away.  status unsubscribed is subscriber_unsubscribe; active is refused for a
 * suppressed address.
 */
enum err subscriber_change(struct db *db, void *mem, struct subscriber *s,
    struct form *f, const struct origin *o) MUST_CHECK;

/*
 * Leaves the brand: status, suppression, consent, and the ledger row of o->campaign, in
 * one transaction (joins an open one).  Once or a hundred times, the outcome is the
 * same; *changed (may be NULL) is true for the first.  ERR_NOTFOUND: no such
 * subscriber.
 */
enum err subscriber_unsubscribe(struct db *db, int64_t brand, int64_t id,
    const struct origin *o, bool *changed) MUST_CHECK;
/*
 * The same by a link in a mail, for the address that got the mail: it is suppressed
 * whoever has it now, and whoever does leaves.  So does the subscriber whose mail it
 * was, if they have another address since.
 */
enum err subscriber_leave_by_mail(struct db *db, const struct mailed *m,
    const struct origin *o) MUST_CHECK;
/*
 * They undo it, by the link of the mail that they left with and within RETURN_MS of
 * leaving: a mail that was passed on, or found later, brings nobody back.  *may (may be
 * NULL) says whether it is possible.  subscriber_return does it, or is ERR_CONFLICT.
 */
enum { RETURN_MS = 24 * 3600 * 1000 };
enum err subscriber_may_return(struct db *db, const struct mailed *m, int64_t now,
    bool *may) MUST_CHECK;
enum err subscriber_return(struct db *db, const struct mailed *m,
    const struct origin *o) MUST_CHECK;
/* Permanent bounce or complaint, as events tell: SUBSCRIBER_BOUNCED or _COMPLAINED. */
enum err subscriber_stop(struct db *db, int64_t brand, int64_t id,
    enum subscriber_status status, const struct origin *o, bool *changed) MUST_CHECK;

/*
 * Takes the person away; a suppression stays, so that no import brings the address
 * back.
 */
enum err subscriber_remove(struct db *db, int64_t brand, int64_t id) MUST_CHECK;

/*
 * For the API: id, email, status, first_name, last_name, fields, tags, created_at,
 * updated_at; and lists (ids) when `lists` is not NULL.  Owned by mem.
 */
struct json_object *subscriber_json(void *mem, const struct subscriber *s,
    const int64_t *lists, size_t nlists);
