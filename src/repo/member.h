#pragma once

#include <stddef.h>

#include "db/db.h"
#include "model/user.h"

/* Who is in a brand, with which role. Adding and changing is member_set of repo/brand.
 */
struct member {
	int64_t user_id;
	const char *email, *name;
	enum role role;
	int64_t created_at;
};

enum err member_prepare(struct db *db) MUST_CHECK;
/* By address, at most 500. */
enum err member_list(struct db *db, void *mem, int64_t brand_id, struct member **out,
    size_t *n) MUST_CHECK;
enum err member_get(struct db *db, void *mem, int64_t brand_id, int64_t user_id,
    struct member **out) MUST_CHECK;
/* ERR_NOTFOUND if they are not in it. */
enum err member_drop(struct db *db, int64_t brand_id, int64_t user_id) MUST_CHECK;
/* How many owners there are besides user_id. */
enum err member_other_owners(struct db *db, int64_t brand_id, int64_t user_id,
    int64_t *n) MUST_CHECK;
/*
 * Until the transaction ends nobody else gets past this for the brand: call it before
 * looking at its owners. ERR_NOTFOUND if there is no such brand.
 */
enum err member_lock(struct db *db, int64_t brand_id) MUST_CHECK;
