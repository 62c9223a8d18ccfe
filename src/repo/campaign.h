#pragma once

#include "db/db.h"
#include "model/campaign.h"
#include "model/delivery.h"

/*
 * Campaigns: the draft, its audience of lists, the state machine, the index.  Rows of
 *the ledger and their counts are repo/ledger's; repo/recipient shows them.
 *
 *	draft -> scheduled -> sending -> completed
 *	draft -> sending; scheduled -> draft; sending <-> paused; scheduled -> paused
 *(missed) sending | paused -> cancelled
 *
 * `sending` with frozen_at 0 means that the audience is not yet in the ledger: the next
 * slice freezes it first.
 */
enum { CAMPAIGN_STATUSES = CAMPAIGN_CANCELLED + 1, CAMPAIGN_SEARCH_MAX = 100 };

/* All SQL of campaign.c and campaign_index.c, prepared at start. */
enum err campaign_prepare(struct db *db) MUST_CHECK;
enum err campaign_index_prepare(struct db *db) MUST_CHECK;

/* "draft", "scheduled" ... as stored and as the API says it. */
const char *campaign_status_word(enum campaign_status s);
const char *doubt_policy_word(enum doubt_policy p);
/* NULL-terminated, in the order of the enum: for form_choice. */
extern const char *const campaign_status_words[], *const doubt_policy_words[],
						      *const audience_kind_words[];

/* With bodies and audience. ERR_NOTFOUND also when it is another brand's. */
enum err campaign_get(struct db *db, void *mem, int64_t brand, int64_t id,
    struct campaign **out) MUST_CHECK;

/* A line of the index: no bodies. */
struct campaign_line {
	struct campaign c;        /* html, text: "" */
	const char *author;       /* name or address of who made it; "" if gone */
	const char *to, *without; /* names of the lists, "A + B"; "" if none */
	struct delivery_counts counts;
	struct campaign_stats stats;
};

struct campaign_filter {
	unsigned statuses;  /* bits 1 << enum campaign_status; 0: any */
	const char *search; /* in name or subject, case ignored; NULL or "": any */
	int64_t list;       /* sent to this list; 0: any */
	int64_t before;     /* cursor: ids below; 0: from the newest */
	int limit;          /* rows at most */
};

/* Newest first. *n < limit: there are no more. */
enum err campaign_page(struct db *db, void *mem, int64_t brand,
    const struct campaign_filter *f, struct campaign_line **out, size_t *n) MUST_CHECK;
/* How many are in each status. */
enum err campaign_tally(struct db *db, int64_t brand,
    int64_t n[CAMPAIGN_STATUSES]) MUST_CHECK;
/*
 * Accepted mails, opens by people, delivered and complaints of campaigns started since
 * `since`.
 */
struct campaign_recent {
	int64_t accepted, complained;
	/* of those that track opens: people, and what that is a share of */
	int64_t opened, base;
};
enum err campaign_recent(struct db *db, int64_t brand, int64_t since,
    struct campaign_recent *out) MUST_CHECK;

/* Sets c->id, version, created_at, updated_at; writes the audience too. user 0: none.
 */
enum err campaign_insert(struct db *db, struct campaign *c, int64_t user,
    int64_t now) MUST_CHECK;
/*
 * Writes everything an editor can change, of a draft the audience too, if the row is
 * still of c->status (draft or paused) and version c->version; then c->version rises.
 * ERR_CONFLICT otherwise, and nothing changes.
 */
enum err campaign_update(struct db *db, struct campaign *c, int64_t now) MUST_CHECK;
/* Drafts only: ERR_CONFLICT otherwise. */
enum err campaign_delete(struct db *db, int64_t brand, int64_t id) MUST_CHECK;

/*
 * Compare-and-set of the status: `from` are bits 1 << status.  ERR_CONFLICT when the
 * row is in none of them (somebody was quicker).  Sets started_at at the first
 * `sending`, finished_at at `completed` and `cancelled`, pause_reason to reason (""
 * clears it).
 */
struct campaign_step {
	unsigned from;
	enum campaign_status to;
	const char *reason; /* NULL is "" */
	int64_t send_at;    /* of scheduled and sending; -1 keeps what stands */
	const char *zone;   /* NULL keeps */
	int64_t resume_at;  /* of paused: it goes on by itself then; 0: never */
};
enum err campaign_move(struct db *db, int64_t brand, int64_t id,
    const struct campaign_step *s, int64_t now) MUST_CHECK;

/* Zeros when nothing happened yet. */
enum err campaign_stats_get(struct db *db, int64_t id,
    struct campaign_stats *out) MUST_CHECK;

/*
 * Unique people who would be mailed now: of c->brand_id, active, on one of c->lists,
 * on none of c->exclude_lists, not suppressed.  The rule of the freeze as well.
 */
enum err campaign_reach(struct db *db, const struct campaign *c,
    int64_t *out) MUST_CHECK;
