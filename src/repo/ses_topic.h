#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "db/db.h"

enum err ses_topic_prepare(struct db *db) MUST_CHECK;

/* An SNS topic a person has allowed to speak for a brand. */
struct ses_topic {
	int64_t id, brand_id, created_by;
	const char *arn;
	const char *state; /* wanted | confirmed | ended */
	int64_t created_at, confirmed_at, last_event_at; /* 0: not yet */
};
enum { SES_TOPICS_MAX = 20 }; /* of a brand */

/* All of a brand, oldest first. */
enum err ses_topic_list(struct db *db, void *mem, int64_t brand, struct ses_topic **out,
    size_t *n) MUST_CHECK;
/* By its ARN; ERR_NOTFOUND: not on the brand's list. */
enum err ses_topic_get(struct db *db, void *mem, int64_t brand, const char *arn,
    struct ses_topic **out) MUST_CHECK;
/* Wanted from now on, also if it was here already; fills id and state. */
enum err ses_topic_want(struct db *db, struct ses_topic *t) MUST_CHECK;
enum err ses_topic_drop(struct db *db, int64_t brand, int64_t id) MUST_CHECK;
/* wanted -> confirmed, and what to do once Amazon ended it. */
enum err ses_topic_confirmed(struct db *db, int64_t id, int64_t now) MUST_CHECK;
enum err ses_topic_ended(struct db *db, int64_t id) MUST_CHECK;
/* Something came; kept to the minute.  One that speaks is confirmed. */
enum err ses_topic_heard(struct db *db, int64_t id, int64_t now) MUST_CHECK;

/* When the last campaign of the brand began of which mail was accepted; 0: none did. */
enum err ses_topic_last_mailing(struct db *db, int64_t brand, int64_t *at) MUST_CHECK;

/* Takes a message of the brand once: *first is false for one that was here before. */
enum err hook_message_take(struct db *db, int64_t brand, const char *message_id,
    int64_t now, bool *first) MUST_CHECK;
/* Forgets messages that are too old to be taken again anyway. */
enum err hook_message_forget(struct db *db, int64_t before) MUST_CHECK;
