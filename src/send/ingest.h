#pragma once

#include "app.h"
#include "model/work.h"

/* Reads the spool of opens and clicks into email_events and the rollups, exactly once.
 */
enum err ingest_work(struct app *app, int64_t budget_ms,
    struct work_report *out) MUST_CHECK;
