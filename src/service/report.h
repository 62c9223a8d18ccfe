#pragma once

#include <json-c/json.h>

#include "db/db.h"
#include "model/campaign.h"

/*
 * The report of one campaign: {counts, stats, base, base_name, resent, hours, links,
 * clients}.  `base` is what rates are shares of (stats_base), `resent` how many people
 * a mail in doubt was sent to again.  Brand and campaign must be known to belong
 * together.
 */
enum err report_json(struct db *db, void *mem, const struct campaign *c,
    struct json_object **out) MUST_CHECK;

/*
 * The first 48 hours up to now as a drawing, for the page only: {area, human, machine,
 * click: SVG paths in a field of 1000 x 200, axis: numbers from 0 up, labels: times in
 * `zone`}, the ledger bar (sum) and the funnel, stage by stage.  `report` is what
 * report_json gave.
 */
struct json_object *report_drawing(void *mem, const struct campaign *c,
    struct json_object *report, int64_t now, const char *zone);
