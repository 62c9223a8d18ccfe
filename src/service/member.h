#pragma once

#include "base/form.h"
#include "repo/member.h"

/*
 * Who changes a team.  An admin may not make, change or remove an owner; a brand that
 * has an owner keeps one.  Changes of one brand's team wait for each other, so that
 * holds too when two owners leave at once.
 */
struct team {
	struct db *db;
	int64_t brand_id;
	int64_t user_id; /* who changes it; of a key, whom it acts for */
	enum role by;    /* as the caller was let in */
	bool above;      /* an installation admin: `by` does not depend on the team */
	int64_t now;
};

/* Takes an account into the brand. Fields: email, role. ERR_INVALID if they are in it.
 */
enum err member_add(const struct team *t, void *mem, struct form *f,
    struct member **out) MUST_CHECK;
/*
 * Field: role.  *was is the one before.  Invitations they made to more than the new
 * role are taken back.  ERR_NOTFOUND if they are not in the brand.
 */
enum err member_change(const struct team *t, void *mem, int64_t user_id, struct form *f,
    struct member **out, enum role *was) MUST_CHECK;
/*
 * *out is who they were.  Invitations they made are taken back.  ERR_INVALID with a
 * sentence at `role` when it is the last owner.
 */
enum err member_remove(const struct team *t, void *mem, int64_t user_id, struct form *f,
    struct member **out) MUST_CHECK;
/*
 * Makes a member owner and, if the caller is an owner of the team, the caller admin.
 * *out is the new owner.
 */
enum err member_hand_over(const struct team *t, void *mem, int64_t user_id,
    struct form *f, struct member **out) MUST_CHECK;
