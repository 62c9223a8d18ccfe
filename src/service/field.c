#include "service/field.h"

#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/field.h"

/* Names that every mail has anyway; a field cannot take them. */
/* clang-format off */
static const char *const reserved[] = { "email", "first_name", "last_name", "name", "status",
	"tags", "lists", "fields", "id", "brand", "campaign", "subject", "unsubscribe_url",
	"browser_url", "view_url", "preferences_url", "postal_address", "now", "today", "it",
	"page", "forloop", "blank", "empty", "true", "false", "nil", "null", NULL };
/* clang-format on */

static const char *const type_words[] = { "text", "number", "date", "boolean", "choice",
	NULL };

char *field_key(void *mem, const char *label)
{
	char *low = text_lower(mem, label), *out = mem_str(mem, low);
	size_t n = 0;

	for (const char *p = low; *p && n < FIELD_KEY_MAX; p++) {
		if (isalnum((unsigned char)*p) &&
		    (n > 0 || !isdigit((unsigned char)*p)))
			out[n++] = *p;
		else if (n > 0 && out[n - 1] != '_' && !((unsigned char)*p & 0x80))
			out[n++] = '_';
	}
	while (n > 0 && out[n - 1] == '_')
		n--;
	out[n] = '\0';
	return n ? out : NULL;
}

static void check_key(struct form *f, const char *key)
{
	size_t n = strlen(key);

	if (n == 0 || !islower((unsigned char)key[0]) ||
	    strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_") != n) {
		form_fail(f, "key",
		    "A key begins with a letter and has a-z, 0-9 and _ only, "
		    "as in customer_since.");
		return;
	}
	for (size_t i = 0; reserved[i]; i++)
		if (text_equal(key, reserved[i]))
			form_fail(f, "key",
			    "“%s” is a name mails have already. Choose another.", key);
}

static bool has_choice(struct json_object *choices, const char *text)
{
	for (size_t i = 0; i < json_object_array_length(choices); i++)
		if (text_equal(json_object_get_string(
				   json_object_array_get_idx(choices, i)),
			text))
			return true;
	return false;
}

static void add_choice(void *mem, struct form *f, struct json_object *choices,
    const char *text)
{
	const char *s = text_trim(mem, text);

	if (!*s || has_choice(choices, s))
		return;
	if (text_length(s) > VALUE_MAX || text_has_control(s) ||
	    !text_is_utf8(s, strlen(s)))
		form_fail(f, "choices",
		    "A choice is one line of at most %d characters.", VALUE_MAX);
	else
		json_push_text(choices, s);
}

/* An array, or text with a choice a line. */
static struct json_object *read_choices(void *mem, struct form *f)
{
	struct json_object *in = form_json(f, "choices"), *out = json_arr(mem);
	char *text, *line;

	if (json_object_is_type(in, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(in); i++)
			add_choice(mem, f, out,
			    json_object_get_string(json_object_array_get_idx(in, i)));
	} else {
		text = mem_str(mem, form_body(f, "choices", 1024 * 1024));
		while ((line = strsep(&text, "\n")))
			add_choice(mem, f, out, line);
	}
	if (json_object_array_length(out) == 0)
		form_fail(f, "choices",
		    "Give at least one choice, each on a line of its own.");
	if (json_object_array_length(out) > CHOICES_MAX)
		form_fail(f, "choices", "A field has at most %d choices.", CHOICES_MAX);
	return out;
}

static enum err check_room(struct db *db, void *mem, int64_t brand, struct form *f)
{
	struct field *all;
	size_t n;
	enum err e = field_all(db, mem, brand, &all, &n);

	if (e == OK && n >= FIELDS_MAX)
		return form_fail(f, "label",
		    "A brand has at most %d fields. Delete one first.", FIELDS_MAX);
	return e;
}

enum err field_create(struct db *db, void *mem, int64_t brand, struct form *f,
    int64_t now, struct field **out)
{
	struct field *x = mem_new(mem, struct field);
	const char *key = text_empty(form_get(f, "key"))
	    ? NULL
	    : form_line(f, "key", 1, FIELD_KEY_MAX);
	enum err e;

	x->brand_id = brand;
	x->label = mem_str(x, form_line(f, "label", key ? 0 : 1, FIELD_LABEL_MAX));
	if (!key)
		key = field_key(x, x->label);
	if (!key && form_ok(f))
		form_fail(f, "key",
		    "Give a key of the letters a-z for templates and files.");
	if (key)
		check_key(f, key);
	x->key = mem_str(x, key);
	if (!*x->label)
		x->label = x->key;
	x->type = (enum field_type)form_choice(f, "type", type_words, FIELD_TEXT);
	x->choices = x->type == FIELD_CHOICE ? read_choices(x, f) : json_arr(x);
	if (!form_ok(f))
		return ERR_INVALID;
	e = check_room(db, x, brand, f);
	if (e == OK)
		e = field_row_insert(db, x, now);
	if (e == ERR_CONFLICT)
		form_fail(f, "key", "There is a field “%s” already.", x->key);
	*out = x;
	return e;
}

enum err field_change(struct db *db, void *mem, struct field *x, struct form *f)
{
	if (form_has(f, "label"))
		x->label = mem_str(mem, form_line(f, "label", 1, FIELD_LABEL_MAX));
	if (form_has(f, "choices") && x->type == FIELD_CHOICE)
		x->choices = read_choices(mem, f);
	if (form_has(f, "key") && !text_equal(form_get(f, "key"), x->key))
		form_fail(f, "key", "A key stays as it is: templates use it.");
	if (form_has(f, "type") &&
	    !text_equal(form_get(f, "type"), field_type_name(x->type)))
		form_fail(f, "type",
		    "The type stays as it is: values of it are stored.");
	if (!form_ok(f))
		return ERR_INVALID;
	return field_row_update(db, x);
}

struct json_object *field_json(void *mem, const struct field *x)
{
	struct json_object *o = json_obj(mem);

	json_set_int(o, "id", x->id);
	json_set_text(o, "key", x->key);
	json_set_text(o, "label", x->label);
	json_set_text(o, "type", field_type_name(x->type));
	json_set(o, "choices", x->choices);
	return o;
}
