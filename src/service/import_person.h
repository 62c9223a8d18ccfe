#pragma once

#include "repo/import.h"
#include "repo/import_rows.h"
#include "service/import_plan.h"

/* Everyone a batch speaks of: an address once, with what the database knows. */
struct import_person {
	const char *key, *email, *first, *last;
	struct json_object *custom;
	int64_t id;                    /* 0: not there yet */
	bool here;                     /* there, or made by a row of this batch */
	enum subscriber_status stored; /* of one who is there, or will be made */
	/* how they left, as we know or a row says; ROW_SILENT: they did not */
	enum row_status left;
	bool was_left; /* the database knew */
	bool leaves;   /* a row says it, and it must be stored */
	bool fresh;    /* to be inserted */
	bool changed;  /* to be updated */
	/* to be put on the lists; a row has counted for it */
	bool joins, asked;
	const char **tags; /* all; the first `known_tags` are stored */
	size_t ntags, known_tags;
};

struct import_people {
	struct import_person *all; /* in order of key */
	size_t n;
};
/* The people of rows sorted by key, with what is known of them; owned by mem. */
enum err import_people(struct db *db, void *mem, const struct import *i,
    const struct import_record *rows, size_t n, struct import_people *out) MUST_CHECK;
/*
 * One row after another of the same person, as the import says.  Whoever left stays
 * away, whatever a row says.
 */
enum import_outcome import_person_take(struct import_person *p, void *mem,
    const struct import_record *r, const struct import *i);
const char *import_outcome_name(enum import_outcome o);
