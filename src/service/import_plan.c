#include "service/import_plan.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/field.h"
#include "service/address.h"
#include "service/import_type.h"

static const struct {
	const char *word;
	enum target_kind kind;
} own[] = { { "email", TARGET_EMAIL }, { "first_name", TARGET_FIRST },
	{ "last_name", TARGET_LAST }, { "name", TARGET_NAME }, { "tags", TARGET_TAGS },
	{ "status", TARGET_STATUS } };

static enum err fail(struct form *f, const char *sentence)
{
	return f ? form_fail(f, "mapping", "%s", sentence) : ERR_INVALID;
}

static int column_of(struct json_object *columns, const char *name)
{
	for (size_t i = 0; i < json_object_array_length(columns); i++)
		if (text_equal(json_text(json_object_array_get_idx(columns, i), "name",
				   ""),
			name))
			return (int)i;
	return -1;
}

/* Finds what `word` names; false: nothing. */
static bool find_target(struct import_plan *p, const char *word, struct target *t)
{
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (text_equal(word, own[i].word)) {
			t->kind = own[i].kind;
			return true;
		}
	for (size_t i = 0; i < p->nfields; i++)
		if (text_equal(word, p->fields[i].key)) {
			t->kind = TARGET_FIELD;
			t->field = &p->fields[i];
			return true;
		}
	return false;
}

/* How the cells are read: the order somebody chose, else the one the column shows. */
static void settle_target(const struct import_plan *p, struct json_object *column,
    const char *name, struct target *t)
{
	int order = p->order >= 0 ? p->order
				  : import_dates_from(json_text(column, "dates", ""));

	t->how.dates = order >= 0 ? (enum field_dates)order : DATES_DMY;
	t->how.year = p->year;
	t->how.past = import_is_past(name) ||
	    (t->field &&
		(import_is_past(t->field->label) || import_is_past(t->field->key)));
	t->meaning = import_status_of_name(name);
	if (t->meaning.kind == STATUS_NONE)
		t->meaning.kind = STATUS_WORDS;
	t->seen = mem_new(p->targets, struct status_seen);
}

static enum err map_column(void *mem, struct import_plan *p,
    struct json_object *columns, const char *name, const char *word, struct form *f)
{
	int at = column_of(columns, name);
	struct target t = { .how = { .loose = true, .new_choices = true } };

	if (at < 0)
		return fail(f,
		    mem_printf(mem, "The file has no column “%.100s”.", name));
	if (text_empty(word))
		return OK;
	if (!find_target(p, word, &t))
		return fail(f,
		    mem_printf(mem,
			"There is no field “%.60s” in this brand. Make it first.",
			word));
	for (size_t i = 0; i < p->columns && t.kind != TARGET_STATUS; i++)
		if (p->targets[i].kind == t.kind && p->targets[i].field == t.field)
			return fail(f,
			    mem_printf(mem,
				"Two columns become “%s”. Choose one of them.", word));
	settle_target(p, json_object_array_get_idx(columns, (size_t)at), name, &t);
	p->targets[at] = t;
	return OK;
}

static bool has_email(const struct import_plan *p)
{
	for (size_t i = 0; i < p->columns; i++)
		if (p->targets[i].kind == TARGET_EMAIL)
			return true;
	return false;
}

enum err import_plan_make(struct db *db, void *mem, const struct import *i,
    struct form *f, struct import_plan **out)
{
	struct import_plan *p = mem_new(mem, struct import_plan);
	struct json_object *columns = json_get(i->format, "columns");
	enum err e = field_all(db, p, i->brand_id, &p->fields, &p->nfields);

	*out = p;
	if (e != OK)
		return e;
	p->columns = columns ? json_object_array_length(columns) : 0;
	p->targets = mem_array(p, struct target, p->columns + 1);
	p->choices = mem_array(p, size_t, p->nfields + 1);
	for (size_t k = 0; k < p->nfields; k++)
		p->choices[k] = json_object_array_length(p->fields[k].choices);
	p->order = import_dates_from(json_text(i->format, "date_order", ""));
	p->year = (int)json_int(i->format, "year", 0);
	p->answers = json_get(i->format, "status_words");
	p->all = ROW_SILENT;
	if (*json_text(i->format, "status", ""))
		p->all = import_status_from(json_text(i->format, "status", ""));
	if (!json_object_is_type(i->mapping, json_type_object))
		return fail(f, "The mapping is an object: {\"column\": \"field\"}.");
	json_object_object_foreach (i->mapping, name, word) {
		e = map_column(p, p, columns, name, json_object_get_string(word), f);
		if (e != OK)
			return e;
	}
	return has_email(p)
	    ? OK
	    : fail(f, "Choose the column that has the email addresses.");
}

enum err import_plan_store(struct db *db, const struct import_plan *p)
{
	enum err e = OK;

	for (size_t i = 0; e == OK && i < p->nfields; i++)
		if (json_object_array_length(p->fields[i].choices) != p->choices[i])
			e = field_row_update(db, &p->fields[i]);
	return e;
}

void import_plan_stored(struct import_plan *p)
{
	for (size_t i = 0; i < p->nfields; i++)
		p->choices[i] = json_object_array_length(p->fields[i].choices);
}
