#include "service/subscriber_form.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/field.h"
#include "repo/list.h"
#include "service/address.h"
#include "service/field.h"
#include "service/tag.h"

enum { LISTS_OF_ONE_MAX = 500 };

void subscriber_read_address(void *mem, struct form *f, struct subscriber *s)
{
	struct address a;
	const char *why;

	if (address_parse(mem, form_get(f, "email"), &a, &why) != OK) {
		form_fail(f, "email", "%s", why);
		return;
	}
	s->email = a.email;
	s->email_key = a.key;
}

void subscriber_add_tag(void *mem, struct form *f, struct json_object *tags,
    const char *text)
{
	const char *t = text_trim(mem, text ? text : "");

	if (!*t)
		return;
	if (!text_is_utf8(t, strlen(t)) || text_has_control(t) ||
	    text_length(t) > TAG_MAX) {
		form_fail(f, "tags", "A tag is one line of at most %d characters.",
		    TAG_MAX);
		return;
	}
	for (size_t i = 0; i < json_object_array_length(tags); i++)
		if (text_equal(json_object_get_string(
				   json_object_array_get_idx(tags, i)),
			t))
			return;
	if (json_object_array_length(tags) >= TAGS_MAX)
		form_fail(f, "tags", "A person has at most %d tags.", TAGS_MAX);
	else
		json_push_text(tags, t);
}

void subscriber_read_tags(void *mem, struct form *f, struct subscriber *s)
{
	struct json_object *in = form_json(f, "tags");
	const char **parts;
	size_t n;

	s->tags = json_arr(mem);
	if (!json_object_is_type(in, json_type_array)) {
		n = tag_split(mem, form_body(f, "tags", TAGS_MAX * (TAG_MAX * 4 + 4)),
		    &parts);
		for (size_t i = 0; i < n; i++)
			subscriber_add_tag(mem, f, s->tags, parts[i]);
		return;
	}
	for (size_t i = 0; i < json_object_array_length(in); i++)
		subscriber_add_tag(mem, f, s->tags,
		    json_object_get_string(json_object_array_get_idx(in, i)));
}

static const struct field *find_field(const struct field *all, size_t n,
    const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (text_equal(all[i].key, key))
			return &all[i];
	return NULL;
}

static void read_value(void *mem, struct form *f, const struct field *x,
    struct json_object *in, struct subscriber *s)
{
	static const struct field_reading strict = { 0 };
	const char *at = mem_printf(mem, "fields.%s", x->key), *why;
	struct json_object *v;

	if (json_object_is_type(in, json_type_array) &&
	    json_object_array_length(in) > 0)
		in = json_object_array_get_idx(in, json_object_array_length(in) - 1);
	if (json_object_is_type(in, json_type_array) ||
	    json_object_is_type(in, json_type_object))
		form_fail(f, at, "%s: one value, please.", x->label);
	else if (field_value(mem, x, json_object_get_string(in), &strict, &v, &why) !=
	    OK)
		form_fail(f, at, "%s", why);
	else if (v)
		json_set(s->custom, x->key, v);
	else
		json_object_object_del(s->custom, x->key);
}

/* fields {key: value} into a copy of s->custom; values of deleted fields go. */
enum err subscriber_read_fields(struct db *db, void *mem, struct form *f,
    struct subscriber *s)
{
	struct json_object *in = form_json(f, "fields"), *old = s->custom;
	struct field *all;
	size_t n;
	enum err e = field_all(db, mem, s->brand_id, &all, &n);

	if (e != OK)
		return e;
	s->custom = json_obj(mem);
	for (size_t i = 0; old && i < n; i++)
		if (json_get(old, all[i].key))
			json_set(s->custom, all[i].key, json_get(old, all[i].key));
	if (!in)
		return OK;
	if (!json_object_is_type(in, json_type_object))
		return form_fail(f, "fields",
		    "Fields are an object: {\"key\": value}.");
	json_object_object_foreach (in, key, value) {
		const struct field *x = find_field(all, n, key);

		if (x)
			read_value(mem, f, x, value, s);
		else
			form_fail(f, mem_printf(mem, "fields.%.40s", key),
			    "There is no field “%.40s” in this brand. Make it first.",
			    key);
	}
	return OK;
}

void subscriber_read_names(void *mem, struct form *f, struct subscriber *s)
{
	if (form_has(f, "first_name") || !s->first_name)
		s->first_name =
		    mem_str(mem, form_line(f, "first_name", 0, NAME_MAX_CHARS));
	if (form_has(f, "last_name") || !s->last_name)
		s->last_name =
		    mem_str(mem, form_line(f, "last_name", 0, NAME_MAX_CHARS));
}

/* Lists of the form: ids of the brand, or a sentence. */
enum err subscriber_read_lists(struct db *db, void *mem, int64_t brand, struct form *f,
    struct subscriber_lists *in)
{
	struct list *l;
	enum err e = OK;

	in->given = form_has(f, "lists");
	in->n = in->given ? form_ids(f, mem, "lists", LISTS_OF_ONE_MAX, &in->ids) : 0;
	for (size_t i = 0; e == OK && i < in->n; i++) {
		e = list_get(db, mem, brand, in->ids[i], &l);
		if (e == ERR_NOTFOUND)
			e = form_fail(f, "lists",
			    "There is no list %lld in this brand.",
			    (long long)in->ids[i]);
	}
	return e == ERR_INVALID ? OK : e;
}
