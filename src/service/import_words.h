#pragma once

#include "service/import_status.h"

enum { WORDS_MAX = 40, WORD_BYTES_MAX = 60 };

/* The different cells of one column, as long as they are few, and what they say. */
struct import_words {
	struct status_meaning meaning; /* of the column's name */
	const char *text[WORDS_MAX];
	int64_t n[WORDS_MAX];
	size_t count, last;
	bool many; /* there were more; counted no longer */
	int64_t filled;
	/* of a column whose name speaks of a status, the rows beyond: by enum
	 * row_status */
	int64_t rest[ROW_UNKNOWN + 1];
};

/* One cell more; what must be kept is owned by mem. */
void import_words_take(struct import_words *w, void *mem, const char *cell);
/* How many rows say what, n[] by enum row_status, in a column meant as m. */
void import_words_count(const struct import_words *w, struct status_meaning m,
    int64_t n[ROW_UNKNOWN + 1]);
/* True if the column is one of status, by name or by what stands in it. */
bool import_words_are_status(const struct import_words *w);

/*
 * As a column of a file keeps it: {many, words: [{word, n}], counts: {active: 3 ...}},
 * the counts as the column's name is meant.
 */
struct json_object *import_words_json(void *mem, const struct import_words *w);
