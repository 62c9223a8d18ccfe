#pragma once

#include <json-c/json.h>

#include "http/router.h"

/* The first recipients of a campaign of the brand, as the list of them has them. */
enum err recipient_first(struct request *rq, void *mem, int64_t campaign, int limit,
    struct json_object **out) MUST_CHECK;

handler recipient_index;
handler recipient_csv;
