#include "service/field.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

enum { SHOWN = 40, DIGITS = 64 };

/* clang-format off */
static const char *const yes[] = { "true", "1", "yes", "on", "y", "ja", "j", "oui", "si", "sí",
	"sim", "tak", "x", "wahr", "vrai", "да", "はい", "是", NULL };
/* clang-format on */
/* clang-format off */
static const char *const no[] = { "false", "0", "no", "off", "n", "nein", "non", "não", "nie",
	"falsch", "faux", "нет", "いいえ", "否", "-", NULL };
/* clang-format on */
enum { STRICT_WORDS = 4 }; /* of yes and no, what a form or the API may say */

static bool among(const char *s, const char *const *words, size_t max)
{
	for (size_t i = 0; words[i] && i < max; i++)
		if (text_equal(s, words[i]))
			return true;
	return false;
}

static const char *complain(void *mem, const struct field *f, const char *text,
    const char *what)
{
	bool longer = text_length(text) > SHOWN;
	size_t n = strlen(text);

	while (longer && (n > SHOWN || ((unsigned char)text[n] & 0xC0) == 0x80))
		n--;
	return mem_printf(mem, "%s: “%.*s%s” is not %s.", f->label, (int)n, text,
	    longer ? "…" : "", what);
}

/*
 * "1.234,56", "1,234.56", "1 234,56", "12,5" -> C notation.  A lone comma is the
 * decimal sign unless exactly three digits follow it; of two kinds of sign the last one
 * is it.
 */
static void plain_number(const char *text, char *out)
{
	const char *comma = strrchr(text, ','), *dot = strrchr(text, '.');
	char decimal = comma && (!dot || comma > dot) ? ',' : '.';
	size_t n = 0;

	if (comma && !dot && (strlen(comma) == 4 || strchr(text, ',') != comma))
		decimal = '.';
	if (dot && !comma && strchr(text, '.') != dot)
		decimal = ',';
	for (const char *p = text; *p && n < DIGITS - 1; p++) {
		if (*p == decimal)
			out[n++] = '.';
		else if (*p != ',' && *p != '.' && *p != ' ' && *p != '\'' &&
		    *p != '\xC2' && *p != '\xA0')
			out[n++] = *p;
	}
	out[n] = '\0';
}

static struct json_object *number(void *mem, const char *text, bool loose)
{
	char plain[DIGITS];
	int64_t whole;
	double v;

	snprintf(plain, sizeof(plain), "%s", text);
	if (strlen(text) >= DIGITS)
		return NULL;
	if (loose)
		plain_number(text, plain);
	if (text_to_int(plain, -(1LL << 53), 1LL << 53, &whole))
		return json_own(mem, json_object_new_int64(whole));
	if (!text_to_double(plain, &v))
		return NULL;
	if (v == floor(v) && fabs(v) < 9e15)
		return json_own(mem, json_object_new_int64((int64_t)v));
	snprintf(plain, sizeof(plain), "%.15g", v);
	return json_own(mem, json_object_new_double_s(v, plain));
}

/* Three numbers with signs between them; what follows may only be a time of day. */
static bool three(const char *s, int v[3], size_t len[3])
{
	for (int i = 0; i < 3; i++) {
		v[i] = 0;
		for (len[i] = 0; isdigit((unsigned char)*s) && len[i] < 5;
		     s++, len[i]++)
			v[i] = v[i] * 10 + (*s - '0');
		if (len[i] == 0 || len[i] > 4)
			return false;
		if (i < 2 && !(*s && strchr("-./ ", *s)))
			return false;
		s += i < 2 ? 1 + (s[1] == ' ') : 0;
	}
	return *s == '\0' || *s == ' ' || *s == 'T' || (*s == '.' && s[1] == '\0');
}

/* Month names are left to the person: files of that kind can be mapped to a text field.
 */
static struct json_object *date(void *mem, const char *text,
    const struct field_reading *how)
{
	static const int order[][3] = { [DATES_YMD] = { 0, 1, 2 },
		[DATES_DMY] = { 2, 1, 0 },
		[DATES_MDY] = { 2, 0, 1 } };
	int v[3], year;
	size_t len[3];
	char out[40];

	if (!three(text, v, len))
		return NULL;
	const int *o = order[len[0] == 4 ? DATES_YMD : how->dates];
	if (len[o[0]] == 2 && how->loose)
		v[o[0]] += v[o[0]] < 70 ? 2000 : 1900;
	year = v[o[0]];
	if (year < 1000 || v[o[1]] > 99 || v[o[2]] > 99)
		return NULL;
	snprintf(out, sizeof(out), "%04d-%02d-%02d", year, v[o[1]], v[o[2]]);
	return date_valid(out) ? json_own(mem, json_object_new_string(out)) : NULL;
}

static struct json_object *boolean(void *mem, const char *text, bool loose)
{
	const char *low = text_lower(mem, text);
	size_t max = loose ? SIZE_MAX : STRICT_WORDS;

	if (among(low, yes, max))
		return json_own(mem, json_object_new_boolean(1));
	if (among(low, no, max))
		return json_own(mem, json_object_new_boolean(0));
	return NULL;
}

static struct json_object *choice(void *mem, const struct field *f, const char *text,
    const struct field_reading *how)
{
	size_t n = json_object_array_length(f->choices);
	const char *low = how->loose ? text_lower(mem, text) : text;

	for (size_t i = 0; i < n; i++) {
		struct json_object *c = json_object_array_get_idx(f->choices, i);
		const char *s = json_object_get_string(c);

		if (text_equal(s, text) ||
		    (how->loose && text_equal(text_lower(mem, s), low)))
			return json_own(mem, json_object_new_string(s));
	}
	if (how->new_choices && n < CHOICES_MAX && !text_has_control(text)) {
		json_push_text(f->choices, text);
		return json_own(mem, json_object_new_string(text));
	}
	return NULL;
}

static const char *const what[] = {
	[FIELD_NUMBER] = "a number",
	[FIELD_DATE] = "a date like 2026-11-24",
	[FIELD_BOOLEAN] = "yes or no",
	[FIELD_CHOICE] = "one of the choices",
};

static struct json_object *convert(void *mem, const struct field *f, const char *text,
    const struct field_reading *how)
{
	switch (f->type) {
	case FIELD_NUMBER: return number(mem, text, how->loose);
	case FIELD_DATE: return date(mem, text, how);
	case FIELD_BOOLEAN: return boolean(mem, text, how->loose);
	case FIELD_CHOICE: return choice(mem, f, text, how);
	case FIELD_TEXT: break;
	}
	return json_own(mem, json_object_new_string(text));
}

enum err field_value(void *mem, const struct field *f, const char *text,
    const struct field_reading *how, struct json_object **out, const char **why)
{
	const char *s = text_trim(mem, text ? text : "");

	*out = NULL;
	if (!*s)
		return OK;
	if (!text_is_utf8(s, strlen(s))) {
		*why = mem_printf(mem, "%s: the value has bytes that are no text.",
		    f->label);
		return ERR_INVALID;
	}
	if (how->loose)
		s = text_one_line(mem, s);
	if (text_has_control(s)) {
		*why = mem_printf(mem,
		    "%s: use one line, without line breaks or control characters.",
		    f->label);
		return ERR_INVALID;
	}
	if (text_length(s) > VALUE_MAX) {
		*why = mem_printf(mem, "%s: the value is longer than %d characters.",
		    f->label, VALUE_MAX);
		return ERR_INVALID;
	}
	*out = convert(mem, f, s, how);
	if (*out)
		return OK;
	*why = complain(mem, f, s, what[f->type]);
	return ERR_INVALID;
}
