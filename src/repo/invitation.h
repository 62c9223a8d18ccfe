#pragma once

#include <stddef.h>

#include "db/db.h"
#include "model/invitation.h"

enum err invitation_prepare(struct db *db) MUST_CHECK;
/*
 * Writes an invitation down, or renews the one its address has in the brand: new role,
 * word and times, and the old word stops working.  token_hash: SHA-256, 32 bytes. Fills
 * i->id.
 */
enum err invitation_put(struct db *db, struct invitation *i,
    const uint8_t token_hash[32]) MUST_CHECK;
/* Expired ones are found too: the caller decides. */
enum err invitation_find(struct db *db, void *mem, const uint8_t token_hash[32],
    struct invitation **out) MUST_CHECK;
enum err invitation_get(struct db *db, void *mem, int64_t brand_id, int64_t id,
    struct invitation **out) MUST_CHECK;
/* Of a brand, newest first, at most INVITATIONS_MAX; expired ones too. */
enum err invitation_list(struct db *db, void *mem, int64_t brand_id,
    struct invitation **out, size_t *n) MUST_CHECK;
/* Those of an address in all brands that can still be taken, at most INVITATIONS_MAX.
 */
enum err invitation_list_for(struct db *db, void *mem, const char *email_key,
    int64_t now, struct invitation **out, size_t *n) MUST_CHECK;
/* How many the brand has, expired ones too. */
enum err invitation_count(struct db *db, int64_t brand_id, int64_t *n) MUST_CHECK;
/* ERR_NOTFOUND if it is gone: of two who take it at once one gets it. */
enum err invitation_drop(struct db *db, int64_t brand_id, int64_t id) MUST_CHECK;
/* Of a brand, by that person, to more than `role`; 0 is every role. */
enum err invitation_drop_by(struct db *db, int64_t brand_id, int64_t user_id,
    enum role role) MUST_CHECK;
