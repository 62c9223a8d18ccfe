#pragma once

#include "base/form.h"
#include "repo/invitation.h"

/*
 * Invitations into a brand.  The word of the link is a secret of 256 bits of which the
 * database keeps the hash; it is good for 7 days, for the person who has the address,
 * and once.
 */

/* Who invites, and the most they may give. */
struct inviter {
	struct db *db;
	int64_t brand_id, user_id; /* of a key, whom it acts for */
	const char *name;
	enum role role;
	int64_t now;
};

/*
 * Fields: email, role, by_mail (else the link is shown).  *token is the word of the
 * link: told once.  ERR_INVALID: the form says why (no address, in the brand already,
 * more than the inviter's own role, too many waiting).  Inviting an address again
 * replaces the invitation it has.
 */
enum err invitation_make(const struct inviter *by, void *mem, struct form *f,
    struct invitation **out, char **token) MUST_CHECK;
/* A new word and 7 more days; the old link stops working. ERR_INVALID at `role` if it
 * gives more than the inviter's own role. */
enum err invitation_renew(const struct inviter *by, void *mem, int64_t id,
    struct form *f, struct invitation **out, char **token) MUST_CHECK;
/* ERR_NOTFOUND if it is gone. */
enum err invitation_revoke(const struct inviter *by, void *mem, int64_t id,
    struct form *f, struct invitation **out) MUST_CHECK;

/* By the word of the link. ERR_NOTFOUND: never was, taken, revoked or expired. */
enum err invitation_open(struct db *db, void *mem, const char *token, int64_t now,
    struct invitation **out) MUST_CHECK;
/*
 * Takes the account into the brand and uses the invitation up, in one transaction.  Who
 * has a higher role keeps it.  ERR_FORBIDDEN if the account's address is another one,
 * ERR_NOTFOUND if it is gone by now.
 */
enum err invitation_accept(struct db *db, const struct invitation *i,
    const struct user *u, int64_t now) MUST_CHECK;
/*
 * For who proved an address by another way (Supabase): *n is how many invitations wait
 * for it.
 */
enum err invitation_waiting(struct db *db, const char *email, int64_t now,
    size_t *n) MUST_CHECK;
/* Accepts all that wait for the account's address, which must be a proven one; *out and
 * *n: which. */
enum err invitation_accept_all(struct db *db, void *mem, const struct user *u,
    int64_t now, struct invitation **out, size_t *n) MUST_CHECK;
