#pragma once

#include "app.h"
#include "base/form.h"
#include "model/work.h"
#include "repo/import.h"

/* Who uploads, and whether a mapping is asked for (a page) or guessed (the API). */
struct import_request {
	int64_t brand, user, now;
	/* begin at once: with `mapping`, else with our guess */
	bool start;
};

/*
 * An upload: file, encoding, and what import_form_options reads; when it starts at once
 * also what import_form_read does.  ERR_INVALID with sentences at the fields.
 */
enum err import_create(struct db *db, void *mem, const struct import_request *rq,
    struct form *f, struct import **out) MUST_CHECK;
/*
 * Reads the same upload in another `encoding`, while it waits for its mapping.
 * ERR_CONFLICT: it has started; ERR_NOTFOUND: it was UTF-8, which is beyond doubt.
 */
enum err import_read_again(struct db *db, void *mem, struct import *i,
    struct form *f) MUST_CHECK;
/*
 * What import_form_read reads, and new_list (a name; "" or absent: none); then it waits
 * for its turn.  ERR_CONFLICT: started already.
 */
enum err import_start(struct db *db, void *mem, struct import *i, int64_t now,
    struct form *f) MUST_CHECK;
/*
 * The first five rows as they would be stored: {row, email, first_name, last_name,
 * status, tags, values [{label, type, value}], note, result, why}.
 */
enum err import_preview(struct db *db, void *mem, const struct import *i,
    struct json_object **out) MUST_CHECK;

/* id, file_name, state, counts, noted, total, lists, existing, mapping, left_out,
 * encoding, date_order, status, error, times. */
struct json_object *import_json(void *mem, const struct import *i);

/*
 * Works on waiting and running imports until budget_ms is used; resumes where a crash
 * left it.
 */
enum err import_work(struct app *app, int64_t budget_ms,
    struct work_report *out) MUST_CHECK;
