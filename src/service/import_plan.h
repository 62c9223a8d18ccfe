#pragma once

#include "base/csv.h"
#include "base/form.h"
#include "db/db.h"
#include "repo/import.h"
#include "service/field.h"
#include "service/import_status.h"

enum import_outcome {
	OUTCOME_NEW,
	OUTCOME_UPDATED,
	OUTCOME_UNCHANGED,
	OUTCOME_LEFT,      /* the row says so, and we did not know */
	OUTCOME_SUPPRESSED /* we know, and the row says otherwise */
};

/* What each column of a file becomes. */
enum target_kind {
	TARGET_NONE,
	TARGET_EMAIL,
	TARGET_FIRST,
	TARGET_LAST,
	TARGET_NAME, /* both of them */
	TARGET_TAGS,
	TARGET_STATUS,
	TARGET_FIELD
};

/* The last cell of a status, for most rows say the same. */
struct status_seen {
	char cell[1024];
	enum row_status status;
};

struct target {
	enum target_kind kind;
	struct field *field; /* of TARGET_FIELD */
	struct field_reading how;
	struct status_meaning meaning; /* of TARGET_STATUS */
	struct status_seen *seen;
};

struct import_plan {
	size_t columns;
	struct target *targets; /* one a column */
	/* of the brand; choices may grow while rows are read */
	struct field *fields;
	size_t nfields;
	size_t *choices; /* of each field, how many the database has */
	int order, year; /* of dates: enum field_dates, or -1; the year it is */
	/* what every row says that says nothing graver itself */
	enum row_status all;
	struct json_object
	    *answers; /* word of a status -> what somebody says it means */
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
	enum row_status status;
	/* what was left out because it could not be read, a sentence; NULL: nothing */
	const char *note;
	/* the row as it stands in the file, when there is a note */
	const char *content;
	enum import_outcome outcome; /* once it is decided */
};
/* ERR_INVALID and *why, a sentence, when the row must be refused. All owned by mem. */
enum err import_plan_read(const struct import_plan *p, void *mem,
    const struct csv_reader *r, struct import_record *out, const char **why) MUST_CHECK;
/* Stores choices that reading has added; in the transaction of the rows. */
enum err import_plan_store(struct db *db, const struct import_plan *p) MUST_CHECK;
/* After that transaction is committed. */
void import_plan_stored(struct import_plan *p);
