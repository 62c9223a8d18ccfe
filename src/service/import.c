#include "service/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/field.h"
#include "repo/list.h"
#include "service/import_batch.h"
#include "service/import_encoding.h"
#include "service/import_file.h"
#include "service/import_form.h"
#include "service/import_guess.h"
#include "service/import_plan.h"

enum { PREVIEW_ROWS = 5, FILE_NAME_MAX = 200 };

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
	json_set_text(o, "encoding_label",
	    mem_printf(mem, "%s%s", import_encoding_label(x->encoding),
		x->mixed ? " and UTF-8" : ""));
	json_set_bool(o, "doubtful", x->doubtful);
	json_set_bool(o, "escaped", x->escaped);
	json_set_bool(o, "header", x->header);
	json_set_int(o, "titles", x->titles);
	json_set_int(o, "year", x->year);
	json_set_int(o, "data_at", x->data_at);
	json_set_int(o, "rows", scan->rows);
	json_set_int(o, "email", email);
	json_set_int(o, "bad", scan->bad);
	json_set_int(o, "repeated", scan->repeated);
	json_set(o, "columns", columns);
	return o;
}

static int year_of(int64_t now)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "year");
	int64_t year = 0;

	(void)text_to_int(time_local(tmp, now, "UTC", "%Y"), 1970, 9999, &year);
	return (int)year;
}

static enum err look_at(struct db *db, void *mem, struct import *i,
    const struct form_file *up, struct form *f, struct import_file **file)
{
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
	(*file)->year = year_of(i->created_at);
	columns = import_guess(mem, *file, fields, nfields, &email);
	if (email < 0 && (*file)->columns == 1)
		return form_fail(f, "file",
		    "This does not look like a CSV file: it has one column, "
		    "and no email addresses in it.");
	e = import_file_scan(*file, email, f, &scan);
	if (e != OK)
		return e;
	import_guess_rest(*file, scan.words, columns);
	i->format = format_of(mem, *file, &scan, columns, email);
	i->position = (*file)->data_at;
	return OK;
}

/* What was uploaded is kept as it came where our reading of it may be wrong. */
static enum err insert(struct db *db, struct import *i, const struct import_file *file,
    const struct form_file *up, int64_t now)
{
	bool plain = text_equal(file->encoding, "utf-8");
	enum err e = import_row_insert(db, i, file->data, file->len, now);

	if (e == OK && up && !plain && i->state == IMPORT_MAPPING)
		e = import_row_keep(db, i->id, up->data, up->len);
	return e;
}

enum err import_create(struct db *db, void *mem, const struct import_request *rq,
    struct form *f, struct import **out)
{
	struct import *i = mem_new(mem, struct import);
	const struct form_file *up = form_file(f, "file");
	struct import_file *file;
	TX_SCOPE tx = { 0 };
	enum err e;

	*out = i;
	i->brand_id = rq->brand;
	i->created_by = rq->user;
	i->created_at = rq->now;
	i->state = rq->start ? IMPORT_WAITING : IMPORT_MAPPING;
	i->file_name = file_name(i, up && up->name ? up->name : "");
	e = look_at(db, i, i, up, f, &file);
	if (e != OK)
		return e;
	i->mapping = import_form_guess(i, i);
	e = tx_begin(db, &tx);
	import_form_options(i, i, f);
	if (e == OK && rq->start)
		e = import_form_read(db, i, i, rq->now, f);
	if (e == OK && !form_ok(f))
		e = ERR_INVALID;
	if (e == OK)
		e = insert(db, i, file, up, rq->now);
	return e == OK ? tx_commit(&tx) : e;
}

/* The upload as it came, put together again. */
static enum err raw_of(struct db *db, void *mem, const struct import *i,
    struct form_file *up)
{
	struct buf *b = buf_new(mem);
	enum err e = OK;

	for (int64_t n = 0; e == OK; n++) {
		MEM_SCOPE void *tmp = mem_scope(NULL, "chunk");
		char *data;
		size_t len;

		e = import_chunk(db, tmp, i->id, IMPORT_RAW + n, &data, &len);
		if (e == OK)
			buf_add(b, data, len);
	}
	*up = (struct form_file){ .field = "file",
		.name = i->file_name,
		.data = b->data,
		.len = b->len };
	return e == ERR_NOTFOUND && b->len > 0 ? OK : e;
}

enum err import_read_again(struct db *db, void *mem, struct import *i, struct form *f)
{
	struct import_file *file;
	struct form_file up;
	TX_SCOPE tx = { 0 };
	enum err e;

	if (i->state != IMPORT_MAPPING)
		return ERR_CONFLICT;
	e = raw_of(db, mem, i, &up);
	if (e == OK)
		e = look_at(db, mem, i, &up, f, &file);
	if (e != OK)
		return e;
	i->mapping = import_form_guess(mem, i);
	e = tx_begin(db, &tx);
	if (e == OK)
		e = import_row_replace(db, i, file->data, file->len);
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
	if (e == OK)
		e = import_form_read(db, mem, i, now, f);
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
	json_set_text(o, "note", x->note ? x->note : "");
	json_set_text(o, "status",
	    import_status_name(x->status) ? import_status_name(x->status) : "active");
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
	struct import_batch *b = import_batch_new(mem, PREVIEW_ROWS);
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

/* Columns that become nothing. */
static struct json_object *left_out(void *mem, const struct import *i)
{
	struct json_object *columns = json_get(i->format, "columns"),
			   *out = json_arr(mem);

	for (size_t k = 0; columns && k < json_object_array_length(columns); k++) {
		const char *name =
		    json_text(json_object_array_get_idx(columns, k), "name", "");

		if (text_empty(json_text(i->mapping, name, "")))
			json_push_text(out, name);
	}
	return out;
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
	json_set_int(c, "unsubscribed", i->counts.left);
	json_set_int(c, "suppressed", i->counts.suppressed);
	json_set_int(c, "invalid", i->counts.invalid);
	json_set(o, "counts", c);
	json_set_int(o, "noted", i->counts.noted);
	json_set_int(o, "total", json_int(i->format, "rows", 0));
	json_set_int(o, "size", i->size);
	json_set(o, "lists", i->lists);
	json_set_text(o, "existing", import_existing_name(i->existing));
	json_set(o, "mapping", i->mapping);
	json_set(o, "left_out", left_out(mem, i));
	json_set_text(o, "encoding", json_text(i->format, "encoding", ""));
	json_set_bool(o, "encoding_doubtful", json_flag(i->format, "doubtful", false));
	json_set_text(o, "date_order", json_text(i->format, "date_order", ""));
	json_set_text(o, "status", json_text(i->format, "status", ""));
	json_set_bool(o, "suppress_only", import_suppresses_only(i));
	json_set_text(o, "error", i->error ? i->error : "");
	json_set_time(o, "created_at", i->created_at);
	json_set_time(o, "started_at", i->started_at);
	json_set_time(o, "finished_at", i->finished_at);
	return o;
}
