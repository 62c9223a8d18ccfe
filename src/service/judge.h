#pragma once

#include "db/db.h"
#include "model/event.h"

/*
 * Decides of each open and click whether a person or a machine made it, and keeps the
 * reason.  One request alone is judged by service/agent.  Several together may be a
 * burst: clicks of one recipient on three links (on both, if the mail has two) within a
 * second, and the opens by the same client within a second of such a click.  A burst is
 * seen only when its later clicks come: those that had been counted as a person's then
 * become a machine's, in the same transaction.  What comes out follows from the set of
 * events alone, in whatever order and however often they are judged.
 *
 * The rules have a version.  Each event keeps what it was judged by, and the version
 * that judged it, so that the history can be judged again.
 */
enum { JUDGE_RULES = 1 };

/*
 * Writes one open or click with all that is counted of it; call it inside a
 * transaction.  The event needs campaign, subscriber, type, link, at and agent; with
 * agent NULL (it was not kept) client and reason are taken as they are.  A person's
 * click proves the open even where pictures are blocked.  An event whose campaign or
 * recipient does not exist any more is dropped (OK).
 */
enum err judge_event(struct db *db, const struct event *ev) MUST_CHECK;

/* All opens and clicks of one recipient anew, inside a transaction. */
enum err judge_recipient(struct db *db, int64_t campaign, int64_t subscriber,
    int64_t *changed) MUST_CHECK;

/* What a batch of the history came to. */
struct judge_report {
	int64_t looked;  /* events, of all types */
	int64_t changed; /* judgements that became another */
	bool more;
};
/*
 * The history: one transaction about the next `rows` events; those that older rules
 * judged are judged again.  Progress is stored in it, so that it may end and go on at
 * any time.  Adds to *out.
 */
enum err judge_history(struct db *db, int64_t now, int rows,
    struct judge_report *out) MUST_CHECK;
