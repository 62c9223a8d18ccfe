#pragma once

#include <json-c/json.h>

#include "db/db.h"
#include "model/campaign.h"

/*
 * The report of one campaign: {counts, stats, base, base_name, hours, links, clients}.  `base`
 * is what rates are shares of: delivered where the provider tells of deliveries, else accepted.
 * Brand and campaign must be known to belong together.
 */
enum err report_json(struct db *db, void *mem, const struct campaign *c, struct json_object **out)
    MUST_CHECK;

/*
 * For the page only: {chart: {human, area, machine, click: SVG paths in 1000 x 200, top, steps,
 * labels}, sum: parts of the ledger bar, funnel}.  `report` is what report_json gave.
 */
struct json_object *report_drawing(void *mem, const struct campaign *c, struct json_object *report,
    const char *zone);
