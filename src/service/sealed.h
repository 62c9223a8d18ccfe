#pragma once

#include <stdint.h>

#include "base/crypto.h"
#include "db/db.h"

/* All that is sealed in the database, by what opens it. */
struct sealed_count {
	int64_t newest;     /* by the key that seals now */
	int64_t older;      /* by one that came before; they open */
	int64_t unreadable; /* by none */
};

/* Opens each and keeps nothing. */
enum err sealed_look(struct db *db, const struct keyring *k,
    struct sealed_count *out) MUST_CHECK;
/*
 * Seals anew what an older key has sealed, 200 at a time; may be killed and run again
 * at any point.  What no key opens stays as it is.  out: as it is afterwards.
 */
enum err sealed_renew(struct db *db, const struct keyring *k,
    struct sealed_count *out) MUST_CHECK;
