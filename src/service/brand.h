#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/crypto.h"
#include "base/form.h"
#include "db/db.h"
#include "model/brand.h"

/*
 * Makes a brand with the outbox as its provider.  Fields: name, from_name, from_email,
 * reply_to, postal_address, time_zone.  user_id becomes its owner (0: nobody).
 */
enum err brand_create(struct db *db, void *mem, struct form *f, int64_t user_id,
    int64_t now, struct brand **out) MUST_CHECK;
/* Changes the fields that are sent; b is changed too. */
enum err brand_change(struct db *db, void *mem, struct brand *b, struct form *f,
    int64_t now) MUST_CHECK;

struct region {
	const char *code, *name;
};
/* Regions in which Amazon offers SES, by name. */
const struct region *ses_regions(size_t *n);
const char *ses_region_name(const char *code); /* "Frankfurt"; the code if not known */

struct provider_wish {
	const struct keyring *keys;
	bool allow_loopback; /* http to the loopback is accepted as an endpoint */
	int64_t brand_id, now;
};
/*
 * Sets a brand's provider.  Fields: kind, region, access_key_id, secret_access_key
 * (empty: as before), endpoint, configuration_set, mode, rate.
 */
enum err provider_change(struct db *db, void *mem, const struct provider_wish *w,
    struct form *f, struct provider_settings **out) MUST_CHECK;
