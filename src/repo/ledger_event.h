#pragma once

#include "repo/ledger.h"

/*
 * What a provider tells afterwards of a mail that left, into the ledger.  Each fact is
 * monotone: any order, any number of times gives the same row.  Call all of it inside
 * one transaction; the row is locked until its end.
 */
enum err ledger_event_prepare(struct db *db) MUST_CHECK;

struct told_mail {
	int64_t delivery_id, campaign_id, subscriber_id;
	int tries;        /* which try the event is of */
	int settled;      /* how many of the row have a result */
	int64_t batch_id; /* of a row in intent: the open batch that has it */
	enum delivery_state state;
	const char *email_key, *message_id, *bounce;
	int64_t delivered_at, bounced_at, complained_at;
};
/* By our own tag: a delivery and its try.  ERR_NOTFOUND also for another brand's. */
enum err ledger_event_find(struct db *db, void *mem, int64_t brand, int64_t delivery,
    int tries, struct told_mail **out) MUST_CHECK;
/* By the number that was the tag of attempts before there were tries. */
enum err ledger_event_find_attempt(struct db *db, void *mem, int64_t brand,
    int64_t attempt, struct told_mail **out) MUST_CHECK;
/* By the provider's id of the message, and the address it went to. */
enum err ledger_event_find_message(struct db *db, void *mem, int64_t brand,
    const char *message_id, const char *email_key, struct told_mail **out) MUST_CHECK;

/*
 * The provider has it, so the person does, whatever the row waits for; keeps its id.  A
 * row in the middle of a later try is left to that one, which then ends as accepted.
 */
enum err ledger_event_accepted(struct db *db, struct told_mail *m,
    const char *message_id, int64_t now) MUST_CHECK;
/* The provider had it and threw it away before it left. */
enum err ledger_event_rejected(struct db *db, struct told_mail *m,
    const char *message_id, const char *reason, int64_t now) MUST_CHECK;
enum err ledger_event_delivered(struct db *db, struct told_mail *m,
    int64_t at) MUST_CHECK;
/*
 * bounce: "permanent ...", "suppressed ..." (an echo of the provider's own list: no
 * bounce of ours) or anything else, which is transient; the strongest, then the first
 * stays.
 */
enum err ledger_event_bounced(struct db *db, struct told_mail *m, const char *bounce,
    int64_t at) MUST_CHECK;
enum err ledger_event_complained(struct db *db, struct told_mail *m,
    int64_t at) MUST_CHECK;
