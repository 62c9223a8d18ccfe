#pragma once

#include "app.h"
#include "model/work.h"

/* Works on waiting and running imports until budget_ms is used; resumes where a crash left it. */
enum err import_work(struct app *app, int64_t budget_ms, struct work_report *out) MUST_CHECK;
