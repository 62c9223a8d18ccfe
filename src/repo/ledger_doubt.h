#pragma once

#include "db/db.h"
#include "model/delivery.h"

/*
 * What becomes of rows in doubt: sent again (doubt -> retry), or given up.  Who was
 * given up can be sent again later.  A decision to send again after a doubt is written
 * on the attempt it overrules and counted in campaigns.resends, so the number of mails
 * that may be there twice is always known.
 */
struct doubt_choice {
	int64_t campaign;
	enum delivery_state from; /* doubt, or given_up with resend */
	bool resend;              /* else give up */
	const int64_t *ids;       /* rows of the ledger */
	size_t n;                 /* 0: all that were in that state at `now` */
	const char *by;           /* who decides, kept for people: "Ines", "policy" */
	int64_t now;
};

/* Policies: how long they wait, and how often a row is sent again by itself. */
enum { RESEND_AFTER_MS = 300000, EVIDENCE_AFTER_MS = 900000, RESENDS_MAX = 3 };

enum err ledger_doubt_prepare(struct db *db) MUST_CHECK;
/*
 * Rows that are no longer in that state are left alone; *decided counts the others.  A
 * completed campaign goes back to sending when there is something to send again.
 * ERR_CONFLICT: nothing of this campaign can be sent again, for it was cancelled.
 */
enum err ledger_decide(struct db *db, const struct doubt_choice *c,
    int64_t *decided) MUST_CHECK;
/*
 * What the policies of campaigns decide by themselves, for some of the rows whose time
 * has come.  resend: sent again after a pause.  evidence: sent again if nothing was
 * heard of the attempt for 15 minutes while events of the brand did arrive that long
 * after it; without such proof it is held.
 */
enum err ledger_policy(struct db *db, int64_t now, int64_t *decided) MUST_CHECK;
/* When the last event came from Amazon for the brand; 0: never, no feed is set up. */
enum err ledger_feed_at(struct db *db, int64_t brand, int64_t *at) MUST_CHECK;
