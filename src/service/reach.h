#pragma once

#include "db/db.h"
#include "kv/kv.h"
#include "model/campaign.h"

/*
 * As campaign_reach, for pages that are looked at again and again: a count that took
 * long, because a million people were looked at, is remembered in kv for a minute.
 * What is frozen and what the checklist says is always counted.
 */
enum err reach_measure(struct db *db, struct kv *kv, const struct campaign *c,
    int64_t *out) MUST_CHECK;
