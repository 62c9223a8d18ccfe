#pragma once

#include "db/db.h"

enum err consent_prepare(struct db *db) MUST_CHECK;

/* One line of the history: when, how and from where someone came, left or came back. */
struct consent {
	int64_t id, brand_id, subscriber_id, campaign_id;
	/* subscribed unsubscribed resubscribed confirmed bounced complained */
	const char *action;
	const char *source; /* page api import one-click link event */
	const char *ip, *detail;
	int64_t created_at;
};

enum err consent_add(struct db *db, const struct consent *c) MUST_CHECK;
/* Newest first; array owned by mem. */
enum err consent_of(struct db *db, void *mem, int64_t brand, int64_t subscriber,
    struct consent **out, size_t *n) MUST_CHECK;
