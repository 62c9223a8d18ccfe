#pragma once

#include "db/db.h"
#include "model/contact.h"

enum err field_prepare(struct db *db) MUST_CHECK;

/* "text" ...; and back: -1 for any other word. */
const char *field_type_name(enum field_type t);
int field_type_from(const char *name);

/* All custom fields of a brand in their order; *out is an array owned by mem. */
enum err field_all(struct db *db, void *mem, int64_t brand, struct field **out,
    size_t *n) MUST_CHECK;
enum err field_get(struct db *db, void *mem, int64_t brand, int64_t id,
    struct field **out) MUST_CHECK;
/* Sets f->id. ERR_CONFLICT: the key is taken. */
enum err field_row_insert(struct db *db, struct field *f, int64_t now) MUST_CHECK;
/* Label and choices; key and type never change. */
enum err field_row_update(struct db *db, const struct field *f) MUST_CHECK;
/*
 * The field; values stay in subscribers.custom, unseen, until each person is next
 * changed.
 */
enum err field_row_delete(struct db *db, int64_t brand, int64_t id) MUST_CHECK;
