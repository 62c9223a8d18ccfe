#include "web/import_map.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/field.h"
#include "service/field.h"
#include "service/import.h"
#include "service/import_encoding.h"
#include "service/import_form.h"
#include "service/import_status.h"
#include "web/subscriber.h"

/* The fields a column may become: {value, label}. */
static enum err targets(struct request *rq, struct response *rs,
    struct json_object **out)
{
	static const char *const own[][2] = { { "email", "Email address" },
		{ "first_name", "First name" }, { "last_name", "Last name" },
		{ "name", "Full name, to be split" }, { "tags", "Tags" },
		{ "status", "Status: may be mailed or not" } };
	struct field *all;
	size_t n;
	enum err e = field_all(rq->db, rq, rq->args[0], &all, &n);

	*out = json_arr(rs);
	for (size_t i = 0; e == OK && i < sizeof(own) / sizeof(*own) + n; i++) {
		struct json_object *o = json_obj(rs);
		bool ours = i < sizeof(own) / sizeof(*own);
		const struct field *f =
		    ours ? NULL : &all[i - sizeof(own) / sizeof(*own)];

		json_set_text(o, "value", ours ? own[i][0] : f->key);
		json_set_text(o, "label",
		    ours ? own[i][1]
			 : mem_printf(rs, "%s (%s)", f->label,
			       field_type_name(f->type)));
		json_push(*out, o);
	}
	return e;
}

/* What a column becomes as long as nobody has chosen. */
static const char *first_choice(void *mem, struct json_object *column)
{
	const char *type = json_text(column, "new", "text");

	if (!json_flag(column, "offer", false))
		return json_text(column, "guess", "");
	return text_equal(type, "text") ? "+" : mem_printf(mem, "+%s", type);
}

/* map[0]=... of the query or the form instead of the guess: a preview of what is
 * chosen. */
static void take_choice(struct request *rq, struct form *f, struct import *i,
    struct json_object *columns)
{
	struct json_object *map = form_json(f, "map");
	bool chosen = json_object_is_type(map, json_type_object);
	int existing = import_existing_from(form_get(f, "existing"));

	if (existing >= 0)
		i->existing = (enum import_existing)existing;
	i->mapping = json_obj(rq);
	for (size_t k = 0; k < json_object_array_length(columns); k++) {
		struct json_object *c = json_object_array_get_idx(columns, k);
		const char *to = mem_str(rq,
		    chosen ? json_text(map, mem_printf(rq, "%zu", k), "")
			   : first_choice(rq, c));

		json_set_text(c, "guess", to);
		if (*to && *to != '+')
			json_set_text(i->mapping, json_text(c, "name", ""), to);
	}
}

/* The words of a column that nobody here knows, each with the name of its menu. */
static void add_unknown(struct request *rq, const struct import *i, size_t column,
    struct json_object *out)
{
	struct json_object *c =
	    json_object_array_get_idx(json_get(i->format, "columns"), column);
	struct json_object *words = json_get(json_get(c, "status"), "words"),
			   *said = json_get(i->format, "status_words");
	struct status_meaning m = import_status_of_name(json_text(c, "name", ""));

	if (m.kind == STATUS_NONE)
		m.kind = STATUS_WORDS;
	for (size_t n = 0; words && n < json_object_array_length(words); n++) {
		struct json_object *w = json_object_array_get_idx(words, n), *o;
		const char *word = json_text(w, "word", "");

		if (import_status_read(m, word) != ROW_UNKNOWN)
			continue;
		o = json_obj(rq);
		json_set_text(o, "key", mem_printf(rq, "%zu_%zu", column, n));
		json_set_text(o, "word", word);
		json_set_text(o, "column", json_text(c, "name", ""));
		json_set_int(o, "n", json_int(w, "n", 0));
		json_set_text(o, "said", said ? json_text(said, word, "") : "");
		json_push(out, o);
	}
}

/* What must be answered before it starts. */
static void add_questions(struct request *rq, struct response *rs,
    const struct import *i, struct json_object *columns)
{
	struct json_object *unknown = json_arr(rs), *left = json_arr(rs);
	bool dates = false, open = false;

	for (size_t k = 0; k < json_object_array_length(columns); k++) {
		struct json_object *c = json_object_array_get_idx(columns, k);
		const char *to = json_text(c, "guess", "");

		if (text_equal(to, "status"))
			add_unknown(rq, i, k, unknown);
		else if (json_flag(c, "looks", false))
			json_push(left, c);
		if (*to && *json_text(c, "dates", "")) {
			dates = true;
			open |= json_flag(c, "dates_open", false);
		}
	}
	json_set(rs->extra, "unknown", unknown);
	json_set(rs->extra, "left_status", left);
	json_set_bool(rs->extra, "has_dates", dates);
	json_set_bool(rs->extra, "dates_open", open);
}

struct json_object *import_encodings(void *mem)
{
	struct json_object *out = json_arr(mem);

	for (size_t i = 0; import_encoding_at(i); i++) {
		struct json_object *o = json_obj(mem);

		json_set_text(o, "value", import_encoding_at(i));
		json_set_text(o, "label", import_encoding_label(import_encoding_at(i)));
		json_push(out, o);
	}
	return out;
}

enum err import_map_page(struct request *rq, struct response *rs, struct import *i)
{
	struct form *f = form_has(rq->form, "map") ? rq->form : rq->query;
	struct json_object *columns = json_get(i->format, "columns"), *lists, *preview,
			   *to;
	int64_t used = 0;
	enum err e = targets(rq, rs, &to);

	take_choice(rq, f, i, columns);
	import_form_options(rq, i, f);
	if (e == OK)
		e = subscriber_list_names(rq, rs, &lists);
	if (e == OK)
		e = import_preview(rq->db, rq, i, &preview);
	if (e != OK)
		return e;
	for (size_t k = 0; k < json_object_array_length(columns); k++)
		used += *json_text(json_object_array_get_idx(columns, k), "guess",
			    "") != '\0';
	rs->extra = json_obj(rs);
	json_set(rs->extra, "format", i->format);
	json_set(rs->extra, "targets", to);
	json_set(rs->extra, "lists", lists);
	json_set(rs->extra, "preview", preview);
	json_set(rs->extra, "encodings", import_encodings(rs));
	json_set_int(rs->extra, "used", used);
	add_questions(rq, rs, i, columns);
	rs->page = "import/map";
	return OK;
}
