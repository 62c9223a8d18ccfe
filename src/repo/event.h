#pragma once

#include <stddef.h>

#include "db/db.h"
#include "model/event.h"
#include "repo/event_count.h"

/*
 * Opens, clicks and what providers tell, as rows.  Nothing here judges: service/judge
 * decides what is a person's and what a machine's.
 */
enum err event_prepare(struct db *db) MUST_CHECK;

/* ---- opens and clicks ---- */

enum err event_insert(struct db *db, const struct event *ev) MUST_CHECK;
/* Writes reason, client, sent_ms and rules of an event that is there. */
enum err event_rejudge(struct db *db, const struct event *ev) MUST_CHECK;
struct event_list {
	struct event *all;
	size_t n;
};
/* Opens and clicks of a recipient from one time to another, in order; owned by mem. */
enum err event_between(struct db *db, void *mem, const struct event_recipient *r,
    int64_t from, int64_t to, struct event_list *out) MUST_CHECK;

/* ---- the history ---- */

/* How far the events have been judged by a version of the rules; 0 if not begun. */
enum err event_judged(struct db *db, int rules, int64_t *event) MUST_CHECK;
enum err event_set_judged(struct db *db, int rules, int64_t event,
    int64_t finished_at) MUST_CHECK;
struct event_batch {
	int64_t last;         /* id of the last event looked at */
	int looked;           /* events, of all types; 0: there are no more */
	struct event *events; /* opens and clicks that older rules judged */
	size_t n;
};
/*
 * The next events after b->last, at most `limit`; of each in b->events only id,
 * campaign and subscriber are set.  Owned by mem.
 */
enum err event_older(struct db *db, void *mem, int rules, int limit,
    struct event_batch *b) MUST_CHECK;

/* ---- what providers tell ---- */

/*
 * An event that a provider tells of, into email_events alone.  `effect` is what makes
 * it itself: *first is false, and nothing was written, if the brand has it already.
 */
enum err event_add_once(struct db *db, const struct event *ev, const char *effect,
    bool *first) MUST_CHECK;

/* ---- how far a spool file has been read ---- */
/* 0 if unknown */
enum err spool_position(struct db *db, const char *name, int64_t *out) MUST_CHECK;
enum err spool_set_position(struct db *db, const char *name, int64_t position,
    int64_t now) MUST_CHECK;
enum err spool_forget(struct db *db, const char *name) MUST_CHECK;
