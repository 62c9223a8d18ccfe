#pragma once

#include "base/csv.h"
#include "base/form.h"
#include "db/db.h"
#include "repo/import.h"
#include "service/field.h"

/* What each column of a file becomes. */
enum target_kind {
	TARGET_NONE,
	TARGET_EMAIL,
	TARGET_FIRST,
	TARGET_LAST,
	TARGET_TAGS,
	TARGET_FIELD
};

struct target {
	enum target_kind kind;
	struct field *field; /* of TARGET_FIELD */
	struct field_reading how;
};

struct import_plan {
	size_t columns;
	struct target *targets; /* one a column */
	/* of the brand; choices may grow while rows are read */
	struct field *fields;
	size_t nfields;
	size_t *choices; /* of each field, how many the database has */
};

/*
 * Checks a mapping {column name: field} against the columns of `format` and the fields
 * of the brand.  ERR_INVALID with a sentence at "mapping" (f may be NULL: no sentence).
 */
enum err import_plan_make(struct db *db, void *mem, const struct import *i,
    struct form *f, struct import_plan **out) MUST_CHECK;

/* A row as it will be stored. */
struct import_record {
	int64_t row;
	const char *email, *key;
	const char *first, *last;   /* "": the file says nothing */
	struct json_object *custom; /* values the file has */
	const char **tags;
	size_t ntags;
};
/* ERR_INVALID and *why, a sentence, when the row must be refused. All owned by mem. */
enum err import_plan_read(const struct import_plan *p, void *mem,
    const struct csv_reader *r, struct import_record *out, const char **why) MUST_CHECK;
/* Stores choices that reading has added; in the transaction of the rows. */
enum err import_plan_store(struct db *db, const struct import_plan *p) MUST_CHECK;
/* After that transaction is committed. */
void import_plan_stored(struct import_plan *p);
