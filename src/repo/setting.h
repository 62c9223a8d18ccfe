#pragma once

#include "db/db.h"

/* Installation-wide words: key -> value. */
enum err setting_prepare(struct db *db) MUST_CHECK;
enum err setting_get(struct db *db, void *mem, const char *key,
    char **value) MUST_CHECK;
enum err setting_put(struct db *db, const char *key, const char *value,
    int64_t now) MUST_CHECK;
/* Removes it only if it still has this value; ERR_NOTFOUND otherwise. */
enum err setting_take(struct db *db, const char *key, const char *value) MUST_CHECK;
