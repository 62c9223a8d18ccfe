#pragma once

#include "db/db.h"

/*
 * What becomes of rows in doubt: sent again (doubt -> retry), or given up.  A decision
 * to send again is written on the attempt it overrules and counted in
 * campaigns.resends, so the number of mails that may be there twice is always known.
 */
struct doubt_choice {
	int64_t campaign;
	bool resend;		/* else give up */
	const int64_t *ids;	/* rows of the ledger */
	size_t n;		/* 0: all that were in doubt at `now` */
	const char *by;		/* who decides, kept for people: "Ines", "policy" */
	int64_t now;
};

enum err ledger_doubt_prepare(struct db *db) MUST_CHECK;
/*
 * Rows that are no longer in doubt are left alone; *decided counts the others.  A
 * completed campaign goes back to sending when there is something to send again.
 * ERR_CONFLICT: nothing of this campaign can be sent again, for it was cancelled.
 */
enum err ledger_decide(struct db *db, const struct doubt_choice *c,
    int64_t *decided) MUST_CHECK;
