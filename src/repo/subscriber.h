#pragma once

#include "db/db.h"
#include "model/contact.h"

enum err subscriber_prepare(struct db *db) MUST_CHECK;
/* Those of subscriber_parts.c; subscriber_prepare calls it. */
enum err subscriber_parts_prepare(struct db *db) MUST_CHECK;

/* "active" ...; and back: -1 for any other word. */
const char *subscriber_status_name(enum subscriber_status s);
int subscriber_status_from(const char *name);

/* With tags. *out is owned by mem. */
enum err subscriber_get(struct db *db, void *mem, int64_t brand, int64_t id,
    struct subscriber **out) MUST_CHECK;
enum err subscriber_get_by_key(struct db *db, void *mem, int64_t brand, const char *key,
    struct subscriber **out) MUST_CHECK;
/*
 * Those of `ids` that exist, in order of id, with tags: one query, for the sender.
 * An array owned by mem that ends at id 0.
 */
enum err subscriber_many(struct db *db, void *mem, int64_t brand, const int64_t *ids,
    size_t nids, struct subscriber **out) MUST_CHECK;

/* What a page of subscribers shows. Zero and NULL mean: any. */
struct subscriber_filter {
	int64_t brand, list;
	int status; /* enum subscriber_status, or -1 */
	const char *tag;
	const char *search; /* start of an address or of a name */
	int64_t before;     /* keyset: ids below; 0: from the newest */
	size_t limit;
};
/*
 * Newest first, with tags. One more than limit may be asked to know whether there is
 * more.
 */
enum err subscriber_page(struct db *db, void *mem, const struct subscriber_filter *f,
    struct subscriber **out, size_t *n) MUST_CHECK;
/* People of the brand by status; n[] has one slot per status. */
enum err subscriber_counts(struct db *db, int64_t brand, int64_t n[5]) MUST_CHECK;

/*
 * Whatever changes people belongs into a transaction: it keeps the counts of
 * repo/people_count.
 *
 * Sets x->id. ERR_CONFLICT: the address is there already.
 */
enum err subscriber_row_insert(struct db *db, struct subscriber *x,
    int64_t now) MUST_CHECK;
/* Address, names, custom and status. ERR_CONFLICT as above. */
enum err subscriber_row_update(struct db *db, const struct subscriber *x,
    int64_t now) MUST_CHECK;
/*
 * Sets the status if it is one of `from` (bits 1 << enum subscriber_status); *changed
 * tells.
 */
enum err subscriber_row_status(struct db *db, const struct subscriber *x, unsigned from,
    enum subscriber_status to, int64_t now, bool *changed) MUST_CHECK;
/*
 * The states, as such bits, from which a person may come into `to` by leaving, a bounce
 * or a complaint: who left stays gone, and only a complaint is graver.
 */
unsigned subscriber_may_become(enum subscriber_status to);
/* Consents, tags and memberships go too; suppressions and ledger rows stay. */
enum err subscriber_row_delete(struct db *db, int64_t brand, int64_t id) MUST_CHECK;

/* Replaces all tags (array of text). */
enum err subscriber_set_tags(struct db *db, const struct subscriber *x) MUST_CHECK;
/* Tags of the brand with how many have them, most used first: {tag, n}. */
enum err subscriber_tags(struct db *db, void *mem, int64_t brand, size_t limit,
    struct json_object **out) MUST_CHECK;

/* Lists one is on, as ids in order of name; array owned by mem. */
enum err subscriber_lists(struct db *db, void *mem, int64_t brand, int64_t subscriber,
    int64_t **out, size_t *n) MUST_CHECK;
/* Replaces memberships; every id must be a list of the brand (others are not added). */
enum err subscriber_set_lists(struct db *db, const struct subscriber *x,
    const int64_t *lists, size_t n, int64_t now) MUST_CHECK;

/* Marks the ledger row of that campaign, if there is one and it is not marked yet. */
enum err subscriber_mark_left(struct db *db, int64_t campaign, int64_t subscriber,
    int64_t now, bool *marked) MUST_CHECK;

/*
 * Whom a link in a mail is about: the address that got that mail, as the ledger has it.
 * The subscriber may be deleted since, or have another address.
 */
struct mailed {
	int64_t brand_id, campaign_id, subscriber_id;
	const char *email_key, *email;
	int64_t left_at; /* unsubscribed by a link of this mail; 0: did not */
};
/* ERR_NOTFOUND: the campaign is gone or mailed nobody of that number. */
enum err subscriber_mailed(struct db *db, void *mem, int64_t campaign,
    int64_t subscriber, struct mailed **out) MUST_CHECK;
