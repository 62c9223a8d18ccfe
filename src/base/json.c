#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { DEPTH_MAX = 32 };

struct owned {
	struct json_object *o;
};

static int put(struct owned *w)
{
	json_object_put(w->o);
	return 0;
}

/* json-c allocates by itself and says NULL when it cannot. */
static struct json_object *given(struct json_object *o)
{
	if (o == NULL)
		abort();
	return o;
}

struct json_object *json_own(void *mem, struct json_object *o)
{
	struct owned *w;

	if (o == NULL)
		return NULL;
	w = mem_new(mem, struct owned);
	w->o = o;
	mem_on_free(w, put);
	return o;
}

struct json_object *json_obj(void *mem)
{
	return json_own(mem, given(json_object_new_object()));
}

struct json_object *json_arr(void *mem)
{
	return json_own(mem, given(json_object_new_array()));
}

/* ---- setters ---- */

static struct json_object *text_new(const char *v)
{
	return v ? given(json_object_new_string(v)) : NULL;
}

/* Hands the reference of `child` over. */
static struct json_object *give(struct json_object *o, const char *key,
    struct json_object *child)
{
	if (json_object_object_add(o, key, child) != 0)
		abort();
	return o;
}

static void give_item(struct json_object *arr, struct json_object *child)
{
	if (json_object_array_add(arr, child) != 0)
		abort();
}

struct json_object *json_set_text(struct json_object *o, const char *key, const char *v)
{
	return give(o, key, text_new(v));
}

struct json_object *json_set_int(struct json_object *o, const char *key, int64_t v)
{
	return give(o, key, given(json_object_new_int64(v)));
}

/*
 * The shortest text that reads back as the same number: 0.1, not 0.10000000000000001.
 */
struct json_object *json_set_double(struct json_object *o, const char *key, double v)
{
	char text[40];

	if (!isfinite(v))
		return give(o, key, NULL);
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	return give(o, key, given(json_object_new_double_s(v, text)));
}

struct json_object *json_set_bool(struct json_object *o, const char *key, bool v)
{
	return give(o, key, given(json_object_new_boolean(v)));
}

struct json_object *json_set_time(struct json_object *o, const char *key, int64_t ms)
{
	char *text;

	if (ms == 0)
		return give(o, key, NULL);
	text = time_rfc3339(NULL, ms);
	json_set_text(o, key, text);
	mem_free(text);
	return o;
}

struct json_object *json_set(struct json_object *o, const char *key,
    struct json_object *child)
{
	return give(o, key, json_object_get(child));
}

void json_push(struct json_object *arr, struct json_object *child)
{
	give_item(arr, json_object_get(child));
}

void json_push_text(struct json_object *arr, const char *v)
{
	give_item(arr, text_new(v));
}

void json_push_int(struct json_object *arr, int64_t v)
{
	give_item(arr, given(json_object_new_int64(v)));
}

/* ---- getters ---- */

struct json_object *json_get(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (json_object_is_type(o, json_type_object))
		json_object_object_get_ex(o, key, &v);
	return v;
}

const char *json_text(struct json_object *o, const char *key, const char *dflt)
{
	struct json_object *v = json_get(o, key);

	if (!json_object_is_type(v, json_type_string))
		return dflt;
	return json_object_get_string(v);
}

int64_t json_int(struct json_object *o, const char *key, int64_t dflt)
{
	struct json_object *v = json_get(o, key);

	return json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : dflt;
}

bool json_flag(struct json_object *o, const char *key, bool dflt)
{
	struct json_object *v = json_get(o, key);

	if (!json_object_is_type(v, json_type_boolean))
		return dflt;
	return json_object_get_boolean(v);
}

/* ---- reading and writing ---- */

/*
 * What json-c lets pass: 'text' in single quotes and controls inside text.  And a NUL,
 * which would cut text short in C and is refused by PostgreSQL, raw or escaped.  NULL:
 * nothing.
 */
static const char *oddity(const char *s, size_t n, size_t *at)
{
	bool inside = false;

	for (size_t i = 0; i < n; i++) {
		*at = i;
		if (s[i] == '\0' || (inside && (unsigned char)s[i] < 0x20))
			return "a control character in text";
		if (s[i] == '\'' && !inside)
			return "a single quote";
		if (s[i] == '"')
			inside = !inside;
		if (s[i] != '\\')
			continue;
		i++; /* what is escaped neither ends the text nor escapes */
		if (n - i >= 5 && memcmp(s + i, "u0000", 5) == 0)
			return "a NUL character";
	}
	return NULL;
}

/* json-c reads NaN and Infinity, which are not JSON; 1e999 becomes infinite too. */
static bool all_finite(struct json_object *o)
{
	if (json_object_is_type(o, json_type_double))
		return isfinite(json_object_get_double(o));
	if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++) {
			if (!all_finite(json_object_array_get_idx(o, i)))
				return false;
		}
	}
	if (json_object_is_type(o, json_type_object)) {
		json_object_object_foreach (o, key, v) {
			(void)key;
			if (!all_finite(v))
				return false;
		}
	}
	return true;
}

static enum err refuse(void *mem, const char **why, const char *what, size_t at)
{
	if (why != NULL)
		*why = mem_printf(mem, "This is not valid JSON: %s at byte %zu.", what,
		    at + 1);
	return ERR_MALFORMED;
}

static enum err parse(void *mem, struct json_tokener *t, const char *s, size_t n,
    struct json_object **out, const char **why)
{
	struct json_object *o = json_tokener_parse_ex(t, s, (int)n);
	enum json_tokener_error e = json_tokener_get_error(t);
	size_t at = json_tokener_get_parse_end(t);

	if (e == json_tokener_continue) { /* a number ends only with what follows it */
		o = json_tokener_parse_ex(t, "", 1);
		e = json_tokener_get_error(t);
		at = n;
		if (e == json_tokener_continue || e == json_tokener_error_parse_eof)
			return refuse(mem, why, "it ends too early", at);
	}
	if (e != json_tokener_success)
		return refuse(mem, why, json_tokener_error_desc(e), at);
	json_own(mem, o);
	if (!all_finite(o))
		return refuse(mem, why, "a number is out of range", 0);
	*out = o;
	return OK;
}

static enum err too_much(const char **why, const char *sentence)
{
	if (why != NULL)
		*why = sentence;
	return ERR_TOO_LARGE;
}

enum err json_read(void *mem, const char *s, size_t n, struct json_object **out,
    const char **why)
{
	return json_read_within(mem, s, n, JSON_MEMORY_MAX, out, why);
}

enum err json_read_within(void *mem, const char *s, size_t n, size_t most,
    struct json_object **out, const char **why)
{
	const struct json_cost cost = json_cost(s, n);
	struct json_tokener *t;
	const char *odd;
	size_t at = 0;
	enum err e;

	*out = NULL;
	if (cost.elements > JSON_ELEMENTS_MAX)
		return too_much(why, "This JSON has more than 100000 values.");
	if (cost.bytes > most || n > INT32_MAX - 1)
		return too_much(why,
		    "This JSON would take too much memory: send fewer, or simpler, "
		    "values at once.");
	if (!text_is_utf8(s, n))
		return refuse(mem, why, "text that is not UTF-8", 0);
	odd = oddity(s, n, &at);
	if (odd != NULL)
		return refuse(mem, why, odd, at);
	t = json_tokener_new_ex(DEPTH_MAX);
	if (t == NULL)
		abort();
	json_tokener_set_flags(t, JSON_TOKENER_STRICT);
	e = parse(mem, t, s, n, out, why);
	json_tokener_free(t);
	return e;
}

char *json_write(void *mem, struct json_object *o)
{
	size_t n;
	const char *s = json_object_to_json_string_length(o,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);

	if (s == NULL)
		abort();
	return mem_strn(mem, s, n);
}

static void escape_char(struct buf *b, unsigned char c)
{
	static const char names[] = "btn?fr"; /* 8 to 13; 11 has no short name */

	if (c == '"' || c == '\\') {
		buf_char(b, '\\');
		buf_char(b, (char)c);
	} else if (c >= 8 && c <= 13 && c != 11) {
		buf_char(b, '\\');
		buf_char(b, names[c - 8]);
	} else {
		buf_printf(b, "\\u%04x", c);
	}
}

/* True if none of these eight bytes needs an escape; each term finds its kind. */
static bool is_plain(const char *s)
{
	const uint64_t each = UINT64_MAX / 255, top = each * 0x80;
	uint64_t v, quote, slash, del;

	memcpy(&v, s, sizeof(v));
	quote = v ^ each * '"';
	slash = v ^ each * '\\';
	del = v ^ each * 0x7f;
	return ((((v - each * 0x20) & ~v) | ((quote - each) & ~quote) |
		    ((slash - each) & ~slash) | ((del - each) & ~del)) &
		   top) == 0;
}

void json_escape(struct buf *b, const char *s, size_t n)
{
	size_t start = 0, i = 0;

	while (i < n) {
		unsigned char c = (unsigned char)s[i];

		if (n - i >= 8 && is_plain(s + i)) {
			i += 8;
			continue;
		}
		if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
			buf_add(b, s + start, i - start);
			escape_char(b, c);
			start = i + 1;
		}
		i++;
	}
	buf_add(b, s + start, n - start);
}
