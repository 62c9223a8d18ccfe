#pragma once

#include "db/db.h"

/*
 * The checker of the ledger: the invariants of sending, looked for in the database as
 * it stands.  Each rule is one statement and so sees one moment: it raises no false
 * alarm while others write, and keeps nobody from writing.
 */
struct ledger_fault {
	int64_t campaign;
	int64_t n;           /* how many things break the rule */
	const char *rule;    /* "I2": as docs name it */
	const char *text;    /* what is broken, in words */
	const char *example; /* an address, or told against found */
};
struct ledger_verdict {
	struct ledger_fault *faults; /* owned by mem */
	size_t n;
	int64_t campaigns, rows; /* looked at */
};

enum err ledger_check_prepare(struct db *db) MUST_CHECK;
/* Looks at one campaign, or at all (0).  ERR_NOTFOUND if there is no such campaign. */
enum err ledger_check(struct db *db, void *mem, int64_t campaign,
    struct ledger_verdict *out) MUST_CHECK;
/*
 * The cheap part, from counts alone: the sum over states is the audience, and a
 * completed campaign has nothing open.
 */
enum err ledger_adds_up(struct db *db, int64_t campaign, bool *adds_up) MUST_CHECK;
