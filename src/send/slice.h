#pragma once

#include "app.h"
#include "model/work.h"

/*
 * One slice of sending: due campaigns are frozen, open rows claimed, sent and settled
 * until budget_ms is nearly used or nothing is left.  Any number of slices may run at
 * once, on any number of hosts: the ledger decides.  Safe to be killed at any instant.
 */
enum err slice_run(struct app *app, int64_t budget_ms,
    struct work_report *out) MUST_CHECK;
