#include "service/import_plan.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "service/address.h"
#include "service/tag.h"

/* One more thing that could not be read; the row is stored without it. */
static void add_note(void *mem, struct import_record *x, const char *note)
{
	x->note = x->note ? mem_printf(mem, "%s %s", x->note, note) : note;
}

/* ---- names ---- */

/* One line of a name: line ends and other controls become spaces. */
static const char *line_of(void *mem, const char *cell)
{
	return text_one_line(mem, text_trim(mem, cell));
}

static void read_name(void *mem, const char *cell, const char *what, const char **out,
    struct import_record *x)
{
	const char *name = *cell ? line_of(mem, cell) : "";

	if (strlen(name) <= NAME_MAX_CHARS || text_length(name) <= NAME_MAX_CHARS)
		*out = name;
	else
		add_note(mem, x,
		    mem_printf(mem, "%s: longer than %d characters.", what,
			NAME_MAX_CHARS));
}

static bool is_particle(const char *word)
{
	static const char *const particles[] = { "van", "von", "vom", "zu", "zum",
		"zur", "de", "der", "den", "del", "della", "di", "da", "dos", "das",
		"du", "la", "le", "ter", "ten", "bin", "al", "el", "af", "av", "y",
		NULL };

	for (size_t i = 0; particles[i]; i++)
		if (text_equal(word, particles[i]))
			return true;
	return false;
}

/* Where the last name begins in "Ada van der Holm": at its particles, else its word. */
static size_t last_name_at(void *mem, const char *name)
{
	size_t at = 0, first = 0;

	for (size_t i = 1; name[i]; i++) {
		const char *word;

		if (name[i - 1] != ' ' || name[i] == ' ')
			continue;
		word = mem_strn(mem, name + i, strcspn(name + i, " "));
		if (!first && is_particle(word) && name[i + strlen(word)])
			first = i;
		at = i;
	}
	return first ? first : at;
}

/* "Holm, Ada" and "Ada Holm"; a single word is a first name. */
static void read_whole_name(void *mem, const char *cell, struct import_record *x)
{
	const char *name = line_of(mem, cell), *comma = strchr(name, ',');
	const char *first = name, *last = "";
	size_t at;

	if (comma && comma[1] && comma != name && !strchr(comma + 1, ',')) {
		last = mem_strn(mem, name, (size_t)(comma - name));
		first = text_trim(mem, comma + 1);
	} else if ((at = last_name_at(mem, name)) > 0) {
		first = text_trim(mem, mem_strn(mem, name, at));
		last = name + at;
	}
	if (!*x->first)
		read_name(mem, first, "First name", &x->first, x);
	if (!*x->last)
		read_name(mem, last, "Last name", &x->last, x);
}

/* ---- the other cells ---- */

static void read_tags(void *mem, const char *cell, struct import_record *x)
{
	const char **all;
	size_t n = tag_split(mem, cell, &all);

	x->tags = mem_array(mem, const char *, TAGS_MAX);
	for (size_t i = 0; i < n; i++) {
		const char *tag = line_of(mem, all[i]);

		if (strlen(tag) > TAG_MAX && text_length(tag) > TAG_MAX)
			add_note(mem, x,
			    mem_printf(mem, "Tags: a tag is longer than %d characters.",
				TAG_MAX));
		else if (x->ntags == TAGS_MAX)
			add_note(mem, x,
			    mem_printf(mem, "Tags: more than %d.", TAGS_MAX));
		else if (*tag)
			x->tags[x->ntags++] = tag;
		if (x->ntags == TAGS_MAX && i + 1 < n)
			return;
	}
}

static void read_field(void *mem, const struct target *t, const char *cell,
    struct import_record *x)
{
	struct json_object *v;
	const char *why;

	if (field_value(mem, t->field, cell, &t->how, &v, &why) != OK) {
		add_note(mem, x, why);
		return;
	}
	if (!v)
		return;
	if (!x->custom)
		x->custom = json_obj(mem);
	json_set(x->custom, t->field->key, v);
}

/* A word that nobody knows keeps its row out: it must not make anybody active. */
static enum err read_status(const struct import_plan *p, void *mem,
    const struct target *t, const char *cell, struct import_record *x, const char **why)
{
	struct status_seen *seen = t->seen;
	enum row_status s = seen->status;

	if (strcmp(cell, seen->cell) != 0) {
		s = seen->status = import_status_read(t->meaning, cell);
		snprintf(seen->cell, sizeof(seen->cell), "%s", cell);
	}
	if (s == ROW_UNKNOWN && p->answers && json_get(p->answers, cell))
		s = import_status_from(json_text(p->answers, cell, ""));
	if (s == ROW_UNKNOWN) {
		*why = mem_printf(mem, "Status: “%.60s” is no state we know.", cell);
		return ERR_INVALID;
	}
	if (s > x->status)
		x->status = s;
	return OK;
}

static enum err read_email(void *mem, const char *cell, struct import_record *x,
    const char **why)
{
	struct address a;
	enum err e;

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
}

static enum err read_cell(const struct import_plan *p, void *mem,
    const struct target *t, const char *cell, struct import_record *x, const char **why)
{
	if (t->kind == TARGET_EMAIL)
		return read_email(mem, cell, x, why);
	if (!*cell)
		return OK;
	switch (t->kind) {
	case TARGET_FIRST: read_name(mem, cell, "First name", &x->first, x); break;
	case TARGET_LAST: read_name(mem, cell, "Last name", &x->last, x); break;
	case TARGET_NAME: read_whole_name(mem, cell, x); break;
	case TARGET_TAGS: read_tags(mem, cell, x); break;
	case TARGET_STATUS: return read_status(p, mem, t, cell, x, why);
	case TARGET_FIELD: read_field(mem, t, cell, x); break;
	case TARGET_EMAIL:
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
	out->status = p->all;
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
		cell = csv_is_null(cell) ? "" : csv_unguard(cell);
		e = read_cell(p, mem, &p->targets[i], cell, out, why);
	}
	return e;
}
