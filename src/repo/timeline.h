#pragma once

#include <json-c/json.h>

#include "db/db.h"

enum err timeline_prepare(struct db *db) MUST_CHECK;

/*
 * The last mails to a person and what followed, as JSON arrays owned by mem, newest
 * first. deliveries: {campaign_id, campaign, state, reason, at}; events: {type (a
 * word), machine, campaign_id, campaign, url, client, detail, at}.
 */
enum err timeline_deliveries(struct db *db, void *mem, int64_t brand,
    int64_t subscriber, struct json_object **out) MUST_CHECK;
enum err timeline_events(struct db *db, void *mem, int64_t brand, int64_t subscriber,
    struct json_object **out) MUST_CHECK;
