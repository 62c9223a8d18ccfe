#include "service/import_plan.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/field.h"
#include "service/address.h"
#include "service/import_guess.h"

static const struct {
	const char *word;
	enum target_kind kind;
} own[] = { { "email", TARGET_EMAIL }, { "first_name", TARGET_FIRST },
	{ "last_name", TARGET_LAST }, { "tags", TARGET_TAGS } };

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
	for (size_t i = 0; i < p->columns; i++)
		if (p->targets[i].kind == t.kind && p->targets[i].field == t.field)
			return fail(f,
			    mem_printf(mem,
				"Two columns become “%s”. Choose one of them.", word));
	t.how.dates = import_dates_from(
	    json_text(json_object_array_get_idx(columns, (size_t)at), "dates", "dmy"));
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

/* ---- rows ---- */

/* One line of a name: line ends and other controls become spaces. */
static const char *name_of(void *mem, const char *cell)
{
	return text_one_line(mem, text_trim(mem, cell));
}

static enum err read_name(void *mem, const char *cell, const char *what,
    const char **out, const char **why)
{
	*out = *cell ? name_of(mem, cell) : "";
	if (strlen(*out) <= NAME_MAX_CHARS || text_length(*out) <= NAME_MAX_CHARS)
		return OK;
	*why = mem_printf(mem, "%s: longer than %d characters.", what, NAME_MAX_CHARS);
	return ERR_INVALID;
}

static enum err read_tags(void *mem, const char *cell, struct import_record *x,
    const char **why)
{
	char *text = mem_str(mem, cell), *part;

	x->tags = mem_array(mem, const char *, TAGS_MAX);
	while ((part = strsep(&text, ";,"))) {
		const char *tag = name_of(mem, part);

		if (!*tag)
			continue;
		if (strlen(tag) > TAG_MAX && text_length(tag) > TAG_MAX) {
			*why = mem_printf(mem,
			    "Tags: a tag is longer than %d characters.", TAG_MAX);
			return ERR_INVALID;
		}
		if (x->ntags == TAGS_MAX) {
			*why = mem_printf(mem, "Tags: more than %d.", TAGS_MAX);
			return ERR_INVALID;
		}
		x->tags[x->ntags++] = tag;
	}
	return OK;
}

static enum err read_field(void *mem, const struct target *t, const char *cell,
    struct import_record *x, const char **why)
{
	struct json_object *v;
	enum err e = field_value(mem, t->field, cell, &t->how, &v, why);

	if (e == OK && v) {
		if (!x->custom)
			x->custom = json_obj(mem);
		json_set(x->custom, t->field->key, v);
	}
	return e;
}

static enum err read_cell(void *mem, const struct target *t, const char *cell,
    struct import_record *x, const char **why)
{
	struct address a;
	enum err e;

	switch (t->kind) {
	case TARGET_EMAIL:
		if (!*cell) {
			*why = "There is no address in this row.";
			return ERR_INVALID;
		}
		e = address_parse(mem, cell, &a, why);
		if (e == OK) {
			x->email = a.email;
			x->key = a.key;
		}
		return e;
	case TARGET_FIRST: return read_name(mem, cell, "First name", &x->first, why);
	case TARGET_LAST: return read_name(mem, cell, "Last name", &x->last, why);
	case TARGET_TAGS: return *cell ? read_tags(mem, cell, x, why) : OK;
	case TARGET_FIELD: return *cell ? read_field(mem, t, cell, x, why) : OK;
	case TARGET_NONE: break;
	}
	return OK;
}

/* More cells than columns: fine as long as they are empty. */
static bool has_more(const struct csv_reader *r, size_t columns)
{
	size_t len;

	for (size_t i = columns; i < csv_reader_count(r); i++) {
		(void)csv_reader_cell(r, i, &len);
		if (len > 0 || i >= CSV_CELLS_MAX)
			return true;
	}
	return false;
}

enum err import_plan_read(const struct import_plan *p, void *mem,
    const struct csv_reader *r, struct import_record *out, const char **why)
{
	enum err e = OK;

	out->first = out->last = "";
	if (has_more(r, p->columns)) {
		*why = mem_printf(mem,
		    "The row has %zu cells where the file has %zu columns.",
		    csv_reader_count(r), p->columns);
		return ERR_INVALID;
	}
	for (size_t i = 0; e == OK && i < p->columns; i++) {
		size_t len;
		const char *cell = csv_reader_cell(r, i, &len);

		if (p->targets[i].kind == TARGET_NONE)
			continue;
		if (strlen(cell) != len) {
			*why = "A cell has a NUL byte in it.";
			return ERR_INVALID;
		}
		e = read_cell(mem, &p->targets[i], csv_unguard(cell), out, why);
	}
	return e;
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
