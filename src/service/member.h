#pragma once

#include "base/form.h"
#include "repo/member.h"

/* Who changes a team: an admin may not make, change or remove an owner. */
struct team {
	struct db *db;
	int64_t brand_id;
	enum role by;
	int64_t now;
};

/* Takes an account into the brand, or changes its role. Fields: email, role. */
enum err member_add(const struct team *t, void *mem, struct form *f,
    struct member **out) MUST_CHECK;
/* Field: role. ERR_NOTFOUND if they are not in the brand. */
enum err member_change(const struct team *t, void *mem, int64_t user_id, struct form *f,
    struct member **out) MUST_CHECK;
/* ERR_INVALID with a sentence at `role` when it is the last owner. */
enum err member_remove(const struct team *t, void *mem, int64_t user_id,
    struct form *f) MUST_CHECK;
