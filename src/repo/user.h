#pragma once

#include <stddef.h>

#include "db/db.h"
#include "model/user.h"

enum err user_prepare(struct db *db) MUST_CHECK;
/* ERR_NOTFOUND if there is none; a disabled user is found too. */
enum err user_get(struct db *db, void *mem, int64_t id, struct user **out) MUST_CHECK;
/* By normalised address (users.email_key). */
enum err user_find(struct db *db, void *mem, const char *email_key,
    struct user **out) MUST_CHECK;
/* All accounts by id, at most 1,000. */
enum err user_list(struct db *db, void *mem, struct user **out, size_t *n) MUST_CHECK;
/* How many accounts there are. */
enum err user_count(struct db *db, int64_t *n) MUST_CHECK;
/* Fills u->id and u->created_at. ERR_CONFLICT if the address has an account. */
enum err user_add(struct db *db, struct user *u, const char *email_key,
    int64_t now) MUST_CHECK;
enum err user_set_password(struct db *db, int64_t id, const char *hash,
    int64_t now) MUST_CHECK;
enum err user_set_name(struct db *db, int64_t id, const char *name,
    int64_t now) MUST_CHECK;
enum err user_set_admin(struct db *db, int64_t id, bool admin, int64_t now) MUST_CHECK;
enum err user_set_disabled(struct db *db, int64_t id, bool disabled,
    int64_t now) MUST_CHECK;
/* The administrator, not disabled, with the lowest id. ERR_NOTFOUND: there is none. */
enum err user_first_admin(struct db *db, void *mem, struct user **out) MUST_CHECK;
/* How many administrators, who are not disabled, there are beside this one. */
enum err user_other_admins(struct db *db, int64_t id, int64_t *n) MUST_CHECK;
/* Writes totp_secret (NULL: takes the second factor away) and totp_step. */
enum err user_set_totp(struct db *db, const struct user *u, int64_t now) MUST_CHECK;
/* Uses a step of the second factor up. ERR_NOTFOUND: it, or a later one, was used. */
enum err user_take_step(struct db *db, int64_t id, int64_t step) MUST_CHECK;
