#pragma once

#include <json-c/json.h>

#include "base/form.h"
#include "db/db.h"
#include "repo/ses_topic.h"

/*
 * Begins a subscription: from now on a confirmation by topic_arn of the form is
 * answered.  t: brand_id, created_by, created_at given, the rest filled in.
 * ERR_INVALID with a sentence at topic_arn.
 */
enum err ses_topic_begin(struct db *db, void *mem, struct ses_topic *t,
    struct form *f) MUST_CHECK;

/*
 * For the API: [{id, topic_arn, state, created_at, confirmed_at, last_event_at}], owned
 * by mem.
 */
enum err ses_topic_json(struct db *db, void *mem, int64_t brand,
    struct json_object **out) MUST_CHECK;

/*
 * Since when nothing has come though mail of the brand left at least half an hour ago;
 * 0: nothing to worry about, or no topic is confirmed.
 */
enum err ses_topic_silent(struct db *db, void *mem, int64_t brand, int64_t now,
    int64_t *since) MUST_CHECK;
