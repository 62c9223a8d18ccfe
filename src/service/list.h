#pragma once

#include "base/form.h"
#include "db/db.h"
#include "model/contact.h"

/* name, description. */
enum err list_create(struct db *db, void *mem, int64_t brand, struct form *f,
    int64_t now, struct list **out) MUST_CHECK;
enum err list_change(struct db *db, struct list *l, struct form *f,
    int64_t now) MUST_CHECK;
/*
 * ERR_CONFLICT with a sentence at "name" while a campaign that is not finished uses it.
 */
enum err list_remove(struct db *db, struct list *l, struct form *f) MUST_CHECK;

/* id, name, description, subscribers, active, created_at. */
struct json_object *list_json(void *mem, const struct list *l);
