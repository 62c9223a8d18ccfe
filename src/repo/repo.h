#pragma once

#include "db/db.h"

/* Prepares the statements of every repository: bad SQL stops the start, not a request. */
enum err repo_prepare(struct db *db) MUST_CHECK;
