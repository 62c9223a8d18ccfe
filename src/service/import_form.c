#include "service/import_form.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/field.h"
#include "repo/list.h"
#include "service/field.h"
#include "service/import_plan.h"

enum { KEYS_TRIED = 20 };

static const char *const existing_words[] = { "update", "fill", "leave", NULL };
static const char *const date_words[] = { "ymd", "dmy", "mdy", NULL };

static struct json_object *column_at(const struct import *i, size_t k)
{
	return json_object_array_get_idx(json_get(i->format, "columns"), k);
}

static size_t column_count(const struct import *i)
{
	struct json_object *columns = json_get(i->format, "columns");

	return columns ? json_object_array_length(columns) : 0;
}

static struct json_object *column_named(const struct import *i, const char *name)
{
	for (size_t k = 0; k < column_count(i); k++)
		if (text_equal(json_text(column_at(i, k), "name", ""), name))
			return column_at(i, k);
	return NULL;
}

struct json_object *import_form_guess(void *mem, const struct import *i)
{
	struct json_object *out = json_obj(mem);

	for (size_t k = 0; k < column_count(i); k++) {
		struct json_object *c = column_at(i, k);

		if (*json_text(c, "guess", ""))
			json_set_text(out, json_text(c, "name", ""),
			    json_text(c, "guess", ""));
	}
	return out;
}

/* ---- options ---- */

/* An object, or the text of one. */
static struct json_object *object_of(void *mem, struct form *f, const char *name)
{
	struct json_object *o = form_json(f, name);
	const char *text, *why = NULL;

	if (!json_object_is_type(o, json_type_string))
		return o;
	text = json_object_get_string(o);
	if (json_read(mem, text, strlen(text), &o, &why) != OK)
		form_fail(f, name, "This is no JSON: %s", why ? why : "");
	return o;
}

static bool may_mean(const char *status)
{
	return text_equal(status, "refuse") ||
	    import_status_from(status) != ROW_UNKNOWN;
}

static void add_answer(struct json_object *out, struct form *f, const char *word,
    const char *status)
{
	if (may_mean(status))
		json_set_text(out, word, status);
	else if (!text_empty(status))
		form_fail(f, "status_words",
		    "“%.60s” is no status: use active, unconfirmed, unsubscribed, "
		    "bounced, complained, manual, or refuse.",
		    status);
}

/* say[3_0]=unsubscribed: the first word of column 3. */
static void say_by_number(const struct import *i, struct form *f,
    struct json_object *out)
{
	struct json_object *say = form_json(f, "say");

	if (!json_object_is_type(say, json_type_object))
		return;
	for (size_t k = 0; k < column_count(i); k++) {
		struct json_object *words =
		    json_get(json_get(column_at(i, k), "status"), "words");

		for (size_t n = 0; words && n < json_object_array_length(words); n++) {
			char key[48];

			snprintf(key, sizeof(key), "%zu_%zu", k, n);
			if (json_get(say, key))
				add_answer(out, f,
				    json_text(json_object_array_get_idx(words, n),
					"word", ""),
				    json_text(say, key, ""));
		}
	}
}

static void read_answers(void *mem, struct import *i, struct form *f)
{
	struct json_object *in = object_of(mem, f, "status_words"),
			   *out = json_obj(mem);

	if (in && !json_object_is_type(in, json_type_object))
		form_fail(f, "status_words",
		    "This is an object: {\"word\": \"unsubscribed\"}.");
	if (json_object_is_type(in, json_type_object)) {
		json_object_object_foreach (in, word, status)
			add_answer(out, f, word, json_object_get_string(status));
	}
	say_by_number(i, f, out);
	json_set(i->format, "status_words", out);
}

void import_form_options(void *mem, struct import *i, struct form *f)
{
	const char *status = form_get(f, "status");
	int order = text_empty(form_get(f, "date_order"))
	    ? -1
	    : form_choice(f, "date_order", date_words, -1);

	if (order >= 0)
		json_set_text(i->format, "date_order", date_words[order]);
	if (form_has(f, "suppress_only"))
		json_set_bool(i->format, "suppress_only",
		    form_bool(f, "suppress_only", false));
	if (!text_empty(status) && import_status_from(status) == ROW_UNKNOWN)
		form_fail(f, "status",
		    "“%.60s” is no status: use active, unconfirmed, unsubscribed, "
		    "bounced, complained or manual.",
		    status);
	else if (!text_empty(status))
		json_set_text(i->format, "status", status);
	read_answers(mem, i, f);
}

/* ---- mapping ---- */

/* At most FIELD_LABEL_MAX characters; bytes are enough to count. */
static const char *label_of(void *mem, const char *name)
{
	size_t n = strnlen(name, FIELD_LABEL_MAX);

	while (name[n] && n > 0 && ((unsigned char)name[n] & 0xC0) == 0x80)
		n--;
	return mem_strn(mem, name, n);
}

static bool has_field(struct db *db, void *mem, int64_t brand, const char *key)
{
	struct field *all;
	size_t n = 0;

	if (!key || field_all(db, mem, brand, &all, &n) != OK)
		return false;
	for (size_t i = 0; i < n; i++)
		if (text_equal(all[i].key, key))
			return true;
	return false;
}

/* The values there are, for a field of choices. */
static struct json_object *choices_of(void *mem, struct json_object *column)
{
	struct json_object *words = json_get(json_get(column, "status"), "words"),
			   *out = json_arr(mem);

	for (size_t k = 0; words && k < json_object_array_length(words); k++)
		json_push_text(out,
		    json_text(json_object_array_get_idx(words, k), "word", ""));
	return out;
}

/* What making a mapping needs. */
struct mapper {
	struct db *db;
	void *mem;
	struct import *i;
	int64_t now;
	struct form *f;
};

static enum err make_field(struct mapper *m, const char *key, struct json_object *about)
{
	struct form *own = form_new(m->mem);
	struct field *x;

	form_set_json(own, json_set_text(about, "key", key));
	return field_create(m->db, m->mem, m->i->brand_id, own, m->now, &x);
}

/*
 * A field called like the column, the one there is already or a new one: its key, or
 * NULL with a sentence at "mapping".
 */
static const char *new_field(struct mapper *m, struct json_object *column,
    const char *type)
{
	const char *name = json_text(column, "name", ""),
		   *key = field_key(m->mem, name);
	struct json_object *about = json_obj(m->mem),
			   *choices = choices_of(m->mem, column);

	if (has_field(m->db, m->mem, m->i->brand_id, key))
		return key;
	if (text_equal(type, "choice") && json_object_array_length(choices) == 0)
		type = "text";
	json_set_text(about, "label", label_of(m->mem, name));
	json_set_text(about, "type", *type ? type : "text");
	if (text_equal(type, "choice"))
		json_set(about, "choices", choices);
	/* names that are taken, or have no letter a key could have */
	for (int n = 1; n < KEYS_TRIED; n++) {
		const char *own = key ? key : "field";

		own = n > 1 ? mem_printf(m->mem, "%.36s_%d", own, n) : own;
		if (!has_field(m->db, m->mem, m->i->brand_id, own) &&
		    make_field(m, own, about) == OK)
			return own;
	}
	form_fail(m->f, "mapping",
	    "No field could be made of “%.60s”: make one under Fields, then "
	    "choose it here.",
	    name);
	return NULL;
}

static void map_one(struct mapper *m, struct json_object *column, const char *to,
    struct json_object *out)
{
	if (to && *to == '+')
		to = new_field(m, column, to + 1);
	if (to)
		json_set_text(out, json_text(column, "name", ""), to);
}

/* map[0]=email&map[3]=city of a page -> {"E-Mail": "email", ...}. */
static void map_by_number(struct mapper *m)
{
	struct json_object *map = form_json(m->f, "map"), *out = json_obj(m->mem);

	if (!json_object_is_type(map, json_type_object))
		return;
	for (size_t k = 0; k < column_count(m->i); k++) {
		const char *to = json_text(map, mem_printf(m->mem, "%zu", k), "");

		if (*to)
			map_one(m, column_at(m->i, k), to, out);
	}
	m->i->mapping = out;
}

/* The mapping of the API; what is no column of the file stays, to be told. */
static void map_by_name(struct mapper *m)
{
	struct json_object *in = object_of(m->mem, m->f, "mapping"),
			   *out = json_obj(m->mem);

	m->i->mapping = in;
	if (!json_object_is_type(in, json_type_object))
		return;
	json_object_object_foreach (in, name, to) {
		struct json_object *column = column_named(m->i, name);

		if (column)
			map_one(m, column, json_object_get_string(to), out);
		else
			json_set(out, name, to);
	}
	m->i->mapping = out;
}

/* ---- what must be answered ---- */

/* True if somebody has decided what becomes of a column that looks like a status. */
static bool answered(const struct import *i, struct form *f, struct json_object *column)
{
	const char *name = json_text(column, "name", "");

	if (import_status_leaves(
		import_status_from(json_text(i->format, "status", ""))))
		return true;
	if (text_equal(json_text(i->mapping, name, ""), "status"))
		return true;
	if (form_has(f, "map"))
		return form_bool(f, "leave_status", false);
	return json_object_is_type(i->mapping, json_type_object) &&
	    json_object_object_get_ex(i->mapping, name, NULL);
}

static void check_left_out(const struct import *i, struct form *f)
{
	for (size_t k = 0; k < column_count(i); k++) {
		struct json_object *c = column_at(i, k);

		if (json_flag(c, "looks", false) && !answered(i, f, c))
			form_fail(f, "mapping",
			    "“%.60s” says who may not be mailed (%.120s). Make it the "
			    "status, or say that it is to be left out.",
			    json_text(c, "name", ""), json_text(c, "note", ""));
	}
}

/* True if what the column becomes is a date. */
static bool is_date(struct import_plan *p, const struct import *i, const char *name)
{
	for (size_t k = 0; k < p->columns; k++)
		if (p->targets[k].field && p->targets[k].field->type == FIELD_DATE &&
		    text_equal(json_text(column_at(i, k), "name", ""), name))
			return true;
	return false;
}

/* A page asks which is the day and which the month, where nothing tells. */
static void check_dates(struct import_plan *p, const struct import *i, struct form *f)
{
	if (!form_has(f, "map") || *json_text(i->format, "date_order", ""))
		return;
	for (size_t k = 0; k < column_count(i); k++) {
		struct json_object *c = column_at(i, k);
		const char *name = json_text(c, "name", "");

		if (json_flag(c, "dates_open", false) && is_date(p, i, name))
			form_fail(f, "date_order",
			    "Say which is the day and which the month in “%.60s”.",
			    name);
	}
}

static struct status_meaning meaning_of(const char *name)
{
	struct status_meaning m = import_status_of_name(name);

	if (m.kind == STATUS_NONE)
		m.kind = STATUS_WORDS;
	return m;
}

/* The words of a column that nobody here knows, and nobody has explained. */
static void unknown_words(const struct import *i, struct json_object *column,
    struct buf *out)
{
	struct status_meaning m = meaning_of(json_text(column, "name", ""));
	struct json_object *words = json_get(json_get(column, "status"), "words"),
			   *said = json_get(i->format, "status_words");

	for (size_t k = 0; words && k < json_object_array_length(words); k++) {
		struct json_object *w = json_object_array_get_idx(words, k);
		const char *word = json_text(w, "word", "");

		if (import_status_read(m, word) != ROW_UNKNOWN || json_get(said, word))
			continue;
		buf_printf(out, "%s“%s” (%lld)", out->len ? ", " : "", word,
		    (long long)json_int(w, "n", 0));
	}
}

static void check_words(void *mem, const struct import *i, struct form *f)
{
	for (size_t k = 0; k < column_count(i); k++) {
		struct json_object *c = column_at(i, k);
		const char *name = json_text(c, "name", "");
		struct buf *b = buf_new(mem);

		if (!text_equal(json_text(i->mapping, name, ""), "status"))
			continue;
		unknown_words(i, c, b);
		if (json_flag(json_get(c, "status"), "many", false) &&
		    import_status_of_name(name).kind == STATUS_NONE)
			form_fail(f, "mapping",
			    "“%.60s” has too many different values to be the status.",
			    name);
		else if (b->len)
			form_fail(f, "status_words",
			    "Say what these words of “%.60s” mean: %.400s.", name,
			    b->data);
	}
}

/* ---- the rest ---- */

static enum err read_lists(struct db *db, void *mem, struct import *i, struct form *f)
{
	int64_t *ids;
	size_t n = form_ids(f, mem, "lists", 100, &ids);
	struct list *l;
	enum err e = OK;

	i->lists = json_arr(mem);
	for (size_t k = 0; e == OK && k < n; k++) {
		e = list_get(db, mem, i->brand_id, ids[k], &l);
		if (e == ERR_NOTFOUND)
			e = form_fail(f, "lists",
			    "There is no list %lld in this brand.", (long long)ids[k]);
		else
			json_push_int(i->lists, ids[k]);
	}
	return e;
}

/* new_list: the name of a list made for them; goes with the import or not at all. */
static enum err make_list(struct db *db, void *mem, struct import *i, int64_t now,
    struct form *f)
{
	struct list *l = mem_new(mem, struct list);
	enum err e;

	l->brand_id = i->brand_id;
	l->name = mem_str(l, form_line(f, "new_list", 0, LIST_NAME_MAX));
	l->description = "";
	if (!form_ok(f))
		return ERR_INVALID;
	if (!*l->name)
		return OK;
	e = list_row_insert(db, l, now);
	if (e == ERR_CONFLICT)
		return form_fail(f, "new_list", "There is a list “%s” already.",
		    l->name);
	if (e == OK)
		json_push_int(i->lists, l->id);
	return e;
}

/* What only the page needed goes: the values of small columns are data of people. */
static void forget_words(struct import *i)
{
	for (size_t k = 0; k < column_count(i); k++)
		json_object_object_del(column_at(i, k), "status");
}

enum err import_form_read(struct db *db, void *mem, struct import *i, int64_t now,
    struct form *f)
{
	struct mapper m = { db, mem, i, now, f };
	struct import_plan *plan = NULL;
	enum err e;

	import_form_options(mem, i, f);
	if (!form_ok(f))
		return ERR_INVALID;
	if (form_has(f, "mapping"))
		map_by_name(&m);
	else if (form_has(f, "map"))
		map_by_number(&m);
	e = read_lists(db, mem, i, f);
	i->existing = (enum import_existing)form_choice(f, "existing", existing_words,
	    EXISTING_UPDATE);
	if (e == OK && form_ok(f))
		e = import_plan_make(db, mem, i, f, &plan);
	if (e == OK && plan && form_ok(f)) {
		check_left_out(i, f);
		check_words(mem, i, f);
		check_dates(plan, i, f);
	}
	if (e == OK)
		e = form_ok(f) ? make_list(db, mem, i, now, f) : ERR_INVALID;
	if (e == OK)
		forget_words(i);
	return e;
}
