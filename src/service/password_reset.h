#pragma once

#include "service/auth.h"

/*
 * A new password by a link: 256 bits, of which the database keeps the hash; good for an
 * hour and once.  Looking at a link does not use it up: scanners look at every link.
 */
#define RESET_LIFE_MS (INT64_C(3600) * 1000)

/*
 * Somebody asks at the door.  Field: email.  10 an hour from an address: ERR_LIMITED
 * and *retry_after.  Whether the account is there, may have one and has not asked three
 * times this hour must not show: OK either way.
 */
enum err password_reset_ask(const struct visit *v, void *mem, struct form *f,
    int *retry_after) MUST_CHECK;
/* Who of the form's address gets a mail; counts it. ERR_NOTFOUND, ERR_LIMITED: nobody.
 */
enum err password_reset_for(const struct visit *v, void *mem, struct form *f,
    struct user **out) MUST_CHECK;
/* Makes a link's word for an account. */
enum err password_reset_make(const struct visit *v, void *mem, int64_t user_id,
    char **word) MUST_CHECK;
/* Whose word it is while it is good. ERR_NOTFOUND. */
enum err password_reset_check(const struct visit *v, void *mem, const char *word,
    struct user **out) MUST_CHECK;
/* Field: password.  Uses the word up; all sessions end. ERR_NOTFOUND, ERR_INVALID. */
enum err password_reset_complete(const struct visit *v, void *mem, const char *word,
    struct form *f, struct user **out) MUST_CHECK;
