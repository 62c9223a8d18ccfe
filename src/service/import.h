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
 * An upload: file, and when it starts at once mapping {column: field}, lists, existing.
 * ERR_INVALID with sentences at file, mapping, lists, existing.
 */
enum err import_create(struct db *db, void *mem, const struct import_request *rq,
    struct form *f, struct import **out) MUST_CHECK;
/*
 * mapping (or map[column number]=field of a page; "+" makes a text field of that name),
 * lists, new_list (a name; "" or absent: none), existing; then it waits for its turn.
 * ERR_CONFLICT: started already.
 */
enum err import_start(struct db *db, void *mem, struct import *i, int64_t now,
    struct form *f) MUST_CHECK;
/*
 * The first five rows as they would be stored: {row, email, first_name, last_name,
 * tags, values [{label, type, value}], result, why}.
 */
enum err import_preview(struct db *db, void *mem, const struct import *i,
    struct json_object **out) MUST_CHECK;

/* id, file_name, state, counts, total, lists, existing, mapping, error, times. */
struct json_object *import_json(void *mem, const struct import *i);

/*
 * Works on waiting and running imports until budget_ms is used; resumes where a crash
 * left it.
 */
enum err import_work(struct app *app, int64_t budget_ms,
    struct work_report *out) MUST_CHECK;
