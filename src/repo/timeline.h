#pragma once

#include <json-c/json.h>

#include "db/db.h"

enum err timeline_prepare(struct db *db) MUST_CHECK;

/*
 * The last TIMELINE_MAX things that happened with a person, newest first: a JSON array
 * owned by mem.  An event: {type (a word), machine, reason (enum machine_reason),
 * campaign_id, campaign, url, client, detail, at}; what the ledger says of a mail:
 * {state, campaign_id, campaign, detail, at}.
 */
enum { TIMELINE_MAX = 50 };
enum err timeline_read(struct db *db, void *mem, int64_t brand, int64_t subscriber,
    struct json_object **out) MUST_CHECK;
