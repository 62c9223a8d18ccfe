#pragma once

#include "db/db.h"
#include "model/contact.h"

enum err list_prepare(struct db *db) MUST_CHECK;

/* All lists of a brand by name; *out is an array owned by mem.  Not counted. */
enum err list_all(struct db *db, void *mem, int64_t brand, struct list **out,
    size_t *n) MUST_CHECK;
enum err list_get(struct db *db, void *mem, int64_t brand, int64_t id,
    struct list **out) MUST_CHECK;
/* Fills l->subscribers and l->active (status active). */
enum err list_count(struct db *db, struct list *l) MUST_CHECK;
/* Sets l->id and l->created_at. ERR_CONFLICT: the name is taken. */
enum err list_row_insert(struct db *db, struct list *l, int64_t now) MUST_CHECK;
enum err list_row_update(struct db *db, const struct list *l, int64_t now) MUST_CHECK;
/* The list and its memberships; the people stay. */
enum err list_row_delete(struct db *db, int64_t brand, int64_t id) MUST_CHECK;
/* Campaigns not yet finished that use the list, as audience or exclusion. */
enum err list_campaigns(struct db *db, int64_t brand, int64_t id,
    int64_t *n) MUST_CHECK;
