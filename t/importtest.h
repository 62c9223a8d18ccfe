#pragma once

#include "dbtest.h"
#include "service/import.h"

/* Imports in C tests: brand 1 with the lists 1 and 2 and some fields, brand 2. */
extern const struct import_request it_api;

void it_set_up(struct dbtest *t);
/* A form with a file, and what else the caller sends as JSON (or NULL). */
struct form *it_upload(void *mem, const char *data, size_t len, const char *json);
/* The file is taken; NULL and a failed test if not. */
struct import *it_made(struct dbtest *t, const char *csv, const char *json);
/* Works until nothing is left. */
void it_works(struct dbtest *t);
void it_is_counts(struct dbtest *t, int64_t id, const char *want, const char *name);
/* All of it: takes the file, works, looks at the counts; the import's id. */
int64_t it_imported(struct dbtest *t, const char *csv, const char *json,
    const char *want, const char *name);
/* True if a row that was refused, or stored with a note, says so in words. */
bool it_has_refusal(struct dbtest *t, int64_t id, int64_t row, const char *part);
bool it_has_note(struct dbtest *t, int64_t id, int64_t row, const char *part);
/* How many rows of "table WHERE ..." there are. */
int64_t it_count(struct dbtest *t, const char *what);
