#pragma once

#include "service/subscriber.h"

/* What service/subscriber and its leaving share; both inside a transaction. */

/* A line in the person's history of consent. */
enum err subscriber_note(struct db *db, const struct subscriber *s, const char *action,
    const struct origin *o) MUST_CHECK;
/* Status, suppression and history of one who leaves; *changed: was not so before. */
enum err subscriber_leave(struct db *db, struct subscriber *s,
    enum subscriber_status to, const struct origin *o, bool *changed) MUST_CHECK;
