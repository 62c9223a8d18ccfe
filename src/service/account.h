#pragma once

#include "service/auth.h"

/* What people change about accounts: their own, or as administrators. */

/* ---- passwords ---- */
/* The new password in the field `password`; what is wrong with it is said there. */
const char *password_chosen(struct form *f, const char *email);
/*
 * Is it u's password?  The same work whether or not there is such an account (u NULL),
 * it is disabled or has no password: then false.
 */
bool password_matches(const struct visit *v, const struct user *u,
    const char *password);
/*
 * The person at the keyboard is the one who signed in.  Field: current_password.  10 in
 * 15 minutes; then ERR_LIMITED with the sentence there and the seconds to wait.
 */
enum err account_prove(const struct visit *v, void *mem, const struct user *u,
    struct form *f, int *retry_after) MUST_CHECK;
/* Sets it as it is given; ends every session but `keep` (0: all) and every link for a
 * new one. */
enum err account_set_password(const struct visit *v, void *mem, const struct user *u,
    const char *password, int64_t keep) MUST_CHECK;
/* The same in two steps: hashing takes long, and nothing may wait for it in a
 * transaction. */
char *account_hash(const struct visit *v, void *mem, const char *password);
enum err account_put_password(const struct visit *v, const struct user *u,
    const char *hash, int64_t keep) MUST_CHECK;
struct account_change {
	int64_t keep;    /* the session that goes on */
	int retry_after; /* answered, as account_prove */
};
/* Fields: current_password, password. */
enum err account_change_password(const struct visit *v, void *mem, const struct user *u,
    struct form *f, struct account_change *c) MUST_CHECK;
/* ---- name and standing ---- */
/* Field: name. */
enum err account_set_name(const struct visit *v, const struct user *u,
    struct form *f) MUST_CHECK;
/*
 * By an administrator of the installation.  Fields: admin, disabled.  A change ends the
 * account's sessions.  ERR_INVALID: nobody would be left to administer.
 */
enum err account_change_standing(const struct visit *v, void *mem, int64_t id,
    struct form *f, struct user **out) MUST_CHECK;
