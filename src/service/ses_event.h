#pragma once

#include <stddef.h>
#include <stdint.h>

#include "db/db.h"

/* The "Message" of a notification that is trusted, and whose topic it came by. */
struct ses_notice {
	int64_t brand_id;
	const char *text;
	int64_t now;
};

/*
 * What Amazon SES tells of a mail, into ledger, email_events, figures and the person;
 * any order, any number of times: the same outcome.  Inside the caller's transaction.
 * What is unknown, of no mail of ours or no event at all changes nothing and is OK; an
 * error is the database's.  *kind: Amazon's word for it, "" if it is none; owned by
 * mem.
 */
enum err ses_event_apply(struct db *db, void *mem, const struct ses_notice *n,
    const char **kind) MUST_CHECK;
