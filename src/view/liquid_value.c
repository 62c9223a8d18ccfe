#include "view/liquid_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <inttypes.h>

#include "base/json.h"
#include "base/mem.h"

/* ---- making ---------------------------------------------------------------------- */

struct value value_nil(void)
{
	return (struct value){ .type = VALUE_NIL };
}

struct value value_bool(bool b)
{
	return (struct value){ .type = VALUE_BOOL, .truth = b };
}

struct value value_int(int64_t n)
{
	return (struct value){ .type = VALUE_INT, .number = n };
}

struct value value_float(double d)
{
	return (struct value){ .type = VALUE_FLOAT, .real = d };
}

struct value value_text(const char *s, size_t n)
{
	return (struct value){ .type = VALUE_TEXT, .len = n, .text = s };
}

struct value value_str(const char *s)
{
	return value_text(s, strlen(s));
}

struct value value_list(const struct value *items, size_t n)
{
	return (struct value){ .type = VALUE_LIST, .len = n, .items = items };
}

struct value value_json(struct json_object *o)
{
	switch (json_object_get_type(o)) {
	case json_type_boolean: return value_bool(json_object_get_boolean(o));
	case json_type_int: return value_int(json_object_get_int64(o));
	case json_type_double: return value_float(json_object_get_double(o));
	case json_type_string:
		return value_text(json_object_get_string(o),
		    (size_t)json_object_get_string_len(o));
	case json_type_array:
		return (struct value){ .type = VALUE_JSON,
			.json = o,
			.len = json_object_array_length(o) };
	case json_type_object:
		return (struct value){ .type = VALUE_JSON,
			.json = o,
			.len = (size_t)json_object_object_length(o) };
	default: return value_nil();
	}
}

/* ---- asking ---------------------------------------------------------------------- */

bool value_truth(struct value v)
{
	return v.type != VALUE_NIL && !(v.type == VALUE_BOOL && !v.truth);
}

bool value_is_object(struct value v)
{
	return v.type == VALUE_JSON && json_object_is_type(v.json, json_type_object);
}

bool value_is_list(struct value v)
{
	return v.type == VALUE_LIST || v.type == VALUE_RANGE ||
	    (v.type == VALUE_JSON && json_object_is_type(v.json, json_type_array));
}

size_t value_count(struct value v)
{
	return v.len;
}

struct value value_item(struct value v, size_t i)
{
	if (i >= v.len)
		return value_nil();
	if (v.type == VALUE_LIST)
		return v.items[i];
	if (v.type == VALUE_RANGE)
		return value_int(v.number + (int64_t)i);
	return value_json(json_object_array_get_idx(v.json, i));
}

static bool is_void(struct value v, enum value_type how)
{
	size_t i;

	if (how == VALUE_BLANK &&
	    (v.type == VALUE_NIL || (v.type == VALUE_BOOL && !v.truth)))
		return true;
	if (v.type == VALUE_EMPTY || v.type == VALUE_BLANK)
		return true;
	if (v.type == VALUE_TEXT) {
		for (i = 0; how == VALUE_BLANK && i < v.len; i++)
			if (!strchr(" \t\r\n", v.text[i]))
				return false;
		return how == VALUE_BLANK || v.len == 0;
	}
	return (value_is_list(v) || value_is_object(v)) && v.len == 0;
}

static bool lists_equal(struct value a, struct value b)
{
	size_t i;

	if (a.len != b.len)
		return false;
	for (i = 0; i < a.len; i++)
		if (!value_equal(value_item(a, i), value_item(b, i)))
			return false;
	return true;
}

bool value_equal(struct value a, struct value b)
{
	if (b.type == VALUE_EMPTY || b.type == VALUE_BLANK)
		return is_void(a, b.type);
	if (a.type == VALUE_EMPTY || a.type == VALUE_BLANK)
		return is_void(b, a.type);
	if (value_is_list(a) && value_is_list(b))
		return lists_equal(a, b);
	if (a.type == VALUE_INT && b.type == VALUE_FLOAT)
		return (double)a.number == b.real;
	if (a.type == VALUE_FLOAT && b.type == VALUE_INT)
		return a.real == (double)b.number;
	if (a.type != b.type)
		return false;
	switch (a.type) {
	case VALUE_BOOL: return a.truth == b.truth;
	case VALUE_INT: return a.number == b.number;
	case VALUE_FLOAT: return a.real == b.real;
	case VALUE_TEXT:
		return a.len == b.len &&
		    (a.len == 0 || memcmp(a.text, b.text, a.len) == 0);
	case VALUE_JSON: return json_object_equal(a.json, b.json);
	default: return a.type == VALUE_NIL;
	}
}

/* ---- fields ---------------------------------------------------------------------- */

static bool key_is(struct value key, const char *s)
{
	return key.type == VALUE_TEXT && key.len == strlen(s) &&
	    memcmp(key.text, s, key.len) == 0;
}

static bool loop_field(const struct loop *l, struct value key, struct value *out)
{
	size_t cols = l->cols ? l->cols : 1, col = l->index % cols;
	const struct {
		const char *name;
		struct value value;
	} fields[] = {
		{ "index", value_int((int64_t)l->index + 1) },
		{ "index0", value_int((int64_t)l->index) },
		{ "rindex", value_int((int64_t)(l->length - l->index)) },
		{ "rindex0", value_int((int64_t)(l->length - l->index) - 1) },
		{ "first", value_bool(l->index == 0) },
		{ "last", value_bool(l->index + 1 == l->length) },
		{ "length", value_int((int64_t)l->length) },
		{ "name", value_str(l->spec ? l->spec->label : "") },
		{ "row", value_int((int64_t)(l->index / cols) + 1) },
		{ "col", value_int((int64_t)col + 1) },
		{ "col0", value_int((int64_t)col) },
		{ "col_first", value_bool(col == 0) },
		{ "col_last",
		    value_bool(col + 1 == cols || l->index + 1 == l->length) },
	};
	size_t i;

	for (i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		if (key_is(key, fields[i].name)) {
			*out = fields[i].value;
			return true;
		}
	}
	if (!key_is(key, "parentloop") || !l->parent)
		return false;
	*out = (struct value){ .type = VALUE_LOOP, .loop = l->parent };
	return true;
}

static bool list_field(struct value v, struct value key, struct value *out)
{
	int64_t i = key.number;

	if (key_is(key, "size"))
		*out = value_int((int64_t)v.len);
	else if (key_is(key, "first") && v.len)
		*out = value_item(v, 0);
	else if (key_is(key, "last") && v.len)
		*out = value_item(v, v.len - 1);
	else if (key.type == VALUE_INT && i < 0 && i >= -(int64_t)v.len)
		*out = value_item(v, v.len - (size_t)-i);
	else if (key.type == VALUE_INT && i >= 0 && i < (int64_t)v.len)
		*out = value_item(v, (size_t)i);
	else
		return false;
	return true;
}

static bool object_field(struct arena *a, struct value v, struct value key,
    struct value *out)
{
	struct json_object *o;
	char *s;

	if (key.type != VALUE_TEXT)
		key = value_as_text(a, key);
	s = arena_take(a, key.len + 1);
	memcpy(s, key.text, key.len);
	s[key.len] = '\0';
	if (json_object_object_get_ex(v.json, s, &o)) {
		*out = value_json(o);
		return true;
	}
	if (key_is(key, "size")) {
		*out = value_int((int64_t)v.len);
		return true;
	}
	if (key_is(key, "first") && v.len) {
		*out = value_item(value_as_list(a, v), 0);
		return true;
	}
	return false;
}

static size_t characters(struct value v)
{
	size_t i, n = 0;

	for (i = 0; i < v.len; i++)
		n += ((unsigned char)v.text[i] & 0xc0) != 0x80;
	return n;
}

bool value_get(struct arena *a, struct value v, struct value key, struct value *out)
{
	if (value_is_object(v))
		return object_field(a, v, key, out);
	if (value_is_list(v))
		return list_field(v, key, out);
	if (v.type == VALUE_LOOP)
		return loop_field(v.loop, key, out);
	if (v.type != VALUE_TEXT || !key_is(key, "size"))
		return false;
	*out = value_int((int64_t)characters(v));
	return true;
}

static struct value pairs(struct arena *a, struct value v)
{
	struct value *items = arena_take(a, v.len * sizeof *items), *pair;
	struct json_object_iterator it = json_object_iter_begin(v.json),
				    end = json_object_iter_end(v.json);
	size_t i;

	if (a->full)
		return value_list(NULL, 0);
	for (i = 0; i < v.len && !json_object_iter_equal(&it, &end) && !a->full; i++) {
		pair = arena_take(a, 2 * sizeof *pair);
		pair[0] = value_str(json_object_iter_peek_name(&it));
		pair[1] = value_json(json_object_iter_peek_value(&it));
		items[i] = value_list(pair, 2);
		json_object_iter_next(&it);
	}
	return value_list(items, i);
}

struct value value_as_list(struct arena *a, struct value v)
{
	struct value *one;

	if (value_is_list(v))
		return v;
	if (value_is_object(v))
		return pairs(a, v);
	if (v.type != VALUE_TEXT || v.len == 0)
		return value_list(NULL, 0);
	one = arena_take(a, sizeof *one);
	*one = v;
	return value_list(one, 1);
}

/* ---- numbers and texts ----------------------------------------------------------- */

bool value_number(struct value v, struct value *out)
{
	char s[64], *end;
	size_t n, i = 0;

	*out = value_int(0);
	if (v.type == VALUE_INT || v.type == VALUE_FLOAT) {
		*out = v;
		return true;
	}
	if (v.type != VALUE_TEXT)
		return false;
	while (i < v.len && strchr(" \t\r\n", v.text[i]) && v.text[i])
		i++;
	n = v.len - i < sizeof s - 1 ? v.len - i : sizeof s - 1;
	memcpy(s, v.text + i, n);
	s[n] = '\0';
	n = strspn(s, "+-0123456789.");
	if (s[n] == '\0' && strchr(s, '.')) {
		double d = strtod(s, &end);

		if (*end == '\0' && end != s && end[-1] != '.') {
			*out = value_float(d);
			return true;
		}
	}
	*out = value_int(strtoll(s, &end, 10));
	return end != s && *end == '\0';
}

bool value_to_int(struct value v, int64_t *out)
{
	struct value n;

	if (!value_number(v, &n))
		return false;
	if (n.type == VALUE_INT)
		*out = n.number;
	else if (n.real >= -9e18 && n.real <= 9e18)
		*out = (int64_t)n.real;
	else
		return false;
	return true;
}

size_t float_text(double d, char *s, size_t size)
{
	int digits = 15;
	int n;

	if (!isfinite(d))
		return (size_t)snprintf(s, size, "%s",
		    isnan(d)    ? "NaN"
			: d > 0 ? "Infinity"
				: "-Infinity");
	do
		n = snprintf(s, size, "%.*g", digits, d);
	while (strtod(s, NULL) != d && ++digits <= 17);
	if (strchr(s, 'e') && fabs(d) >= 1 && fabs(d) < 1e16)
		n = snprintf(s, size, "%.1f", d);
	else if (!strpbrk(s, ".e"))
		n = snprintf(s + n, size - (size_t)n, ".0") + n;
	return (size_t)n;
}

void value_print_json(struct buf *b, struct value v)
{
	size_t i;

	if (v.type == VALUE_TEXT) {
		buf_char(b, '"');
		json_escape(b, v.text, v.len);
		buf_char(b, '"');
	} else if (v.type == VALUE_JSON) {
		buf_str(b,
		    json_object_to_json_string_ext(v.json,
			JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	} else if (value_is_list(v)) {
		buf_char(b, '[');
		for (i = 0; i < v.len; i++) {
			if (i)
				buf_char(b, ',');
			value_print_json(b, value_item(v, i));
		}
		buf_char(b, ']');
	} else if (v.type == VALUE_INT || v.type == VALUE_FLOAT ||
	    v.type == VALUE_BOOL) {
		value_print(b, v);
	} else {
		buf_str(b, "null");
	}
}

void value_print(struct buf *b, struct value v)
{
	char s[64];
	size_t i;

	switch (v.type) {
	case VALUE_TEXT: buf_add(b, v.text, v.len); return;
	case VALUE_INT: buf_int(b, v.number); return;
	case VALUE_FLOAT: buf_add(b, s, float_text(v.real, s, sizeof s)); return;
	case VALUE_BOOL: buf_str(b, v.truth ? "true" : "false"); return;
	case VALUE_RANGE:
		buf_printf(b, "%" PRId64 "..%" PRId64, v.number,
		    v.number + (int64_t)v.len - 1);
		return;
	case VALUE_LIST:
	case VALUE_JSON:
		if (value_is_object(v))
			value_print_json(b, v);
		for (i = 0; value_is_list(v) && i < v.len; i++)
			value_print(b, value_item(v, i));
		return;
	default: return;
	}
}

struct value value_as_text(struct arena *a, struct value v)
{
	struct buf *b;
	char *s;

	if (v.type == VALUE_TEXT)
		return v;
	b = buf_new(a->mem);
	value_print(b, v);
	s = arena_take(a, b->len);
	v = value_text(s, b->len);
	if (a->full)
		v.len = 0;
	else
		memcpy(s, b->data, b->len);
	mem_free(b);
	return v;
}
