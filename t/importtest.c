#include "importtest.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "tap.h"

const struct import_request it_api = { .brand = 1, .now = 1000, .start = true };

void it_set_up(struct dbtest *t)
{
	dbtest_script(t->db,
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
	    " VALUES (1, 'B', 'h1', 1, 1), (2, 'C', 'h2', 1, 1);"
	    "INSERT INTO lists (id, brand_id, name, created_at, updated_at)"
	    " VALUES (1, 1, 'News', 1, 1), (2, 1, 'School', 1, 1), (3, 2, 'Other', 1, "
	    "1);"
	    "INSERT INTO fields (brand_id, key, label, type, choices, created_at) "
	    "VALUES"
	    " (1, 'city', 'City', 'text', '[]', 1), (1, 'bags', 'Beutel', 'number', "
	    "'[]', 1),"
	    " (1, 'since', 'Kunde seit', 'date', '[]', 1),"
	    " (1, 'roast', 'Roast', 'choice', '[\"filter\"]', 1)");
}

struct form *it_upload(void *mem, const char *data, size_t len, const char *json)
{
	struct form *f = form_new(mem);
	struct form_file file = { .field = "file",
		.name = "people.csv",
		.type = "text/csv",
		.data = data,
		.len = len };
	struct json_object *o;

	if (json && json_read(mem, json, strlen(json), &o, NULL) == OK)
		form_set_json(f, o);
	form_add_file(f, &file);
	return f;
}

struct import *it_made(struct dbtest *t, const char *csv, const char *json)
{
	struct form *f = it_upload(t->mem, csv, strlen(csv), json);
	struct import *i = NULL;

	ok(import_create(t->db, t->mem, &it_api, f, &i) == OK,
	    "import_create takes the file %s",
	    json_object_to_json_string(form_errors(f)));
	return i;
}

void it_works(struct dbtest *t)
{
	const struct clock clock = clock_fixed(5000);
	struct app app = { .db = t->db, .clock = &clock, .log = *t->log };
	struct work_report w = { .more = true };

	for (int n = 0; n < 50 && (n == 0 || w.more); n++)
		if (import_work(&app, 60000, &w) != OK)
			ok(false, "import_work works");
	is_int(w.left, 0, "import_work leaves nothing");
}

/*
 * rows new updated unchanged suppressed invalid, as text, then those who left, if any;
 * and the sum must be right.
 */
void it_is_counts(struct dbtest *t, int64_t id, const char *want, const char *name)
{
	struct import *i;
	struct import_counts *c;

	if (import_get(t->db, t->mem, 1, id, &i) != OK) {
		ok(false, "import %lld is there", (long long)id);
		return;
	}
	c = &i->counts;
	is_text(mem_printf(t->mem, "%s %lld: %lld %lld %lld %lld %lld%s",
		    import_state_name(i->state), (long long)c->rows,
		    (long long)c->fresh, (long long)c->updated, (long long)c->unchanged,
		    (long long)c->suppressed, (long long)c->invalid,
		    c->left ? mem_printf(t->mem, " left %lld", (long long)c->left)
			    : ""),
	    want, "%s", name);
	is_int(c->rows,
	    c->fresh + c->updated + c->unchanged + c->left + c->suppressed + c->invalid,
	    "and they add up");
	is_int(dbtest_int(t->db,
		   mem_printf(t->mem,
		       "SELECT count(*) FROM import_refusals WHERE"
		       " import_id = %lld AND noted = 0",
		       (long long)id)),
	    c->invalid + c->suppressed,
	    "each row that was not taken can be downloaded");
	is_int(dbtest_int(t->db,
		   mem_printf(t->mem,
		       "SELECT count(*) FROM import_refusals WHERE"
		       " import_id = %lld AND noted = 1",
		       (long long)id)),
	    c->noted, "and each that was taken without a value");
}

int64_t it_imported(struct dbtest *t, const char *csv, const char *json,
    const char *want, const char *name)
{
	struct import *i = it_made(t, csv, json);

	it_works(t);
	it_is_counts(t, i->id, want, name);
	return i->id;
}

static bool told(struct dbtest *t, int64_t id, int64_t row, bool noted,
    const char *part)
{
	const struct import_refusals_asked q = { .id = id,
		.after = row - 1,
		.noted = noted,
		.limit = 1 };
	struct import_refusal *r;

	if (import_refusals(t->db, t->mem, &q, &r) != OK || !r->row)
		return false;
	diag("%s", r->reason);
	return r->row == row && strstr(r->reason, part) != NULL;
}

bool it_has_refusal(struct dbtest *t, int64_t id, int64_t row, const char *part)
{
	return told(t, id, row, false, part);
}

bool it_has_note(struct dbtest *t, int64_t id, int64_t row, const char *part)
{
	return told(t, id, row, true, part);
}

int64_t it_count(struct dbtest *t, const char *what)
{
	return dbtest_int(t->db, mem_printf(t->mem, "SELECT count(*) FROM %s", what));
}
