#pragma once

#include "db/db.h"

/* Prepares the statements of all repositories: bad SQL stops the start. */
enum err repo_prepare(struct db *db) MUST_CHECK;
