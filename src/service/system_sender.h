#pragma once

#include "base/form.h"
#include "db/db.h"
#include "model/brand.h"

/*
 * Which brand sends the installation's own mails (invitations, resets of passwords):
 * the one an administrator chose, else the oldest with a sender's address, so that
 * nobody gets hold of these mails, which lead into accounts, by setting up a brand of
 * their own.  In an outbox only administrators of the installation see them.
 */
struct system_sender {
	struct brand *brand;
	bool chosen; /* by an administrator */
	bool outbox; /* the mails stay here, in the brand's outbox */
};

/* ERR_NOTFOUND: no brand can send (none has a sender's address). */
enum err system_sender_find(struct db *db, void *mem,
    struct system_sender *out) MUST_CHECK;
/* Field: system_brand, the id; 0 or absent: as the rule above says. */
enum err system_sender_choose(struct db *db, void *mem, struct form *f,
    int64_t now) MUST_CHECK;
