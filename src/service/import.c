#include "service/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/field.h"
#include "repo/list.h"
#include "service/import_batch.h"
#include "service/import_file.h"
#include "service/import_guess.h"
#include "service/import_plan.h"

enum { PREVIEW_ROWS = 5, FILE_NAME_MAX = 200 };

static const char *const existing_words[] = { "update", "fill", "leave", NULL };

/* ---- what a form says of an import ---- */

static const char *column_name(const struct import *i, const char *number)
{
	struct json_object *columns = json_get(i->format, "columns");
	int64_t at;

	if (!columns || !text_to_int(number, 0, IMPORT_COLUMNS, &at) ||
	    (size_t)at >= json_object_array_length(columns))
		return NULL;
	return json_text(json_object_array_get_idx(columns, (size_t)at), "name", NULL);
}

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

/*
 * A text field called like the column, the one there is already or a new one: its key,
 * or NULL with a sentence at "mapping".
 */
static const char *new_field(struct db *db, void *mem, struct import *i,
    const char *name, int64_t now, struct form *f)
{
	struct form *own = form_new(mem);
	struct json_object *o = json_obj(mem);
	const char *key = field_key(mem, name);
	struct field *x;

	if (has_field(db, mem, i->brand_id, key))
		return key;
	form_set_json(own, json_set_text(o, "label", label_of(mem, name)));
	if (field_create(db, mem, i->brand_id, own, now, &x) == OK)
		return x->key;
	form_fail(f, "mapping",
	    "No field could be made of “%.60s”: make one under Fields, then "
	    "choose it here.",
	    name);
	return NULL;
}

/* map[0]=email&map[3]=city of a page -> {"E-Mail": "email", ...}. */
static void map_by_number(struct db *db, void *mem, struct import *i, int64_t now,
    struct form *f)
{
	struct json_object *map = form_json(f, "map"), *out = json_obj(mem);

	if (!json_object_is_type(map, json_type_object))
		return;
	json_object_object_foreach (map, number, word) {
		const char *name = column_name(i, number),
			   *to = json_object_get_string(word);

		if (!name || text_empty(to))
			continue;
		if (text_equal(to, "+"))
			to = new_field(db, mem, i, name, now, f);
		if (to)
			json_set_text(out, name, to);
	}
	i->mapping = out;
}

/* The mapping of the API: an object, or its text. */
static void map_by_name(void *mem, struct import *i, struct form *f)
{
	struct json_object *o = form_json(f, "mapping");
	const char *text, *why = NULL;

	if (json_object_is_type(o, json_type_string)) {
		text = json_object_get_string(o);
		if (json_read(mem, text, strlen(text), &o, &why) != OK)
			form_fail(f, "mapping", "The mapping is no JSON: %s",
			    why ? why : "");
	}
	i->mapping = o;
}

static struct json_object *guessed(void *mem, const struct import *i)
{
	struct json_object *columns = json_get(i->format, "columns"),
			   *out = json_obj(mem);

	for (size_t k = 0; k < json_object_array_length(columns); k++) {
		struct json_object *c = json_object_array_get_idx(columns, k);

		if (*json_text(c, "guess", ""))
			json_set_text(out, json_text(c, "name", ""),
			    json_text(c, "guess", ""));
	}
	return out;
}

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

static enum err read_rest(struct db *db, void *mem, struct import *i, struct form *f)
{
	struct import_plan *plan;
	enum err e = read_lists(db, mem, i, f);

	i->existing = (enum import_existing)form_choice(f, "existing", existing_words,
	    EXISTING_UPDATE);
	if (e == OK)
		e = form_ok(f) ? import_plan_make(db, mem, i, f, &plan) : ERR_INVALID;
	return e;
}

/* ---- upload ---- */

static const char *file_name(void *mem, const char *name)
{
	const char *slash = strrchr(name, '/'), *back = strrchr(name, '\\');
	char *s;

	if (back && (!slash || back > slash))
		slash = back;
	s = text_trim(mem, slash ? slash + 1 : name);
	if (!*s || text_has_control(s) || !text_is_utf8(s, strlen(s)) ||
	    text_length(s) > FILE_NAME_MAX)
		return "file.csv";
	return s;
}

static struct json_object *format_of(void *mem, const struct import_file *x,
    const struct import_scan *scan, struct json_object *columns, int email)
{
	struct json_object *o = json_obj(mem);
	char delimiter[2] = { x->delimiter, '\0' };

	json_set_text(o, "delimiter", delimiter);
	json_set_text(o, "separated_by", import_delimiter_name(x->delimiter));
	json_set_text(o, "encoding", x->encoding);
	json_set_bool(o, "header", x->header);
	json_set_int(o, "data_at", x->data_at);
	json_set_int(o, "rows", scan->rows);
	json_set_int(o, "email", email);
	json_set_int(o, "bad", scan->bad);
	json_set_int(o, "repeated", scan->repeated);
	json_set(o, "columns", columns);
	return o;
}

static enum err look_at(struct db *db, void *mem, struct import *i, struct form *f,
    struct import_file **file)
{
	const struct form_file *up = form_file(f, "file");
	struct import_scan scan;
	struct json_object *columns;
	struct field *fields;
	size_t nfields;
	int email;
	enum err e = import_file_read(mem, up, f, file);

	if (e == OK)
		e = field_all(db, mem, i->brand_id, &fields, &nfields);
	if (e != OK)
		return e;
	columns = import_guess(mem, *file, fields, nfields, &email);
	if (email < 0 && (*file)->columns == 1)
		return form_fail(f, "file",
		    "This does not look like a CSV file: it has one column, "
		    "and no email addresses in it.");
	e = import_file_scan(*file, email, f, &scan);
	if (e != OK)
		return e;
	i->file_name = file_name(mem, up->name ? up->name : "");
	i->format = format_of(mem, *file, &scan, columns, email);
	i->position = (*file)->data_at;
	return OK;
}

enum err import_create(struct db *db, void *mem, const struct import_request *rq,
    struct form *f, struct import **out)
{
	struct import *i = mem_new(mem, struct import);
	struct import_file *file;
	TX_SCOPE tx = { 0 };
	enum err e;

	*out = i;
	i->brand_id = rq->brand;
	i->created_by = rq->user;
	i->state = rq->start ? IMPORT_WAITING : IMPORT_MAPPING;
	e = look_at(db, i, i, f, &file);
	if (e != OK)
		return e;
	if (form_has(f, "mapping"))
		map_by_name(i, i, f);
	else
		i->mapping = guessed(i, i);
	if (rq->start)
		e = read_rest(db, i, i, f);
	if (e == OK)
		e = tx_begin(db, &tx);
	if (e == OK)
		e = import_row_insert(db, i, file->data, file->len, rq->now);
	return e == OK ? tx_commit(&tx) : e;
}

enum err import_start(struct db *db, void *mem, struct import *i, int64_t now,
    struct form *f)
{
	TX_SCOPE tx = { 0 };
	enum err e;

	if (i->state != IMPORT_MAPPING) {
		form_fail(f, "state", "This import has been started already.");
		return ERR_CONFLICT;
	}
	e = tx_begin(db, &tx);
	if (form_has(f, "mapping"))
		map_by_name(mem, i, f);
	else if (form_has(f, "map"))
		map_by_number(db, mem, i, now, f);
	if (e == OK)
		e = read_rest(db, mem, i, f);
	if (e == OK)
		e = make_list(db, mem, i, now, f);
	if (e == OK)
		e = import_row_start(db, i);
	if (e == OK)
		e = tx_commit(&tx);
	if (e == OK)
		i->state = IMPORT_WAITING;
	return e;
}

/* ---- preview ---- */

static struct json_object *preview_row(void *mem, const struct import_record *x,
    const struct import_plan *p)
{
	struct json_object *o = json_obj(mem), *tags = json_arr(mem),
			   *values = json_arr(mem);

	json_set_int(o, "row", x->row);
	json_set_text(o, "email", x->email);
	json_set_text(o, "first_name", x->first);
	json_set_text(o, "last_name", x->last);
	for (size_t k = 0; k < x->ntags; k++)
		json_push_text(tags, x->tags[k]);
	json_set(o, "tags", tags);
	for (size_t k = 0; k < p->columns; k++) {
		const struct field *f = p->targets[k].field;
		struct json_object *v;

		if (p->targets[k].kind != TARGET_FIELD)
			continue;
		v = json_obj(mem);
		json_set_text(v, "label", f->label);
		json_set_text(v, "type", field_type_name(f->type));
		json_set(v, "value", x->custom ? json_get(x->custom, f->key) : NULL);
		json_push(values, v);
	}
	json_set(o, "values", values);
	return o;
}

static int by_row(const void *a, const void *b)
{
	struct json_object *const *x = a, *const *y = b;
	int64_t i = json_int(*x, "row", 0), k = json_int(*y, "row", 0);

	return i < k ? -1 : i > k;
}

/* Reads the first rows; those refused go to `out` at once, the others into the batch.
 */
static void read_first(void *mem, struct csv_reader *r, const struct import_plan *p,
    struct import_batch *b, struct json_object *out)
{
	enum csv_got got;

	for (int64_t row = 1; row <= PREVIEW_ROWS; row++) {
		struct import_record *x = &b->rows[b->n];
		const char *why;

		got = csv_reader_next(r);
		if (got == CSV_GOT_MORE || got == CSV_GOT_END)
			return;
		*x = (struct import_record){ .row = row };
		why = csv_reader_why(r);
		if (got == CSV_GOT_ROW && import_plan_read(p, b, r, x, &why) == OK) {
			b->n++;
			continue;
		}
		x->email = mem_str(mem, csv_reader_cell(r, 0, NULL));
		x->first = x->last = "";
		for (size_t k = 0; k < p->columns; k++)
			if (p->targets[k].kind == TARGET_EMAIL)
				x->email = mem_str(mem, csv_reader_cell(r, k, NULL));
		struct json_object *o = preview_row(mem, x, p);
		json_set_text(o, "result", "refused");
		json_set_text(o, "why", why);
		json_push(out, o);
	}
}

enum err import_preview(struct db *db, void *mem, const struct import *i,
    struct json_object **out)
{
	const char *delimiter = json_text(i->format, "delimiter", ",");
	int64_t at = json_int(i->format, "data_at", 0);
	struct csv_reader *r = csv_reader_new(mem, delimiter[0], at);
	struct import_batch *b = import_batch_new(mem);
	struct import_plan *p;
	const char **results;
	char *data;
	size_t len, skip = (size_t)(at % IMPORT_CHUNK);
	enum err e = import_plan_make(db, mem, i, NULL, &p);

	*out = json_arr(mem);
	if (e == OK)
		e = import_chunk(db, mem, i->id, at / IMPORT_CHUNK, &data, &len);
	if (e != OK)
		return e == ERR_INVALID || e == ERR_NOTFOUND ? OK : e;
	csv_reader_feed(r, data + skip, len - skip,
	    at + (int64_t)(len - skip) >= i->size);
	read_first(mem, r, p, b, *out);
	e = import_batch_foresee(db, mem, b, i, &results);
	for (size_t k = 0; e == OK && k < b->n; k++) {
		struct json_object *o = preview_row(mem, &b->rows[k], p);

		json_set_text(o, "result", results[k]);
		json_push(*out, o);
	}
	json_object_array_sort(*out, by_row);
	return e;
}

struct json_object *import_json(void *mem, const struct import *i)
{
	struct json_object *o = json_obj(mem), *c = json_obj(mem);

	json_set_int(o, "id", i->id);
	json_set_text(o, "file_name", i->file_name);
	json_set_text(o, "state", import_state_name(i->state));
	json_set_int(c, "rows", i->counts.rows);
	json_set_int(c, "new", i->counts.fresh);
	json_set_int(c, "updated", i->counts.updated);
	json_set_int(c, "unchanged", i->counts.unchanged);
	json_set_int(c, "suppressed", i->counts.suppressed);
	json_set_int(c, "invalid", i->counts.invalid);
	json_set(o, "counts", c);
	json_set_int(o, "total", json_int(i->format, "rows", 0));
	json_set_int(o, "size", i->size);
	json_set(o, "lists", i->lists);
	json_set_text(o, "existing", import_existing_name(i->existing));
	json_set(o, "mapping", i->mapping);
	json_set_text(o, "error", i->error ? i->error : "");
	json_set_time(o, "created_at", i->created_at);
	json_set_time(o, "started_at", i->started_at);
	json_set_time(o, "finished_at", i->finished_at);
	return o;
}
