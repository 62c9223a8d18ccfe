#pragma once

#include "service/import_person.h"

/*
 * Writes what the rows of a batch have made of the people: new ones, changes, lists,
 * tags, those who left, and the history of each.  In a transaction.  ERR_CONFLICT: one
 * of them came in by another way just now.
 */
enum err import_store(struct db *db, void *mem, const struct import *i,
    const struct import_people *people, int64_t now) MUST_CHECK;
