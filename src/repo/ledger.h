#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/db.h"
#include "model/campaign.h"
#include "model/contact.h"
#include "model/delivery.h"
#include "repo/host.h"

/*
 * The ledger (campaign_subscribers), its counts, and what is under way.  A row is in
 * exactly one of these: behind the cursor of its campaign (pending), in one range that
 * a worker has leased (claimed) or given back, in one open batch (intent), or settled.
 * Each move is one transaction, with campaign_counts, so the sum over states always
 * equals campaigns.audience.  An attempt is written for each try but one that was
 * accepted at once: that one is the row itself.
 */

/* All SQL of this file, prepared at start. */
enum err ledger_prepare(struct db *db) MUST_CHECK;

/* ---- campaigns that want work ---- */
struct due_campaign {
	int64_t id, brand_id;
	enum campaign_status status;
	int64_t send_at;
	char account[80]; /* what shares one rate with it */
};
/* It is to be sent, not only to be tidied up. */
bool due_sends(const struct due_campaign *d);
/*
 * Scheduled and due, or sending; cancelled with rows still open; paused with rows still
 * in a worker's hands.  Who was served longest ago comes first.
 */
enum err ledger_due(struct db *db, void *mem, int64_t now, struct due_campaign **out,
    size_t *n) MUST_CHECK;
/* A worker turns to it now. */
enum err ledger_serve(struct db *db, int64_t campaign, int64_t now) MUST_CHECK;
/* Paused campaigns that go on by themselves, and whose time has come, -> sending. */
enum err ledger_wake(struct db *db, int64_t now) MUST_CHECK;
/*
 * When the next scheduled or paused campaign becomes due or the next retry may be
 * tried; 0: none.
 */
enum err ledger_next_at(struct db *db, int64_t *at) MUST_CHECK;

/*
 * Puts the next batch (subscribers by id) of the audience into the ledger: active, not
 * suppressed members of the chosen lists that are in no excluded list; once per person
 * and per address.  *complete when the whole audience is in.  ERR_CONFLICT unless
 * sending.
 */
enum err ledger_freeze(struct db *db, int64_t campaign, int batch, int64_t now,
    bool *complete) MUST_CHECK;
/* sending -> completed if the audience is frozen and no row is open. */
enum err ledger_finish(struct db *db, int64_t campaign, int64_t now,
    bool *finished) MUST_CHECK;
/*
 * Pending and retry rows of a cancelled campaign -> cancelled, at most `limit`; *left:
 * rows that remain open.  Called by the slice, and by campaign cancel for a first batch
 * at once.
 */
enum err ledger_cancel_open(struct db *db, int64_t campaign, int limit, int64_t now,
    int64_t *left) MUST_CHECK;
/* The tracked links of a campaign by number; a number never changes its address. */
struct ledger_link {
	int number;
	const char *url, *label;
};
enum err ledger_links(struct db *db, void *mem, int64_t campaign,
    struct ledger_link **out, size_t *n) MUST_CHECK;
/* Adds those that are missing. */
enum err ledger_add_links(struct db *db, int64_t campaign,
    const struct ledger_link *links, size_t n) MUST_CHECK;

/* ---- sending ---- */
/* A range next <= id < to whose rows, as far as they are pending, are a worker's. */
struct lease {
	int64_t id, next, to;
	int64_t left; /* rows */
};
/*
 * What a worker may intend of one campaign.  Begins as { .mem }; what is lost of it
 * (the worker dies) is found by its owner: ledger_reclaim.
 */
struct claimed {
	void *mem; /* owner of leases */
	struct lease *leases;
	size_t nleases, cap;
	size_t retries; /* rows whose time has come; others may take them first */
	size_t n;       /* rows: leased, and the retries */
};
struct claim {
	const char *owner; /* worker, see repo/worker.h */
	int64_t campaign;
	int n; /* rows at most */
	int64_t now;
	int64_t version;      /* of the campaign whose content is to be sent; 0: any */
	int64_t provider_at;  /* updated_at of the brand's provider; 0: any */
	struct claimed *mine; /* grows by a claim, shrinks by an intent */
	const struct host_mark *mark; /* what an intent leaves of itself; NULL: none */
	unsigned connects; /* with a mark: the connection it belongs to (db_connects) */
};
/*
 * Looks for retries whose time has come, and leases a range of pending rows; what was
 * given back comes first and as a whole, so it may be more than n.  *claimed: how many
 * rows more may be intended.
 */
enum err ledger_claim(struct db *db, const struct claim *c,
    int64_t *claimed) MUST_CHECK;

struct intent {
	void *mem; /* owner of what it points to: may be moved away and freed alone */
	int64_t delivery_id, batch_id;
	int tries;      /* this one included: with delivery_id it names the attempt */
	int refusals;   /* answers about this recipient before */
	const char *to; /* as frozen */
	struct subscriber who;
};
struct intent_batch {
	bool sending; /* else nothing was begun: paused, cancelled, gone, edited, or
			 another key of the provider */
	struct intent *rows; /* owned by mem */
	size_t n;
	int64_t skipped; /* rows that must not be sent any more */
};
struct settle {
	int64_t delivery_id, batch_id;
	int tries;                 /* which try it is the result of */
	enum delivery_state state; /* accepted rejected retry doubt given_up */
	enum attempt_cause cause;
	const char *message_id, *reason;
	int64_t next_try_at; /* of retry */
};
struct results {
	const struct settle *rows; /* of one campaign */
	size_t n;
	int64_t now;
};
/*
 * The results of before and the intent of what comes next, in one transaction that is
 * durable when it returns.  back may be NULL or empty; it is written even when nothing
 * is sending any more.  The intent: for the first c->n rows of c->mine, retries first,
 * re-checks campaign, suppression and the person, and writes down the batch; then they
 * are taken from mine.  Only what comes back in `rows` may be sent, and each exactly
 * once.  ERR_CONFLICT: what was leased has been given to others, or the database is not
 * the one that the mark was made for.
 */
enum err ledger_turn(struct db *db, void *mem, const struct results *back,
    const struct claim *c, struct intent_batch *out) MUST_CHECK;
/* The intent alone. */
enum err ledger_intent(struct db *db, void *mem, const struct claim *c,
    struct intent_batch *out) MUST_CHECK;
/*
 * Results alone.  A row whose try is settled already (by an event, or because others
 * took us for dead) takes only what makes it more certain.
 */
enum err ledger_settle(struct db *db, int64_t campaign,
    const struct results *r) MUST_CHECK;
/* Gives back what owner has leased. */
enum err ledger_release(struct db *db, const char *owner, int64_t campaign) MUST_CHECK;
/* Owners of leases and open batches. */
enum err ledger_owners(struct db *db, void *mem, int64_t campaign, char ***out,
    size_t *n) MUST_CHECK;
/*
 * The rows of a dead owner: claimed -> pending, intent -> doubt; what the outbox has
 * kept is accepted.
 */
enum err ledger_reclaim(struct db *db, const struct claim *dead, int64_t *pending,
    int64_t *doubt) MUST_CHECK;

/* ---- reading ---- */
/* From campaign_counts: one small read, whatever the size of the audience. */
enum err ledger_counts(struct db *db, int64_t campaign,
    struct delivery_counts *out) MUST_CHECK;
/* Recount from the rows, for the checker and tests. */
enum err ledger_recount(struct db *db, int64_t campaign,
    struct delivery_counts *out) MUST_CHECK;
/* "pending" ... "given_up": as the API says it. */
const char *delivery_state_name(enum delivery_state s);
int delivery_state_from(const char *name); /* -1 if unknown */
