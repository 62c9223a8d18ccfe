#pragma once

#include "base/form.h"
#include "db/db.h"
#include "model/contact.h"

/*
 * key, label, type, choices.  A key is a-z, 0-9 and _, and none of the names mails have
 * anyway; without one it is made of the label.
 */
enum err field_create(struct db *db, void *mem, int64_t brand, struct form *f,
    int64_t now, struct field **out) MUST_CHECK;
/* "Kunde seit" -> "kunde_seit": letters a-z, digits, _; NULL if nothing is left. */
char *field_key(void *mem, const char *label);
/* label, choices: key and type stay as they are. */
enum err field_change(struct db *db, void *mem, struct field *x,
    struct form *f) MUST_CHECK;

/* How text from outside is read. */
enum field_dates { DATES_YMD, DATES_DMY, DATES_MDY };
struct field_reading {
	bool loose; /* import: decimal commas, yes/ja/oui, dates */
	enum field_dates dates;
	/* for years of two digits: the one it is, and whether all lie in the past */
	int year;
	bool past;
	bool new_choices; /* a choice that is not there is taken over */
};
/*
 * Checks and converts a value: text and choice become strings, number a number, date
 * "YYYY-MM-DD", boolean a boolean.  *out is owned by mem; NULL for an empty value.
 * ERR_INVALID with *why, a sentence.
 */
enum err field_value(void *mem, const struct field *f, const char *text,
    const struct field_reading *how, struct json_object **out,
    const char **why) MUST_CHECK;

struct json_object *field_json(void *mem, const struct field *x);
