#pragma once

#include <stddef.h>

#include "db/db.h"
#include "model/user.h"

enum err api_key_prepare(struct db *db) MUST_CHECK;
/* key_hash: SHA-256 of the key, 32 bytes. Fills k->id. */
enum err api_key_add(struct db *db, struct api_key *k,
    const uint8_t key_hash[32]) MUST_CHECK;
/* Revoked and expired ones are found too: the caller decides. */
enum err api_key_find(struct db *db, void *mem, const uint8_t key_hash[32],
    struct api_key **out) MUST_CHECK;
/* Keys of a brand, newest first, at most 200; revoked ones too. */
enum err api_key_list(struct db *db, void *mem, int64_t brand_id, struct api_key **out,
    size_t *n) MUST_CHECK;
/* Of all brands and of none, by id after `after`, at most 200: for the command. */
enum err api_key_list_all(struct db *db, void *mem, int64_t after, struct api_key **out,
    size_t *n) MUST_CHECK;
/* brand_id 0: a key for all brands. */
enum err api_key_get(struct db *db, void *mem, int64_t brand_id, int64_t id,
    struct api_key **out) MUST_CHECK;
enum err api_key_used(struct db *db, int64_t id, int64_t now) MUST_CHECK;
/* Revoking twice keeps the first time. */
enum err api_key_revoke(struct db *db, int64_t brand_id, int64_t id,
    int64_t now) MUST_CHECK;

char *scopes_text(void *mem, unsigned bits); /* "read,write" */
/* False if a word is none of read, write, send, transactional, manage. */
bool scopes_from(const char *text, unsigned *scopes);
