#pragma once

#include "db/db.h"
#include "model/brand.h"

enum err provider_prepare(struct db *db) MUST_CHECK;
/* Every brand has one row; the outbox until something else is set. */
enum err provider_settings_get(struct db *db, void *mem, int64_t brand_id,
    struct provider_settings **out) MUST_CHECK;
/* Writes what people set. What the account said stays, if it is the same account. */
enum err provider_settings_put(struct db *db, const struct provider_settings *p,
    int64_t now) MUST_CHECK;
/* Writes what it said: max_rate, max_day, sent_day, account_json, checked_at. */
enum err provider_settings_account(struct db *db,
    const struct provider_settings *p) MUST_CHECK;

const char *provider_kind_word(enum provider_kind k);
const char *send_mode_word(enum send_mode m);
