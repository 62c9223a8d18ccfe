#pragma once

#include <stddef.h>

#include "db/db.h"
#include "model/event.h"

/* All SQL of this file, prepared at start. */
enum err event_prepare(struct db *db) MUST_CHECK;

/*
 * One open or click into email_events, the ledger row and the rollups; call it inside a
 * transaction.  Unique figures (people who opened, who clicked ...) rise only with the
 * first event of that kind for the recipient.  A person's click proves the open even
 * where pictures are blocked.  brand_id is taken from the campaign.  An event whose
 * campaign or recipient does not exist any more is dropped (OK).
 */
enum err event_record(struct db *db, struct event *ev) MUST_CHECK;

/*
 * An event that a provider tells of, into email_events alone.  `effect` is what makes
 * it itself: *first is false, and nothing was written, if the brand has it already.
 */
enum err event_add_once(struct db *db, const struct event *ev, const char *effect,
    bool *first) MUST_CHECK;

/*
 * One more of the campaign's recipients unsubscribed; in the transaction that marks the
 * row.
 */
enum err event_count_left(struct db *db, int64_t campaign, int64_t now) MUST_CHECK;

/* ---- how far a spool file has been read ---- */
/* 0 if unknown */
enum err spool_position(struct db *db, const char *name, int64_t *out) MUST_CHECK;
enum err spool_set_position(struct db *db, const char *name, int64_t position,
    int64_t now) MUST_CHECK;
enum err spool_forget(struct db *db, const char *name) MUST_CHECK;
