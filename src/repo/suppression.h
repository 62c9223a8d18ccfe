#pragma once

#include "db/db.h"

enum err suppression_prepare(struct db *db) MUST_CHECK;

/*
 * An address of a brand that gets no mail. It outlives the subscriber and every import.
 */
struct suppression {
	int64_t brand_id;
	const char *email_key;
	const char *reason; /* unsubscribed bounced complained manual */
	const char *detail;
	int64_t created_at;
};

/* ERR_NOTFOUND: may be mailed. */
enum err suppression_get(struct db *db, void *mem, int64_t brand, const char *key,
    struct suppression **out) MUST_CHECK;
/*
 * If there is one already the graver reason stays: unsubscribed, which people undo
 * themselves, before bounced before complained; else the first.
 */
enum err suppression_add(struct db *db, const struct suppression *x) MUST_CHECK;
/* Lifts it, if the reason is `reason`; *lifted tells. */
enum err suppression_lift(struct db *db, int64_t brand, const char *key,
    const char *reason, bool *lifted) MUST_CHECK;
