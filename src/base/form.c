#include "base/form.h"

#include <inttypes.h>
#include <string.h>
#include <unistr.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

struct form {
	struct json_object *values, *errors;
	struct form_file *files;
};

struct form *form_new(void *mem)
{
	struct form *f = mem_new(mem, struct form);

	f->values = json_obj(f);
	f->errors = json_obj(f);
	return f;
}

void form_set_json(struct form *f, struct json_object *o)
{
	f->values = json_own(f, json_object_get(o));
}

/* ---- filling ---- */

/* Splits "a[b]" into "a" and "b" ("" for "a[]"); *inner is NULL for a plain name. */
static char *split(void *mem, const char *name, char **inner)
{
	const char *open = strchr(name, '[');

	*inner = NULL;
	if (open == NULL || open == name || !text_ends(open, "]"))
		return mem_str(mem, name);
	*inner = mem_strn(mem, open + 1, strlen(open) - 2);
	return mem_strn(mem, name, (size_t)(open - name));
}

/* Text of `s` with U+FFFD for what is no UTF-8, so that it can be shown again. */
static char *repaired(void *mem, const char *s)
{
	struct buf *b = buf_new(mem);
	size_t n = strlen(s);

	for (size_t i = 0; i < n;) {
		ucs4_t c;
		int k = u8_mbtouc(&c, (const uint8_t *)s + i, n - i);

		if (c == 0xfffd)
			buf_str(b, "\xef\xbf\xbd");
		else
			buf_add(b, s + i, (size_t)k);
		i += (size_t)k;
	}
	return b->data;
}

/* A second value of a name makes an array of the two. */
static void put(struct json_object *o, const char *key, const char *value, bool list)
{
	struct json_object *have = json_get(o, key);
	struct json_object *arr;

	if (json_object_is_type(have, json_type_object))
		return; /* a=1 after a[b]=1: the first shape stays */
	if (have == NULL && !list) {
		json_set_text(o, key, value);
		return;
	}
	arr = have;
	if (!json_object_is_type(have, json_type_array)) {
		arr = json_object_new_array();
		if (have != NULL)
			json_push(arr, have);
		json_set(o, key, arr);
		json_object_put(arr);
	}
	json_push_text(arr, value);
}

/* The object at `key`, made if there is none. */
static struct json_object *child(struct json_object *o, const char *key)
{
	struct json_object *have = json_get(o, key);

	if (!json_object_is_type(have, json_type_object)) {
		have = json_object_new_object();
		json_set(o, key, have);
		json_object_put(have);
	}
	return have;
}

void form_add(struct form *f, const char *name, const char *value)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "form_add");
	char *inner, *outer;

	if (!text_is_utf8(name, strlen(name)))
		return;
	outer = split(tmp, name, &inner);
	if (!text_is_utf8(value, strlen(value))) {
		value = repaired(tmp, value);
		form_fail(f, name,
		    "Some characters could not be read. Please type this again.");
	}
	if (text_empty(inner))
		put(f->values, outer, value, inner != NULL);
	else
		put(child(f->values, outer), inner, value, false);
}

void form_add_file(struct form *f, const struct form_file *file)
{
	struct form_file **end = &f->files;
	struct form_file *copy = mem_copy(f, file, sizeof(*file));

	copy->field = mem_str(copy, file->field);
	copy->name = mem_str(copy, file->name);
	copy->type = mem_str(copy, file->type);
	copy->next = NULL;
	while (*end != NULL)
		end = &(*end)->next;
	*end = copy;
}

const struct form_file *form_file(const struct form *f, const char *field)
{
	const struct form_file *file = f->files;

	while (file != NULL && !text_equal(file->field, field))
		file = file->next;
	return file;
}

const struct form_file *form_files(const struct form *f)
{
	return f->files;
}

struct json_object *form_values(const struct form *f)
{
	return f->values;
}

struct json_object *form_errors(const struct form *f)
{
	return f->errors;
}

/* ---- reading ---- */

struct json_object *form_json(const struct form *f, const char *name)
{
	struct json_object *v = json_get(f->values, name);
	char *inner, *outer;

	if (v != NULL || strchr(name, '[') == NULL)
		return v;
	outer = split(NULL, name, &inner);
	v = json_get(f->values, outer);
	if (!text_empty(inner))
		v = json_get(v, inner);
	mem_free(inner);
	mem_free(outer);
	return v;
}

bool form_has(const struct form *f, const char *name)
{
	return form_json(f, name) != NULL;
}

/* The value a scalar getter means: the last of a repeated name. */
static struct json_object *last(const struct form *f, const char *name)
{
	struct json_object *v = form_json(f, name);
	size_t n;

	if (!json_object_is_type(v, json_type_array))
		return v;
	n = json_object_array_length(v);
	return n > 0 ? json_object_array_get_idx(v, n - 1) : NULL;
}

static bool is_scalar(struct json_object *v)
{
	return v != NULL && !json_object_is_type(v, json_type_array) &&
	    !json_object_is_type(v, json_type_object);
}

const char *form_get(const struct form *f, const char *name)
{
	struct json_object *v = last(f, name);

	return is_scalar(v) ? json_object_get_string(v) : NULL;
}

/*
 * "" where the getter has nothing to work with; an error if that is not for want of a
 * value.
 */
static const char *scalar(struct form *f, const char *name)
{
	struct json_object *v = last(f, name);

	if (v == NULL)
		return "";
	if (!is_scalar(v)) {
		form_fail(f, name, "Give one value here, not a list.");
		return "";
	}
	return json_object_get_string(v);
}

/* "\r\n", as browsers send it, counts as one character to the person who typed it. */
static void unify_line_ends(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (s[0] == '\r' && s[1] == '\n')
			continue;
		*to++ = *s == '\r' ? '\n' : *s;
	}
	*to = '\0';
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static const char *fitting(struct form *f, const char *name, size_t min, size_t max)
{
	char *s = text_trim(f, scalar(f, name));
	size_t n;

	unify_line_ends(s);
	n = text_length(s);
	if (n == 0 && min > 0)
		form_fail(f, name, "Please fill this in.");
	else if (n < min)
		form_fail(f, name, "Use at least %zu character%s.", min, plural(min));
	else if (n > max)
		form_fail(f, name, "Use at most %zu character%s; this has %zu.", max,
		    plural(max), n);
	return s;
}

const char *form_text(struct form *f, const char *name, size_t min, size_t max)
{
	const char *s = fitting(f, name, min, max);

	if (text_has_odd_control(s))
		form_fail(f, name,
		    "There is a control character in it, which nobody can see. Type "
		    "it again instead of pasting it.");
	return s;
}

const char *form_line(struct form *f, const char *name, size_t min, size_t max)
{
	const char *s = fitting(f, name, min, max);

	if (text_has_control(s))
		form_fail(f, name,
		    "Use one line, without line breaks or control characters.");
	return s;
}

const char *form_body(struct form *f, const char *name, size_t max)
{
	const char *s = scalar(f, name);
	size_t n = strlen(s);

	if (n > max)
		form_fail(f, name, "This is too long: %zu KB, and at most %zu KB fit.",
		    n / 1024 + 1, max / 1024);
	return s;
}

int64_t form_int(struct form *f, const char *name, int64_t min, int64_t max,
    int64_t dflt)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "form_int");
	const char *s = text_trim(tmp, scalar(f, name));
	int64_t v = dflt;

	if (text_empty(s) || text_to_int(s, min, max, &v))
		return v;
	if (!text_to_int(s, INT64_MIN, INT64_MAX, &v))
		form_fail(f, name, "Enter a whole number.");
	else if (max == INT64_MAX)
		form_fail(f, name, "Enter a number of at least %" PRId64 ".", min);
	else
		form_fail(f, name, "Enter a number from %" PRId64 " to %" PRId64 ".",
		    min, max);
	return dflt;
}

bool form_bool(struct form *f, const char *name, bool dflt)
{
	static const char *const words[] = { "0", "1", "false", "true", "off", "on" };
	const char *s = scalar(f, name);

	if (text_empty(s))
		return dflt;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(s, words[i]) == 0)
			return i % 2 == 1;
	}
	form_fail(f, name, "Answer yes (1) or no (0).");
	return dflt;
}

int64_t form_time(struct form *f, const char *name, const char *zone)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "form_time");
	const char *s = text_trim(tmp, scalar(f, name));
	int64_t ms;

	if (text_empty(s))
		return 0;
	if (time_parse_rfc3339(s, &ms) || time_parse_local(s, zone, &ms))
		return ms;
	if (time_parse_local(s, "UTC", &ms))
		form_fail(f, name,
		    "The clocks in %s skip this time when they go forward. "
		    "Choose another.",
		    zone);
	else
		form_fail(f, name,
		    "Enter a date and a time, such as 2026-11-24 09:00.");
	return 0;
}

int form_choice(struct form *f, const char *name, const char *const *words, int dflt)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "form_choice");
	struct buf *all = buf_new(tmp);
	const char *s = scalar(f, name);

	if (text_empty(s))
		return dflt;
	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(s, words[i]) == 0)
			return i;
		buf_printf(all, "%s%s", i > 0 ? ", " : "", words[i]);
	}
	form_fail(f, name, "Choose one of: %s.", all->data);
	return dflt;
}

/* ---- ids ---- */

struct ids {
	struct form *f;
	const char *name;
	int64_t *list;
	size_t n, max;
};

static void add_id(struct ids *ids, const char *s)
{
	int64_t id;

	if (!text_to_int(s, 1, INT64_MAX, &id)) {
		form_fail(ids->f, ids->name, "Choose from the list.");
		return;
	}
	for (size_t i = 0; i < ids->n; i++) {
		if (ids->list[i] == id)
			return;
	}
	if (ids->n == ids->max) {
		form_fail(ids->f, ids->name, "Choose at most %zu.", ids->max);
		return;
	}
	ids->list[ids->n++] = id;
}

/* "1,2" or a number; blanks around commas are fine, nothing between them too. */
static void add_ids(struct ids *ids, struct json_object *v)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "form_ids");
	char *rest, *part;

	if (!is_scalar(v)) {
		if (v != NULL)
			form_fail(ids->f, ids->name, "Choose from the list.");
		return;
	}
	rest = mem_str(tmp, json_object_get_string(v));
	while ((part = strsep(&rest, ",")) != NULL) {
		part = text_trim(tmp, part);
		if (!text_empty(part))
			add_id(ids, part);
	}
}

size_t form_ids(struct form *f, void *mem, const char *name, size_t max, int64_t **out)
{
	struct json_object *v = form_json(f, name);
	struct ids ids = { .f = f, .name = name, .max = max };

	ids.list = mem_array(mem, int64_t, max > 0 ? max : 1);
	if (json_object_is_type(v, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(v); i++)
			add_ids(&ids, json_object_array_get_idx(v, i));
	} else {
		add_ids(&ids, v);
	}
	*out = ids.list;
	return ids.n;
}

/* ---- errors ---- */

enum err form_fail(struct form *f, const char *field, const char *fmt, ...)
{
	va_list ap;
	char *sentence;

	if (json_get(f->errors, field) != NULL)
		return ERR_INVALID;
	va_start(ap, fmt);
	sentence = mem_vprintf(f, fmt, ap);
	va_end(ap);
	json_set_text(f->errors, field, sentence);
	mem_free(sentence);
	return ERR_INVALID;
}

bool form_ok(const struct form *f)
{
	return json_object_object_length(f->errors) == 0;
}

const char *form_error(const struct form *f, const char *field)
{
	return json_text(f->errors, field, NULL);
}
